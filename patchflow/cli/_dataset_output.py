"""What `patchflow dataset` prints: progress with rate and remaining time to stderr, a summary to stdout."""

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ..errors import Interrupted

if TYPE_CHECKING:
    from ..data.making.run import State

__all__ = ["DatasetOutput"]

_EVERY = 30.0  # seconds between two lines where there is no terminal to draw a bar on
_VERBS = {"render": "rendering", "relate": "comparing", "write": "writing", "verify": "reading"}
_UNITS = {"render": "sounds", "relate": "%", "write": "files", "verify": "files"}


class DatasetOutput:
    """Shows how a making is doing and what came of it.

    Args:
        as_json: Whether to print one JSON object and nothing else to stdout.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        screen = Console(stderr=True)
        self._terminal = screen.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            console=screen,
            disable=not screen.is_terminal,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("reading presets", total=None, state="")
        self._stage, self._from, self._begun, self._told = "", 0, 0.0, 0.0

    def __enter__(self) -> "DatasetOutput":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted("interrupted; what is done is kept, and the same command goes on from there") from error

    def progress(self, state: "State") -> None:
        """Shows how much is done, how fast, and how long the rest will take."""
        now = time.monotonic()
        if state.stage != self._stage:
            self._stage, self._from, self._begun, self._told = state.stage, state.done, now, now
        text = _told(state, state.done - self._from, now - self._begun)
        verb = _VERBS[state.stage]
        if self._terminal:
            self._bar.update(self._task, description=verb, completed=state.done, total=state.total, state=text)
        elif now - self._told >= _EVERY:
            self._told = now
            typer.echo(f"{verb}: {text}", err=True)

    def show(self, facts: Mapping[str, Any], line: str) -> None:
        """Prints the facts as JSON, or else a line."""
        self._bar.stop()
        typer.echo(json.dumps(facts, ensure_ascii=False) if self._as_json else line)

    def note(self, line: str) -> None:
        """Prints a line to stderr."""
        self._bar.stop()
        typer.echo(f"patchflow: {line}", err=True)


def _told(state: "State", done: int, seconds: float) -> str:
    text = f"{state.done:,} of {state.total:,} {_UNITS[state.stage]}"
    if not done or seconds <= 0:
        return text
    rate = done / seconds
    return f"{text}  {rate:,.3g}/s  {_clock((state.total - state.done) / rate)} left"


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds, e.g. `"1:02:03"`."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}"
