"""Whose a preset of a plug-in's own format is."""

from .vst2 import plugin_id
from .vst3 import class_id

__all__ = ["owner"]


def owner(data: bytes) -> str:
    """Returns the id of the plug-in a preset is for: four letters of a VST2, 32 digits of a VST3, "" if unknown.

    Example:
        >>> owner(b"anything")
        ''
    """
    return plugin_id(data) or class_id(data)
