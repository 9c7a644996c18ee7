"""Synths in processes of their own, so that one that crashes, hangs or remembers takes nothing else along."""

from ..registry import Registry
from ._fresh import WAYS
from ._host import Answer, Host
from ._process import HostProcess

__all__ = ["WAYS", "Answer", "Host", "HostProcess", "hosts"]

hosts: Registry[type[Host]] = Registry("patchflow.hosts", "host")
