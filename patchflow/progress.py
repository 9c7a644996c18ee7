"""How far long work is: one value for every stage of every work, and the callback that gets it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Progress", "ProgressCallback", "TellCallback", "ignore", "tell_nobody"]


@dataclass(frozen=True)
class Progress:
    """How far long work is.

    Work has one stage or several, one after the other, and each counts for itself. Whatever takes long takes a
    `ProgressCallback` as its `progress`, and calls it with one of these again and again.

    Args:
        stage: What is being done, in a few words, e.g. `"render"`.
        done: How much of the stage is done, in `unit`.
        total: How much that will be in the end, in `unit`.
        unit: What `done` and `total` count, e.g. `"sounds"`; "" if `done` is a share from 0 to 1.
        subject: What it is done to, e.g. the name of a sound; "" where there is only one thing.
        seconds: Seconds spent, of work that has a limit.
        seconds_left: About how long it will still take, in seconds; None if that is not known.
        renders: Renders spent, of a search.
        steps: Steps taken, of a training that the clock will end.
        distance: Of the best so far from the target, in dB, of a search; see `metrics.perceptual`.
        losses: Of a training: `"train"` and `"valid"`, the weighted sums; if there are several terms also each of
            them, not weighted: `"train.latent"`, `"valid.latent"`.

    Example:
        >>> Progress("render", 300, 1_500, "sounds").share
        0.2
    """

    stage: str
    done: float
    total: float = 1.0
    unit: str = ""
    subject: str = ""
    seconds: float | None = None
    seconds_left: float | None = None
    renders: int | None = None
    steps: int | None = None
    distance: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Share of the stage that is done, 0 to 1; all of it if there is nothing to do."""
        return min(1.0, self.done / self.total) if self.total else 1.0


ProgressCallback = Callable[[Progress], None]
"""Gets how far the work is; what it raises, such as `KeyboardInterrupt`, ends the work."""


def ignore(progress: Progress) -> None:
    """Does nothing: the `ProgressCallback` where nobody waits."""


TellCallback = Callable[[str], None]
"""Gets a line that a user should read, such as what long work will make, or what was mended in a file."""


def tell_nobody(line: str) -> None:
    """Does nothing: the `TellCallback` where nobody reads."""
