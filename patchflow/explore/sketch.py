"""Vocal sketching: a hummed melody becomes notes, and a preset that sounds like the voice plays them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.conditioning import resample
from ..audio.loudness import loudness, match_loudness
from ..audio.note_names import note_name
from ..audio.pitch import estimate_pitch
from ..audio.sound import Sound
from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import OptionError, PresetError
from ..match import Matcher, MatchResult
from ..match.limits import DEFAULT_SECONDS, Budget
from ..match.target import Target, prepare_target
from ..presets import Preset, check
from ..progress import Progress, ProgressCallback, ignore
from .melody import Melody, SketchNote, melody_of

__all__ = ["SKETCH_RATE", "Sketch", "play_notes", "sketch", "steady_note", "steady_target"]

SKETCH_RATE = 44_100
"""Sample rate of what is played, in Hz."""

_TAIL = 4.0  # seconds after a key comes up in which a note is heard at most
_LONGEST_HOLD = 55.0  # seconds; a note of an engine has 60 s with its tail
_SHORTEST_HOLD = 0.02
_INAUDIBLE_DB = -80.0  # below the peak of a note, where its tail is cut
_LEAD_IN = 0.005  # seconds of the voice before a note, in which it fades in
_LEAD_OUT = 0.03  # seconds after it, in which it fades out
_SILENCE = 0.5  # seconds
_UNSTEADY = 0.3  # semitones of deviation by which a note is worth a third
_LONG_ENOUGH = 2.0  # seconds beyond which a longer note says no more
_LEFT_OUT = 0.5  # seconds of a voice that are not read, above which that is worth a word
_OFF_KEY = 0.5  # semitones between a key and what it sounds, above which it is worth a word


@dataclass(frozen=True)
class Sketch:
    """A voice as a melody of a synth.

    Args:
        voice: The recording.
        melody: What it sang.
        preset: What plays it.
        sound: The melody played, as loud as the voice or as loud as it can be without clipping, mono float32 at
            `SKETCH_RATE`, from the beginning of the recording; shape `(T,)`.
        gain_db: Gain between the synth's own output and `sound`.
        silent: Keys on which the preset cannot be heard.
        transposed: How far above its key the preset sounds, in semitones; None if it has no pitch.
        source: The note of the voice that was matched; None if the preset was given.
        match: What the search found; None if the preset was given.
        settings: What was asked for, by the names of `sketch`.
    """

    voice: Sound
    melody: Melody
    preset: Preset
    sound: np.ndarray
    gain_db: float
    silent: tuple[int, ...] = ()
    transposed: float | None = None
    source: SketchNote | None = None
    match: MatchResult | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is odd, one plain line each."""
        said = list(self.voice.notes)
        last = self.voice.start + self.voice.seconds
        if self.voice.length - last > _LEFT_OUT:
            said.append(f"only {self.voice.seconds:.0f} s of {self.voice.length:.0f} s are read")
        if self.silent:
            names = ", ".join(note_name(key) for key in self.silent)
            said.append(f"the preset cannot be heard on {names}: these notes are silent")
        if self.transposed is None:
            said.append("the preset has no clear pitch: the melody may not be heard in it")
        elif abs(self.transposed) >= _OFF_KEY:
            side = "above" if self.transposed > 0 else "below"
            said.append(f"the preset sounds {abs(self.transposed):.1f} semitones {side} the keys that play it")
        return tuple(said)


