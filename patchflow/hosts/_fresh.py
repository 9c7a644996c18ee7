"""Answers every question with an instrument that has not played before.

Nothing that synths offer resets all they remember, and a Vital seeds its random numbers from a counter of its process.
A forked copy of a process that never plays was the one way found that repeats every synth to the last bit (LOG.md).
"""

import array
import ctypes
import gc
import math
import mmap
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import EngineError, RenderError
from ._host import Answer, Host, end_with_parent, frame_message, receive, unframe_message

__all__ = ["CAN_FORK", "PIPE", "WAYS", "Fresh", "cause"]

PIPE = 2**20
"""Size of the pipes in bytes, where the system lets us choose: a whole sound, so that no side waits half-way."""

WAYS = ("fork", "reload", "reuse")
"""How an instrument can be fresh for a question, see `Fresh`."""

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process can be copied; Apple's own libraries do not survive it."""

_OK = b"+"
_REFUSED = b"-"
_DONE = b"."  # at the end: what comes after it does not matter

# Most of what a copy needs to answer goes into the pages that it writes to: the kernel copies each at the first write.
# So a copy that waits has those copied that the first one wrote to. It is only for speed, and only Linux can do it.
_MADV_POPULATE_WRITE = 23
_PAGE = mmap.PAGESIZE
_OWN = 1 << 63 | 1 << 56  # in a pagemap: the page is there, and no other process has it
_madvise = ctypes.CDLL(None).madvise if sys.platform == "linux" else None

Span = tuple[int, int]  # address and size
_Work = Callable[[str, Mapping[str, Any], bytes], Answer]


