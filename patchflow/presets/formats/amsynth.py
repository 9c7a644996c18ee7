"""Banks of amsynth: text files of any number of presets, 128 in the factory banks."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

from ...errors import PresetError
from ...printable import one_line
from ..preset import Preset
from ..vst2 import Program, decode_text, plugin_id, program_of
from ._format import Mended, PresetFormat, ReadReport, Rejected

__all__ = ["PARAMETERS", "Amsynth"]

_PLUGIN = "amsy"
_HEADER = "amSynth"
_END = "EOF"
_PRESET = "<preset>"
_NAME = "<name>"
_PARAMETER = "<parameter>"
_PROPERTY = "<property>"
_SINGLE = "amSynth1.0preset"  # how the plug-in's own chunk and an exported preset begin; then come the lines of one
_CHUNK = f"{_SINGLE}\n".encode()
_NAMELESS = "Unnamed"
_UNUSED = "unused"  # a parameter that amsynth passes over
_ROUNDING = 1e-4  # amsynth writes six digits
_MOST = 1_000  # lines of a preset; amsynth has 41 parameters
_TIME = (0.0, 0.0, 2.5)
_SHARE = (0.0, 0.0, 1.0)
_FULL = (1.0, 0.0, 1.0)
_WAVE = (2.0, 0.0, 4.0)
_DEPTH = (-1.0, -1.0, 1.0)
_AROUND = (0.0, -1.0, 1.0)
PARAMETERS = {
    "amp_attack": _TIME,
    "amp_decay": _TIME,
    "amp_sustain": _FULL,
    "amp_release": _TIME,
    "osc1_waveform": _WAVE,
    "filter_attack": _TIME,
    "filter_decay": _TIME,
    "filter_sustain": _FULL,
    "filter_release": _TIME,
    "filter_resonance": (0.0, 0.0, 0.97),
    "filter_env_amount": (0.0, -16.0, 16.0),
    "filter_cutoff": (1.5, -0.5, 1.5),
    "osc2_detune": _AROUND,
    "osc2_waveform": _WAVE,
    "master_vol": (0.67, 0.0, 1.0),
    "lfo_freq": (0.0, 0.0, 7.5),
    "lfo_waveform": (0.0, 0.0, 6.0),
    "osc2_range": (0.0, -3.0, 4.0),
    "osc_mix": _AROUND,
    "freq_mod_amount": (0.0, 0.0, 1.25992105),
    "filter_mod_amount": _DEPTH,
    "amp_mod_amount": _DEPTH,
    "osc_mix_mode": _SHARE,
    "osc1_pulsewidth": _FULL,
    "osc2_pulsewidth": _FULL,
    "reverb_roomsize": _SHARE,
    "reverb_damp": _SHARE,
    "reverb_wet": _SHARE,
    "reverb_width": _FULL,
    "distortion_crunch": (0.0, 0.0, 0.9),
    "osc2_sync": _SHARE,
    "portamento_time": _SHARE,
    "keyboard_mode": (0.0, 0.0, 2.0),
    "osc2_pitch": (0.0, -12.0, 12.0),
    "filter_type": (0.0, 0.0, 4.0),
    "filter_slope": _FULL,
    "freq_mod_osc": (0.0, 0.0, 2.0),
    "filter_kbd_track": _FULL,
    "filter_vel_sens": _FULL,
    "amp_vel_sens": _FULL,
    "portamento_mode": _SHARE,
}
"""Default, smallest and largest value of all parameters of amsynth 1.13, in its own order."""


class Amsynth(PresetFormat):
    r"""Any number of amsynth presets, as the synth itself loads and saves them.

    Parameters that a file leaves out are at amsynth's defaults, and values beyond their ranges are limited: so does
    the synth itself. Values are in its own units, Hz and seconds. Only the plug-in knows what they are on its own
    scale, see `Engine.unpack`: `state` is a VST2 program with the same text.

    References:
        https://github.com/amsynth/amsynth

    Example:
        >>> bank = b"amSynth\n<preset> <name> Pluck\n<parameter> amp_decay 0.5\nEOF\n"
        >>> Amsynth().read(bank).presets[0].name
        'Pluck'
        >>> Amsynth().write(Amsynth().read(bank).presets)[:56]
        b'amSynth\n<preset> <name> Pluck\n<parameter> amp_decay 0.5\n'
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".bank",)
    opaque: ClassVar[bool] = True

    def recognises(self, data: bytes) -> bool:
        """Returns whether it begins as a bank; see `PresetFormat`."""
        return _first_line(data) in (_HEADER, _SINGLE)

    def read(self, data: bytes) -> ReadReport:
        """Reads all presets of a bank, or one that was exported alone; see `PresetFormat`."""
        if not self.recognises(data):
            raise PresetError(f"not an amsynth bank: its first line is not {_HEADER!r}")
        presets: list[Preset] = []
        places: list[int] = []
        rejected: list[Rejected] = []
        mended: list[Mended] = []
        for number, (first, lines) in enumerate(_blocks(data), 1):
            name = _name(lines[0])
            try:
                preset, faults = _preset(name, first, lines)
            except PresetError as error:
                rejected.append(Rejected(number, str(error), name))
            else:
                presets.append(preset)
                places.append(number)
                mended += [Mended(number, fault, name) for fault in faults]
        notes = []
        if _first_line(data) == _HEADER and not data.rstrip(b"\0\r\n\t ").endswith(_END.encode()):
            notes.append(f"has no {_END} at its end: it may be cut off")
        return ReadReport(tuple(presets), tuple(rejected), tuple(notes), tuple(mended), tuple(places))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns a bank of presets of which `state` is amsynth's own; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        lines = [_HEADER]
        for preset in presets:
            lines += _lines(preset)
        return "\n".join((*lines, _END, "")).encode()


