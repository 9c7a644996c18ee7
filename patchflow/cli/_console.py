"""What all commands print with, and nothing else prints: lines, tables, JSON, progress as a bar or lines.

Names in what is printed are data: nothing in them reaches the terminal as a command, see `printable`.
"""

import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

import typer

from ..printable import json_line, printable
from ..progress import Progress
from ..storage import json_text

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "ProgressBar",
    "facts",
    "losses_text",
    "note",
    "print_help",
    "print_json",
    "print_meanings",
    "print_table",
    "say",
]

_VERBS = {
    "compare": "playing presets",
    "draw": "searching",
    "gather": "playing presets",
    "index": "making an index",
    "listen": "listening to presets",
    "measure": "measuring",
    "play": "playing notes",
    "polish": "polishing",
    "read": "reading presets",
    "recombine": "combining",
    "record": "recording",
    "relate": "comparing",
    "render": "rendering",
    "train": "training",
    "tune": "tuning",
    "turn": "turning",
    "vary": "varying",
    "verify": "reading",
    "write": "writing",
}


class ProgressBar:
    """Shows a bar as long as something takes, with how fast it is and how long is left.

    Nothing is drawn where stderr is no terminal.

    Args:
        title: What is done before the first progress is shown.
        every: Seconds between two lines where there is no terminal; no lines if None.
        first: Seconds until the first line of a stage, which tells how long it will take; as `every` if not given.

    Example:
        >>> with ProgressBar("loading") as bar:
        ...     bar.show(Progress("render", 3, 24, "sounds"))
    """

    def __init__(self, title: str, *, every: float | None = None, first: float | None = None) -> None:
        # here, because commands that draw no bar need not wait for it
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        self._every = every
        self._first = every if first is None else first
        self._pause = 0.0  # seconds until the next line
        screen = Console(stderr=True)
        self._terminal = screen.is_terminal
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            console=screen,
            disable=not screen.is_terminal,
            transient=True,
            redirect_stdout=False,  # stdout may be a file while the bar is on a terminal
            redirect_stderr=False,
        )
        self._task = self._bar.add_task(title, total=None, state="")
        self._last: Progress | None = None
        self._from = 0.0  # what was done already when the stage was first shown
        self._begun = 0.0  # when that was
        self._printed = 0.0  # when the last line was printed

    def __enter__(self) -> "ProgressBar":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Draws the bar, until `stop`."""
        self._bar.start()

    def show(self, progress: Progress) -> None:
        """Shows how far the work is."""
        now = time.monotonic()
        last = self._last
        if last is None or (last.stage, last.subject) != (progress.stage, progress.subject):
            # Speed is measured from here: what an earlier, interrupted run did was not done at this speed.
            self._from = progress.done
            self._begun = now
            self._printed = now
            self._pause = self._first or 0.0
        self._last = progress
        title = printable(progress.subject or _verb(progress))
        text = printable(facts(progress, progress.done - self._from, now - self._begun))
        if self._terminal:
            self._bar.update(self._task, description=title, completed=progress.done, total=progress.total, state=text)
        elif self._every is not None and now - self._printed >= self._pause:
            self._printed = now
            self._pause = self._every
            say(f"{title}: {text}", err=True)

    def stop(self) -> None:
        """Takes the bar away."""
        self._bar.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Takes the bar away while something is printed, and begins a new one."""
        self._bar.stop()
        yield
        self._bar.update(self._task, description="", completed=0, state="")
        self._bar.start()


def facts(progress: Progress, done: float = 0.0, seconds: float = 0.0) -> str:
    """Returns what is known of the work beside its share, for people to read.

    Args:
        progress: How far it is.
        done: How much was done since the stage was first shown, in its unit.
        seconds: How long that took, in seconds.
    """
    found = []
    if progress.unit:
        found.append(f"{_number(progress.done)} of {_number(progress.total)} {progress.unit}")
        # of a training, which counts its checks too, the time left is known better
        if done > 0 and seconds > 0 and progress.seconds_left is None and not progress.losses:
            rate = done / seconds
            found.append(f"{rate:,.3g}/s")
            found.append(f"{_clock((progress.total - progress.done) / rate)} left")
    if progress.seconds_left is not None:
        found.append(f"about {_rounded(progress.seconds_left)} left")
    if progress.steps is not None:
        found.append(f"step {progress.steps:,}")
    found += losses_text(progress.losses)
    if progress.distance is not None:
        found.append(f"{progress.distance:.2f} dB")
    if progress.renders is not None:
        found.append(f"{progress.renders:,} renders")
    if progress.seconds is not None:
        found.append(f"{progress.seconds:.1f} s")
    if progress.subject:  # else the stage is the title
        found.append(_verb(progress))
    return "  ".join(found)