class Fresh:
    """Answers questions with instruments that are as fresh as possible.

    - `"fork"`: a question is answered by a copy of this process, which ends with the answer: the instrument itself
      never plays, so it stays fresh, to the last bit, and a copy that crashes does no harm. This takes a
      few milliseconds, most of them before the question comes, see `rest`. Where processes cannot be copied it is
      `"reload"`.
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
        self._copy: _Copy | None = None  # that is ready for the next question
        self._copied = 0  # rate of its instrument
        self._written: dict[int, list[Span]] = {}  # pages that the first copy wrote to, by rate

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
            copy = _Copy(partial(self._tried, rate))
            try:
                copy.asked("", {}, b"", patience, self._memory)
            finally:
                copy.end()
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
        if self._anew or self.fresh == "fork":
            return self._ready(rate).asked(what, arguments, data, patience, self._memory)
        instrument = self._loaded[rate] if self.fresh == "reuse" else self._loaded.pop(rate)
        try:
            return self.host.answer(instrument, what, arguments, data)
        except Exception as error:  # as from a copy: it was loaded, and may answer other questions
            raise RenderError(_message(error)) from error

    def rest(self) -> None:
        """Gets ready for a question like the last one, in time that nobody waits for: a copy of a process is made."""
        if self._copy is None:
            return
        if self.fresh == "fork" and self._copied not in self._written:
            self._written[self._copied] = self._copy.written()
        self._copy.end()
        with suppress(OSError):  # the next question says so, if that goes on
            self._copy = _Copy(self._work(self._copied), self._written.get(self._copied, []))

    def _ready(self, rate: int) -> "_Copy":
        """A copy that answers a question."""
        if self._copy is None or self._copied != rate or not self._copy.is_waiting:
            if self._copy is not None:
                self._copy.end()
            self._copied = rate
            self._copy = _Copy(self._work(rate))
        return self._copy

    def _work(self, rate: int) -> _Work:
        return partial(self._answered_anew, rate) if self._anew else partial(self.host.answer, self._loaded[rate])

    def _tried(self, rate: int, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        self.host.load(rate)
        return Answer()

    def _answered_anew(self, rate: int, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        return self.host.answer(self.host.load(rate), what, arguments, data)


def cause(code: int) -> str:
    """Returns why a process ended, in words, from its exit code as Python gives it: `-N` for signal N."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class _Copy:
    """A copy of this process that waits for one question, and ends once it has answered it.

    Args:
        work: Answers it there.
        written: Pages that it will write to, by and large.
    """

    def __init__(self, work: _Work, written: Sequence[Span] = ()) -> None:
        import fcntl  # Windows has none, but does not come here

        asked, self._questions = os.pipe()
        self._answers, answered = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            for pipe in (asked, answered):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
        # What a copy costs are the pages that are written to after the fork: each is allocated and copied. Collecting
        # garbage would write to every page that holds an object.
        gc.freeze()
        original = os.getpid()
        try:
            self._number = os.fork()
        except OSError:
            for pipe in (asked, self._questions, self._answers, answered):
                os.close(pipe)
            raise
        if self._number == 0:
            end_with_parent(original)
            os.close(self._questions)
            os.close(self._answers)
            for address, size in written:
                _populate(address, size)
            _be_the_copy(work, asked, answered)
        os.close(asked)
        os.close(answered)  # now only the copy holds this end: if it dies, reading ends
        self._is_asked = False
        self._is_over = False

    @property
    def is_waiting(self) -> bool:
        """Whether it can be asked: somebody may have ended it."""
        if not self._is_over and not self._is_asked and os.waitpid(self._number, os.WNOHANG)[0]:
            self._close()
        return not self._is_over and not self._is_asked

    def asked(
        self, what: str, arguments: Mapping[str, Any], data: bytes, patience: float, memory: "_AnswerMemory"
    ) -> Answer:
        """Asks it; its answer is a view of that memory.

        Raises:
            RenderError: If it refuses, crashes or does not answer in time.
        """
        self._is_asked = True
        with suppress(BrokenPipeError):  # it is gone, which reading tells
            header = frame_message({"what": what, "arguments": dict(arguments), "patience": patience}, data)
            for part in (header, data):
                _write_all(self._questions, part)
        reply = None
        try:
            reply = memory.read(self._answers, patience)
        finally:
            if reply is None:
                os.kill(self._number, signal.SIGKILL)
        if reply is None:
            self.end()
            raise RenderError(f"gave no answer within {patience:g} s")
        if reply[-1:] != _DONE:
            raise RenderError(f"crashed ({cause(self.end())})")
        if reply[:1] == _REFUSED:
            raise RenderError(bytes(reply[1:-1]).decode())
        return Answer(*unframe_message(reply[1:-1]))

    def end(self) -> int:
        """Ends it, unless it works; returns its exit code, 0 if it has ended before."""
        if self._is_over:
            return 0
        self._close()
        return os.waitstatus_to_exitcode(os.waitpid(self._number, 0)[1])

    def _close(self) -> None:
        self._is_over = True
        os.close(self._questions)
        os.close(self._answers)

    def written(self) -> list[Span]:
        """Returns the pages that it has written to, if it has answered and was not ended yet; nothing elsewhere."""
        if _madvise is None or self._is_over:
            return []
        spans: list[Span] = []
        with suppress(OSError), Path(f"/proc/{self._number}/pagemap").open("rb", 0) as pages:
            for line in Path(f"/proc/{self._number}/maps").read_text().splitlines():
                where, rights = line.split()[:2]
                if rights != "rw-p":
                    continue
                first, end = (int(number, 16) // _PAGE for number in where.split("-"))
                pages.seek(8 * first)
                flags = array.array("Q", pages.read(8 * (end - first)))
                spans += _runs([first + place for place, flag in enumerate(flags) if flag & _OWN == _OWN])
        return spans


def _be_the_copy(work: _Work, asked: int, answered: int) -> None:
    """Answers and ends, without any clean-up: it would be the original's."""
    try:
        with os.fdopen(os.dup(asked), "rb") as pipe:
            question, data = receive(pipe)
        signal.alarm(math.ceil(question["patience"]) + 1)  # in case the original hangs
        answer = work(question["what"], question["arguments"], data)
        parts = [_OK + frame_message(dict(answer.facts), answer.data), answer.data, _DONE]
    except EOFError:  # nobody asks
        os._exit(0)
    except Exception as error:  # noqa: BLE001 - the original raises it
        parts = [_REFUSED + _message(error).encode(), _DONE]
    for part in parts:  # one by one: joining them would copy the samples
        _write_all(answered, part)
    os.close(answered)  # now the answer is read; to give back the memory takes milliseconds more
    signal.alarm(0)
    os.read(asked, 1)  # until nobody wants to know anything more
    os._exit(0)


def _runs(pages: Sequence[int]) -> list[Span]:
    """Pages, by their numbers in order, as spans of pages that follow each other."""
    spans: list[Span] = []
    for page in pages:
        if spans and sum(spans[-1]) == page * _PAGE:
            spans[-1] = (spans[-1][0], spans[-1][1] + _PAGE)
        else:
            spans.append((page * _PAGE, _PAGE))
    return spans


def _populate(address: int, size: int) -> None:
    """Has pages copied; those that are not there are left out."""
    if _madvise is not None:
        _madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), _MADV_POPULATE_WRITE)


def _write_all(pipe: int, part: bytes | memoryview) -> None:
    unsent = memoryview(part)
    while len(unsent):
        unsent = unsent[os.write(pipe, unsent) :]


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
