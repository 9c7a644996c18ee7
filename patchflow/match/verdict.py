"""What a musician wants to know of a candidate: how close it is, whether it is in tune, and what else differs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..audio.conditioning import resample
from ..audio.note_names import note_name
from ..audio.pitch import Pitch, estimate_pitch
from ..engines import Note
from ..features.descriptors import describe
from ..features.log_spectrum import AUDIBLE_GAIN, best_shift, fine_spectrum, heard_cents
from .target import Target

__all__ = [
    "CLOSENESS",
    "FARTHEST",
    "LEAST",
    "Difference",
    "Interval",
    "Judge",
    "Judgement",
    "closeness",
    "interval_between",
    "pitch_of",
    "pitch_text",
    "remarks",
    "tuning_text",
]

CLOSENESS: Mapping[str, float] = {"the same": 2.43, "a twin": 7.59, "close": 19.66, "same family": 26.87}
"""Words for a distance by `perceptual`, and up to how many dB each holds.

They are what pairs of presets whose kinship is known are apart, see `benchmarks/closeness.py`: the same preset played
at another rate; with a step of one knob that is heard, or four values at most; two voices of one name; two of one
category.
"""

FARTHEST = "another sound"
"""The word for what lies beyond: as far apart as presets of different categories."""

LEAST: Mapping[str, float] = {
    "attack": 0.54, "length": 0.14, "release": 0.14, "brightness": 0.47, "noise": 0.47, "movement": 0.39,
}  # fmt: skip
"""Differences that count from here on: what nine of ten pairs of twins do not reach, and a tenth at least,
see `benchmarks/closeness.py`.

