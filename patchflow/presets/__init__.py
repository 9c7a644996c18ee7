"""What a preset is: parameters, spaces, presets, native files and the library."""

from .parameters import Choice, Knob, Parameter, Steps, Value
from .preset import Preset
from .space import ParamSpace

__all__ = ["Choice", "Knob", "ParamSpace", "Parameter", "Preset", "Steps", "Value"]
