"""Banks of any VST2 plug-in: `.fxb` files."""

from collections.abc import Sequence
from typing import ClassVar

from ...errors import PresetError
from ..preset import Preset
from ..vst2 import Vst2Bank, is_exact, parse_bank, plugin_id, program_of
from ._format import Mended, PresetFormat, ReadReport, Rejected

__all__ = ["Fxb"]


class Fxb(PresetFormat):
    """All presets of a VST2 plug-in, as hosts load and save them.

    A plug-in with a chunk of its own is one preset here: the one that it plays when the bank is loaded. Of others
    every preset is found. Only the plug-in can read their values, see `Engine.unpack`.

    Example:
        >>> from patchflow.presets.vst2 import Program
        >>> preset = Preset("", {}, name="Pluck", state=Program("mine", 1, 1, "Pluck", bytes(4), plain=True).pack())
        >>> len(Fxb().read(Fxb().write([preset] * 3)).presets)
        3
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".fxb",)
    opaque: ClassVar[bool] = True

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is a bank; see `PresetFormat`."""
        return bool(plugin_id(data)) and data[8:12] in (b"FBCh", b"FxBk")

    def read(self, data: bytes) -> ReadReport:
        """Reads all presets; see `PresetFormat`."""
        bank = parse_bank(data)
        mended = [Mended(0, fault) for fault in bank.mended]
        if not bank.programs:
            state = data if is_exact(data, bank.mended) else bank.pack()
            return ReadReport((Preset("", {}, state=state),), mended=tuple(mended))
        presets = [Preset("", {}, name=program.name, state=program.pack()) for program in bank.programs]
        for program in bank.programs:
            mended += [Mended(program.place, fault, program.name) for fault in program.mended]
        return ReadReport(
            presets=tuple(presets),
            rejected=tuple(Rejected(place, fault) for place, fault in bank.lost.items()),
            mended=tuple(mended),
            places=tuple(program.place for program in bank.programs),
        )

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a bank of presets without chunk, or of one with; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        for preset in presets:
            if not plugin_id(preset.state):
                raise PresetError(f"{preset.name or 'preset'}: is not of a VST2 plug-in, and .fxb is for those only")
        # A bank that came from a file goes out as it came in, with all its presets.
        if len(presets) == 1 and self.recognises(presets[0].state):
            return presets[0].state
        programs = tuple(program_of(preset.state, preset.name) for preset in presets)
        first = programs[0]
        if len({program.plugin for program in programs}) > 1:
            raise PresetError(f"{self.extensions[0]}: presets of different plug-ins do not go into one bank")
        if all(program.plain for program in programs):
            return Vst2Bank(first.plugin, first.version, len(programs), programs=programs).pack()
        if len(programs) > 1:
            raise PresetError(
                f"{self.extensions[0]}: this plug-in stores a bank as one block, which holds one preset, "
                f"not {len(programs)}. Write .fxp files."
            )
        return Vst2Bank(first.plugin, first.version, first.count, first.content).pack()
