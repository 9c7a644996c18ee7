"""States of jobs: one job, how many are taken, whose turn is next, and the files that outlive a server."""

import math
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import OptionError, PatchflowError, StorageError
from ..parsing import json_value
from ..printable import printable
from ..storage import read_bytes
from .worker import Worker

__all__ = [
    "ENDED",
    "FairLines",
    "JobLimits",
    "JobNotNow",
    "QueueFull",
    "StudioJob",
    "distance_of",
    "named_ids",
    "read_job",
    "said",
]

ENDED = frozenset(("done", "cancelled", "failed"))
"""States in which nothing more happens."""

_LARGEST = 2**26  # bytes of a file
_NAMING = frozenset(("id", "sound", "preset", "presets", "on"))  # what holds ids of sounds and presets


class QueueFull(OptionError):
    """More jobs than are taken are waiting already."""


class JobNotNow(OptionError):
    """A job is in a state in which this cannot be done with it."""


@dataclass(frozen=True)
class JobLimits:
    """How many jobs are taken and kept.

    Args:
        waiting: That wait, in all.
        of_client: That wait, of one client.
        ended: That are kept after they ended; the oldest go.
        paused: That are held up half-way; each has a process of its own.
        patience: Seconds that a job may take to end when it is cancelled, before its process is ended.
    """

    waiting: int = 1_000
    of_client: int = 100
    ended: int = 500
    paused: int = 2
    patience: float = 10.0

    def refuse_more(self, waiting: int, own: int) -> None:
        """Makes sure that another job may wait.

        Args:
            waiting: How many wait already.
            own: How many of them are of the same client.

        Raises:
            QueueFull: If it may not.
        """
        if waiting >= self.waiting:
            raise QueueFull(f"jobs={waiting + 1}: not more than {self.waiting} may wait. Try again later.")
        if own >= self.of_client:
            raise QueueFull(f"jobs={own + 1}: not more than {self.of_client} of one client may wait")


@dataclass
class StudioJob:
    """One job.

    Args:
        id: Its name.
        kind: What is done, see `tasks.KINDS`.
        client: Who asked for it.
        request: What was asked for, by name.
        created: When, in seconds since 1970.
        state: `"queued"`, `"running"`, `"paused"` or one of `ENDED`.
        started: When it was begun, the last time.
        ended: When it ended.
        progress: How far it is, see `Progress`.
        result: What it found so far, or in the end.
        error: Why it failed, in one line.
        tries: How often it was begun.
        revision: Rises whenever anything changes, over restarts too.
        worker: What does it; that and the following are not kept.
        saved: When its state was written, as `time.monotonic` counts.
        unsaved: Whether it has found something since.
        cancelled: Whether it is to end.
    """

    id: str
    kind: str
    client: str
    request: dict[str, Any]
    created: float
    state: str = "queued"
    started: float | None = None
    ended: float | None = None
    progress: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    tries: int = 0
    revision: int = 0
    worker: Worker | None = field(default=None, compare=False)
    saved: float = 0.0
    unsaved: bool = False
    cancelled: bool = False

    def content(self) -> dict[str, Any]:
        """Returns what is written to the disk."""
        hidden = ("worker", "saved", "unsaved", "cancelled")
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in hidden}

    def shown(self, place: int | None, *, with_result: bool) -> dict[str, Any]:
        """Returns what the API shows of it.

        Args:
            place: How many jobs are before it; None if it does not wait.
            with_result: Whether to show what it found.
        """
        content = {**self.content(), "place": place, "result": self.result if with_result else None}
        return {name: value for name, value in content.items() if name not in ("client", "tries")}


class FairLines:
    """Who is next: clients take turns, whoever has more waiting.

    Example:
        >>> lines = FairLines()
        >>> for client, key in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")):
        ...     lines.add(client, key)
        >>> [lines.place(key) for key in ("a1", "b1", "a2", "a3")], lines.take()
        ([0, 1, 2, 3], 'a1')
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[str]] = OrderedDict()  # who is next first
        self._places: dict[str, int] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def of_client(self, client: str) -> int:
        """Returns how many of a client are waiting."""
        return len(self._lines.get(client, ()))

    def add(self, client: str, key: str, *, first: bool = False) -> None:
        """Puts something at the end of its client's line, or at the head."""
        line = self._lines.setdefault(client, deque())
        if first:
            line.appendleft(key)
        else:
            line.append(key)
        self._places = None

    def leave(self, client: str, key: str) -> bool:
        """Takes something out; returns whether it was there."""
        line = self._lines.get(client, deque())
        if key not in line:
            return False
        line.remove(key)
        if not line:
            del self._lines[client]
        self._places = None
        return True

    def take(self) -> str:
        """Takes out what is next; its client has its next turn after all others."""
        client, line = next(iter(self._lines.items()))
        key = line.popleft()
        del self._lines[client]
        if line:
            self._lines[client] = line
        self._places = None
        return key

    def place(self, key: str) -> int:
        """Returns how many are before something that waits."""
        if self._places is None:
            lines = [list(line) for line in self._lines.values()]
            order: list[str] = []
            for turn in range(max(map(len, lines), default=0)):
                order += [line[turn] for line in lines if turn < len(line)]
            self._places = {each: place for place, each in enumerate(order)}
        return self._places[key]


def read_job(path: Path) -> StudioJob | None:
    """Returns a job that was kept; None if its file was damaged, which then stays where it is."""
    with suppress(StorageError, ValueError, TypeError, KeyError):
        content = json_value(read_bytes(path, _LARGEST))
        job = StudioJob(**content)
        if job.id == path.stem and isinstance(job.request, dict):
            return job
    return None


def said(error: Exception) -> str:
    """Returns what a user is told of an error, in one line."""
    if isinstance(error, PatchflowError):
        return printable(str(error))
    return printable(f"failed inside: {type(error).__name__}: {error}")


def distance_of(result: Mapping[str, Any] | None) -> float:
    """Returns how far the best candidate of a match is from the sound, in dB; infinite without one."""
    candidates = (result or {}).get("candidates")
    return float(candidates[0]["distance"]) if candidates else math.inf


def named_ids(content: Any) -> set[str]:
    """Returns all that a request or result calls by an id: the sounds and presets that it needs.

    Example:
        >>> sorted(named_ids({"kind": "morph", "presets": ["a1b2c3", "d4e5f6"], "steps": 8}))
        ['a1b2c3', 'd4e5f6']
    """
    found: set[str] = set()
    _collect(content, found)
    return found


def _collect(content: Any, found: set[str]) -> None:
    """Gathers everything that is called as a sound or preset may be."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            if name in _NAMING and isinstance(value, str):
                found.add(value)
            elif name in _NAMING and isinstance(value, list):
                found.update(each for each in value if isinstance(each, str))
            _collect(value, found)
    elif isinstance(content, list):
        for each in content:
            _collect(each, found)
