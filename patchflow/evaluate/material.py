"""What is judged: the test part of a fold, or sounds of another world at the synth's own level."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..audio.resample import resample
from ..data.examples import Examples
from ..engines import Engine, Note
from ..errors import OptionError, RenderError
from ..features.inputs import inputs
from .judge import RATE, Item
from .sounds import Recording

__all__ = ["Material", "foreign", "held_out", "usual_peak"]

_SAMPLED = 32  # training presets that tell how loud the synth is


@dataclass(frozen=True)
class Material:
    """Sounds to infer presets from.

    Args:
        items: The sounds.
        mels: The same as models hear them, shape `(N, F, n)`.
        notes: Pitch, velocity and hold of each, shape `(N, 3)`.
        about: What the head of a result file says of them.
    """

    items: tuple[Item, ...]
    mels: np.ndarray
    notes: np.ndarray
    about: dict[str, Any]

    def take(self, places: list[int]) -> "Material":
        """Returns some of the sounds."""
        return Material(tuple(self.items[k] for k in places), self.mels[places], self.notes[places], self.about)


def held_out(examples: Examples, most: int | None = None) -> Material:
    """Returns the test part of the fold that examples are of.

    Some families have thousands of sounds that are hardly different. So families take turns: the second sound of one
    is only there if all others have given their first. In the `power` of the presets every family weighs the same.

    Args:
        examples: Where it is.
        most: Take no more than so many, the same ones every time; all if not given.

    Raises:
        OptionError: If there is nothing to test on.
    """
    everything = examples.rows("test")
    if not len(everything):
        raise OptionError(f"fold={examples.fold}: has no test sounds")
    rows = np.sort(_in_turn(everything, examples.family, examples.fold)[: most or len(everything)])
    length = inputs[examples.hears].length
    mels, points, notes = (np.asarray(values) for values in examples.take(rows)[:3])
    items = tuple(
        Item(int(row), int(examples.family[row]), str(examples.category[row]), _note(note, length), point.astype(float))
        for row, note, point in zip(rows, notes, points, strict=True)
    )
    about = {
        "part": "test",
        "items": len(items),
        "power": _power(examples.points[everything], examples.family[everything]),
    }
    return Material(items, mels, notes, about | {"chosen": hashlib.sha256(rows.tobytes()).hexdigest()[:16]})


def foreign(examples: Examples, recordings: list[Recording], engine: Engine, folder_print: str) -> Material:
    """Returns recordings, each scaled to the usual peak of the synth, at its own note.

    The paper's spectrograms depend on the level, so a recording has to be about as loud as what a model knows.

    Args:
        examples: Their kind of spectrogram, velocity and presets.
        recordings: The sounds.
        engine: The synth.
        folder_print: What tells these recordings from others.
    """
    heard, peak = inputs[examples.hears], usual_peak(examples, engine)
    velocity, items, mels = int(examples.notes[0, 1]), [], []
    for recording in recordings:
        sound = recording.samples * np.float32(peak / np.abs(recording.samples).max())
        note = Note(recording.pitch, velocity, recording.hold, len(sound) / RATE)
        items.append(Item(recording.name, recording.name, recording.category, note, sound=sound))
        samples = torch.from_numpy(resample(sound, RATE, heard.rate))[None]
        mels.append(heard.of(samples, heard.rate)[0].numpy())
    notes = np.array([[item.note.pitch, velocity, item.note.hold] for item in items], np.float32)
    about = {"part": "sounds", "items": len(items), "power": 0.0, "sounds": folder_print, "peak": round(peak, 6)}
    return Material(tuple(items), np.stack(mels), notes, about)


def usual_peak(examples: Examples, engine: Engine) -> float:
    """Returns the median peak of some presets of the examples; 1.0 is full scale.

    Args:
        examples: Where the presets are.
        engine: Plays them.
    """
    length, peaks = inputs[examples.hears].length, []
    for row in np.unique(np.linspace(0, len(examples.points) - 1, _SAMPLED).astype(int)):
        try:
            sound = engine.render(np.asarray(examples.points[row], float), _note(examples.notes[row], length), RATE)
        except RenderError:
            continue  # says nothing of how loud the others are
        peaks.append(float(np.abs(sound).max()))
    return max(float(np.median(peaks)), 1e-3) if peaks else 1.0


def _in_turn(rows: np.ndarray, family: np.ndarray, seed: int) -> np.ndarray:
    """Rows in random order, the first of every family before the second of any."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    by_family = np.argsort(family[shuffled], kind="stable")
    _, first, size = np.unique(family[shuffled][by_family], return_index=True, return_counts=True)
    turn = np.empty(len(rows), int)
    turn[by_family] = np.arange(len(rows)) - np.repeat(first, size)
    return shuffled[np.argsort(turn, kind="stable")]


def _power(points: np.ndarray, family: np.ndarray) -> float:
    """Mean square of presets, mean of the families' means."""
    squares = np.square(points, dtype=float).mean(1)
    _, member, size = np.unique(family, return_inverse=True, return_counts=True)
    return float((np.bincount(member.ravel(), squares) / size).mean())


def _note(note: np.ndarray, length: float) -> Note:
    pitch, velocity, hold = note.tolist()
    return Note(round(pitch), round(velocity), hold, length)
