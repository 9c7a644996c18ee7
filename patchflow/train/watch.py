"""Watches the validation loss: what was best, when it stalled, when to stop."""

import math
from dataclasses import dataclass

__all__ = ["Watch"]


@dataclass
class Watch:
    """What a run remembers of its validation losses.

    Steps before `settled`, while the weights of the terms still grow, count neither as a stall nor towards the end.

    Args:
        best: The best loss so far.
        best_step: The step it was found at.
        halvings: How often the learning rate was halved.
        halved_step: The step it was last halved at.
        stopped: Whether the run is over because nothing got better.

    Example:
        >>> watch = Watch()
        >>> watch.see(2.0, 10), watch.see(3.0, 20), watch.see(1.0, 30)
        (True, False, True)
        >>> watch.best_step
        30
    """

    best: float = math.inf
    best_step: int = 0
    halvings: int = 0
    halved_step: int = 0
    stopped: bool = False

    def see(self, loss: float, step: int) -> bool:
        """Takes note of a loss and returns whether it is the best so far."""
        if not loss < self.best:
            return False
        self.best, self.best_step = loss, step
        return True

    def halve(self, step: int, *, stall: float, settled: float = 0.0) -> None:
        """Halves the learning rate if nothing got better for long enough, since it was halved the last time.

        Args:
            step: Now.
            stall: Steps that are long enough.
            settled: Steps that do not count.
        """
        if step - max(self.best_step, self.halved_step, settled) >= stall:
            self.halvings += 1
            self.halved_step = step

    def stop(self, step: int, *, patience: float, settled: float = 0.0) -> None:
        """Stops if nothing got better for long enough.

        Args:
            step: Now.
            patience: Steps that are long enough; 0 for never.
            settled: Steps that do not count.
        """
        self.stopped = patience > 0 and step - max(self.best_step, settled) >= patience

    def resume(self, step: int, *, patience: float, settled: float = 0.0) -> None:
        """Goes on after a stop if there is more patience now; the arguments are those of `stop`."""
        if self.stopped:
            self.stop(step, patience=patience, settled=settled)
