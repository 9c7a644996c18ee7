"""How a note goes: how loud it is over time, when its key was released, and what it does while the key is held."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..audio.envelope import note_off
from .spectra import band_levels

__all__ = ["Course", "course_of", "falling"]

_HOP = 0.01
_SMOOTH = 5  # hops
_GONE_DB = -45.0  # below the loudest: a sound that ends so has ended
_DECAY = -7.0  # dB a second, from which on a held note dies away
_SETTLED_DB = 4.0  # that the level of the stationary part may differ from its middle
_LEAST_LOOP = 0.12  # seconds
_MOST_LOOP = 2.0
_AFTER = 0.04  # seconds after a release that tell one
_LEAST_HOLD = 0.15  # seconds that a key is held at least, where that is not known
_RELEASES = np.geomspace(0.02, 12.0, 34)  # seconds that are tried
_BENDS = (0.01, 2.0, 4.0, 7.0, 12.0)  # of the envelope that are tried: the more, the earlier most of the fall
_FLOOR_DB = -72.0
_UNLIKE_DB = 5.0  # that an envelope may miss a release by, or the release is part of the sound
_LEAST_FALL_DB = 20.0  # that a release falls by in the recording
_MOST_UNLIKE_DB = 8.0  # the same of a sustained sound, which has to go on when its key is held
_CLICK = 0.06  # seconds, which nobody would hear repeated but as a buzz
_QUICK = 0.12  # seconds of a release that no recording tells
_MOST_TAIL = 8.0


@dataclass(frozen=True)
class Course:
    """What a note does.

    Args:
        kind: `"sustained"` if it would go on as long as the key is held, `"decaying"` if it dies away, `"ended"` if it
            has died away when the recording ends.
        hold: Seconds from the onset to the release of the key, or the end of the recording.
        loop: Seconds of the stationary part, which may be repeated; None where there is none.
        tail: Seconds that a decaying note would go on after `hold` until it is 60 dB below its loudest.
        release: Seconds in which it is gone after the release.
        bend: How much earlier most of that fall is, see `falling`.
        loudness: In dB relative to the loudest, every 10 ms, shape `(N,)`.
        released: Whether the recording has a release; else that is a guess.
    """

    kind: Literal["sustained", "decaying", "ended"]
    hold: float
    loop: tuple[float, float] | None
    tail: float
    release: float
    bend: float
    loudness: np.ndarray
    released: bool


def course_of(samples: np.ndarray, rate: int, hold: float | None = None, *, pitched: bool = True) -> Course:
    """Returns how a note goes.

    Args:
        samples: Mono, shape `(T,)`, without silence before it.
        rate: Sample rate, in Hz.
        hold: Seconds until the key was released; estimated if None.
        pitched: Whether it has a pitch. What has none has no key either: it is played whole.
    """
    level = _loudness(samples, rate)
    seconds = len(samples) / rate
    off = min(note_off(samples, rate) if hold is None else hold, seconds)
    after = level[round(off / _HOP) :]
    before = level[: max(2, round(off / _HOP))]
    decay = min(0.0, _decay(before))
    missed, release, bend = _release(after, decay if decay < _DECAY else 0.0)
    released = off < seconds - _AFTER
    if hold is None:
        # A drum, too, falls faster after a while. Nobody let go of a key.
        fell = float(before[-4:].max()) - float(after[-2:].max(initial=0.0))
        released &= (
            pitched and fell > _LEAST_FALL_DB and off > _LEAST_HOLD and off > 0.3 * seconds and missed < _UNLIKE_DB
        )
    end = off if released else seconds

    fall = (release, bend, decay if decay < _DECAY else 0.0)
    if released and hold is None and _unlike(samples, rate, off, fall) > (_UNLIKE_DB if fall[2] else _MOST_UNLIKE_DB):
        # The room, or the body of an instrument, goes on with another sound.
        released = False
        end = seconds

    held = level[: max(2, round(end / _HOP))]
    slope = _decay(held)
    last = float(held[-4:].max())
    if not released:
        release, bend = _QUICK, 2.0
    if last < _GONE_DB or (not pitched and end < _CLICK):
        return Course("ended", end, None, 0.0, max(release, 0.3), bend, level, released)
    if slope < _DECAY:
        tail = float(np.clip((60 + last) / -slope, 0.05, _MOST_TAIL))
        least = 0.0 if released else 0.25
        return Course("decaying", end, None, tail, max(release, least), bend, level, released)
    return Course("sustained", end, _stationary(held, end), 0.0, release, bend, level, released)


def falling(share: np.ndarray, bend: float) -> np.ndarray:
    """Returns the amplitude of Vital's envelope after the release, from 1 to 0.

    Args:
        share: Of the time of the release that has passed, 0 to 1.
        bend: Its power in a file, with the other sign.
    """
    share = np.clip(share, 0, 1)
    return np.square((np.exp(-bend * share) - np.exp(-bend)) / (1 - np.exp(-bend)))


def _release(after: np.ndarray, decay: float) -> tuple[float, float, float]:
    """How well the best envelope explains the levels after a release, in dB, its seconds and its bend."""
    if len(after) < 3:
        return 0.0, _QUICK, 2.0
    times = np.arange(len(after)) * _HOP
    fallen = np.maximum(after - after[0] - decay * times, _FLOOR_DB)
    best = (np.inf, _QUICK, 2.0)
    for seconds in _RELEASES.tolist():
        for bend in _BENDS:
            amplitude = np.maximum(falling(times / seconds, bend), 1e-6)
            missed = float(np.abs(np.maximum(20 * np.log10(amplitude), _FLOOR_DB) - fallen).mean())
            best = min(best, (missed, seconds, bend))
    return best


def _unlike(samples: np.ndarray, rate: int, off: float, fall: tuple[float, float, float]) -> float:
    """How far bands are, after a release, from where one envelope would bring those before it, in dB."""
    release, bend, decay = fall
    times = np.arange(off + _HOP, len(samples) / rate, _HOP)
    if len(times) < 2:
        return 0.0
    before = band_levels(samples, rate, np.linspace(max(0.0, off - 0.06), off, 4)).mean(0)
    after = band_levels(samples, rate, times)
    floor = 10 ** (_FLOOR_DB / 10) * float(before.max())
    since = times - off
    envelope = np.square(falling(since / release, bend)) * 10 ** (decay * since / 10)
    expected = before * envelope[:, None]
    return float(np.abs(10 * np.log10((after + floor) / (expected + floor))).mean())


def _loudness(samples: np.ndarray, rate: int) -> np.ndarray:
    hop = max(1, round(_HOP * rate))
    count = max(1, len(samples) // hop)
    power = np.square(np.resize(samples, count * hop), dtype=np.float64).reshape(count, hop).mean(1)
    window = np.hanning(_SMOOTH + 2)[1:-1]
    smooth = np.convolve(power, window / window.sum(), "same")
    return 10 * np.log10(np.maximum(smooth / max(float(smooth.max()), 1e-20), 1e-9))


def _decay(level: np.ndarray) -> float:
    """How fast the end of a held note falls, in dB a second: where a tremolo falls, longer stretches do not."""
    slopes = [_slope(level[-max(8, round(share * len(level))) :]) for share in (0.35, 0.5, 0.65)]
    return max(slopes)


def _slope(level: np.ndarray) -> float:
    """How fast a level falls, in dB a second; 0 where it is too short to tell."""
    if len(level) < 4:
        return 0.0
    t = (np.arange(len(level)) - (len(level) - 1) / 2) * _HOP
    return float((t * level).sum() / np.square(t).sum())


def _stationary(level: np.ndarray, end: float) -> tuple[float, float]:
    """The last part of the held note in which its level hardly changes."""
    # The last hops may already hear the release.
    last = max(2, len(level) - 3)
    least = min(last - 1, max(round(_LEAST_LOOP / _HOP), last // 5))
    most = min(round(_MOST_LOOP / _HOP), round(0.65 * last))
    smooth = np.convolve(np.pad(level, 5, mode="edge"), np.ones(11) / 11, "valid")[:last]
    length = least
    for tried in range(least, max(most, least) + 1):
        part = smooth[last - tried :]
        if np.abs(part - np.median(part)).max() > _SETTLED_DB:
            break
        length = tried
    stop = min(last * _HOP, end)
    return max(0.0, stop - length * _HOP), stop
