"""What can be drawn: a DX7's algorithm and envelopes, Vital's waves, any envelope, and a sound as a spectrogram."""

import base64
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from ..engines import engines
from ..presets import Preset
from ..presets.vital import SPACES, document_of, load_state

__all__ = [
    "LOWEST_HZ",
    "AlgorithmBody",
    "CurvesBody",
    "EnvelopeBody",
    "WaveBody",
    "curves_of",
    "spectrogram_png",
    "voice_envelope",
]

LOWEST_HZ = 30.0
"""Frequency at the bottom of a spectrogram, in Hz."""

_FRAMES = 24  # of a wavetable that are shown, at most
_POINTS = 128  # of a frame
_BENT = 9  # points of a part of an envelope that is no straight line
_ENVELOPE = ("rate1", "rate2", "rate3", "rate4", "level1", "level2", "level3", "level4")  # of an operator, or the pitch
_ENDINGS = ("delay", "attack", "hold", "decay", "sustain", "release")

# What Dexed does in a block of 64 samples at 44.1 kHz; 2^24 are a doubling of the amplitude.
_BLOCK = 64 / 44_100
_OCTAVE = 2**24
_JUMP = 1716 * 2**16  # where an attack begins
_LOW_LEVELS = (0, 5, 9, 13, 17, 20, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 42, 43, 45, 46)
# How fast the pitch moves by its rate, and how far by its level; read off Dexed at these places, 10 % beside elsewhere.
_PITCH_RATES = ((0, 20, 37, 50, 66, 80, 90, 99), (1, 12, 24, 38, 62, 98, 150, 255))
_PITCH_LEVELS = ((0, 3, 8, 17, 50, 84, 92, 96, 99), (-4.0, -2.97, -1.75, -1.09, 0.0, 1.09, 1.81, 2.88, 3.97))
_PITCH_SPEED = 2**24 / 21.3 / _OCTAVE  # octaves a second at rate 1


class AlgorithmBody(BaseModel):
    """How the operators of a DX7 are connected, counted from 1."""

    number: int
    carriers: list[int]
    edges: list[tuple[int, int]] = Field(description="Modulator and what it modulates.")
    feedback: tuple[int, int] = Field(description="From which operator to which.")


class EnvelopeBody(BaseModel):
    """A curve over time. The key is released where the last stage begins, which may be much later."""

    name: str
    times: list[float] = Field(description="Seconds.")
    levels: list[float] = Field(
        description="Amplitudes 0 to 1; of a pitch envelope 0.5 is no change, 1 four octaves up."
    )
    parameters: list[str]
    released: float = Field(description="Where the release begins in this drawing, in seconds.")
    note: str = Field(description="What is only about so.")


class WaveBody(BaseModel):
    """Frames of a wavetable, thinned out, or the shape of an LFO."""

    name: str
    frames: list[list[float]]


class CurvesBody(BaseModel):
    """What can be drawn of a preset."""

    algorithm: AlgorithmBody | None
    envelopes: list[EnvelopeBody]
    waves: list[WaveBody]


def curves_of(preset: Preset) -> CurvesBody:
    """Returns what can be drawn of a preset.

    Args:
        preset: Complete, with allowed values.
    """
    if preset.synth == "dexed":
        return CurvesBody(algorithm=_algorithm(preset), envelopes=_voice_envelopes(preset), waves=[])
    waves = _vital_waves(preset) if preset.synth in SPACES else []
    return CurvesBody(algorithm=None, envelopes=_staged_envelopes(preset), waves=waves)


def voice_envelope(
    rates: Sequence[int], levels: Sequence[int], *, output: int = 99, scaling: int = 0
) -> tuple[list[float], list[float]]:
    """Returns the corners of an operator's envelope as Dexed plays it: seconds and amplitudes, 0 to 1.

    A fall is a straight line in dB and a rise is bent; both are drawn with some points on the way. The pauses of stages
    that go nowhere are left out.

    Args:
        rates: Four, 0 to 99.
        levels: Four, 0 to 99; the last one is that of the release.
        output: Output level of the operator, 0 to 99.
        scaling: What the key adds to the rates, in 64ths of the fastest.

    Example:
        >>> times, heights = voice_envelope([99, 99, 99, 99], [99, 99, 99, 0])
        >>> max(heights), heights[-1] < 0.001, times[-1] < 0.1
        (1.0, True, True)
    """
    level = 0.0
    times = [0.0]
    heights = [0.0]
    top = _height(99, output)
    for rate, wanted in zip(rates, levels, strict=True):
        target = _height(wanted, output)
        speed = _speed(rate, scaling)
        start = max(level, float(_JUMP)) if target > level else level
        # most points lie where it is loud: there a straight line in dB is bent most
        shares = np.square(np.linspace(0, 1, _BENT)) if target < start else 1 - np.square(np.linspace(1, 0, _BENT))
        corners = (start + shares * (target - start)).tolist()
        for before, reached in pairwise(corners):
            times.append(times[-1] + _blocks(before, reached, speed) * _BLOCK)
            heights.append(min(1.0, 2.0 ** ((reached - top) / _OCTAVE)))
        level = target
    return times, heights


