"""What a preset is: parameters, spaces, presets, native files and the library."""

from .files import read_presets, write_presets
from .formats import ReadReport, Rejected
from .library.entry import Entry, ImportReport, Label
from .library.library import Library
from .parameters import Choice, Knob, Parameter, Steps, Value
from .preset import Preset, check
from .space import ParamSpace

__all__ = [
    "Choice",
    "Entry",
    "ImportReport",
    "Knob",
    "Label",
    "Library",
    "ParamSpace",
    "Parameter",
    "Preset",
    "ReadReport",
    "Rejected",
    "Steps",
    "Value",
    "check",
    "read_presets",
    "write_presets",
]
