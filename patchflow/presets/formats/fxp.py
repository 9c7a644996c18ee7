"""One preset of any VST2 plug-in: `.fxp` files."""

from collections.abc import Sequence
from typing import ClassVar

from ...errors import PresetError
from ..preset import Preset
from ..vst2 import is_exact, parse_program, plugin_id, program_of
from ._format import Mended, PresetFormat, ReadReport, only_preset

__all__ = ["Fxp"]


class Fxp(PresetFormat):
    """One preset of a VST2 plug-in, as hosts load and save it.

    Only the plug-in can read its values, see `Engine.unpack`.

    Example:
        >>> from patchflow.presets.vst2 import Program
        >>> preset = Preset("", {}, name="Pluck", state=Program("amsy", 1, 41, "Pluck", b"anything").pack())
        >>> Fxp().read(Fxp().write([preset])).presets == (preset,)
        True
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".fxp",)
    opaque: ClassVar[bool] = True
    single: ClassVar[bool] = True

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is a program; see `PresetFormat`."""
        return bool(plugin_id(data)) and data[8:12] in (b"FPCh", b"FxCk")

    def read(self, data: bytes) -> ReadReport:
        """Reads the preset; see `PresetFormat`."""
        program = parse_program(data)
        state = data if is_exact(data, program.mended) else program.pack()
        mended = tuple(Mended(0, fault) for fault in program.mended)
        return ReadReport((Preset("", {}, name=program.name, state=state),), mended=mended)

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a file of one preset, of which `state` is a program or bank; see `PresetFormat`."""
        preset = only_preset(presets, self.extensions[0])
        if not plugin_id(preset.state):
            raise PresetError(f"{preset.name or 'preset'}: is not of a VST2 plug-in, and .fxp is for those only")
        return program_of(preset.state, preset.name).pack()
