"""The Dexed engine: a DX7, bit-exact and fast, from the dexed-py package; and how its voices are moved by cents.

A voice has no fine tuning. Its transposition counts semitones, and its pitch envelope counts thirty-seconds of an
octave, 37.5 cents. Both together reach every eighth of a semitone, and detuning all operators alike lies between.

References:
    https://github.com/asb2m10/dexed/blob/master/Source/msfa/pitchenv.cc, what a level is worth
    https://github.com/asb2m10/dexed/blob/master/Source/msfa/dx7note.cc, how operators get their frequencies
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

# The public class of this name wraps every call in a Patch, which costs more than rendering.
from dexed._dexed import DexedSynth  # pyright: ignore[reportMissingImports]
from dexed.algorithms import algorithms  # pyright: ignore[reportMissingImports]

from ..presets import ParamSpace, dx7
from ._engine import Engine, Note

__all__ = ["TUNING", "Dexed", "transposed_voices"]

_UNNAMED_ALL_ON = b" " * 10 + b"\x3f"  # an empty name, and six bits that switch the operators on

TUNING = {("transpose",): 100.0, tuple(f"pitch.level{i}" for i in range(1, 5)): 12.5}
"""See `Engine.tuning`."""

_PLACE = {name: place for place, name in enumerate(dx7.NAMES)}
_ORDER = [dx7.SPACE.index[name] for name in dx7.NAMES]


class Dexed(Engine):
    """A DX7 voice on the engine of Dexed, all 145 parameters.

    References:
        https://github.com/DBraun/dexed-py, https://github.com/asb2m10/dexed
    """

    space: ClassVar[ParamSpace] = dx7.SPACE
    native: ClassVar[str] = "syx"
    tuning: ClassVar[Mapping[tuple[str, ...], float]] = TUNING
    lacks: ClassVar[Mapping[str, str]] = {"noise": "a DX7 has no source of noise"}

    def __init__(self) -> None:
        self._synths: dict[int, DexedSynth] = {}

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        if rate not in self._synths:
            self._synths[rate] = DexedSynth(float(rate))
        synth = self._synths[rate]
        synth.load_sysex(dx7.bytes_from_points(point).tobytes() + _UNNAMED_ALL_ON)
        sound = synth.render(note.pitch, note.velocity, note.hold, note.length)
        return _fit(sound, note.samples(rate))

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """Resets what cannot be heard; see `presets.dx7.canonical`."""
        return dx7.canonical(points)

    def sorted_parts(self, points: np.ndarray) -> np.ndarray:
        """Sorts interchangeable operators; see `presets.dx7.sorted_parts`."""
        return dx7.sorted_parts(points)

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Moves the pitch; see `transposed_voices`."""
        return transposed_voices(points, cents, np.ones(len(self.space), bool) if free is None else free)


def _operators(name: str) -> list[int]:
    return [_PLACE[f"op{n}.{name}"] for n in range(1, dx7.OPERATORS + 1)]


_TRANSPOSE = _PLACE["transpose"]
_PITCH_LEVELS = [_PLACE[f"pitch.level{i}"] for i in range(1, 5)]
_MODE = _operators("mode")
_COARSE = _operators("coarse")
_FINE = _operators("fine")
_DETUNE = _operators("detune")
_BREAKPOINT = _operators("breakpoint")

_CARRIERS = np.zeros((32, dx7.OPERATORS), bool)
for _number in range(32):
    _CARRIERS[_number, list(algorithms[_number].carriers)] = True

_UNIT = 37.5  # cents
_LOW = [-128, -116, -104, -95, -85, -76, -68, -61, -56, -52, -49, -46, -43, -41, -39, -37, -35]
_HIGH = [38, 40, 43, 46, 49, 53, 58, 65, 73, 82, 92, 103, 115, 127]
_UNITS_OF_LEVEL = np.array([*_LOW, *range(-33, 36), *_HIGH])
"""How many units each of the 100 levels of the pitch envelope is above the key."""
_SUSTAIN = 2  # the level that a held note stays at
_FEWEST = -512
_LEVEL_OF_UNITS = np.abs(np.arange(_FEWEST, -_FEWEST)[:, None] - _UNITS_OF_LEVEL).argmin(1)
"""The level nearest to so many units, from the fewest on."""

_LEVELS = np.arange(-8, 9)
_OCTAVES = np.arange(-4, 5)[:, None]

# Cents that a move has to come nearer by, to be worth more than a transposition alone.
_OF_ENVELOPE = 1.0
_OF_LEVEL = 0.1
_OF_SEMITONE = 0.01
_OF_SCALED_SEMITONE = 0.25  # where envelopes get faster with the key; twelve cost more than an octave of ratios
_OF_OCTAVE = 2.0
_OF_BENT = 10.0  # for a unit by which one level of an envelope fails to follow the others, if it is near to them
_NEAR = 4  # units: farther away, a unit more or less is heard less

