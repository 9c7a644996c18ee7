"""Measures guesses item by item into a result file, on all cores, from where it stopped the last time."""

from collections.abc import Callable, Sequence
from typing import Any

from ..engines import Engine, Renderer
from ..progress import Progress, ProgressCallback, ignore
from ..threads import one_torch_thread
from .guesses import Guesses
from .judge import Item, judge
from .lines import Lines

__all__ = ["measure"]

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
