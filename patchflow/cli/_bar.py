"""A bar on the terminal that shows how far long work is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

__all__ = ["showing"]


@contextmanager
def showing() -> Iterator[Callable[[str, float], None]]:
    """Shows a bar as long as something takes; gives a function to be told what is done, and which share of it."""
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24))
    with Progress(
        *columns,
        console=screen,
        disable=not screen.is_terminal,
        transient=True,
        redirect_stdout=False,  # stdout may be a file while the bar is on a terminal
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task("loading", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
