"""Answers every question with an instrument that has not played before.

Nothing that synths offer resets all they remember, and a Vital seeds its random numbers from a counter of its process.
A forked copy of a process that never plays was the one way found that repeats every synth to the last bit (LOG.md).
"""

import gc
import math
import mmap
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..errors import EngineError, RenderError
from ._host import Answer, Host, end_with_parent, frame_message, unframe_message

__all__ = ["CAN_FORK", "PIPE", "WAYS", "Fresh", "cause"]

PIPE = 2**20
"""Size of the pipes in bytes, where the system lets us choose: a whole sound, so that no side waits half-way."""

WAYS = ("fork", "reload", "reuse")
"""How an instrument can be fresh for a question, see `Fresh`."""

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process can be copied; Apple's own libraries do not survive it."""

_OK = b"+"
_REFUSED = b"-"


class Fresh:
    """Answers questions with instruments that are as fresh as possible.

    - `"fork"`: a question is answered by a copy of this process, which ends with the answer: the instrument itself
      never plays, so it stays fresh, to the last bit, and a copy that crashes does no harm. This takes a
      few milliseconds. Where processes cannot be copied it is `"reload"`.
    - `"reload"`: an instrument is loaded anew for every question: by a copy of a process in which none was, so that it
      is a synth's first, which counts; where processes cannot be copied, in the same process after the one before.
    - `"reuse"`: one instrument answers all, as fast as possible; it may remember what it was asked before.

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
        self._anew = self.fresh == "reload" and CAN_FORK
        self._loaded: dict[int, Any] = {}
        self._memory = _AnswerMemory()

    def load(self, rate: int, patience: float) -> None:
        """Loads the instrument of a rate, or tries whether it can be loaded, unless that is done.

        Args:
            rate: Sample rate of the instrument, in Hz.
            patience: Seconds after which a copy is ended.

        Raises:
            EngineError: If a copy crashes or does not answer in time.
        """
        if rate in self._loaded:
            return
        if not self._anew:
            self._loaded[rate] = self.host.load(rate)
            return
        try:
            _answer_in_copy(partial(self._tried, rate), patience, self._memory)
        except RenderError as error:  # of the synth, and not of what it was asked
            raise EngineError(str(error)) from error
        self._loaded[rate] = None

    def answer(self, what: str, arguments: Mapping[str, Any], data: bytes, rate: int, patience: float) -> Answer:
        """Answers one question.

        Args:
            what: The question, a word.
            arguments: JSON-serialisable arguments, by name.
            data: Raw bytes, such as a preset.
            rate: Sample rate of the instrument, in Hz.
            patience: Seconds after which a copy is ended.

        Raises:
            RenderError: If the instrument refuses, or a copy crashes or does not answer in time.
        """
        self.load(rate, patience)
        if self._anew:
            call = partial(self._answered_anew, what, arguments, data, rate)
            return _answer_in_copy(call, patience, self._memory)
        if self.fresh == "fork":
            call = partial(self.host.answer, self._loaded[rate], what, arguments, data)
            return _answer_in_copy(call, patience, self._memory)
        instrument = self._loaded[rate] if self.fresh == "reuse" else self._loaded.pop(rate)
        try:
            return self.host.answer(instrument, what, arguments, data)
        except Exception as error:  # as from a copy: it was loaded, and may answer other questions
            raise RenderError(_message(error)) from error

    def _tried(self, rate: int) -> Answer:
        self.host.load(rate)
        return Answer()

    def _answered_anew(self, what: str, arguments: Mapping[str, Any], data: bytes, rate: int) -> Answer:
        return self.host.answer(self.host.load(rate), what, arguments, data)


def cause(code: int) -> str:
    """Returns why a process ended, in words, from its exit code as Python gives it: `-N` for signal N."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _answer_in_copy(call: Callable[[], Answer], patience: float, memory: "_AnswerMemory") -> Answer:
    import fcntl  # Windows has none, but does not come here

    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE)
    # What a copy costs are the pages that are written to after the fork: each is allocated and copied. Collecting
    # garbage would write to every page that holds an object.
    gc.freeze()
    original = os.getpid()
    child = os.fork()
    if child == 0:
        end_with_parent(original)
        _be_the_copy(call, writer, patience)
    os.close(writer)  # now only the copy holds this end: if it dies, reading ends
    reply = None
    try:
        reply = memory.read(reader, patience)
    finally:
        os.close(reader)
        if reply is None:
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if reply is None:
        raise RenderError(f"gave no answer within {patience:g} s")
    if status:
        raise RenderError(f"crashed ({cause(status)})")
    if reply[:1] == _REFUSED:
        raise RenderError(bytes(reply[1:]).decode())
    return Answer(*unframe_message(reply[1:]))


def _be_the_copy(call: Callable[[], Answer], writer: int, patience: float) -> None:
    """Answers and ends, without any clean-up: it would be the original's."""
    signal.alarm(math.ceil(patience) + 1)  # in case the original hangs
    try:
        answer = call()
        parts = [_OK + frame_message(dict(answer.facts), answer.data), answer.data]
    except Exception as error:  # noqa: BLE001 - the original raises it
        parts = [_REFUSED + _message(error).encode()]
    for part in parts:  # one by one: joining them would copy the samples
        unsent = memoryview(part)
        while len(unsent):
            unsent = unsent[os.write(writer, unsent) :]
    os._exit(0)


def _message(error: Exception) -> str:
    return str(error) or type(error).__name__


class _AnswerMemory:
    """Memory for answers that forking does not protect: writing to any other costs a page fault each time."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PIPE)  # anonymous and shared, so a fork does not mark it for copying

    def read(self, pipe: int, patience: float) -> memoryview | None:
        """Returns everything that comes out of a pipe; None if it takes too long."""
        end = time.monotonic() + patience
        filled = 0
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