def losses_text(losses: Mapping[str, float]) -> list[str]:
    """Returns the losses of a training for people to read.

    These are the sums, then each term as training/validation, or validation alone if that is all there is.

    Example:
        >>> losses_text({"train": 1.5, "valid": 2.0, "train.latent": 0.5, "valid.latent": 0.25})
        ['train 1.5000', 'valid 2.0000', 'latent 0.5/0.25']
    """
    found = [f"{name} {value:.4f}" for name, value in losses.items() if "." not in name]
    # Terms are named "train.latent" and "valid.latent": the two of a term are printed together.
    for name, value in losses.items():
        part, _, term = name.partition(".")
        if part == "valid" and term:
            learned = losses.get(f"train.{term}")
            found.append(f"{term} {value:.3g}" if learned is None else f"{term} {learned:.3g}/{value:.3g}")
    return found


def print_meanings(meanings: Mapping[str, str]) -> None:
    """Prints names and what they mean: on a terminal wrapped beside the names, else a line each.

    Args:
        meanings: What each name means.
    """
    column = max(map(len, meanings), default=0) + 2
    width = 0
    if sys.stdout is not None and sys.stdout.isatty():
        width = max(column + 20, shutil.get_terminal_size().columns)
    for name, meaning in meanings.items():
        text = f"{name:<{column}}{meaning}"
        if width:
            text = textwrap.fill(text, width, subsequent_indent=" " * column, break_on_hyphens=False)
        say(*text.splitlines())


def say(*lines: str, err: bool = False) -> None:
    """Prints lines to stdout.

    Args:
        lines: Each is one line, whatever is in it.
        err: Whether to print to stderr.
    """
    for text in lines:
        typer.echo(printable(text), err=err)


def note(message: str) -> None:
    """Prints to stderr, on one line, what went wrong or was done beside what was asked for."""
    say(f"patchflow: {' '.join(message.split())}", err=True)


def print_help(text: str) -> None:
    """Prints lines that are our own, such as a help, to stderr."""
    say(*text.splitlines(), err=True)


def print_json(content: object) -> None:
    """Prints JSON-serialisable values to stdout, on one line; letters as they are, the rest as JSON spells it.

    Fractions have six significant digits, see `json_text`.
    """
    typer.echo(json_line(json_text(content)))


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, below: int = 0) -> None:
    """Prints a title in bold and columns below it, to stdout; a column of numbers, `"distance"`, is to the right.

    On a narrow terminal long cells take several lines, but numbers and notes.

    Args:
        title: In bold.
        head: What the columns are called.
        rows: Their cells.
        below: So many of the last columns go below the table, in words, where the terminal is too narrow for all.
    """
    from rich.console import Console
    from rich.measure import Measurement
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(printable(title), style="bold"))
    console.width = max(console.width, 40) if console.is_terminal else 4096  # a pipe wants one line a file
    table = _table(head, rows)
    endless = console.options.update(max_width=4096)
    if not below or Measurement.get(console, endless, table).maximum <= console.width:
        console.print(table)
        return
    console.print(_table(head[:-below], [row[:-below] for row in rows]))
    for row in rows:
        said = [f"{name}: {cell}" for name, cell in zip(head[-below:], row[-below:], strict=True) if cell]
        text = printable(f"  {row[0]}: {'; '.join(said)}")
        if said:
            say(*textwrap.wrap(text, console.width, subsequent_indent="     ", break_on_hyphens=False))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    """Columns without lines."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2), collapse_padding=True, header_style="dim")
    for name in head:
        justify = "right" if name == "distance" else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name in ("distance", "note"))
    for row in rows:
        # As `Text`, since a plain string is markup for rich, and a file may be called "[bold].wav".
        table.add_row(*[Text(printable(cell)) for cell in row])
    return table


def _verb(progress: Progress) -> str:
    return _VERBS.get(progress.stage, progress.stage)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds, e.g. `"1:02:03"`."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}"


def _rounded(seconds: float) -> str:
    """Seconds, minutes or hours, e.g. `"10 min"`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3600:.1f} h"