def _first_line(data: bytes) -> str:
    line = re.split(rb"[\r\n]", data.removeprefix(b"\xef\xbb\xbf")[:100], maxsplit=1)[0]
    return line.decode("latin-1").strip()


def _blocks(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yields the lines of every preset, and the number of the first."""
    block: list[str] = []
    first = 0
    # Of bytes, because a text is split at letters that are none, such as a next line (0x85) in Latin-1.
    for number, raw in enumerate(re.split(rb"\r\n|\r|\n", data.rstrip(b"\0"))[1:], 2):
        line = decode_text(raw)
        if line.startswith(_PRESET):
            if block:
                yield first, block
            first = number
            block = [line]
        elif block and line.strip() not in ("", _END):
            block.append(line)
    if block:
        yield first, block


def _name(line: str) -> str:
    """What a preset is called, without what would end a line or the name in amsynth."""
    shown = one_line(line.partition(_NAME)[2])
    return " ".join(word for word in shown.split() if word != _PARAMETER)


def _preset(name: str, first: int, lines: list[str]) -> tuple[Preset, list[str]]:
    """A preset, and what of it was mended."""
    if not lines[0].partition(_NAME)[1]:
        raise PresetError(f"line {first}: a preset without {_NAME}")
    if len(lines) > _MOST:
        raise PresetError(f"line {first}: {len(lines):,} lines, more than {_MOST:,}")
    found: dict[str, str] = {}
    faults: list[str] = []
    for number, line in enumerate(lines[1:], first + 1):
        words = line.split()
        if words[0] == _PROPERTY:
            continue
        if words[0] != _PARAMETER or len(words) < 3:
            faults.append(f"line {number}: {_shown(line)} is not {_PARAMETER} NAME VALUE, and is left out")
            continue
        parameter = words[1]
        if parameter not in PARAMETERS:
            if parameter != _UNUSED:
                faults.append(f"line {number}: amsynth has no parameter {_shown(parameter)}, and it is left out")
            continue
        if parameter in found:
            faults.append(f"line {number}: {parameter} comes twice, and the last one counts")
        found[parameter], fault = _value(number, line, words)
        faults += [fault] if fault else []
    if not found:
        faults.append(f"line {first}: a preset without parameters, which are at amsynth's defaults")
    # The plug-in would leave the others as they are, and it waits for ever for the first.
    for parameter, (default, _, _) in PARAMETERS.items():
        found.setdefault(parameter, f"{default:g}")
    # Without a name it would take the first parameter for one.
    kept = [f"{_PRESET} {_NAME} {name or _NAMELESS}"]
    kept += [f"{_PARAMETER} {parameter} {value}" for parameter, value in found.items()]
    chunk = _CHUNK + "\n".join((*kept, "")).encode()
    return Preset("", {}, name=name, state=Program(_PLUGIN, 0, len(found), name, chunk).pack()), faults


def _value(number: int, line: str, words: list[str]) -> tuple[str, str]:
    """The text of a value, within its range, and what was mended of it."""
    parameter = words[1]
    text = words[2].replace(",", ".")  # as an old amsynth wrote it in some countries
    if len(words) > 3:
        raise PresetError(f"line {number}: {_shown(line)} is not {_PARAMETER} NAME VALUE")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PresetError(f"line {number}: {parameter}={_shown(words[2])[1:-1]}: not a finite number")
    _, low, high = PARAMETERS[parameter]
    limited = min(max(value, low), high)
    if abs(limited - value) > _ROUNDING:
        return f"{limited:g}", f"line {number}: {parameter}={text} is not in [{low:g}, {high:g}], taken as {limited:g}"
    return text, "" if text == words[2] else f"line {number}: {parameter}={words[2]} is taken as {text}"


def _shown(text: str) -> str:
    return ascii(text[:40])


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
    name = _name(f"{_NAME} {preset.name}") or _name(lines[0])
    return [f"{_PRESET} {_NAME} {name}", *kept]
