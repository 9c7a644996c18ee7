"""One preset of any VST3 plug-in: `.vstpreset` files."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from ...errors import PresetError
from ..preset import Preset
from ..vst3 import class_id, parse_vstpreset
from ._format import Mended, PresetFormat, ReadReport, only_preset

__all__ = ["Vstpreset"]


class Vstpreset(PresetFormat):
    """One preset of a VST3 plug-in, as hosts load and save it.

    Only the plug-in can read its values, see `Engine.unpack`.

    Example:
        >>> from patchflow.presets.vst3 import VstPreset
        >>> preset = Preset("", {}, name="Pluck", state=VstPreset("AB" * 16, b"anything", name="Pluck").pack())
        >>> Vstpreset().read(Vstpreset().write([preset])).presets == (preset,)
        True
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".vstpreset",)
    opaque: ClassVar[bool] = True
    single: ClassVar[bool] = True

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is a VST3 preset; see `PresetFormat`."""
        return bool(class_id(data))

    def read(self, data: bytes) -> ReadReport:
        """Reads the preset; see `PresetFormat`."""
        found = parse_vstpreset(data)
        mended = tuple(Mended(0, fault) for fault in found.mended)
        state = found.sound if mended else data
        return ReadReport((Preset("", {}, name=found.name, state=state),), mended=mended)

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a file of one preset, of which `state` is a VST3 preset; see `PresetFormat`."""
        preset = only_preset(presets, self.extensions[0])
        if not class_id(preset.state):
            raise PresetError(f"{preset.name or 'preset'}: is not of a VST3 plug-in, and .vstpreset is for those only")
        found = parse_vstpreset(preset.state)
        return preset.state if found.name == preset.name else replace(found, name=preset.name).pack()
