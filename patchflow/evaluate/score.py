"""Plays predicted presets beside the sounds they are for, and measures how alike they are."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..errors import RenderError
from ..metrics import metrics
from ..progress import Progress, ProgressCallback, ignore
from ..threads import one_torch_thread
from .predict import Guesses
from .results import Lines

__all__ = ["RATE", "Item", "judge", "measure"]

RATE = 44_100
"""Sample rate of the comparison, in Hz."""


@dataclass(frozen=True)
class Item:
    """A sound that a preset is wanted for.

    Args:
        key: Its row in the examples, or its file.
        family: Sounds that are alike share it; statistics take them as one.
        category: E.g. `"bass"`; "" if not known.
        note: The note its preset is played on.
        point: The preset that makes it, shape `(P,)`; None for a recording.
        sound: The recording at 44,100 Hz, shape `(T,)`; None for a preset's sound.
    """

    key: int | str
    family: int | str
    category: str
    note: Note
    point: np.ndarray | None = None
    sound: np.ndarray | None = None


def judge(engine: Engine, items: Sequence[Item], guesses: np.ndarray, power: float) -> list[dict[str, Any]]:
    """Compares the sounds of presets with the sounds they should make.

    A preset that the synth cannot play makes no sound, so it is measured as silence and the line says why under
    `fault`. Where the wanted sound itself cannot be played, or a metric is not defined, the number is None.

    Args:
        engine: The synth.
        items: What is wanted.
        guesses: A preset for each, shape `(N, P)`.
        power: Mean square of the parameters of all presets that are wanted; `mse_n` is relative to it.

    Returns:
        For each item `mse_n`, every metric of the registry, and `fault`.
    """
    wanted = [_wanted(engine, item) for item in items]
    played = [_play(engine, guess, item.note) for item, guess in zip(items, guesses, strict=True)]
    values = _measure([sound for sound, _ in played], [sound for sound, _ in wanted])
    lines = []
    for item, guess, (_, refused), (_, missing), row in zip(items, guesses, played, wanted, values, strict=True):
        line: dict[str, Any] = {"mse_n": _error(item, guess, power)}
        line.update({name: None if missing else value for name, value in row.items()})
        lines.append(line | {"fault": f"target: {missing}" if missing else refused})
    return lines


def _wanted(engine: Engine, item: Item) -> tuple[np.ndarray, str]:
    if item.sound is not None:
        return item.sound, ""
    if item.point is None:
        raise ValueError(f"item {item.key}: neither a preset nor a sound")
    return _play(engine, item.point, item.note)


def _play(engine: Engine, point: np.ndarray, note: Note) -> tuple[np.ndarray, str]:
    """The sound, and what went wrong."""
    try:
        return engine.render(point, note, RATE), ""
    except RenderError as error:
        return np.zeros(note.samples(RATE), np.float32), " ".join(str(error).split())


def _error(item: Item, guess: np.ndarray, power: float) -> float | None:
    """Mean square error of the parameters, relative to their mean square; their number is the same for all items."""
    if item.point is None or power <= 0:
        return None
    return _rounded(float(np.mean(np.square(guess - item.point))) / power)


def _measure(estimates: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> list[dict[str, float | None]]:
    sizes = {len(sound) for sound in (*estimates, *targets)}
    if len(sizes) > 1:  # padding to the longest would change the others' numbers
        return [_measure_batch([a], [b])[0] for a, b in zip(estimates, targets, strict=True)]
    return _measure_batch(estimates, targets)


def _measure_batch(estimates: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> list[dict[str, float | None]]:
    a, b = (torch.from_numpy(np.stack(sounds).astype(np.float32)) for sounds in (estimates, targets))
    columns = {name: metrics[name](a, b, RATE).tolist() for name in metrics}
    return [{name: _rounded(values[row]) for name, values in columns.items()} for row in range(len(a))]


def _rounded(value: float) -> float | None:
    """Seven digits are more than float32 has; None where a metric is not defined."""
    return float(f"{value:.7g}") if math.isfinite(value) else None


_JOB = 8  # items that are analysed at once


def measure(
    lines: Lines,
    items: Sequence[Item],
    guesses: Guesses,
    make: Callable[[], Engine],
    *,
    workers: int | None = None,
    progress: ProgressCallback = ignore,
) -> None:
    """Adds a line for every item that has none yet.

    Args:
        lines: The result file; its head has the `power` of the parameters.
        items: What is measured.
        guesses: A preset for each.
        make: Makes the synth.
        workers: Threads; all cores if not given.
        progress: Told after every few items.

    Raises:
        StorageError: If the file cannot be written.
    """
    done = lines.done
    left = [place for place, item in enumerate(items) if item.key not in done]
    jobs = [left[i : i + _JOB] for i in range(0, len(left), _JOB)]

    def work(engine: Engine, job: list[int]) -> list[dict[str, Any]]:
        return judge(engine, [items[k] for k in job], guesses.points[job], lines.head["power"])

    with one_torch_thread(), Renderer(make, workers) as renderer:
        for job, values in zip(jobs, renderer.map(work, jobs), strict=True):
            pairs = zip(job, values, strict=True)
            lines.append([_about(items[k], guesses, k) | value for k, value in pairs])
            progress(Progress("measure", len(lines.items), len(items), "sounds", str(lines.path)))


def _about(item: Item, guesses: Guesses, place: int) -> dict[str, Any]:
    """What the item is and which preset was played: its parameters, or where in the examples it stands."""
    line: dict[str, Any] = {"item": item.key, "family": item.family, "category": item.category}
    line["note"] = [item.note.pitch, item.note.velocity, round(item.note.hold, 4)]
    if guesses.source is None:
        return line | {"predicted": guesses.points[place].tolist()}
    return line | {"source": int(guesses.source[place])}
