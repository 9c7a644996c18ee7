"""What a match returns: candidates, best first, and how certain each parameter is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..audio.note_names import note_name
from ..engines import Note, engines
from ..presets import Preset
from .target import Target
from .verdict import closeness, tuning_text

__all__ = ["Audio", "Candidate", "MatchResult"]


class Audio(NamedTuple):
    """Samples and their rate, as the libraries for sound files take them.

    Args:
        samples: Mono float32, shape `(T,)`.
        rate: Sample rate, in Hz.
    """

    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class Candidate:
    """A preset that sounds like the target, and how to play it.

    Args:
        preset: Values in native units, and the state of the preset it is built on, if there is one.
        point: The same, encoded, shape `(P,)`.
        note: Pitch, velocity, hold and length that were rendered.
        distances: Distance to the target by name of metric.
        renders: Renders spent when it was found.
        seconds: Seconds spent when it was found.
        sound: What the search heard, mono float32 at its rate, shape `(T,)`; None if that was not kept.
        cents: How far it sounds above the target, 0 if no other pitch is nearer; None if the target has no pitch, or
            the two have none in common.
        sounding: The pitch that is heard as a MIDI note, which may lie between two keys or, as with a transposed
            preset, far from the key that is played; None where `cents` is.
        unlike: Whether the target has a pitch, and this none in common with it.
        kind: What it is made of, such as `"wavetable of the sound"`; "" where its synth has one kind only.
    """

    preset: Preset
    point: np.ndarray
    note: Note
    distances: dict[str, float]
    renders: int
    seconds: float
    sound: np.ndarray | None = None
    cents: float | None = None
    sounding: float | None = None
    unlike: bool = False
    kind: str = ""

    @property
    def closeness(self) -> str:
        """How near it comes, in words: `"the same"`, `"a twin"`, `"close"`, `"same family"` or `"another sound"`."""
        return closeness(self.distances["perceptual"], self.cents, unlike=self.unlike)

    @property
    def tuning(self) -> str:
        """How far out of tune it is, in words: `"in tune"`, `"pitch unlike"`; "" if the target has none."""
        return tuning_text(self.cents, unlike=self.unlike)

    @cached_property
    def audio(self) -> Audio:
        """What it sounds like, at 44,100 Hz: the note that was searched for, as long and as loud as the synth plays it.

        Rendered when it is first asked for. `MatchResult.save` writes the sound as loud as the target instead.
        """
        from .output.rendition import RENDITION_RATE, sound_of  # imported here: a search needs no metrics

        return Audio(sound_of(engines[self.preset.synth](), self), RENDITION_RATE)


@dataclass(frozen=True)
class MatchResult:
    """The outcome of a search.

    Args:
        target: What was searched for.
        candidates: Distinct presets, best first, perhaps of several synths; at least one.
        uncertainty: For every parameter of the best candidate's synth, the spread over its good presets: standard
            deviation of the encoded value for knobs and steps, chance of another option for choices; 0 to 1. Empty if
            no search went on from the best candidate: a preset that was made of the sound and played once.
        renders: Renders spent in all.
        seconds: Seconds spent in all.
        complete: False if the search was interrupted before its budget was spent.
        stopped: Why the synth could play no more, or "".
        faults: What went wrong with presets that the synth could not play; they were left out.
        settings: What was asked for, by the names of `Matcher.load` and `Matcher.match`.
        synths: The synths that were searched.
        dealt: What was spent on each synth, and on each kind of its candidates, by its label: `"renders"`,
            `"seconds"`, the best `"distance"` in dB or None, `"fault"` if it ended before its time or never played, and
            of presets that were made of the sound `"tried"`, their distances by what they are made of.
    """

    target: Target
    candidates: tuple[Candidate, ...]
    uncertainty: dict[str, float]
    renders: int
    seconds: float
    complete: bool = True
    faults: tuple[str, ...] = ()
    stopped: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    synths: tuple[str, ...] = ()
    dealt: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line: a prompt or a notebook would else show pages of numbers."""
        best = self.candidates[0]
        parts = [f"{best.closeness} at {best.distances['perceptual']:.2f} dB", f"on {note_name(best.note.pitch)}"]
        if best.tuning:
            parts.append(best.tuning)
        count = len(self.candidates)
        return f"MatchResult({count} {'candidate' if count == 1 else 'candidates'}; best: {', '.join(parts)})"

    def save(self, folder: str | os.PathLike[str], name: str | None = None) -> tuple[Path, ...]:
        """Writes what `patchflow match` writes for one sound: presets, sounds, picture and numbers, all or nothing.

        What an earlier call, or the command line, wrote for a sound of that name is replaced.

        Args:
            folder: Where to write; made if it is not there.
            name: What the names of the files begin with; that of the sound's file if None, `sound` if it has none.

        Returns:
            The files: presets, best first, their sounds, target and candidates in one sound, picture and numbers.

        Raises:
            StorageError: If a file cannot be written, or another process works on the folder.
            ValueError: If the target was made without a recording.
        """
        from .output.writer import save_result  # imported here: a search needs no plotting

        return save_result(self, Path(folder), name)
