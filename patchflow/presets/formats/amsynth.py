"""Banks of amsynth: text files of any number of presets, 128 in the factory banks."""

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

from ...errors import PresetError
from ..preset import Preset
from ..vst2 import Program, plugin_id, program_of
from ._format import PresetFormat, ReadReport, Rejected

__all__ = ["Amsynth"]

_PLUGIN = "amsy"
_HEADER = "amSynth"
_END = "EOF"
_PRESET = "<preset>"
_NAME = "<name>"
_PARAMETER = "<parameter>"
_PROPERTY = "<property>"
_CHUNK = b"amSynth1.0preset\n"  # how the plug-in's own chunk begins; then come the lines of one preset
_MOST = 1_000  # parameters of a preset; there are 41


class Amsynth(PresetFormat):
    r"""Any number of amsynth presets, as the synth itself loads and saves them.

    Values are in the synth's own units, Hz and seconds. Only the plug-in knows what they are on its own scale, see
    `Engine.unpack`: `state` is a VST2 program with the same text.

    References:
        https://github.com/amsynth/amsynth

    Example:
        >>> bank = b"amSynth\n<preset> <name> Pluck\n<parameter> amp_decay 0.5\nEOF\n"
        >>> Amsynth().read(bank).presets[0].name
        'Pluck'
        >>> Amsynth().write(Amsynth().read(bank).presets) == bank
        True
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".bank",)
    opaque: ClassVar[bool] = True

    def recognises(self, data: bytes) -> bool:
        """Returns whether it begins as a bank; see `PresetFormat`."""
        return data.split(b"\n", 1)[0].strip() == _HEADER.encode()

    def read(self, data: bytes) -> ReadReport:
        """Reads all presets of a bank; see `PresetFormat`."""
        if not self.recognises(data):
            raise PresetError(f"not an amsynth bank: its first line is not {_HEADER!r}")
        presets: list[Preset] = []
        places: list[int] = []
        rejected: list[Rejected] = []
        for number, (first, lines) in enumerate(_blocks(data), 1):
            name = lines[0].partition(_NAME)[2].strip()
            try:
                presets.append(_preset(name, first, lines))
            except PresetError as error:
                rejected.append(Rejected(number, str(error), name))
            else:
                places.append(number)
        notes = []
        if not data.rstrip().endswith(_END.encode()):
            notes.append(f"has no {_END} at its end: it may be cut off")
        return ReadReport(tuple(presets), tuple(rejected), tuple(notes), places=tuple(places))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a bank of presets of which `state` is amsynth's own; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        lines = [_HEADER]
        for preset in presets:
            lines += _lines(preset)
        return "\n".join((*lines, _END, "")).encode()


def _blocks(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines of every preset, and the number of the first."""
    block: list[str] = []
    first = 0
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines()[1:], 2):
        if line.startswith(_PRESET):
            if block:
                yield first, block
            first = number
            block = [line]
        elif block and line.strip() not in ("", _END):
            block.append(line)
    if block:
        yield first, block


def _preset(name: str, first: int, lines: list[str]) -> Preset:
    if not lines[0].partition(_NAME)[1]:
        raise PresetError(f"line {first}: a preset without {_NAME}")
    if len(lines) > _MOST:
        raise PresetError(f"line {first}: {len(lines):,} lines, more than {_MOST:,}")
    kept = [f"{_PRESET} {_NAME} {name}"]
    seen = set()
    for number, line in enumerate(lines[1:], first + 1):
        parameter, value = _parameter(number, line)
        if parameter in seen:
            raise PresetError(f"line {number}: {parameter} comes twice")
        seen.add(parameter)
        kept.append(f"{_PARAMETER} {parameter} {value}")
    if not seen:
        raise PresetError(f"line {first}: a preset without parameters")
    chunk = _CHUNK + "\n".join((*kept, "")).encode()
    return Preset("", {}, name=name, state=Program(_PLUGIN, 0, len(seen), name, chunk).pack())


def _parameter(number: int, line: str) -> tuple[str, str]:
    words = line.split()
    if len(words) != 3 or words[0] != _PARAMETER:
        raise PresetError(f"line {number}: {line[:40]!r} is not {_PARAMETER} NAME VALUE")
    try:
        finite = math.isfinite(float(words[2]))
    except ValueError:
        finite = False
    if not finite:
        raise PresetError(f"line {number}: {words[1]}={words[2][:20]}: not a finite number")
    return words[1], words[2]


def _lines(preset: Preset) -> list[str]:
    """The lines of one preset, under its present name."""
    if plugin_id(preset.state) != _PLUGIN:
        raise PresetError(f"{preset.name or 'preset'}: is not of amsynth, and .bank is for its presets only")
    chunk = program_of(preset.state).content
    if not chunk.startswith(_CHUNK):
        raise PresetError(f"{preset.name or 'preset'}: not as this amsynth stores presets")
    lines = chunk.removeprefix(_CHUNK).decode("utf-8", "replace").splitlines()
    # properties, such as tunings, are of the whole synth, not of one preset
    kept = [line for line in lines[1:] if line.strip() and not line.startswith(_PROPERTY)]
    name = " ".join(preset.name.split()) or lines[0].partition(_NAME)[2].strip()
    return [f"{_PRESET} {_NAME} {name}", *kept]
