"""The parent's side of a host: starts it, asks it, and ends it if it does not answer."""

import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ..errors import EngineError, RenderError
from ._fresh import PIPE, cause
from ._host import Answer, receive, send

__all__ = ["HostProcess"]

_SLACK = 1.0  # seconds that a host has to report that an answer took too long

Answers = queue.SimpleQueue[tuple[dict[str, Any], bytes] | None]


class HostProcess:
    """A host in another process, which starts with the first question.

    If it crashes or does not answer in time it is ended, the caller gets an error, and the next
    question starts a new process. Belongs to one thread.

    Args:
        host: Name of the host, see `hosts`; or `"module:Class"`, for one that is not of this package.
        settings: Arguments of its class, JSON-serialisable.
        name: Its name in errors.
        fresh: How every question gets a fresh instrument: `"fork"`, `"reload"` or `"reuse"`, see `Fresh`.
        patience: Seconds that one answer may take.
        loading: Seconds that starting, and loading an instrument, may take on top of it.

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
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: Answers = queue.SimpleQueue()
        self._rates: set[int] = set()

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
            EngineError: If the host cannot be started or the instrument cannot be loaded.
            RenderError: If it refuses, crashes or does not answer in time.
        """
        if self._process is None:
            self._start()
        patience = self.patience
        if rate not in self._rates:  # the instrument has to be loaded first
            patience += self.loading
        question = {"ask": what, "with": dict(arguments or {}), "rate": rate}
        answer = self._talk(question, data, patience)
        self._rates.add(rate)
        return answer

    def close(self) -> None:
        """Ends the process; the next question starts another."""
        if self._process is not None:
            self._end()
            self._process = None
            self._rates = set()

    def _start(self) -> None:
        command = [sys.executable, "-m", "patchflow.hosts", self.host]
        # A session of its own: Ctrl-C in the terminal goes to the parent only, which then ends the host.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pipesize=PIPE,
        )
        self._answers = queue.SimpleQueue()
        # A pipe cannot be read with a time limit on every system, a queue can: a thread reads for it. Neither the
        # thread nor the finaliser may refer to `self`, which would then never be collected.
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        self._end = weakref.finalize(self, _kill, self._process)
        self._talk({"settings": self.settings, "fresh": self.fresh}, b"", self.loading)

    def _talk(self, message: dict[str, Any], data: bytes, patience: float) -> Answer:
        process = self._process
        if process is None or process.stdin is None:
            raise EngineError(f"{self.name}: not running")
        # An error before the instrument was ever loaded is of the synth, a later one of the preset it plays.
        loaded = message.get("rate") in self._rates
        try:
            send(process.stdin, {**message, "patience": patience}, data)
            answer = self._answers.get(timeout=patience + _SLACK)
        except BrokenPipeError:
            answer = None
        except queue.Empty:
            self.close()
            raise self._error(f"gave no answer within {patience:g} s and was ended", loaded) from None
        except BaseException:  # Ctrl-C: a late answer must not be taken for that to the next question
            self.close()
            raise
        if answer is None:
            code = process.wait()
            self.close()
            raise self._error(f"crashed ({cause(code)})", loaded)
        header, body = answer
        if "error" in header:
            raise self._error(header["error"], header["render"])
        return Answer(header["facts"], body)

    def _error(self, what: str, render: bool) -> EngineError:
        kind = RenderError if render else EngineError
        return kind(f"{self.name}: {what}")


def _listen(process: "subprocess.Popen[bytes]", answers: Answers) -> None:
    """Puts every answer into the queue, and None when the process has ended."""
    if process.stdout is None:
        return
    with process.stdout as pipe, suppress(EOFError, OSError, ValueError):  # a crash may cut a message anywhere
        while True:
            answers.put(receive(pipe))
    answers.put(None)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):  # what was not sent any more
            process.stdin.close()
