"""How a run is doing, for whoever waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """How a run is doing.

    Args:
        stage: `"gather"`, `"render"` or `"train"`.
        done: Items or steps done.
        total: Items or steps in all.
        losses: `"train"` and `"valid"`, the weighted sums; if there are several terms also each of them, not
            weighted: `"train.latent"`, `"valid.latent"`.
        seconds_left: About how long it will still take, in seconds; None if that is not known.
    """

    stage: str
    done: int
    total: int
    losses: Mapping[str, float]
    seconds_left: float | None = None