def sketch(
    voice: Sound,
    synth: str = "dexed",
    preset: Preset | None = None,
    *,
    model: str | Path | None = None,
    library: str | Path | None = None,
    seconds: float | None = None,
    renders: int | None = None,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> Sketch:
    """Turns a voice into a melody of a synth.

    The longest steady note is matched, brought to the pitch of its key, so that the preset is in tune whatever the
    tuning of the singer.

    Args:
        voice: A melody that is hummed, sung or whistled, one note at a time.
        synth: Name of an engine.
        preset: What plays it; a preset that sounds like the voice is searched for if None.
        model: See `Matcher.load`.
        library: See `Matcher.load`.
        seconds: Seconds to search; 5 if neither this nor `renders` is given.
        renders: Renders to spend. The same seed then gives the same result.
        seed: Of the random generator.
        progress: Called while it searches and plays.

    Raises:
        AudioError: If the voice holds no melody of one voice, see `melody_of`.
        OptionError: If the search may spend nothing.
        PresetError: If the preset does not fit the synth, or cannot be heard on any note of the melody.
        PatchflowError: If nothing can be searched for, see `Matcher.load` and `Matcher.match`.

    Example:
        >>> t = np.arange(22_050) / 22_050
        >>> hum = np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 440 * t)
        >>> found = sketch(Sound(hum.astype(np.float32), 22_050), "tone", renders=50)
        >>> [note.key for note in found.melody.notes]
        [57]
    """
    kind = engines[synth]
    budget = _budget(seconds, renders)
    if preset is not None:
        check(preset, kind.space)
    melody = melody_of(voice)
    source = None
    match = None
    if preset is None:
        source = steady_note(melody)
        matcher = Matcher.load(synth, model, library)
        match = matcher.match_target(steady_target(voice, source), budget, candidates=1, seed=seed, progress=progress)
        preset = match.candidates[0].preset
    found = _played(voice, melody, preset, progress, source=source, match=match)
    settings = {"seconds": budget.seconds, "renders": budget.renders, "seed": seed, "model": model, "library": library}
    return replace(found, settings=settings)


def _budget(seconds: float | None, renders: int | None) -> Budget:
    """What a search may spend.

    Raises:
        OptionError: If that is nothing.
    """
    if seconds is None and renders is None:
        seconds = DEFAULT_SECONDS
    try:
        return Budget(renders, seconds)
    except ValueError as error:
        raise OptionError(str(error)) from error


def steady_note(melody: Melody) -> SketchNote:
    """Returns the note of a melody that says most about the timbre: long, steady and loud."""
    contours = melody.contours
    loudest = max(note.level_db for note in melody.notes)

    def worth(note: SketchNote) -> float:
        inside = contours.pitch[contours.within(note) & contours.voiced]
        deviation = float(np.std(inside)) if len(inside) else np.inf
        louder = 10 ** ((note.level_db - loudest) / 40)
        return min(note.seconds, _LONG_ENOUGH) * louder * float(np.exp(-deviation / _UNSTEADY))

    return max(melody.notes, key=worth)


def steady_target(voice: Sound, note: SketchNote) -> Target:
    """Returns one note of a voice as what a preset is searched for.

    It is brought to the pitch of its key: resampled by what it is off, half a semitone or so. After its end there is
    silence: else nothing would speak against a preset that rings on into the next note.
    """
    last = min(note.end, note.onset + _LONG_ENOUGH)
    first = max(0.0, note.onset - _LEAD_IN)
    samples = voice.samples[round(first * voice.rate) : round((last + _LEAD_OUT) * voice.rate)]
    size = len(samples)
    rise = np.clip(np.arange(size) / (_LEAD_IN * voice.rate), 0, 1)
    fall = np.clip(np.arange(size, 0, -1) / (_LEAD_OUT * voice.rate), 0, 1)
    # Played at a rate that is higher by some cents, it sounds higher by as many.
    ratio = 2 ** ((note.key - note.pitch) / 12)
    tuned = resample((samples * rise * fall).astype(np.float32), round(voice.rate * ratio), voice.rate)
    target = prepare_target(Sound(tuned.astype(np.float32), voice.rate, path=voice.path), note=note.key)
    silence = np.zeros(round(_SILENCE * target.rate), np.float32)
    hold = min((last - first) / ratio, target.length)
    return replace(target, samples=np.concatenate([target.samples, silence]), hold=hold)


def _played(
    voice: Sound,
    melody: Melody,
    preset: Preset,
    progress: ProgressCallback,
    *,
    source: SketchNote | None,
    match: MatchResult | None,
) -> Sketch:
    sounds = play_notes(preset, melody.notes, progress=progress)
    silent = {note.key for note, sound in zip(melody.notes, sounds, strict=True) if not _audible(sound)}
    if not any(_audible(sound) for sound in sounds):
        keys = ", ".join(note_name(key) for key in sorted(silent))
        raise PresetError(
            f"{preset.name or 'the preset'} cannot be heard on {keys}, the notes of the melody. Give another preset."
        )
    mixed = _mixed(melody.notes, sounds, melody.seconds)
    level = match_loudness(mixed, SKETCH_RATE, loudness(voice.samples, voice.rate))
    longest = max(zip(melody.notes, sounds, strict=True), key=lambda each: each[0].seconds * _audible(each[1]))
    heard = estimate_pitch(longest[1], SKETCH_RATE)
    return Sketch(
        voice=voice,
        melody=melody,
        preset=preset,
        sound=level.samples,
        gain_db=level.gain_db,
        silent=tuple(sorted(silent)),
        transposed=None if heard.sounding is None else heard.sounding - longest[0].key,
        source=source,
        match=match,
    )


def play_notes(
    preset: Preset, notes: Sequence[SketchNote], *, progress: ProgressCallback = ignore
) -> tuple[np.ndarray, ...]:
    """Plays each note of a melody by itself, with the tail after its release.

    Args:
        preset: What plays them.
        notes: What is played.
        progress: Called after each note.

    Returns:
        Mono float32 at `SKETCH_RATE`, as the synth plays it, each of its own length; silence for a note that the synth
        could not play.
    """
    kind = engines[preset.synth]
    point = kind.space.encode(preset.values)

    def build() -> Engine:
        engine = kind()
        engine.build_on(preset.state)
        return engine

    def play(engine: Engine, note: SketchNote) -> np.ndarray:
        hold = min(max(note.seconds, _SHORTEST_HOLD), _LONGEST_HOLD)
        key = Note(note.key, note.velocity, hold, hold + _TAIL)
        return _without_end(render_or_silence(engine, point, key, SKETCH_RATE))

    sounds = []
    with Renderer(build) as renderer:
        for sound in renderer.map(play, notes):
            sounds.append(sound)
            progress(Progress("play", len(sounds), len(notes), "notes"))
    return tuple(sounds)


def _audible(sound: np.ndarray) -> bool:
    return bool(np.abs(sound).max(initial=0.0) >= INAUDIBLE)


def _without_end(sound: np.ndarray) -> np.ndarray:
    """A sound up to where nothing more is heard of it; one that is cut off fades."""
    level = np.abs(sound)
    loud = np.flatnonzero(level > level.max(initial=0.0) * 10 ** (_INAUDIBLE_DB / 20))
    kept = sound[: int(loud[-1]) + 1 if len(loud) else 1].copy()
    fade = min(round(0.05 * SKETCH_RATE), len(kept))
    kept[len(kept) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return kept


def _mixed(notes: Sequence[SketchNote], sounds: Sequence[np.ndarray], seconds: float) -> np.ndarray:
    """All notes at their onsets, from the beginning of the recording to the end of it or of the last tail."""
    starts = [round(note.onset * SKETCH_RATE) for note in notes]
    ends = [start + len(sound) for start, sound in zip(starts, sounds, strict=True)]
    mixed = np.zeros(max(round(seconds * SKETCH_RATE), *ends), np.float32)
    for start, end, sound in zip(starts, ends, sounds, strict=True):
        mixed[start:end] += sound
    return mixed
