"""Watches the validation loss: what was best, when it stalled, when to stop."""

import math
from dataclasses import dataclass

__all__ = ["EarlyStopping"]


@dataclass
class EarlyStopping:
    """What a run remembers of its validation losses.

    While loss weights still grow, each loss replaces the best one; losses from that time never count as a stall. A
    model is only what it is meant to be when all terms are there.

    Args:
        best: The best loss so far.
        best_step: The step it was found at.
        halvings: How often the learning rate was halved.
        halved_step: The step it was last halved at.
        stopped: Whether the run is over because nothing got better.
        warming: Whether weights of terms still grew when the best loss was found.

    Example:
        >>> early_stopping = EarlyStopping()
        >>> early_stopping.see(2.0, 10), early_stopping.see(3.0, 20), early_stopping.see(1.0, 30)
        (True, False, True)
        >>> early_stopping.best_step
        30
    """

    best: float = math.inf
    best_step: int = 0
    halvings: int = 0
    halved_step: int = 0
    stopped: bool = False
    warming: bool = False

    def see(self, loss: float, step: int, *, warming: bool = False) -> bool:
        """Takes note of a loss and returns whether it is the best so far.

        Args:
            loss: The loss.
            step: Now.
            warming: Whether weights of terms still grow.
        """
        # `self.warming`: the first loss after the warm-ups is the best, however much lower those before it were
        if not (warming or self.warming or loss < self.best):
            return False
        self.best = loss
        self.best_step = step
        self.warming = warming
        return True

    def halve(self, step: int, *, plateau_patience: float) -> None:
        """Halves the learning rate if nothing got better for long enough, since it was halved the last time.

        Args:
            step: Now.
            plateau_patience: Steps that are long enough.
        """
        if step - max(self.best_step, self.halved_step) >= plateau_patience:
            self.halvings += 1
            self.halved_step = step

    def stop(self, step: int, *, patience: float) -> None:
        """Stops if nothing got better for long enough.

        Args:
            step: Now.
            patience: Steps that are long enough; 0 for never.
        """
        self.stopped = patience > 0 and step - self.best_step >= patience

    def resume(self, step: int, *, patience: float) -> None:
        """Goes on after a stop if there is more patience now; the arguments are those of `stop`."""
        if self.stopped:
            self.stop(step, patience=patience)