def _algorithm(preset: Preset) -> AlgorithmBody:
    from dexed.algorithms import algorithms  # pyright: ignore[reportMissingImports]

    number = int(preset.values["algorithm"])
    found = algorithms[number - 1]
    edges = [(int(start) + 1, int(end) + 1) for end, start in np.argwhere(found.mod_matrix)]
    first, last = (int(operator) + 1 for operator in found.feedback_edge)
    carriers = [int(operator) + 1 for operator in found.carriers]
    return AlgorithmBody(number=number, carriers=carriers, edges=edges, feedback=(first, last))


def _voice_envelopes(preset: Preset) -> list[EnvelopeBody]:
    envelopes = []
    for operator in range(1, 7):
        names = [f"op{operator}.{point}" for point in _ENVELOPE]
        numbers = [int(preset.values[name]) for name in names]
        output = int(preset.values[f"op{operator}.output"])
        # what middle C adds to the rates
        scaling = int(preset.values[f"op{operator}.rate_scaling"]) * 13 // 8
        times, levels = voice_envelope(numbers[:4], numbers[4:], output=output, scaling=scaling)
        envelopes.append(
            EnvelopeBody(
                name=f"op{operator}", times=times, levels=levels, parameters=names, released=times[-_BENT],
                note="as Dexed plays middle C; keyboard and velocity change the level. Levels are amplitudes",
            )
        )  # fmt: skip
    return [*envelopes, _pitch_envelope(preset)]


def _scaled(level: int) -> int:
    return 28 + level if level >= 20 else _LOW_LEVELS[level]


