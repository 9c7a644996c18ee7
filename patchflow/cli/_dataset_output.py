"""What `patchflow dataset` prints: progress to stderr, a summary to stdout."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ..errors import Interrupted
from ..progress import Progress
from ._console import ProgressBar, note, print_json, say

__all__ = ["DatasetOutput"]

_EVERY = 60.0  # seconds between two lines where there is no terminal to draw a bar on


class DatasetOutput:
    """Shows how far a data set is and what came of it.

    Args:
        as_json: Whether to print one JSON object and nothing else to stdout.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bar = ProgressBar("reading presets", every=_EVERY)

    def __enter__(self) -> "DatasetOutput":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted("interrupted; what is done is kept, and the same command goes on from there") from error

    def progress(self, state: Progress) -> None:
        """Shows how much is done, how fast, and how long is left."""
        self._bar.show(state)

    def show(self, facts: Mapping[str, Any], line: str) -> None:
        """Prints the facts as JSON, or else a line."""
        self._bar.stop()
        if self._as_json:
            print_json(facts)
        else:
            say(line)

    def note(self, line: str) -> None:
        """Prints a line to stderr."""
        self._bar.stop()
        note(line)
