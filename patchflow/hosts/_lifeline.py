"""Ends a host, and its copies, as soon as the process that started them is gone, however busy or stuck they are."""

import ctypes
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["end_with_parent", "start_for_good"]

T = TypeVar("T")

_WATCH = 0.2  # seconds between two looks at the parent, where the system does not tell that it is gone

_Order = tuple[Callable[[], object], "Future[object]"]

# The kernel kills a process with the one that started it (PR_SET_PDEATHSIG), which works while native code is busy or
# hangs. Nothing else does: a thread that watches a pipe waits for the interpreter's lock, which that code may hold.
_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if _LINUX else None  # looked up here: a copy should not load libraries


def end_with_parent(parent: int) -> None:
    """Makes this process end when its parent does; ends it at once if that is gone already.

    On Linux the kernel does so. Elsewhere a thread looks for the parent, unless native code keeps it from running;
    Windows does not say that a parent is gone, and there a host ends when it next reads a question.

    Args:
        parent: Number of the process that is the parent.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    elif sys.platform != "win32":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    # The parent may have died before the kernel was asked to watch it.
    if sys.platform != "win32" and os.getppid() != parent:
        os._exit(0)


def start_for_good(start: Callable[[], T]) -> T:
    """Starts a process that calls `end_with_parent`, and returns what `start` does.

    For the kernel the parent is the thread that started the process, not all of the program: a host that is started on
    a thread of a pool would be killed when that thread ends. So one thread, which never ends, starts them all.

    Args:
        start: Starts it.

    Example:
        >>> start_for_good(lambda: threading.current_thread().daemon) or not _LINUX
        True
    """
    if not _LINUX:
        return start()
    done: Future[T] = Future()
    _starter().put((start, done))  # pyright: ignore[reportArgumentType]
    return done.result()


_starters: dict[int, "queue.SimpleQueue[_Order]"] = {}
_starting = threading.Lock()


def _starter() -> "queue.SimpleQueue[_Order]":
    """The queue of this process's thread; by its number, since a fork of this process has no threads yet."""
    with _starting:
        if os.getpid() not in _starters:
            _starters.clear()
            orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
            threading.Thread(target=_start_all, args=(orders,), name="starter", daemon=True).start()
            _starters[os.getpid()] = orders
        return _starters[os.getpid()]


def _start_all(orders: "queue.SimpleQueue[_Order]") -> None:
    while True:
        start, done = orders.get()
        try:
            done.set_result(start())
        except BaseException as error:  # noqa: BLE001 - raised again where the process was asked for
            done.set_exception(error)
        del start, done  # or the last process would be kept here until the next one is wanted


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(0)
