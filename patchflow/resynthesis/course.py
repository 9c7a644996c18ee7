"""How a note goes: its loudness, when its key was released, what it does while held, and its way through frames."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ..audio.loudness import note_off
from .spectra import band_levels

__all__ = ["FRAMES", "Course", "TableWalk", "clipped_samples", "course_of", "falling"]

FRAMES = 257
"""Places of a wavetable of Vital, counted from 0."""

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
_CLICK = 0.06  # seconds, which nobody would hear repeated but as a buzz
_QUICK = 0.12  # seconds of a release that no recording tells
_MOST_TAIL = 8.0
_TAIL_POINTS = 7
_FADE_S = 0.02  # seconds in which a released note gets to the frames of its release
_CUT = 1e-4  # of the peak: what is no further below it is cut off there
_CUT_RUN = 3  # samples
_CUTS = 3
_STEEP = 0.005  # of the peak, that the sample before is lower by
# What is kept up, see `_steady`:
_AVERAGED = 0.2  # share of the sound over which its level is averaged, so that a tremolo is none,
_AVERAGED_S = (0.05, 0.3)  # and seconds that this is at least and at most
_RANGE_DB = 6.0
_SOFT_DB = 12.0  # below the loudest
_LEAST_STEADY = 0.12  # seconds
_LEAST_SHARE = 0.25  # of the time in which anything sounds
_SOUNDING_DB = -40.0
_LEAST_FILLED = 0.5  # share of what is kept up that is no pause, as between ticks of a clock
_LEAST_NOISE = 0.8  # the same without a pitch: what is shorter is a hit
_STILL = -3.0  # dB a second, above which nothing dies away
_FALLEN_DB = 5.0  # of a recording that ends in the stretch
_FASTER = 2.5  # how much faster it falls afterwards


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
        after: Seconds of the recording after `hold`, which are played when the key is released.
    """

    kind: Literal["sustained", "decaying", "ended"]
    hold: float
    loop: tuple[float, float] | None
    tail: float
    release: float
    bend: float
    loudness: np.ndarray
    released: bool
    after: float = 0.0


