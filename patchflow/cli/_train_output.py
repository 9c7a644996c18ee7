"""What `patchflow train` prints: what it trains, how far it is, and what to do with the weights."""

import shlex
from pathlib import Path
from types import TracebackType

from ..progress import Progress
from ._console import ProgressBar, losses_text, say

__all__ = ["TrainOutput"]

_EVERY = 60.0  # seconds between two lines where there is no terminal to draw a bar on
_FIRST = 5.0  # seconds until the first of them


class TrainOutput:
    """Shows how a training is doing, on stderr; only the path of the weights goes to stdout."""

    def __init__(self) -> None:
        self._bar = ProgressBar("loading", every=_EVERY, first=_FIRST)
        self._last: Progress | None = None

    def __enter__(self) -> "TrainOutput":
        from ..train import is_follower

        if not is_follower():  # of several processes the first one speaks
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, line: str) -> None:
        """Prints a line that says what is going to be done."""
        with self._bar.hidden():
            say(line, err=True)

    def show(self, progress: Progress) -> None:
        """Shows how much is done, how long is left, and the losses."""
        self._last = progress
        self._bar.show(progress)

    def end(self, weights: Path, *, used: bool) -> None:
        """Prints the last losses, the path of the weights, and how they are used.

        Args:
            weights: The file.
            used: Whether `match` takes them by itself from now on.
        """
        if self._last is not None and self._last.losses:
            say(f"trained  {'  '.join(losses_text(self._last.losses))}", err=True)
        say(str(weights))
        if used:
            say(f"`patchflow match SOUND --synth {weights.stem}` uses these weights from now on", err=True)
        else:
            model = shlex.quote(str(weights.parent))
            say(f"to use these weights: patchflow match SOUND --synth {weights.stem} --model {model}", err=True)
