"""A recording as spectra that change over time: what a synth needs to play it as an instrument."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..audio.conditioning import resample
from ..audio.pitch import Pitch
from ..audio.sound import Sound
from ..presets import Preset
from .course import FRAMES, Course, TableWalk, clipped_samples, course_of
from .pitch_track import PitchTrack, follow_pitch
from .spectra import (
    SPACING,
    band_levels,
    divisor,
    find_tones,
    gathered,
    line_amplitudes,
    line_phases,
    steady_tones,
    take_apart,
)
from .wave_table import NoiseLoop, Voice, WaveTable, band_gap, choose_frames, fitted, mixed, noise_loop, pitch_points

__all__ = ["LONGEST_NOTE", "NOISES", "RATE", "Noise", "Options", "Resynthesis"]

RATE = 44_100
"""Sample rate of the analysis, in Hz."""

LONGEST_NOTE = 10.0
"""Seconds of a recording that are analysed; what comes later is ignored."""

Noise = Literal["auto", "lines", "loop", "none"]
NOISES: tuple[Noise, ...] = ("lines", "loop", "none")

_FRAME_BYTES = 10_960  # of a frame in a file
_OTHER_BYTES = 56_000  # of all else in it
_POINTS = 96  # of a path and of a pitch curve: Vital's shapes have 100
_ENOUGH_DB = 0.4  # mean miss between frames at which there are enough
_FLOOR = 1e-7  # of the largest power of a band
_TONAL = 0.35  # share of tones in a residual that is rather tones than noise
_SHORT = 0.05  # seconds
_SILENT_DB = -85.0
_MIXED = 0.9  # share of the sound that has the pitch, below which tables for all of it are tried
_FAR_NEARER = 0.75  # by how much these have to be nearer
_INAUDIBLE = 1e-5  # share of the power that a residual has at least
# Remarks on pitch are made for a search; here there is none.
_SEARCHES = ("the search takes", "the key is that of")
_MATCHED = ": it is matched without tuning"
_TUNED = ": its tones follow the key, from C4 on"
_UNTUNED = ": it sounds the same on every key"
_STEADY = 0.04  # semitones that a pitch moves by at most, if nothing is to follow


@dataclass(frozen=True)
class Options:
    """What a resynthesis is made of; by default, all that helps.

    Args:
        noise: What plays the residual: `"lines"` of a second wavetable, a `"loop"` of noise, or `"none"`; `"auto"` for
            what was measured to be the best.
        follows: Whether the pitch is followed, else it is taken for steady.
        harmonics: Whether what has the pitch has a wavetable of its own.
        adaptive: Whether frames are where the sound changes, else at equal times.
        rounds: How often the frames are corrected by how they sound.
        most_bytes: Size of the file, at most, about.
    """

    noise: Noise = "auto"
    follows: bool = True
    harmonics: bool = True
    adaptive: bool = True
    rounds: int = 2
    most_bytes: int = 1_000_000


@dataclass(frozen=True)
class Resynthesis:
    """A recording taken apart so that a synth can play it.

    Args:
        seconds: How much of the recording is in it.
        pitch: What is known of its pitch.
        track: Its pitch over time; None without one.
        curve: Seconds and semitones above `track.middle` of the pitch that a synth follows; empty for a steady one.
        course: How the note goes.
        path: Where in the tables the note is over time.
        voices: The wavetables, those of the harmonics first.
        noise: The loop of noise, if it has one.
        moments: Seconds of all frames, shape `(K,)`.
        tracks_key: Whether the lines of the residual go up and down with the key.
        notes: What was left out or is odd, one plain line each.
        key: The MIDI note that plays it as it was recorded; 60 without a pitch.

    Example:
        >>> t = np.arange(44_100) / 44_100
        >>> found = Resynthesis.of(np.sin(2 * np.pi * 440 * t).astype(np.float32), 44_100)
        >>> found.key, found.course.kind
        (69, 'sustained')
    """

    seconds: float
    pitch: Pitch
    track: PitchTrack | None
    curve: tuple[np.ndarray, np.ndarray]
    course: Course
    path: TableWalk
    voices: tuple[Voice, ...]
    noise: NoiseLoop | None
    moments: np.ndarray
    tracks_key: bool
    notes: tuple[str, ...] = ()
    key: int = 60

    @classmethod
    def of(
        cls,
        samples: np.ndarray,
        rate: int,
        *,
        note: float | None = None,
        key: int | None = None,
        hold: float | None = None,
        options: Options = Options(),
    ) -> "Resynthesis":
        """Takes a recording apart.

        Args:
            samples: Mono, shape `(T,)`, without silence before it.
            rate: Sample rate, in Hz.
            note: Its pitch in semitones, 69 at 440 Hz, where that is known; estimated if None.
            key: The MIDI note that is to play it as it was recorded; the one nearest to its pitch if None.
            hold: Seconds until its key was released; estimated if None.
            options: What it is made of.

        Raises:
            AudioError: If it is no sound, see `Sound`.
        """
        Sound(np.ascontiguousarray(samples, np.float32), rate)
        notes = []
        x = np.asarray(resample(samples.astype(np.float32), rate, RATE), np.float32)
        if len(x) > LONGEST_NOTE * RATE:
            notes.append(f"only the first {LONGEST_NOTE:g} s are used")
            x = x[: round(LONGEST_NOTE * RATE)]
        clipped = clipped_samples(samples)
        if clipped:
            notes.append(f"{clipped:,} samples are clipped: what that adds is taken for the sound's own")
        if len(x) < _SHORT * RATE:
            notes.append(f"it lasts only {1_000 * len(x) / RATE:.0f} ms")
        pitch, track = follow_pitch(x, RATE, note)
        course = course_of(x, RATE, hold, pitched=track is not None)
        silent = float((course.loudness <= _SILENT_DB).mean()) * len(x) / RATE
        if silent > _SHORT:
            notes.append(f"{silent:.1f} s of it are silent: so are their frames")
        analysis = _Analysis(x, track, course, options)
        found = analysis.result(len(x) / RATE, pitch)
        if track is not None and analysis.share < _MIXED:
            # Two notes in turn, or a pitch that was not found: all as lines may be nearer.
            lines = _Analysis(x, track, course, replace(options, harmonics=False)).result(len(x) / RATE, pitch)
            if band_gap(lines.sound(), x, RATE) < _FAR_NEARER * band_gap(found.sound(), x, RATE):
                found = lines
                notes.append("little of it has the pitch that was found: all of it is one table")
        if pitch.remark:
            kept = _TUNED if found.tracks_key else _UNTUNED
            notes.append(pitch.remark.replace(*_SEARCHES).replace(_MATCHED, kept))
        if key is None:
            key = 60 if track is None else int(np.clip(round(track.middle), 0, 127))
        return replace(found, notes=tuple(notes), key=key)

    @property
    def cents(self) -> float:
        """How far it is above that key."""
        return 0.0 if self.track is None else 100 * (self.track.middle - self.key)

    @property
    def words(self) -> str:
        """What it is made of, in words.

        Example:
            >>> t = np.arange(44_100) / 44_100
            >>> words = Resynthesis.of(np.sin(2 * np.pi * 440 * t).astype(np.float32), 44_100).words
            >>> words.partition(",")[0]
            'one wavetable'
        """
        parts = []
        if self.voices:
            count = "two wavetables" if len(self.voices) > 1 else "one wavetable"
            parts.append(f"{count}, {self.frames} frames")
        if self.noise is not None:
            parts.append("a loop of noise")
        return ", ".join(parts)

    @property
    def frames(self) -> int:
        """Frames of all tables together."""
        return sum(len(voice.table.places) for voice in self.voices)

    def vital(self, name: str = "", author: str = "") -> Preset:
        """Returns it as a preset of Vital."""
        from .vital_patch import vital_preset  # which is made of this

        return vital_preset(self, name, author)

    def sound(self) -> np.ndarray:
        """Returns what it sounds like without a synth, at `RATE`, as long as the recording; shape `(T,)`."""
        times = np.arange(round((self.course.hold + self.course.after) * RATE)) / RATE
        total = mixed(self.voices, self.path.at(times, self.course.hold))
        if self.noise is not None:
            total += self.noise.play(times, self.moments, RATE)
        return total


class _Analysis:
    """The steps from samples to a `Resynthesis`."""

    def __init__(self, x: np.ndarray, track: PitchTrack | None, course: Course, options: Options) -> None:
        self.options = options
        # A loop of noise has no frames: its release is that of the envelope.
        self.course = replace(course, after=0.0) if options.noise == "loop" else course
        self.pitched = track
        self.track = track if options.harmonics else None
        self.played = track
        self.x = x[: max(1, round((self.course.hold + self.course.after) * RATE))]
        end = len(self.x) / RATE
        hop = max(0.004, end / 600)
        self.times = np.append(np.arange(0, end - hop / 2, hop), end)
        self.curve = (np.zeros(0), np.zeros(0))
        if self.track is not None:
            track, self.curve = self._followed(self.track)
            # read along the pitch itself, played along what a synth can follow
            self.played = track
            self.track = self.track if self.options.follows else track
        self.harmonics = np.zeros((len(self.times), 0), np.float32)
        self.phases = self.harmonics
        self.residual = self.x
        if self.track is not None:
            parts = take_apart(self.x, RATE, self.track, self.times)
            self.residual = parts.residual.astype(np.float32)
            self.harmonics = parts.amplitudes.astype(np.float32)
            self.phases = parts.phases
        self.tones = find_tones(self.residual, RATE)
        self.tonal = self.tones.share > _TONAL
        self.hz, self.tracks_key = self._spacing()

    @property
    def share(self) -> float:
        """How much of the sound has the pitch, 0 to 1; 1 if that was not looked for."""
        if self.track is None:
            return 1.0
        return 1 - float(np.square(self.residual).sum()) / max(float(np.square(self.x).sum()), 1e-20)

    def result(self, seconds: float, pitch: Pitch) -> Resynthesis:
        """Returns all together."""
        noise = self._noise_kind()
        lines = np.zeros((len(self.times), 0), np.float32)
        if noise == "lines":
            lines = line_amplitudes(self.residual, RATE, self.hz, self.times)
            if self.tonal:
                lines = gathered(lines, self.hz, self.tones)
        chosen, loop = self._moments(noise)
        moments = self.times[chosen]
        path = self._path(moments, loop)
        voices = self._voices(chosen, lines)
        kept = None
        if noise == "loop":
            kept = noise_loop(self.residual, RATE, self.times, moments)
        voices = self._fit(voices, kept, path, moments)
        return Resynthesis(
            seconds, pitch, self.pitched, self.curve, self.course, path, voices, kept, moments, self.tracks_key
        )

    def _path(self, moments: np.ndarray, loop: tuple[float, float] | None) -> TableWalk:
        course = self.course
        last = float(course.loudness[min(len(course.loudness), round(len(self.x) / RATE * 100)) - 1])
        if loop is None:
            return TableWalk.fading(moments, max(course.tail, 0.02), max(60 + last, 6.0))
        if not course.after:
            return TableWalk.sustained(moments, loop)
        # What is cut off while it sounds fades out; the rest is as good as silent.
        return TableWalk.sustained(moments, loop, float(moments[-1]) + float(np.interp(last, [-60, -20], [0.02, 0.1])))

    def _followed(self, track: PitchTrack) -> tuple[PitchTrack, tuple[np.ndarray, np.ndarray]]:
        """The track as straight lines between points that a synth can follow."""
        if not self.options.follows or track.moves < _STEADY:
            steady = np.full(len(track.times), track.middle)
            return PitchTrack(track.times, steady, track.middle, track.remark), self.curve
        level = np.interp(track.times, np.arange(len(self.course.loudness)) * 0.01, self.course.loudness)
        weight = np.clip(1 + level / 40, 0.02, 1)
        loop = self.course.loop or (0.0, 0.0)
        most = int((_POINTS - 4) / (1 + (loop[1] - loop[0]) / self.course.hold))  # a loop is walked twice
        inside = track.times <= len(self.x) / RATE + 0.01
        points = pitch_points(track.times[inside], track.pitch[inside], weight[inside], most=most, least=0.01)
        times = track.times[points]
        pitch = track.pitch[points]
        return PitchTrack(times, pitch, track.middle, track.remark), (times, pitch - track.middle)

    def _spacing(self) -> tuple[float, bool]:
        """Hz from line to line of the residual, and whether it moves with the key."""
        if self.pitched is not None and (self.tonal or self.track is None):
            return self.pitched.hz / divisor(self.pitched.hz, self.tones), True
        # Noise is the same on every key, and tones are not.
        return SPACING, self.tonal

    def _noise_kind(self) -> Noise:
        power = float(np.square(self.residual).sum())
        if self.track is not None and power < _INAUDIBLE * float(np.square(self.x).sum()):
            return "none"
        if self.track is None and self.options.noise == "none":
            return "lines"
        return "lines" if self.options.noise == "auto" else self.options.noise

    def _moments(self, noise: Noise) -> tuple[np.ndarray, tuple[float, float] | None]:
        """Places in `times` of the frames, and the stretch that is repeated."""
        tables = int(self.harmonics.shape[1] > 0) + int(noise == "lines")
        loops = self.course.loop
        budget = (self.options.most_bytes - _OTHER_BYTES) // _FRAME_BYTES // max(tables, 1)
        budget = min(max(4, budget - (loops is None)), _POINTS - 8)
        count = len(self.times)
        fixed = [0, count - 1]
        if loops is not None:
            first, last = np.searchsorted(self.times, loops) - 1
            fixed = [max(int(first), 0), min(max(int(last), int(first) + 2), count - 1)]
            if self.course.after:
                fixed.append(count - 1)
        if not self.options.adaptive:
            grid = np.linspace(0, count - 1, min(budget, count, 64)).astype(int)
            chosen = np.unique(np.concatenate([grid, fixed]))
        else:
            chosen = choose_frames(count, min(budget, count), self._error(), least=_ENOUGH_DB, fixed=tuple(fixed))
        if loops is None:
            return chosen, None
        # The way back takes points as well: a loop of many frames is cut.
        if not self.course.after:
            chosen = chosen[chosen <= fixed[1]]  # nothing gets beyond the loop
        inside = np.flatnonzero((chosen >= fixed[0]) & (chosen <= fixed[1]))
        inside = inside[-max(3, _POINTS - int((chosen <= fixed[1]).sum())) :]
        return chosen, (float(self.times[chosen[inside[0]]]), float(self.times[chosen[inside[-1]]]))

    def _error(self):
        """How far bands are off, between two frames, in dB at each place between."""
        levels = band_levels(self.x, RATE, self.times)
        floor = _FLOOR * max(float(levels.max()), 1e-20)
        root = np.sqrt(np.sqrt(levels + floor))
        decibels = 10 * np.log10(levels + floor)
        steps = np.arange(len(root))[:, None]

        def error(first: int, last: int) -> np.ndarray:
            between = slice(first + 1, last)
            share = (steps[between] - first) / (last - first)
            line = root[first] + share * (root[last] - root[first])
            return np.abs(40 * np.log10(line) - decibels[between]).mean(1)

        return error

    def _voices(self, chosen: np.ndarray, lines: np.ndarray) -> tuple[Voice, ...]:
        moments = self.times[chosen]
        ends = self.course.loop is None or self.course.after > 0
        count = len(chosen) + ends
        places = np.round((FRAMES - 1) * np.arange(count) / max(count - 1, 1))[: len(chosen)]
        voices = []
        if self.harmonics.shape[1]:
            assert self.track is not None
            assert self.played is not None
            table = _table(places, self.harmonics[chosen], self.phases[chosen], ends)
            voices.append(Voice(table, self.track.hz, self.played.cycles(len(self.x), RATE), "harmonics"))
        if lines.shape[1]:
            phases = line_phases(self.residual, RATE, self.hz, moments, lines.shape[1])
            if self.tonal:
                phases = steady_tones(phases, moments, self.hz, self.tones)
            table = _table(places, lines[chosen], phases, ends)
            voices.append(Voice(table, self.hz, self.hz * np.arange(len(self.x)) / RATE, "lines"))
        return tuple(voices)

    def _fit(
        self, voices: tuple[Voice, ...], noise: NoiseLoop | None, path: TableWalk, moments: np.ndarray
    ) -> tuple[Voice, ...]:
        times = np.arange(len(self.x)) / RATE
        beside = None if noise is None else noise.play(times, moments, RATE)
        places = path.at(times, self.course.hold)
        return fitted(voices, self.x, RATE, places, rounds=self.options.rounds, beside=beside)


def _table(places: np.ndarray, amplitudes: np.ndarray, phases: np.ndarray, ends: bool) -> WaveTable:
    """A table, with a silent frame at its end if the sound ends."""
    if ends:
        places = np.append(places, 256)
        amplitudes = np.concatenate([amplitudes, np.zeros_like(amplitudes[:1])])
        phases = np.concatenate([phases, phases[-1:]])
    return WaveTable(places.astype(int), amplitudes.astype(np.float32), phases)
