"""The parent's side of a host: starts it, asks it, ends it if it does not answer, starts it again if it dies."""

import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ..errors import EngineError, RenderError
from ._fresh import CAN_FORK, PIPE, cause
from ._host import Answer, receive, send, start_for_good

__all__ = ["HostProcess"]

_SLACK = 1.0  # seconds that a host has to report that an answer took too long
_DEATHS = 6  # in a row, after which a host is started no more
_PAUSE = 0.1  # seconds before the first new start; each further one waits twice as long

Answers = queue.SimpleQueue[tuple[dict[str, Any], bytes] | None]

_worked: set[str] = set()
"""What was loaded once in this process, as JSON: if it dies while it is loaded again, that is not its own fault."""


class _Died(Exception):
    """A host ended by itself, or somebody ended it.

    Args:
        code: Its exit code, `-N` for signal N.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class HostProcess:
    """A host in another process, which starts with the first question.

    If the instrument crashes on a question or does not answer in time, the caller gets an error, and the next question
    is answered by a new one. If the host itself dies, which is not the fault of a question, it is started again, after
    a pause that grows each time, and asked again; it is given up after six deaths in a row.

    Belongs to one thread, except for `give_up`.

    Args:
        host: Name of the host, see `hosts`; or `"module:Class"`, for one that is not of this package.
        settings: Arguments of its class, JSON-serialisable.
        name: Its name in errors.
        fresh: How every question gets a fresh instrument: `"fork"`, `"reload"` or `"reuse"`, see `Fresh`.
        patience: Seconds that one answer may take.
        loading: Seconds that starting, and loading an instrument, may take on top of it.

    Attributes:
        until: When all questions have to be answered, as `time.monotonic` counts; infinity if they have the time that
            they need. What is not answered then fails as if the instrument hung.

    Example:
        >>> # with HostProcess("dawdreamer", {"path": "amsynth_vst.so"}) as host: host.ask("describe").facts
    """

    def __init__(
        self,
        host: str,
        settings: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        fresh: str = "fork",
        patience: float = 30.0,
        loading: float = 60.0,
    ) -> None:
        self.host = host
        self.settings = dict(settings or {})
        self.name = name or host
        self.fresh = fresh
        self.patience = patience
        self.loading = loading
        self.until = math.inf
        self._key = json.dumps([host, self.settings], sort_keys=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Answers = queue.SimpleQueue()
        self._rates: set[int] = set()
        self._deaths = 0  # in a row

    def __enter__(self) -> "HostProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self, what: str, arguments: Mapping[str, Any] | None = None, data: bytes = b"", *, rate: int = 44_100
    ) -> Answer:
        """Asks the host and waits for its answer.

        Args:
            what: The question, a word that the host knows.
            arguments: JSON-serialisable arguments, by name.
            data: Raw bytes, such as a preset.
            rate: Sample rate of the instrument that answers, in Hz.

        Raises:
            EngineError: If the host cannot be started, dies again and again, or the instrument cannot be loaded.
            RenderError: If it refuses, crashes or does not answer in time.
        """
        question = {"ask": what, "with": dict(arguments or {}), "rate": rate}
        while True:
            loaded = False
            try:
                self._load(rate)
                loaded = True
                answer = self._talk(question, data, self.patience)
            except _Died as died:
                self._recover(died, loaded)
            else:
                self._deaths = 0
                return answer

    def close(self) -> None:
        """Ends the process; the next question starts another."""
        if self._process is not None:
            self._end()
            self._process = None
            self._rates = set()

    def give_up(self) -> None:
        """Ends the process for good. Any thread may call this: a question that another one asks fails at once."""
        self.until = -math.inf  # first, so that the other thread starts no new one
        process = self._process
        if process is not None:
            process.kill()

    def _load(self, rate: int) -> None:
        """Starts the host and has it load the instrument of a rate, unless that is done."""
        if self._process is None:
            self._start()
        if rate not in self._rates:
            self._talk({"load": rate}, b"", self.loading)
            self._rates.add(rate)
            _worked.add(self._key)

    def _start(self) -> None:
        self._left()
        command = [sys.executable, "-m", "patchflow.hosts", self.host, str(os.getpid())]
        # A session of its own, on Windows a group: Ctrl-C in the terminal goes to the parent only, which then ends it.
        start = partial(
            subprocess.Popen,
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            pipesize=PIPE,
        )
        try:
            self._process = start_for_good(start)
        except OSError as error:  # no memory, or too many processes
            raise EngineError(f"{self.name}: cannot be started: {error.strerror or error}") from error
        self._answers = queue.SimpleQueue()
        # A pipe cannot be read with a time limit on every system, a queue can: a thread reads for it. Neither the
        # thread nor the finaliser may refer to `self`, which would then never be collected.
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        self._end = weakref.finalize(self, _kill, self._process)
        try:
            self._talk({"settings": self.settings, "fresh": self.fresh}, b"", self.loading)
        except BaseException:  # a process that does not know its settings can answer nothing
            self.close()
            raise

    def _talk(self, message: dict[str, Any], data: bytes, patience: float) -> Answer:
        process = self._process
        if process is None or process.stdin is None:
            raise EngineError(f"{self.name}: not running")
        left = self._left()
        patience = min(patience, left)
        try:
            send(process.stdin, {**message, "patience": patience}, data)
            answer = self._answers.get(timeout=patience + _SLACK)
        except BrokenPipeError:
            answer = None
        except queue.Empty:
            self.close()
            # An error before the instrument is loaded is of the synth, a later one of the preset it plays.
            of_preset = "ask" in message or patience == left
            raise self._error(f"gave no answer within {patience:.3g} s and was ended", of_preset) from None
        except BaseException:  # Ctrl-C: a late answer must not be taken for that to the next question
            self.close()
            raise
        if answer is None:
            code = process.wait()
            self.close()
            raise _Died(code)
        header, body = answer
        if "error" in header:
            raise self._error(header["error"], header["render"])
        return Answer(header["facts"], body)

    def _left(self) -> float:
        """Seconds until all questions have to be answered."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise RenderError(f"{self.name}: there is no time left")
        return left

    def _recover(self, died: _Died, loaded: bool) -> None:
        """Waits, so that the host can be asked again; raises an error where that would not help.

        Args:
            died: What happened.
            loaded: Whether it happened after the instrument was loaded, while a question was answered.
        """
        crashed = f"crashed ({cause(died.code)})"
        outside = died.code in _FROM_OUTSIDE
        # A question that is answered by a copy cannot harm the host. Without copies it may be what was fatal: by a
        # crash or, as the system kills what takes all memory, if the host was killed twice on it.
        copies = self.fresh != "reuse" and CAN_FORK
        if loaded and not copies and (self._deaths or not outside):
            self._deaths = 0
            raise self._error(crashed, True)
        # One that was never loaded crashes each time, unless somebody else ended it.
        if not loaded and not outside and self._key not in _worked:
            raise self._error(crashed, False)
        self._deaths += 1
        if self._deaths >= _DEATHS:
            deaths = self._deaths
            self._deaths = 0
            raise self._error(f"died {deaths} times in a row, the last time by {cause(died.code)}", False)
        time.sleep(max(0.0, min(_PAUSE * 2 ** (self._deaths - 1), self.until - time.monotonic())))

    def _error(self, what: str, render: bool) -> EngineError:
        kind = RenderError if render else EngineError
        return kind(f"{self.name}: {what}")


_FROM_OUTSIDE = {-int(number) for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM))}


def _listen(process: "subprocess.Popen[bytes]", answers: Answers) -> None:
    """Puts every answer into the queue, and None when the process has ended."""
    if process.stdout is None:
        return
    with process.stdout as pipe, suppress(EOFError, OSError, ValueError):  # a crash may cut a message anywhere
        while True:
            answers.put(receive(pipe))
    answers.put(None)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    # With its copies, and whatever the synth has started: the host is the leader of a group.
    if hasattr(os, "killpg") and process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):  # what was not sent any more
            process.stdin.close()
