"""Why a file cannot be a plug-in for this computer, found without loading it."""

import ctypes
import sys
from pathlib import Path

__all__ = ["explain", "is_uri"]

_ELF = b"\x7fELF"
_MACHINES = {3: "32-bit x86", 40: "32-bit ARM", 62: "x86_64", 183: "ARM64", 243: "RISC-V"}
_ENTRIES = (b"VSTPluginMain", b"GetPluginFactory", b"lv2_descriptor")


def is_uri(plugin: str) -> bool:
    """Returns whether this names an LV2 plug-in, which is found by its address.

    Example:
        >>> is_uri("http://zynaddsubfx.sourceforge.net"), is_uri("/usr/lib/vst/amsynth_vst.so")
        (True, False)
    """
    return "://" in plugin or plugin.startswith("urn:")


def explain(plugin: str) -> str:
    """Returns why a plug-in could not be loaded, in words, as far as its file tells.

    Args:
        plugin: Its path or LV2 address.

    Example:
        >>> explain("/nowhere/at_all.so")
        'there is no such file'
    """
    if is_uri(plugin):
        return "no LV2 plug-in with this address is installed"
    path = Path(plugin)
    if not path.exists():
        return "there is no such file"
    if path.is_dir():
        return "this folder is no plug-in that can be loaded here"
    head = path.read_bytes()
    if sys.platform == "linux":
        if head[:4] != _ELF:
            return "not a plug-in: not a program library of this system"
        mine, its = _machine(Path(sys.executable).read_bytes()[:20]), _machine(head[:20])
        if mine != its:
            return f"made for {its}, and this computer is {mine}"
    if not any(entry in head for entry in _ENTRIES):
        return "not a plug-in: it has no entry for hosts, such as VSTPluginMain"
    try:
        ctypes.CDLL(str(path))
    except OSError as error:  # the system's words name what is missing
        return str(error).removeprefix(f"{path}: ")
    return "the plug-in refused to start"


def _machine(head: bytes) -> str:
    """What an ELF file runs on."""
    order = "big" if head[5:6] == b"\x02" else "little"
    number = int.from_bytes(head[18:20], order)
    return _MACHINES.get(number, f"machine {number}")