_DETUNING = 1.6
"""Cents of a step of detuning on C3 or so. It is 2.5 on C1 and 0.5 on C7: what is left gets smaller on all of them."""

_FIXED_STEP = 12 * np.log2(10)  # cents of a step of `fine` at a fixed frequency
_MOST_FIXED = 399
_LOWEST_PITCH = 130  # steps above 1 Hz, 20 Hz: what is slower sways or beats


@dataclass(frozen=True)
class _Heard:
    """The operators that can be heard.

    Args:
        ratio: Those that follow the key, shape `(N, 6)`.
        fixed: Those that do not, and have a pitch, shape `(N, 6)`.
        by_fixed: Whether the pitch is theirs, shape `(N,)`.
    """

    ratio: np.ndarray
    fixed: np.ndarray
    by_fixed: np.ndarray


def transposed_voices(points: np.ndarray, cents: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Returns voices that sound higher by some cents; see `Engine.transposed`.

    Relations of ratios, scalings of level and shapes of envelopes stay, but for their speed where rates are scaled: it
    follows the key that is transposed. There octaves are moved by ratios where they can be. Operators of fixed
    frequency are moved only where no carrier follows the key: elsewhere they are clicks or formants.

    Args:
        points: Encoded presets, shape `(N, 145)`.
        cents: How much higher, shape `(N,)`.
        free: Which parameters may move, shape `(145,)`.

    Returns:
        Encoded presets, shape `(N, 145)`.
    """
    voices = dx7.bytes_from_points(points).astype(int)
    free = np.asarray(free, bool)[_ORDER]
    heard = _heard(voices)
    # Modulators follow what carriers of fixed frequency reach, in steps of 40 cents.
    reached = _move_fixed(voices, np.asarray(cents, float), heard, free)
    rest = _move_ratios(voices, np.where(heard.by_fixed, reached, cents), heard, free)
    _detune(voices, rest, heard.ratio, free)
    return dx7.points_from_bytes(voices)


def _fit(sound: np.ndarray, samples: int) -> np.ndarray:
    """The engine rounds the length down; ours is rounded to nearest."""
    if len(sound) == samples:
        return sound
    return np.pad(sound[:samples], (0, max(0, samples - len(sound))))


def _heard(voices: np.ndarray) -> _Heard:
    parts = [voices[:, _operators(name)] for name in ("output", "left_depth", "right_depth")]
    heard = np.any(np.array(parts) > 0, axis=0)
    fixed = voices[:, _MODE] == 1
    # A carrier that hardly moves gives the pitch of its modulators.
    pitched = fixed & (_fixed_steps(voices) >= _LOWEST_PITCH)
    carriers = _CARRIERS[voices[:, _PLACE["algorithm"]]] & heard
    by_fixed = carriers.any(1) & ~(carriers & ~pitched).any(1)
    return _Heard(heard & ~fixed, heard & pitched, by_fixed)


def _fixed_steps(voices: np.ndarray) -> np.ndarray:
    """Frequencies of operators that do not follow the key, in steps above 1 Hz."""
    return 100 * (voices[:, _COARSE] & 3) + voices[:, _FINE]


def _move_fixed(voices: np.ndarray, cents: np.ndarray, heard: _Heard, free: np.ndarray) -> np.ndarray:
    """Moves, in place, operators of fixed frequency where they are the pitch; returns by how many cents."""
    steps = _fixed_steps(voices)
    moving = heard.fixed & heard.by_fixed[:, None] & free[_COARSE + _FINE].all()
    lowest = np.where(moving, steps, _MOST_FIXED).min(1)
    highest = np.where(moving, steps, 0).max(1)
    moves = np.clip(np.rint(cents / _FIXED_STEP).astype(int), -lowest, _MOST_FIXED - highest)
    moves[~moving.any(1)] = 0
    moving &= moves[:, None] != 0
    steps += moves[:, None]
    voices[:, _COARSE] = np.where(moving, steps // 100, voices[:, _COARSE])
    voices[:, _FINE] = np.where(moving, steps % 100, voices[:, _FINE])
    return moves * _FIXED_STEP


def _move_ratios(voices: np.ndarray, cents: np.ndarray, heard: _Heard, free: np.ndarray) -> np.ndarray:
    """Moves, in place, all operators that follow the key, as little as is near; returns what is left, in cents."""
    ratio = heard.ratio
    movable = ratio.any(1)
    units, levels, envelope_cost = _envelopes(voices, free)
    lowest = np.where(free[_TRANSPOSE], -voices[:, _TRANSPOSE], 0)
    highest = np.where(free[_TRANSPOSE], 48 - voices[:, _TRANSPOSE], 0)
    # Transposition makes up for what octaves of ratios and levels of the envelope leave: (N, octaves, levels).
    rest = cents[:, None, None] - 1200 * _OCTAVES - _UNIT * units[:, None]
    semitones = np.clip(np.rint(rest / 100), lowest[:, None, None], highest[:, None, None])
    rest -= 100 * semitones
    scaled = ((voices[:, _operators("rate_scaling")] > 0) & (ratio | heard.fixed)).any(1)
    semitone_cost = np.where(scaled, _OF_SCALED_SEMITONE, _OF_SEMITONE)
    cost = np.abs(rest) + semitone_cost[:, None, None] * np.abs(semitones)
    cost += _octave_cost(voices, ratio, free)[:, :, None] + envelope_cost[:, None]

    rows = np.arange(len(voices))
    octave, level = np.unravel_index(cost.reshape(len(voices), -1).argmin(1), cost.shape[1:])
    semitones = np.where(movable, semitones[rows, octave, level], 0).astype(int)
    octaves = np.where(movable, _OCTAVES[octave, 0], 0)
    bent = movable & (units[rows, level] != 0)
    voices[:, _TRANSPOSE] += semitones
    _move_breakpoints(voices, semitones[:, None], free)
    voices[:, _COARSE] = np.where(ratio, _ratios(voices) * 2.0 ** octaves[:, None], voices[:, _COARSE])
    voices[:, _PITCH_LEVELS] = np.where(bent[:, None], levels[rows, level], voices[:, _PITCH_LEVELS])
    return np.where(movable, rest[rows, octave, level], 0.0)


def _envelopes(voices: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns pitch envelopes that are moved as a whole, for each of `_LEVELS` by which a held note's may move.

    Returns:
        By how many units each moves, shape `(N, 17)`; the levels, shape `(N, 17, 4)`; the costs, shape `(N, 17)`.
    """
    levels = voices[:, _PITCH_LEVELS]
    sustain = levels[:, _SUSTAIN, None]
    units = _UNITS_OF_LEVEL[np.clip(sustain + _LEVELS, 0, 99)] - _UNITS_OF_LEVEL[sustain]
    wanted = _UNITS_OF_LEVEL[levels][:, None] + units[:, :, None]
    moved = _LEVEL_OF_UNITS[wanted - _FEWEST]
    # Far from the middle, levels are more than a unit apart.
    bent = np.abs(_UNITS_OF_LEVEL[moved] - wanted)
    distance = np.abs(_UNITS_OF_LEVEL[levels] - _UNITS_OF_LEVEL[sustain])[:, None]
    cost = _OF_ENVELOPE + _OF_LEVEL * np.abs(_LEVELS) + (_OF_BENT * bent / (1 + distance / _NEAR)).sum(2)
    if not free[_PITCH_LEVELS].all():
        cost[:] = np.inf
    cost[units == 0] = 0
    return units, moved, cost


def _octave_cost(voices: np.ndarray, ratio: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Returns what it costs to move all ratios by each of `_OCTAVES`, infinity where one cannot; shape `(N, 9)`."""
    moved = _ratios(voices)[:, None] * 2.0**_OCTAVES
    whole = (moved == np.rint(moved)) & (moved <= 31)
    possible = ((moved == 0.5) | whole) & free[_COARSE]
    possible = np.all(possible | ~ratio[:, None], axis=2)
    cost = np.where(possible, _OF_OCTAVE * np.abs(_OCTAVES[:, 0]), np.inf)
    cost[:, _OCTAVES[:, 0] == 0] = 0
    return cost


def _ratios(voices: np.ndarray) -> np.ndarray:
    return np.maximum(voices[:, _COARSE], 0.5)


def _move_breakpoints(voices: np.ndarray, semitones: np.ndarray, free: np.ndarray) -> None:
    """Lets level scaling begin at the same key as before, in place: it counts from the key that is transposed."""
    scaled = (voices[:, _operators("left_depth")] > 0) | (voices[:, _operators("right_depth")] > 0)
    moved = np.clip(voices[:, _BREAKPOINT] + semitones, 0, 99)
    voices[:, _BREAKPOINT] = np.where(scaled & free[_BREAKPOINT], moved, voices[:, _BREAKPOINT])


def _detune(voices: np.ndarray, rest: np.ndarray, ratio: np.ndarray, free: np.ndarray) -> None:
    """Detunes all operators that follow the key alike, in place, towards the rest, in cents."""
    detune = voices[:, _DETUNE]
    # What is out of reach is not worth the whole range of the detuning.
    movable = (free[_DETUNE] | ~ratio).all(1) & (np.abs(rest) <= 50)
    down = np.where(ratio, detune, 14).min(1)
    up = 14 - np.where(ratio, detune, 0).max(1)
    steps = np.clip(np.rint(rest / _DETUNING).astype(int), -down, up) * movable
    voices[:, _DETUNE] = np.where(ratio, detune + steps[:, None], detune)
