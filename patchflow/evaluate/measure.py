"""Measures guesses item by item into a result file, on all cores, from where it stopped the last time."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..engines import Engine, Renderer
from .guesses import Guesses
from .judge import Item, judge
from .lines import Lines

__all__ = ["Progress", "measure"]

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done, 0 to 1."""

_JOB = 8  # items that are analysed at once


def measure(
    lines: Lines,
    items: Sequence[Item],
    guesses: Guesses,
    make: Callable[[], Engine],
    *,
    workers: int | None = None,
    progress: Progress = lambda what, share: None,
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

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the renderer's threads fill the cores
    try:
        with Renderer(make, workers) as renderer:
            for job, values in zip(jobs, renderer.map(work, jobs), strict=True):
                pairs = zip(job, values, strict=True)
                lines.append([_about(items[k], guesses, k) | value for k, value in pairs])
                progress(str(lines.path), len(lines.items) / len(items))
    finally:
        torch.set_num_threads(threads)


def _about(item: Item, guesses: Guesses, place: int) -> dict[str, Any]:
    """What the item is and which preset was played: its parameters, or where in the examples it stands."""
    line: dict[str, Any] = {"item": item.key, "family": item.family, "category": item.category}
    line["note"] = [item.note.pitch, item.note.velocity, round(item.note.hold, 4)]
    if guesses.source is None:
        return line | {"predicted": guesses.points[place].tolist()}
    return line | {"source": int(guesses.source[place])}
