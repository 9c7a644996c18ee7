"""The class id of a VST3 plug-in, by which its presets know it."""

import ctypes
import sys
from pathlib import Path

from ..errors import EngineError

__all__ = ["class_id"]

_COUNT, _INFO = 4, 5  # functions of a plug-in's factory
_SOUND = b"Audio Module Class"
_FOLDERS = ("*-linux/*.so", "MacOS/*", "*-win/*.vst3")


def class_id(plugin: str) -> str:
    """Returns the id of the class that makes sound, as the plug-in's factory tells it.

    Args:
        plugin: The plug-in's file or bundle, which is loaded already.

    Raises:
        EngineError: If there is none.
    """
    library = ctypes.CDLL(str(_library(Path(plugin))))
    library.GetPluginFactory.restype = ctypes.c_void_p
    factory = library.GetPluginFactory()
    calls = ctypes.cast(ctypes.cast(factory, ctypes.POINTER(ctypes.c_void_p))[0], ctypes.POINTER(ctypes.c_void_p))
    count = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(calls[_COUNT])
    info = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.c_char_p)(calls[_INFO])
    for index in range(count(factory)):
        about = ctypes.create_string_buffer(256)
        if info(factory, index, about) == 0 and about.raw[20:52].split(b"\0")[0] == _SOUND:
            return _text(about.raw[:16])
    raise EngineError("has no class that makes sound")


def _text(raw: bytes) -> str:
    if sys.platform == "win32":  # there the first three numbers are little-endian
        raw = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    return raw.hex().upper()


def _library(plugin: Path) -> Path:
    if plugin.is_file():
        return plugin
    found = (file for pattern in _FOLDERS for file in sorted(plugin.glob(f"Contents/{pattern}")))
    library = next(found, None)
    if library is None:
        raise EngineError(f"{plugin}: this bundle has no library")
    return library
