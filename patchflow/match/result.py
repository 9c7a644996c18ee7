"""What a match returns: candidates that sound different, best first, and how certain each parameter is."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from ..audio.note_names import note_name
from ..engines import Note, engines
from ..presets import ParamSpace, Preset
from .scorer import STEPS_PER_DB, Scored
from .target import Target
from .verdict import closeness, tuning_text

__all__ = [
    "Audio",
    "Candidate",
    "MatchResult",
    "keep_apart",
    "keep_distinct",
    "pick_among",
    "pick_distinct",
    "uncertainty",
]

_APART_DB = 2.0  # smallest log-mel L1 between two candidates, if there are enough such
_SOFTEN = 0.7  # factor of that bound while there are not
_LEAST_APART_DB = 0.02  # below this bound, presets that sound the same are taken too
_WITHIN = 1.25  # presets whose distance is at most this many times the best are good
_SLACK_DB = 0.5  # and this much more, so that a perfect match does not stand alone


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


def keep_distinct(kept: Scored | None, new: Scored, most: int) -> Scored:
    """Returns the best presets rendered so far of which no two sound nearly the same.

    Args:
        kept: What this function returned before, best first; None at first.
        new: Presets to consider.
        most: How many to keep.
    """
    return keep_apart(kept, new, _APART_DB, most)


def keep_apart(kept: Scored | None, new: Scored, apart: float, most: int) -> Scored:
    """Returns the best presets of both without those that sound like a better one, best first.

    Args:
        kept: What this function returned before; None at first. It is taken to be apart.
        new: Presets to consider.
        apart: Log-mel L1 of coarse spectrograms below which two sound alike, in dB; nothing does at 0.
        most: How many to keep.
    """
    if kept is not None and len(kept) >= most:
        # A preset farther away than the last entry cannot enter: most of a batch is dropped before it is compared.
        new = new.take(np.nonzero(new.distance < kept.distance[-1])[0])
        if not len(new):
            return kept
    both = new if kept is None else kept.join(new)
    order = np.argsort(both.distance, kind="stable")
    is_new = order >= len(both) - len(new)
    number = np.cumsum(is_new) - 1
    coarse = torch.from_numpy(both.coarse[order])
    # What was kept is apart already, so only the new are compared, with each other and with the kept.
    gaps = torch.cdist(coarse[torch.from_numpy(is_new)], coarse, p=1).numpy() / coarse.shape[1]
    alike = np.zeros(len(order), bool)  # like a better one
    rows: list[int] = []
    for row in range(len(order)):
        if alike[row]:
            continue
        rows.append(row)
        if len(rows) == most:
            break
        if is_new[row]:
            alike |= gaps[number[row]] < apart
        else:
            alike[is_new] |= gaps[:, row] < apart
    return both.take(order[rows])


def pick_distinct(found: Scored, distinct: Scored, count: int) -> Scored:
    """Returns up to `count` presets, best first, no two of which sound nearly the same.

    Two candidates are at least 2 dB of log-mel L1 apart; if there are too few such presets the bound is
    lowered step by step.

    Args:
        found: The best presets, best first.
        distinct: Presets of all kinds, from `keep_distinct`.
        count: How many are wanted.
    """
    # Both lists are of the same search, so they share presets; of one on two keys the nearer stays.
    both = distinct.join(found)
    both = both.take(np.argsort(both.distance, kind="stable"))
    first = {point.tobytes(): row for row, point in reversed(list(enumerate(both.points)))}
    both = both.take(np.sort(list(first.values())))
    apart = _APART_DB
    while True:
        rows = _greedy(both, count, apart)
        if len(rows) >= min(count, len(both)) or apart < _LEAST_APART_DB:
            return both.take(rows)
        apart *= _SOFTEN


def pick_among(pools: Sequence[Scored], kinds: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Returns pool and row of up to `count` presets of several kinds, best first.

    No two of one kind sound nearly alike; what another kind makes of the same sound is a candidate of its own. If there
    is room for one of each kind, the best of each is among them.

    Args:
        pools: Presets, best first, each pool from `pick_distinct`.
        kinds: The kind of each pool.
        count: How many are wanted.
    """
    picked: list[tuple[float, int, tuple[int, int]]] = []  # distance, how many of the kind are better, place
    for kind in sorted(set(kinds)):
        # Presets of two states have nothing in common but their sound: their place stands for them.
        placed = []
        for place, pool in enumerate(pools):
            if kinds[place] == kind:
                rows = np.arange(len(pool))
                placed.append(replace(pool, points=np.stack([np.full(len(pool), place), rows], axis=1)))
        both = reduce(Scored.join, placed)
        distinct = pick_distinct(both, both, count)
        for rank, (place, row) in enumerate(distinct.points.tolist()):
            picked.append((float(distinct.distance[rank]), rank, (place, row)))
    picked.sort()
    if count >= len(set(kinds)):
        picked.sort(key=lambda one: one[1] > 0)  # the best of each kind first, all others after them by distance
    return [place for _, _, place in sorted(picked[:count])]


def uncertainty(found: Scored, space: ParamSpace) -> dict[str, float]:
    """Returns how much every parameter varies over the good presets, 0 to 1.

    That is the standard deviation of the encoded value for ordered parameters, and for categories the share of presets
    that do not agree with the best.

    Args:
        found: Presets, best first.
        space: The synth's parameters.
    """
    good = found.points[found.distance <= _WITHIN * found.distance[0] + _SLACK_DB]
    spread = good.std(0)
    differ = (good != good[0]).mean(0)
    varies = np.where(space.categorical, differ, spread).round(4)
    return dict(zip(space.names, varies.tolist(), strict=True))


def _greedy(found: Scored, count: int, apart: float) -> np.ndarray:
    """Rows, from the first on, no two of which are nearer than `apart`, at most `count`."""
    # Every other band and frame is enough to tell presets apart: a quarter of the work.
    mels = torch.from_numpy(found.mels[:, ::2, ::2]).float().flatten(1) / STEPS_PER_DB
    rows = [0]
    near = _gap(mels, 0)
    while len(rows) < count and (near >= apart).any():
        rows.append(int(np.argmax(near >= apart)))
        near = np.minimum(near, _gap(mels, rows[-1]))
    return np.array(rows)


def _gap(mels: torch.Tensor, row: int) -> np.ndarray:
    """Log-mel L1 from one preset to all, in dB, shape `(N,)`."""
    return (mels - mels[row]).abs_().mean(1).numpy()
