"""Answers every question with an instrument that was never asked before."""

import gc
import math
import mmap
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import RenderError
from ._host import Answer, Host, begin, unframe

__all__ = ["CAN_FORK", "PIPE", "WAYS", "Fresh", "cause"]

PIPE = 2**20
"""Bytes that a pipe holds, where the system lets us choose: a whole sound, so that nobody waits half-way."""

WAYS = ("fork", "reload", "reuse")
"""How an instrument can be fresh for a question, see `Fresh`."""

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process can be copied; Apple's own libraries do not survive it."""

_OK, _REFUSED = b"+", b"-"


class Fresh:
    """Puts questions to instruments that are as fresh as can be.

    - `"fork"`: a question is answered by a copy of this process, which ends with the answer: the instrument itself
      never plays, so it is as fresh as ever, to the last bit, and a copy that crashes does no harm. This takes a
      few milliseconds. Where processes cannot be copied it is `"reload"`.
    - `"reload"`: an instrument is loaded anew for every question.
    - `"reuse"`: one instrument answers all, as fast as can be; it may remember what it was asked before.

    Args:
        host: Loads instruments and knows the answers.
        fresh: One of `WAYS`.

    Raises:
        ValueError: If there is no such way.
    """

    def __init__(self, host: Host, fresh: str = "fork") -> None:
        if fresh not in WAYS:
            raise ValueError(f"fresh={fresh!r}: not one of {', '.join(WAYS)}")
        self.host = host
        self.fresh = fresh if CAN_FORK or fresh != "fork" else "reload"
        self._loaded: dict[int, Any] = {}
        self._space = _Space()

    def answer(self, what: str, arguments: Mapping[str, Any], data: bytes, rate: int, patience: float) -> Answer:
        """Answers one question.

        Args:
            what: The question, a word.
            arguments: What JSON can say.
            data: Anything else.
            rate: Sample rate of the instrument, in Hz.
            patience: Seconds after which a copy is ended.

        Raises:
            RenderError: If the instrument refuses, or a copy crashes or does not answer in time.
        """
        if rate not in self._loaded:
            self._loaded[rate] = self.host.load(rate)
        if self.fresh != "fork":
            instrument = self._loaded[rate] if self.fresh == "reuse" else self._loaded.pop(rate)
            try:
                return self.host.answer(instrument, what, arguments, data)
            except Exception as error:  # as from a copy: it was loaded, and may answer other questions
                raise RenderError(_words(error)) from error
        return _in_a_copy(lambda: self.host.answer(self._loaded[rate], what, arguments, data), patience, self._space)


def cause(code: int) -> str:
    """Returns why a process ended, in words, from its exit code as Python gives it: `-N` for signal N."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _in_a_copy(call: Callable[[], Answer], patience: float, space: "_Space") -> Answer:
    import fcntl  # Windows has none, but does not come here

    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
    gc.freeze()  # collecting garbage would write to, and so copy, every page that holds an object
    child = os.fork()
    if child == 0:
        _be_the_copy(call, writer, patience)
    os.close(writer)
    text = None
    try:
        text = space.read(reader, patience)
    finally:
        os.close(reader)
        if text is None:
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if text is None:
        raise RenderError(f"gave no answer within {patience:g} s")
    if status:
        raise RenderError(f"crashed ({cause(status)})")
    if text[:1] == _REFUSED:
        raise RenderError(bytes(text[1:]).decode())
    return Answer(*unframe(text[1:]))


def _be_the_copy(call: Callable[[], Answer], writer: int, patience: float) -> None:
    """Answers and ends, without any clean-up: it would be the original's."""
    signal.alarm(math.ceil(patience) + 1)  # in case the original is gone
    try:
        answer = call()
        parts = [_OK + begin(dict(answer.facts), answer.data), answer.data]
    except Exception as error:  # noqa: BLE001 - told to the original
        parts = [_REFUSED + _words(error).encode()]
    for part in parts:  # put together they would be another copy
        rest = memoryview(part)
        while len(rest):
            rest = rest[os.write(writer, rest) :]
    os._exit(0)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


class _Space:
    """Memory for answers that forking does not protect: writing to any other costs a page fault each time."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PIPE)

    def read(self, pipe: int, patience: float) -> memoryview | None:
        """Returns everything that comes out of a pipe; None if it takes too long."""
        end, filled = time.monotonic() + patience, 0
        while select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
            if filled == len(self._memory):
                self._grow()
            count = os.readv(pipe, [memoryview(self._memory)[filled:]])
            if not count:
                return memoryview(self._memory)[:filled]
            filled += count
        return None

    def _grow(self) -> None:
        larger = mmap.mmap(-1, 2 * len(self._memory))
        larger[: len(self._memory)] = self._memory[:]
        self._memory = larger
