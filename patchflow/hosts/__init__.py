"""Synths in processes of their own: one that crashes or hangs does no harm, and none remembers.

A host loads one synth and answers questions about it. In comes a question: a word, arguments that fit into JSON, and
bytes; out comes an `Answer`: facts that fit into JSON, and bytes such as samples. Open `_host.py` first.

* `_host.py`       the interface of a host, the messages between the two processes, and how a host ends with its parent
* `_process.py`    the parent's side: starts the process, asks, ends it if it hangs, starts it again if it dies
* `__main__.py`    the host's side: waits for questions and answers them
* `_fresh.py`      how every question gets a fresh instrument: a copy of the process, or a reload
* `_installed.py`  plug-ins as they lie on disk: where, under which names, and why one cannot be loaded
* `dawdreamer.py`  plug-ins: VST2, VST3, LV2, AU
* `vita.py`        Vital
"""

from ..registry import Registry
from ._fresh import WAYS
from ._host import Answer, Host
from ._installed import Lv2Plugin, bundle_plugins, find_lv2, found_by_name, is_uri, plain_name
from ._process import HostProcess

__all__ = [
    "WAYS",
    "Answer",
    "Host",
    "HostProcess",
    "Lv2Plugin",
    "bundle_plugins",
    "find_lv2",
    "found_by_name",
    "hosts",
    "is_uri",
    "plain_name",
]

hosts: Registry[type[Host]] = Registry("patchflow.hosts", "host")