All count in octaves: 1 is twice as much, or half."""

_RATE = 22_050
_UNITS = {"attack": "s", "length": "s", "release": "s", "brightness": "Hz", "noise": "", "movement": "dB/s"}
_SMALL = {"s": 0.01, "Hz": 1.0, "": 0.001, "dB/s": 10.0}  # added to both values: below, their ratio means nothing
_IN_TUNE = "in tune"
_UNLIKE = "pitch unlike"
_SPARE = 100.0  # cents beyond an octave that are told beside it
_TUNED = 5.0  # cents that nobody hears in a note
_UNTUNED = 10.0  # cents from which on a synth without a tuning parameter is the reason
_KEY = 0.6  # semitones within which a note is that of its key
_OCTAVE = 1200
_MOST = 2_500  # cents up or down within which the pitch of a candidate is looked for: two octaves
# Confidence of a pitch and of its octave, from which on they are sure: see `benchmarks/results/pitch.json`. Drums and
# noise stay below; 0.8 is the most, because the key may be another.
_SURE = 0.5
_SURE_OCTAVE = 0.7
_HOP_S = 0.005
_FALLEN_DB = 20.0  # a sound has died away when it stays as far below its peak
_NOISY = 0.02  # spectral flatness from which on a sound has noise, as the tag "noisy" says
_TINY_S = 0.01  # seconds after the key that tell nothing
_LEAST = 1e-9  # power of what is silence


@dataclass(frozen=True)
class Difference:
    """One way in which a candidate differs from the target.

    Args:
        name: What differs, e.g. `"attack"`.
        unit: Unit of both values; "" for a ratio.
        candidate: Of the candidate.
        target: Of the target.
        weight: How much it strikes: 1 is the least that is said.
        text: In words, e.g. `"attack 40 ms slower"`.
    """

    name: str
    unit: str
    candidate: float
    target: float
    weight: float
    text: str

    @property
    def counts(self) -> bool:
        """Whether it is large enough to be said."""
        return self.weight >= 1


@dataclass(frozen=True)
class Judgement:
    """How a candidate sounds beside the target.

    Args:
        cents: How far it sounds above the target, 0 if no other pitch would be nearer; None if the target has none,
            or the candidate has neither partials in common with it nor a sure pitch of its own.
        differences: In attack, length, brightness, noise and movement, the most striking first.
        unlike: Whether the target has a pitch that the candidate cannot be compared with.
        octaves: How many octaves higher it may sound than `cents` says: told by its own pitch, in an octave that is not
            sure.
    """

    cents: float | None
    differences: tuple[Difference, ...]
    unlike: bool = False
    octaves: int = 0

    @property
    def tuning(self) -> str:
        """In words, see `tuning_text`."""
        return tuning_text(self.cents, unlike=self.unlike)

    @property
    def text(self) -> str:
        """The most striking difference in words; "" if none counts."""
        first = self.differences[0] if self.differences else None
        return first.text if first and first.counts else ""


@dataclass(frozen=True)
class Interval:
    """How far a candidate sounds above the target, see `Judgement`."""

    cents: float
    octaves: int = 0


class Judge:
    """Compares candidates with one target, all in mono and as long as it.

    The tuning is the shift at which fine spectra agree best. A candidate may play the note with other partials, a
    hollow square for a sine, so that its spectrum agrees at no shift: then its own pitch is compared with that of the
    target, if both are sure. An octave more or less counts only if both are nearly certain, for octaves are what
    estimates of the pitch take for each other; else the nearest octave is taken and the other one remarked.

    Args:
        target: The sound they should be like, shape `(T,)`.
        rate: Sample rate of all, in Hz.
        pitched: Whether the target has a pitch.
        hold: Seconds until the key is released.
    """

    def __init__(self, target: np.ndarray, rate: int, *, pitched: bool = True, hold: float = math.inf) -> None:
        self.rate = rate
        self.pitched = pitched
        self.hold = hold
        self._target = self._prepared(target)

    @cached_property
    def _fine(self) -> torch.Tensor:
        return fine_spectrum(torch.from_numpy(self._target)[None], _RATE)

    @cached_property
    def _pitch(self) -> Pitch:
        return estimate_pitch(self._target, _RATE)

    @cached_property
    def _measures(self) -> dict[str, float]:
        return _measures(self._target, self.hold)

    def verdict(self, sound: np.ndarray) -> Judgement:
        """Returns how a candidate, shape `(T,)`, sounds beside the target."""
        prepared = self._prepared(sound)
        interval = self._interval(prepared)
        differences = _differences(_measures(prepared, self.hold), self._measures)
        if interval is None:
            return Judgement(None, differences, unlike=self.pitched)
        return Judgement(interval.cents, differences, octaves=interval.octaves)

    def cents(self, sound: np.ndarray) -> float | None:
        """Returns how far a candidate sounds above the target, see `Judgement`."""
        interval = self._interval(self._prepared(sound))
        return None if interval is None else interval.cents

    def _interval(self, prepared: np.ndarray) -> Interval | None:
        if not self.pitched or not prepared.any():
            return None
        size = len(self._target)
        fitted = np.pad(prepared[:size], (0, max(0, size - len(prepared))))
        fine = fine_spectrum(torch.from_numpy(fitted)[None], _RATE)
        shift = best_shift(fine, self._fine, most=_MOST)
        cents = heard_cents(float(shift.cents), float(shift.gain), float(shift.agreement))
        if cents is not None:
            return Interval(cents)
        interval = interval_between(estimate_pitch(prepared, _RATE), self._pitch)
        # Spectra that agree nowhere better contradict pitches that are apart, unless by octaves: one is wrong.
        if interval is None or (float(shift.gain) < AUDIBLE_GAIN and abs(_beside_octaves(interval.cents)) > _SPARE):
            return None
        return interval

    def _prepared(self, sound: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(resample(sound, self.rate, _RATE), np.float32)


def closeness(distance: float, cents: float | None = None, *, unlike: bool = False) -> str:
    """Returns the word for a distance.

    Args:
        distance: By `perceptual`, in dB.
        cents: How far out of tune it is, if that has a meaning: what is out of tune is a twin at best.
        unlike: See `Judgement`; a twin at best, too.

    Example:
        >>> closeness(0.0), closeness(0.0, 20.0), closeness(200.0)
        ('the same', 'a twin', 'another sound')
    """
    words = [word for word, most in CLOSENESS.items() if distance <= most]
    if tuning_text(cents, unlike=unlike) not in ("", _IN_TUNE):
        words = [word for word in words if word != "the same"]
    return words[0] if words else FARTHEST


def tuning_text(cents: float | None, *, unlike: bool = False) -> str:
    """Returns how far out of tune something is; "" if that has no meaning.

    Args:
        cents: How far it sounds above the target; None if that has no meaning.
        unlike: Whether the reason is that it has no pitch in common with a target that has one.

    Example:
        >>> [tuning_text(cents) for cents in (0.0, -35.0, 1200.0, -1265.0, -1160.0)]
        ['in tune', '35 cents flat', 'an octave high', 'an octave and 65 cents low', '1,160 cents low']
    """
    if cents is None:
        return _UNLIKE if unlike else ""
    size = abs(cents)
    if size < _TUNED:
        return _IN_TUNE
    if size < _OCTAVE - 100:
        return f"{size:,.0f} cents {'sharp' if cents > 0 else 'flat'}"
    way = "high" if cents > 0 else "low"
    left = _beside_octaves(size)
    octaves = round((size - left) / _OCTAVE)
    name = "an octave" if octaves == 1 else f"{octaves} octaves"
    if abs(left) < _TUNED:
        return f"{name} {way}"
    return f"{name} and {left:.0f} cents {way}" if 0 < left <= _SPARE else f"{size:,.0f} cents {way}"


def pitch_text(pitch: float) -> str:
    """Returns the name of a pitch that may lie between two keys.

    Args:
        pitch: As a MIDI note; 60 is middle C, 60.35 lies 35 cents above.

    Example:
        >>> pitch_text(36.0), pitch_text(23.35), pitch_text(59.6)
        ('C2', 'B0 +35 cents', 'C4 -40 cents')
    """
    key = min(127, max(0, round(pitch)))
    cents = 100 * (pitch - key)
    return note_name(key) if abs(cents) < _TUNED else f"{note_name(key)} {cents:+.0f} cents"


def remarks(verdict: Judgement, note: Note, target: Target, lacks: Mapping[str, str]) -> tuple[str, ...]:
    """Returns what a musician may wonder about in a candidate: which key it plays, and what the synth cannot do.

    Args:
        verdict: How it sounds beside the target.
        note: What it plays.
        target: What was searched for.
        lacks: See `Engine.lacks`; and `"tuning"` of a synth that cannot be transposed.
    """
    said = []
    key = note_name(note.pitch)
    if target.f0 is not None and verdict.cents is not None:
        wanted = pitch_of(target.f0)
        sounding = wanted + verdict.cents / 100
        if abs(verdict.cents) >= _TUNED:
            said.append(f"plays {key}, sounds {pitch_text(sounding)}; the target is {pitch_text(wanted)}")
        elif abs(sounding - note.pitch) > _KEY:
            said.append(f"plays {key}, sounds {pitch_text(sounding)} as the target does")
    if verdict.cents is not None and abs(verdict.cents) > _UNTUNED and "tuning" in lacks:
        said.append(lacks["tuning"])
    likeliest = target.guesses[0].pitch
    if target.pitched and note.pitch != likeliest and not said:
        said.append(f"the likeliest note is {note_name(likeliest)}, but on {key} the search came nearer")
    if verdict.octaves:
        size = abs(verdict.octaves)
        name = "an octave" if size == 1 else f"{size} octaves"
        said.append(f"its octave is not sure: it may sound {name} {'higher' if verdict.octaves > 0 else 'lower'}")
    noise = next((each for each in verdict.differences if each.name == "noise"), None)
    if noise and noise.counts and noise.target > max(noise.candidate, _NOISY) and "noise" in lacks:
        said.append(f"less noise: {lacks['noise']}")
    return tuple(said)


def pitch_of(hz: float) -> float:
    """Returns a frequency as a MIDI note that may lie between two keys.

    Example:
        >>> pitch_of(440.0)
        69.0
    """
    return 69 + 12 * math.log2(hz / 440)


def interval_between(candidate: Pitch, target: Pitch) -> Interval | None:
    """Returns how far one pitch is above another; None unless both are sure.

    Args:
        candidate: Estimated alone.
        target: Estimated alone.
    """
    sure = min(_sureness(candidate), _sureness(target))
    if candidate.sounding is None or target.sounding is None or sure < _SURE:
        return None
    cents = 100 * (candidate.sounding - target.sounding)
    left = _beside_octaves(cents)
    octaves = round((cents - left) / _OCTAVE)
    if octaves and abs(left) <= _SPARE and sure < _SURE_OCTAVE:
        return Interval(left, octaves)
    return Interval(cents)


def _beside_octaves(cents: float) -> float:
    return cents - _OCTAVE * round(cents / _OCTAVE)


def _sureness(pitch: Pitch) -> float:
    """Confidence that what sounds is the note, or one of its neighbours where it lies between two."""
    if pitch.sounding is None:
        return 0.0
    return sum(guess.confidence for guess in pitch.guesses if abs(guess.pitch - pitch.sounding) < 1)


def _measures(sound: np.ndarray, hold: float) -> dict[str, float]:
    """What is compared, by name, of a sound at 22,050 Hz; not a number where it has no meaning."""
    found = {name: float(value) for name, value in describe(torch.from_numpy(sound)[None], _RATE).items()}
    level = _level(sound)
    key_up = round(hold / _HOP_S) if hold * _RATE < len(sound) else len(level)
    after = level[key_up:]
    # What has died away already has no release.
    released = len(after) * _HOP_S > _TINY_S and after[0] > level.max() - _FALLEN_DB
    return {
        "attack": found["attack"],
        "length": (int(level.argmax()) * _HOP_S) + _falls(level[level.argmax() :]),
        "release": _falls(after) if released else math.nan,
        "brightness": found["brightness"],
        "noise": found["noisiness"],
        "movement": found["movement"],
    }


def _level(sound: np.ndarray) -> np.ndarray:
    """Level of every 5 ms, in dB, shape `(N,)`."""
    hop = round(_HOP_S * _RATE)
    padded = np.pad(sound, (0, -len(sound) % hop))
    return 10 * np.log10(np.square(padded, dtype=np.float64).reshape(-1, hop).mean(1) + _LEAST)


def _falls(level: np.ndarray) -> float:
    """Seconds until a level stays 20 dB below where it begins, or until it ends."""
    above = np.flatnonzero(level > level[0] - _FALLEN_DB)
    return float(above[-1] + 1) * _HOP_S


def _differences(candidate: Mapping[str, float], target: Mapping[str, float]) -> tuple[Difference, ...]:
    found = []
    for name, least in LEAST.items():
        value = candidate[name]
        wanted = target[name]
        if math.isfinite(value) and math.isfinite(wanted):
            weight = _apart(name, value, wanted) / least
            found.append(Difference(name, _UNITS[name], value, wanted, weight, _said(name, value, wanted)))
    return tuple(sorted(found, key=lambda each: -each.weight))


def _apart(name: str, value: float, wanted: float) -> float:
    """How unlike two values are, in octaves."""
    least = _SMALL[_UNITS[name]]
    return abs(math.log2((value + least) / (wanted + least)))


def _said(name: str, value: float, wanted: float) -> str:
    more = value > wanted
    seconds = abs(value - wanted)
    time = f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
    share = abs(value / max(wanted, _LEAST) - 1)
    return {
        "attack": f"attack {time} {'slower' if more else 'faster'}",
        "length": f"dies away {time} {'later' if more else 'earlier'}",
        "release": f"release {time} {'longer' if more else 'shorter'}",
        "brightness": f"{share:.0%} {'brighter' if more else 'darker'}",
        "noise": "more noise" if more else "less noise",
        "movement": "livelier" if more else "steadier",
    }[name]