def _height(level: int, output: int) -> float:
    """Where a level of an envelope lies, in 2^24ths of a doubling."""
    steps = (_scaled(level) // 2) * 64 + _scaled(output) * 32 - 4256
    return float(max(16, steps) * 2**16)


def _speed(rate: int, scaling: int) -> int:
    """How far a rate goes in one block: four mantissas, then twice as fast."""
    quick = min(63, rate * 41 // 64 + scaling)
    return (4 + quick % 4) << (8 + quick // 4)


def _blocks(start: float, end: float, speed: int) -> float:
    """How many blocks it takes from one height to another; a rise is the slower the higher it is."""
    if end <= start:
        return (start - end) / speed
    spent = 0.0
    while start < end:
        octave = start // _OCTAVE
        stop = min(end, (octave + 1) * _OCTAVE)
        spent += (stop - start) / (max(1.0, 16 - octave) * speed)
        start = stop
    return spent


def _pitch_envelope(preset: Preset) -> EnvelopeBody:
    names = [f"pitch.{point}" for point in _ENVELOPE]
    numbers = [int(preset.values[name]) for name in names]
    octaves = np.interp(numbers[4:], *_PITCH_LEVELS).tolist()
    now = octaves[3]
    times = [0.0]
    levels = [0.5 + now / 8]
    for rate, wanted in zip(numbers[:4], octaves, strict=True):
        speed = _PITCH_SPEED * float(np.interp(rate, *_PITCH_RATES))
        times.append(times[-1] + abs(wanted - now) / speed)
        levels.append(0.5 + wanted / 8)
        now = wanted
    return EnvelopeBody(
        name="pitch", times=times, levels=levels, parameters=names, released=times[-2],
        note="times are about so, within a tenth",
    )  # fmt: skip


def _staged_envelopes(preset: Preset) -> list[EnvelopeBody]:
    """Of every group of parameters that is called like the stages of an envelope."""
    stages: dict[str, dict[str, str]] = {}
    for name in preset.values:
        for ending in _ENDINGS:
            if name.lower().endswith((f".{ending}", f"_{ending}", f" {ending}")):
                stages.setdefault(name[: -len(ending) - 1], {})[ending] = name
    found = {part: names for part, names in stages.items() if {"attack", "release"} <= names.keys()}
    found = {part: names for part, names in found.items() if {"decay", "sustain"} & names.keys()}
    return [_staged(preset, part, names) for part, names in found.items()]


def _staged(preset: Preset, part: str, names: Mapping[str, str]) -> EnvelopeBody:
    space = engines[preset.synth].space
    seconds: dict[str, float] = {}
    unknown = False
    for ending, name in names.items():
        parameter = space.parameters[space.index[name]]
        unit = getattr(parameter, "unit", "")
        place = parameter.unit_value(parameter.number(preset.values[name]))
        if ending == "sustain":
            seconds[ending] = place
        elif unit in ("s", "ms"):
            seconds[ending] = float(preset.values[name]) * (0.001 if unit == "ms" else 1.0)
        else:
            seconds[ending] = place
            unknown = True
    sustain = seconds.get("sustain", 0.0)
    times = [0.0, seconds.get("delay", 0.0)]
    levels = [0.0, 0.0]
    for ending in ("attack", "hold"):
        times.append(times[-1] + seconds.get(ending, 0.0))
        levels.append(1.0)
    bend = preset.values.get(f"{part}.decay_power", 0.0)
    for share in np.linspace(0, 1, _BENT)[1:].tolist():
        times.append(times[3] + share * seconds.get("decay", 0.0))
        levels.append(1.0 + (sustain - 1.0) * _bent(share, float(bend)))
    released = times[-1]
    times.append(released + seconds["release"])
    levels.append(0.0)
    note = "times are the places of the knobs: the synth does not say seconds" if unknown else ""
    return EnvelopeBody(
        name=part, times=times, levels=levels, parameters=list(names.values()), released=released, note=note
    )


def _bent(share: float, power: float) -> float:
    """How far along a curve of Vital is after a share of its time."""
    return share if abs(power) < 0.01 else math.expm1(power * share) / math.expm1(power)


def _vital_waves(preset: Preset) -> list[WaveBody]:
    """The wavetables of the oscillators and the shapes of the LFOs."""
    settings: Mapping[str, Any] = document_of(preset.values, load_state(preset.state))["settings"]
    waves = []
    for number, table in enumerate(settings["wavetables"], 1):
        waves.append(WaveBody(name=f"osc_{number}", frames=_frames(table)))
    used = [name.split(".")[0] for name in preset.values if name.startswith("lfo_") and name.endswith(".frequency")]
    for number, shape in enumerate(settings["lfos"], 1):
        if f"lfo_{number}" in used:
            waves.append(WaveBody(name=f"lfo_{number}", frames=[_lfo(shape)]))
    return waves


def _frames(table: Mapping[str, Any]) -> list[list[float]]:
    """Frames of the sources of a wavetable that hold waves, thinned out; none of other kinds of sources."""
    waves: list[np.ndarray] = []
    for group in table["groups"]:
        for source in group["components"]:
            held = [frame["wave_data"] for frame in source["keyframes"] if isinstance(frame.get("wave_data"), str)]
            waves += [np.frombuffer(base64.b64decode(data), "<f4") for data in held]
    if len(waves) > _FRAMES:
        waves = [waves[place] for place in np.linspace(0, len(waves) - 1, _FRAMES).round().astype(int)]
    thin = [wave[:: max(1, len(wave) // _POINTS)][:_POINTS] for wave in waves]
    return [np.nan_to_num(wave).astype(float).round(3).tolist() for wave in thin]


def _lfo(shape: Mapping[str, Any]) -> list[float]:
    """An LFO over one period; lines between its points, whatever their bends."""
    points = np.array(shape["points"], float).reshape(-1, 2)
    heights = np.interp(np.linspace(0, 1, _POINTS), points[:, 0], 1 - points[:, 1])
    return [round(float(value), 3) for value in heights]


_ROWS = 192
_COLUMNS = 640
_HIGH_HZ = 16_000.0
_RANGE_DB = 80.0
_WINDOW_S = 0.09


def spectrogram_png(samples: np.ndarray, rate: int) -> tuple[bytes, float]:
    """Returns a spectrogram as a grey PNG of 8 bits and its highest frequency in Hz; its lowest is 30 Hz.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
    """
    high = min(_HIGH_HZ, rate / 2)
    size = 1 << max(6, round(_WINDOW_S * rate).bit_length())
    columns = min(_COLUMNS, max(1, len(samples) // 64))
    padded = np.pad(samples, size // 2)
    window = np.hanning(size).astype(np.float32)
    starts = np.linspace(0, len(padded) - size, columns).astype(int)
    power = np.empty((columns, size // 2 + 1))
    for column, start in enumerate(starts):
        power[column] = np.square(np.abs(np.fft.rfft(padded[start : start + size] * window)))
    edges = LOWEST_HZ * (high / LOWEST_HZ) ** (np.arange(_ROWS + 1) / _ROWS) * size / rate
    level = 10 * np.log10(np.maximum(_between(power, edges), 1e-20))
    grey = np.clip(255 * (1 + (level - level.max()) / _RANGE_DB), 0, 255).astype(np.uint8)
    return _png(grey.T[::-1]), high


def _between(power: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The mean power between places on the axis of bins; where they are nearer than bins, what lies between two."""
    last = power.shape[1] - 1
    # Bin k reaches from k - 0.5 to k + 0.5. The mean is the difference of two sums of all that lies below.
    sums = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, 1)], 1)
    whole = np.clip((edges + 0.5).astype(int), 0, last)
    below = sums[:, whole] + (edges + 0.5 - whole) * power[:, whole]
    centres = (edges[1:] + edges[:-1]) / 2
    lower = np.clip(centres.astype(int), 0, last - 1)
    share = centres - lower
    smooth = (1 - share) * power[:, lower] + share * power[:, lower + 1]
    widths = np.diff(edges)
    return np.where(widths < 1, smooth, np.diff(below, axis=1) / widths)


def _png(grey: np.ndarray) -> bytes:
    """A picture `(rows, columns)` as PNG."""
    rows, columns = grey.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), grey], 1).tobytes()  # before each, that it is not filtered
    parts = [(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(lines, 6)),
             (b"IEND", b"")]  # fmt: skip
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
