"""Preset files: one format, one file.

In comes the content of a file as bytes, out come presets and the reasons why others were rejected, and back.
`formats["syx"]()` makes a format. Open `_format.py` first.

* `_format.py`        the interface of a format, and the report of reading a file
* `json.py`           patchflow's own text format, for presets of any synth; how JSON is parsed, also for `vital`
* `syx.py`            DX7 dumps; `_sysex.py` takes messages out of MIDI files and text, and names what is no voice,
                      `_dx7_dumps.py` finds dumps in them, `_dx7_voice.py` knows the bits of a voice, and finds
                      voices without messages
* `vital.py`          one preset of Vital
* `fxp.py`, `fxb.py`  one preset and a bank of any VST2 plug-in
* `vstpreset.py`      one preset of any VST3 plug-in
* `amsynth.py`        banks of amsynth
"""

from ...registry import Registry
from ._format import Mended, PresetFormat, ReadReport, Rejected

__all__ = ["Mended", "PresetFormat", "ReadReport", "Rejected", "formats"]

formats: Registry[type[PresetFormat]] = Registry("patchflow.presets.formats", "format")
