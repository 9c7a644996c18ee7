"""Messages that wait to be done, of each value only the newest; and what takes long beside them."""

import queue
import threading
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from ..errors import OptionError, PatchflowError
from .addresses import Kind

__all__ = ["Attempted", "Background", "ErrorCallback", "Mailbox", "Message", "attempt"]

_WAITING = 8  # things that take long

ErrorCallback = Callable[[str, Callable[[], str]], None]
"""Is told where something went wrong, and gets a way to say what: nobody words what is not sent."""


@dataclass(frozen=True)
class Message:
    """Something to do.

    Args:
        name: What it is, for errors: an address, or where it came from.
        act: Does it.
        kind: See `OscAddress.kind`.
        key: Of a value: what it is a value of.
    """

    name: str
    act: Callable[[], object]
    kind: Kind = "command"
    key: Hashable = None


class Mailbox:
    """Messages that wait: of a value only the newest, of everything else all, in order.

    A value never overtakes a command: what was sent before a preset is saved is saved with it.

    Args:
        most: So many may wait.

    Example:
        >>> box = Mailbox()
        >>> for number in range(3):
        ...     _ = box.put(Message("/param/macro/1", partial(print, number), "value", "macro 1"))
        >>> for message in box.take():
        ...     message.act()
        2
    """

    def __init__(self, most: int = 4_096) -> None:
        self._most = most
        self._ready = threading.Condition()
        self._waiting: dict[Hashable, Message] = {}
        self._part = 0  # commands so far: values on both sides of one are kept
        self._count = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message) -> bool:
        """Adds a message; returns whether there was room for it."""
        with self._ready:
            self._count += 1
            if message.kind == "command":
                self._part += 1
            place = (self._part, message.key) if message.kind == "value" else self._count
            self._waiting.pop(place, None)  # the newest takes its turn, not that of the older one
            if len(self._waiting) >= self._most:
                return False
            self._waiting[place] = message
            self._ready.notify()
            return True

    def take(self) -> list[Message]:
        """Waits for messages and returns all of them; none when it is closed."""
        with self._ready:
            self._ready.wait_for(lambda: self._waiting or self._closed)
            taken = list(self._waiting.values())
            self._waiting.clear()
            return taken

    def close(self) -> None:
        """Ends all waiting."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()


class Background:
    """Does what takes long in a thread of its own, one after the other.

    Args:
        mailbox: Where what is done with the results goes.
        tell: Is told what went wrong.
    """

    def __init__(self, mailbox: Mailbox, tell: ErrorCallback) -> None:
        self._mailbox = mailbox
        self._tell = tell
        self._tasks: queue.Queue[tuple[str, Callable[[], Any], Callable[[Any], None]] | None] = queue.Queue(_WAITING)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="patchflow live: long work", daemon=True)
        self._thread.start()

    def start(self, what: str, task: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Does a task when those before it are done, see `live_patch.LongWork`.

        Raises:
            OptionError: If too many wait.
        """
        try:
            self._tasks.put_nowait((what, task, then))
        except queue.Full:
            raise OptionError(f"busy: {_WAITING} things that take long wait already; {what} was not begun") from None

    def close(self) -> None:
        """Ends the thread after what it does now; what waits is not begun."""
        self._closed = True
        with suppress(queue.Full):
            self._tasks.put_nowait(None)
        self._thread.join(5.0)

    def _run(self) -> None:
        while (given := self._tasks.get()) is not None and not self._closed:
            what, task, then = given
            done = attempt(what, task, self._tell)
            if done.well and not self._mailbox.put(Message(what, partial(then, done.result))):
                self._tell(what, lambda: "too many messages wait, so what it gave was left out")


class Attempted(NamedTuple):
    """How a call went.

    Attributes:
        well: Whether it returned.
        result: What it returned.
    """

    well: bool
    result: Any = None


def attempt(name: str, act: Callable[[], Any], tell: ErrorCallback) -> Attempted:
    """Calls, and tells what went wrong instead of raising it: one message never ends live control.

    Args:
        name: What is done, for people.
        act: Does it.
        tell: Is told.
    """
    try:
        return Attempted(True, act())
    except PatchflowError as error:
        tell(name, partial(str, error))
    except KeyboardInterrupt:
        tell(name, lambda: "stopped before anything was found")
    except Exception as error:  # noqa: BLE001 - the last resort: live control goes on, and says that it is at fault
        fault = f"a fault of patchflow ({type(error).__name__}: {error}). Please report it."
        tell(name, lambda: fault)
    return Attempted(False)
