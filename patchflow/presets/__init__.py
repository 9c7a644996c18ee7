"""What a preset is: parameters, spaces, presets, native files and the library.

In come preset files of any synth, out come `Preset`s with values in native units, points of the unit cube for
models and searches, and files again. Open `space.py` first.

* `space.py`       the parameters of a synth: `Knob`, `Steps` or `Choice`; and presets as points of the unit cube
* `preset.py`      values, and the state beyond them; names in the letters that a format has, and what they say
* `files.py`       reads and writes files of any registered format; `archives.py` opens what they come in
* `formats/`       one preset file format, one file
* `dx7.py`         the parameters of the DX7
* `vital/`         the parameters and documents of Vital
* `vst2.py`, `vst3.py`  the containers that presets of plug-ins come in
* `library/`       the user's own presets in an SQLite file
"""

from .files import chosen_voice, read_presets, write_presets
from .formats import Mended, ReadReport, Rejected
from .library.entry import Entry, ImportReport, Label
from .library.library import Library
from .preset import Preset, check
from .space import Choice, Knob, Parameter, ParamSpace, Steps, Value

__all__ = [
    "Choice",
    "Entry",
    "ImportReport",
    "Knob",
    "Label",
    "Library",
    "Mended",
    "ParamSpace",
    "Parameter",
    "Preset",
    "ReadReport",
    "Rejected",
    "Steps",
    "Value",
    "check",
    "chosen_voice",
    "read_presets",
    "write_presets",
]