@dataclass(frozen=True)
class TableWalk:
    """Where in a wavetable a note is, over time: straight lines between points.

    Args:
        times: Seconds, rising from 0, shape `(M,)`.
        places: 0 to 256, shape `(M,)`.
        loop: Seconds at which the path goes on when it is over; None where it stays at its end.
        release_times: Seconds after the release, rising from 0, shape `(R,)`; empty where the path goes on as before.
        release_places: 0 to 256, shape `(R,)`. Until the second of them, the path is faded to it.
    """

    times: np.ndarray
    places: np.ndarray
    loop: float | None
    release_times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    release_places: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def seconds(self) -> float:
        """How long it takes until it ends, or begins again at `loop`."""
        return float(self.times[-1])

    def unwound(self, times: np.ndarray) -> np.ndarray:
        """Returns which time of the path it is after so many seconds, with all its turns."""
        if self.loop is None:
            return np.minimum(times, self.seconds)
        turn = self.seconds - self.loop
        return np.where(times < self.seconds, times, self.loop + np.mod(times - self.loop, turn))

    def at(self, times: np.ndarray, off: float = math.inf) -> np.ndarray:
        """Returns the place at each time of a note that is released at `off`, in seconds."""
        held = np.interp(self.unwound(times), self.times, self.places)
        if not len(self.release_times) or off == math.inf:
            return held
        after = np.maximum(times - off, 0)
        share = np.clip(after / self.release_times[1], 0, 1)
        released = np.interp(after, self.release_times[1:], self.release_places[1:])
        return held * (1 - share) + released * share

    @staticmethod
    def sustained(moments: np.ndarray, loop: tuple[float, float], end: float | None = None) -> "TableWalk":
        """Returns the path of a note that goes on until its key is released, through evenly spaced frames.

        Args:
            moments: Seconds of the frames, rising from 0, shape `(K,)`.
            loop: Stretch that is played there and back again, without a jump; both ends are among the moments, and
                what comes later is played when the key is released.
            end: Seconds at which one more frame, a silent one, is reached after a release; None if nothing is played
                then.
        """
        count = len(moments) + (end is not None)
        places = np.round((FRAMES - 1) * np.arange(count) / max(count - 1, 1))
        first = int(np.abs(moments - loop[0]).argmin())
        last = int(np.abs(moments - loop[1]).argmin())
        back = np.arange(last - 1, first - 1, -1)
        times = np.concatenate([moments[: last + 1], 2 * moments[last] - moments[back]])
        path = TableWalk(times, np.concatenate([places[: last + 1], places[back]]), float(moments[first]))
        if end is None:
            return path
        later = np.append(moments[last:], end) - moments[last]
        fade = min(_FADE_S, float(later[-1]) / 2)
        beyond = later > fade
        release_places = [places[last], np.interp(fade, later, places[last:])]
        return replace(
            path,
            release_times=np.concatenate([[0.0, fade], later[beyond]]),
            release_places=np.concatenate([release_places, places[last:][beyond]]),
        )

    @staticmethod
    def fading(moments: np.ndarray, tail: float, drop_db: float) -> "TableWalk":
        """Returns the path of a note that dies away, through evenly spaced frames and a silent one after them.

        Args:
            moments: Seconds of the frames, rising from 0, shape `(K,)`.
            tail: Seconds of an exponential decay from the last of them to the silent one.
            drop_db: By how much the sound falls in the tail.
        """
        places = np.round((FRAMES - 1) * np.arange(len(moments) + 1) / len(moments))
        # Vital adds up square roots of amplitudes: an exponential of half the speed falls right.
        share = np.linspace(0, 1, _TAIL_POINTS + 1)[1:]
        left = 10 ** (-drop_db * share / 40)
        left[-1] = 0.0
        falling = places[-1] - (places[-1] - places[-2]) * left
        times = np.concatenate([moments, moments[-1] + tail * share])
        return TableWalk(times, np.concatenate([places[:-1], falling]), None)


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
    held = level if hold is None else level[: max(2, round(hold / _HOP))]
    steady = _steady(held, pitched)
    if steady is None:
        return _fading(samples, rate, hold, level, pitched=pitched)
    off = min(steady if hold is None else hold, seconds)
    released = off < seconds - _AFTER
    if not released:
        off = seconds
    loop = _stationary(level[: max(2, round(off / _HOP))], off, released=released)
    _, release, bend = _release(level[round(off / _HOP) :], 0.0) if released else (0.0, _QUICK, 2.0)
    return Course("sustained", off, loop, 0.0, release, bend, level, released, seconds - off)


def _fading(samples: np.ndarray, rate: int, hold: float | None, level: np.ndarray, *, pitched: bool) -> Course:
    """The course of what dies away, or has done so."""
    seconds = len(samples) / rate
    off = min(note_off(samples, rate) if hold is None else hold, seconds)
    after = level[round(off / _HOP) :]
    before = level[: max(2, round(off / _HOP))]
    decay = min(0.0, _decay(before))
    missed, release, bend = _release(after, decay)
    released = off < seconds - _AFTER
    if hold is None:
        # A drum, too, falls faster after a while. Nobody let go of a key.
        fell = float(before[-4:].max()) - float(after[-2:].max(initial=0.0))
        released &= (
            pitched and fell > _LEAST_FALL_DB and off > _LEAST_HOLD and off > 0.3 * seconds and missed < _UNLIKE_DB
        )
        # The room, or the body of an instrument, may go on with another sound.
        released = released and _unlike(samples, rate, off, (release, bend, decay)) <= _UNLIKE_DB
    end = off if released else seconds
    held = level[: max(2, round(end / _HOP))]
    last = float(held[-4:].max())
    if not released:
        release, bend = _QUICK, 2.0
    if last < _GONE_DB or (not pitched and end < _CLICK):
        return Course("ended", end, None, 0.0, max(release, 0.3), bend, level, released)
    tail = float(np.clip((60 + last) / -min(_decay(held), _DECAY), 0.05, _MOST_TAIL))
    least = 0.0 if released else 0.25
    return Course("decaying", end, None, tail, max(release, least), bend, level, released)


