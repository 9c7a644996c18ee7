"""Synths in processes of their own, so that one that crashes, hangs or remembers takes nothing else along."""

from ..registry import Registry
from ._host import Answer, Host
from ._process import HostProcess

__all__ = ["Answer", "Host", "HostProcess", "hosts"]

hosts: Registry[type[Host]] = Registry("patchflow.hosts", "host")
