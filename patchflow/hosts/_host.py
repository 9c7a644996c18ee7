"""The interface of a host, which runs in its own process, its messages with its parent, and its end with it."""

import abc
import ctypes
import json
import os
import queue
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

__all__ = ["Answer", "Host", "end_with_parent", "frame_message", "receive", "send", "start_for_good", "unframe_message"]

T = TypeVar("T")

_WATCH = 0.2  # seconds between two looks at the parent, where the system does not tell that it is gone

_Order = tuple[Callable[[], object], "Future[object]"]

# The kernel kills a process with the one that started it (PR_SET_PDEATHSIG), which works while native code is busy or
# hangs. Nothing else does: a thread that watches a pipe waits for the interpreter's lock, which that code may hold.
_LINUX = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if _LINUX else None  # looked up here: a copy should not load libraries


@dataclass(frozen=True)
class Answer:
    """The answer of a host.

    Args:
        facts: JSON-serialisable facts, by name.
        data: Raw bytes, such as samples as float32; a view of bytes is valid until the next question only.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    data: bytes | memoryview = b""


class Host(abc.ABC):
    """A kind of synth, as its host process knows it.

    Every question should be answered by an instrument as fresh as `load` returned it, whatever was asked before: synths
    remember phases, tails and the state of their random generators, and nothing that they offer resets it all. So
    an instrument is thrown away with each answer. Only with `"reuse"`, where speed matters more, one instrument
    answers all questions; see `_fresh`.

    It may print, crash or hang: `HostProcess` handles that. What it raises reaches the parent as an `EngineError`
    while an instrument is loaded, and as a `RenderError` later, with the synth's name in front of the message.

    Example:
        >>> # python -m patchflow.hosts NAME, then {"key": "value"} makes hosts[NAME](key="value")
    """

    @abc.abstractmethod
    def load(self, rate: int) -> Any:
        """Returns an instrument.

        Args:
            rate: Sample rate it will play at, in Hz.
        """

    @abc.abstractmethod
    def answer(self, instrument: Any, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """Answers one question.

        Args:
            instrument: From `load`; it may be left in any state.
            what: The question, a word.
            arguments: JSON-serialisable arguments, by name.
            data: Raw bytes, such as a preset.
        """


# A message: two sizes, a header in JSON, a payload of bytes. Samples as JSON would be several times larger.
_SIZES = struct.Struct("<II")


def frame_message(header: dict[str, Any], payload: bytes | memoryview = b"") -> bytes:
    """Returns what comes before the payload of a message.

    Args:
        header: JSON-serialisable facts, by name.
        payload: Raw bytes, such as samples; or a view of bytes.

    Example:
        >>> unframe_message(memoryview(frame_message({"rate": 44_100}, b"abc") + b"abc"))[0]
        {'rate': 44100}
    """
    text = json.dumps(header).encode()
    return _SIZES.pack(len(text), len(payload)) + text


def unframe_message(message: memoryview) -> tuple[dict[str, Any], memoryview]:
    """Returns header and payload of a whole message."""
    size, _ = _SIZES.unpack_from(message)
    start = _SIZES.size + size
    return json.loads(bytes(message[_SIZES.size : start])), message[start:]


def send(pipe: IO[bytes], header: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Writes one message and flushes the pipe."""
    # in two calls: joined, a second of samples would be copied once more
    pipe.write(frame_message(header, payload))
    if len(payload):
        pipe.write(payload)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Reads one message.

    Raises:
        EOFError: If the other side is gone.
    """
    header, payload = _SIZES.unpack(_exactly(pipe, _SIZES.size))
    return json.loads(_exactly(pipe, header)), _exactly(pipe, payload)


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


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError("the other side is gone")
    return data


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