def _steady(level: np.ndarray, pitched: bool) -> float | None:
    """Seconds until which a note is kept up; None if it dies away on its own.

    What is kept up has a stretch in which its level stays about the same, until it ends or falls much faster: as a
    note falls when its player lets go. What dies away falls afterwards as it did in that stretch, or more slowly.
    """
    sounding = float((level > _SOUNDING_DB).sum())
    size = max(1, round(float(np.clip(_AVERAGED * sounding * _HOP, *_AVERAGED_S)) / _HOP))
    smooth = _averaged(level, size)
    first, last = _longest(smooth)
    middle = float(np.median(smooth[first:last]))
    slope = min(0.0, _slope(smooth[first:last]))
    # It may come back: a second syllable, a wave.
    last = int(np.flatnonzero(smooth >= middle - _RANGE_DB)[-1]) + 1
    if last >= len(level) - size // 2 - 1:
        last = len(level)
    # The mean over a while falls later than the level itself.
    while last > first + 2 and level[last - 1] < middle - _SETTLED_DB:
        last -= 1
    length = last - first
    if (smooth[first:last] >= middle - 2 * _RANGE_DB).mean() < _LEAST_FILLED:
        return None
    least = _LEAST_STEADY if pitched else _LEAST_NOISE
    if length < max(least / _HOP, _LEAST_SHARE * sounding):
        return None
    if slope > _STILL:
        return last * _HOP
    after = level[last : last + int(np.clip(length // 3, 8, 25))]
    if len(after) < 3:
        return None if -slope * length * _HOP > _FALLEN_DB else last * _HOP
    faster = (float(level[last - 1]) - float(after[-3:].min())) / (len(after) * _HOP)
    return last * _HOP if faster > _FASTER * -slope else None


def _averaged(level: np.ndarray, size: int) -> np.ndarray:
    """The level of the mean power of so many hops."""
    window = np.ones(size)
    power = np.convolve(10 ** (level / 10), window, "same") / np.convolve(np.ones(len(level)), window, "same")
    return 10 * np.log10(power[: len(level)])


def _longest(level: np.ndarray) -> tuple[int, int]:
    """The longest stretch that stays within a range and is not soft."""
    loud = float(level.max()) - _SOFT_DB
    best = (0, 0)
    first = 0
    for last in range(len(level)):
        if level[last] < loud:
            first = last + 1
            continue
        while np.ptp(level[first : last + 1]) > _RANGE_DB:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = (first, last + 1)
    return best


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


def _stationary(level: np.ndarray, end: float, *, released: bool) -> tuple[float, float]:
    """The last part of the held note in which its level hardly changes."""
    # At the end of a recording, the last hops may already hear the release.
    last = len(level) if released else max(2, len(level) - 3)
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


def clipped_samples(x: np.ndarray) -> int:
    """Returns how many samples are cut off at the top: equal ones in a row that a slope runs into, again and again.

    Args:
        x: As it was recorded, shape `(T,)`.
    """
    top = float(np.abs(x).max())
    cut = (np.abs(x) > (1 - _CUT) * top).astype(np.int8)
    edges = np.diff(cut, prepend=0, append=0)
    starts = np.flatnonzero(edges == 1)
    ends = np.flatnonzero(edges == -1)
    inside = (ends - starts >= _CUT_RUN) & (starts > 0)
    steep = np.abs(x[starts[inside]]) - np.abs(x[starts[inside] - 1]) > _STEEP * top
    lengths = (ends - starts)[inside][steep]
    return int(lengths.sum()) if len(lengths) >= _CUTS else 0
