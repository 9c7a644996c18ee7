"""The process that does the jobs: one at a time, with its synths and models kept warm; it ends with the server.

It is a process of its own, so that a synth that crashes, or work that fills the interpreter, never holds up a request.
Both sides send pickled messages through pipes. The server says what is to be done and may pause or cancel it; the
worker says how far it is, what it has found so far, and how it ended.
"""

import ctypes
import gc
import math
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from ..errors import PatchflowError
from ..hosts._host import end_with_parent, start_for_good
from ..printable import printable
from ..progress import Progress

if TYPE_CHECKING:
    from .tasks import Workshop

__all__ = ["Reporter", "WorkReport", "Worker", "give_memory_back", "work"]

_EVERY = 0.1  # seconds between two reports of progress
_COURTESY = 5  # by how much a worker gives way to the notes that somebody plays, as `nice` counts
_RESTING = 30.0  # seconds without a job after which a worker gives back what it has no use for
_LENGTH = struct.Struct("<Q")
_START = "import sys; from patchflow.studio.worker import work; work(int(sys.argv[1]))"


@dataclass(frozen=True)
class WorkReport:
    """What a worker says of a job.

    Args:
        job: Id of the job; "" if the worker ended while it had none.
        kind: `"progress"`, `"found"` (a result that is not final), `"done"`, `"failed"`, or `"ended"` if the process
            is gone.
        content: The progress or result by name; of a failure one line, of an end the exit code, -N for signal N.
    """

    job: str
    kind: str
    content: Any = None


class Worker:
    """The server's side of a worker: starts the process, gives it jobs, passes on what it says.

    Args:
        heard: Gets all reports of jobs, and at last that the process has ended, on a thread of the worker.

    Attributes:
        job: Id of the job that it does; "" if it has none.

    Example:
        >>> # worker = Worker(print); worker.do("a1b2c3", "match", order); worker.pause(); worker.close()
    """

    def __init__(self, heard: Callable[["Worker", WorkReport], None]) -> None:
        self._heard = heard
        self._writing = threading.Lock()
        self.job = ""
        arguments = [sys.executable, "-c", _START, str(os.getpid())]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = start_for_good(
            lambda: subprocess.Popen(
                arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
            )
        )
        self._reader = threading.Thread(target=self._read, name="worker", daemon=True)
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def number(self) -> int:
        """Number of the process."""
        return self._process.pid

    def warm(self, synths: Sequence[str], library: Path | None) -> None:
        """Has it load what matches need while it has nothing else to do, see `Workshop.warm`."""
        self._send(("warm", list(synths), library))

    def do(self, job: str, kind: str, order: Mapping[str, Any]) -> None:
        """Gives it a job; it must have none.

        Args:
            job: Id of the job.
            kind: See `tasks`.
            order: All that the work needs.
        """
        self.job = job
        self._send(("do", job, kind, dict(order)))

    def pause(self) -> None:
        """Holds up its job at the next report of progress."""
        self._send(("pause",))

    def resume(self) -> None:
        """Lets its job go on."""
        self._send(("resume",))

    def cancel(self, patience: float = math.inf) -> None:
        """Ends its job at the next report of progress, as Ctrl-C would.

        Args:
            patience: Seconds after which the process is ended if the job has not ended.
        """
        self._send(("cancel",))
        if math.isfinite(patience):
            late = threading.Timer(patience, self._end_stuck, (self.job,))
            late.daemon = True
            late.start()

    def _end_stuck(self, job: str) -> None:
        if job and self.job == job:
            self.kill()

    def kill(self) -> None:
        """Ends the process at once, whatever it does."""
        with suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """Ends the process and waits for it."""
        self.kill()
        self._process.wait()
        self._reader.join(5.0)

    def _send(self, message: tuple[Any, ...]) -> None:
        # One that is gone says so through its other pipe.
        with self._writing, suppress(BrokenPipeError, ValueError):
            _write(cast(IO[bytes], self._process.stdin), message)

    def _read(self) -> None:
        output = cast(IO[bytes], self._process.stdout)
        while (message := _next(output)) is not None:
            job, kind, content = message
            if kind in ("done", "failed"):
                self.job = ""
            self._heard(self, WorkReport(job, kind, content))
        job = self.job
        self.job = ""
        code = self._process.wait()
        with self._writing:
            for pipe in (self._process.stdin, output):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        self._heard(self, WorkReport(job, "ended", code))


class Reporter:
    """The worker's side of one job: says how far it is, and holds it up or ends it when that is wanted.

    Args:
        send: Sends kind and content of a report.
    """

    def __init__(self, send: Callable[[str, Any], None]) -> None:
        self._send = send
        self._next = 0.0
        self._free = threading.Event()
        self._free.set()
        self._cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """Whether the job is to end."""
        return self._cancelled

    def pause(self) -> None:
        """Holds up the job when it next says how far it is."""
        self._free.clear()

    def resume(self) -> None:
        """Lets it go on."""
        self._free.set()

    def cancel(self) -> None:
        """Ends it when it next says how far it is."""
        self._cancelled = True
        self._free.set()

    def progress(self, state: Progress) -> None:
        """A `ProgressCallback`.

        Raises:
            KeyboardInterrupt: If the job is to end.
        """
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY
            self._send("progress", asdict(state))
        self._free.wait()
        if self._cancelled:
            raise KeyboardInterrupt

    def found(self, result: Mapping[str, Any]) -> None:
        """Says what the result would be if the job ended now."""
        self._send("found", dict(result))


class _Bench:
    """What a worker does with the messages of the server: one job at a time, on the main thread."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._writing = threading.Lock()
        self._orders: deque[tuple[str, str, dict[str, Any], Reporter]] = deque()
        self._cold: deque[tuple[str, Path | None]] = deque()  # what to load when there is nothing else to do
        self._news = threading.Condition()
        self._reporter: Reporter | None = None  # of the job under way or the next one

    def listen(self, source: IO[bytes]) -> None:
        """Reads messages until the server is gone, and then ends the process."""
        while (message := _next(source)) is not None:
            if message[0] == "do":
                _, job, kind, order = message
                reporter = self._reporter = Reporter(lambda what, content, job=job: self._say(job, what, content))
                with self._news:
                    self._orders.append((job, kind, order, reporter))
                    self._news.notify()
            elif message[0] == "warm":
                with self._news:
                    self._cold += [(synth, message[2]) for synth in message[1]]
                    self._news.notify()
            elif self._reporter is not None:
                {"pause": Reporter.pause, "resume": Reporter.resume, "cancel": Reporter.cancel}[message[0]](
                    self._reporter
                )
        os._exit(0)

    def go_on(self) -> None:
        """Does jobs for good."""
        from .tasks import Workshop  # only here: the server has no use for torch and all that

        workshop = Workshop()
        while True:
            with self._news:
                if not self._news.wait_for(self._has_work, _RESTING):
                    give_memory_back()
                self._news.wait_for(self._has_work)
                order = self._orders.popleft() if self._orders else None
                cold = None if order else self._cold.popleft()
            if cold:
                workshop.warm(*cold)
            if order:
                self._do(workshop, *order)

    def _has_work(self) -> bool:
        return bool(self._orders or self._cold)

    def _do(self, workshop: "Workshop", job: str, kind: str, order: Mapping[str, Any], reporter: Reporter) -> None:
        try:
            result = workshop.perform(kind, order, reporter)
        except KeyboardInterrupt:
            self._say(job, "done", None)  # cancelled, and there is nothing to keep
        except PatchflowError as error:
            # some work says in an error of its own that it was interrupted, and how to go on
            ending = ("done", None) if reporter.is_cancelled else ("failed", printable(str(error)))
            self._say(job, *ending)
        except Exception as error:  # noqa: BLE001 - a fault of ours ends this job and no other
            _show_traceback()
            self._say(job, "failed", printable(f"{kind}: failed inside: {type(error).__name__}: {error}"))
        else:
            self._say(job, "done", result)

    def _say(self, job: str, kind: str, content: Any) -> None:
        with self._writing:
            _write(self._output, (job, kind, content))


def work(parent: int) -> None:
    """Does what a server sends to stdin until that is gone; never returns.

    Args:
        parent: Number of the server's process.
    """
    end_with_parent(parent)
    if os.name == "posix":
        os.nice(_COURTESY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the server's terminal is for the server alone
    # What libraries print must not be among the messages, so stdout goes where stderr goes.
    output = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)
    bench = _Bench(output)
    source = os.fdopen(os.dup(0), "rb", 0)
    threading.Thread(target=bench.listen, args=(source,), daemon=True).start()
    bench.go_on()


# Linux's C library keeps what was freed before something that is still in use, and arrays of up to 32 MB too once some
# were freed. After a busy hour of the studio that was hundreds of MB. To look through all takes some ten milliseconds.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def give_memory_back() -> None:
    """Gives memory that was freed back to the system, where the C library does not do so by itself."""
    gc.collect()
    if _trim is not None:
        _trim(0)


def _show_traceback() -> None:
    import traceback

    traceback.print_exc(file=sys.stderr)


def _write(pipe: IO[bytes], message: Any) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:  # a pipe may take a part only
        rest = rest[pipe.write(rest) or 0 :]


def _next(pipe: IO[bytes]) -> Any:
    """The next message; None at the end."""
    head = _exactly(pipe, _LENGTH.size)
    data = head and _exactly(pipe, _LENGTH.unpack(head)[0])
    # What is read was written by the other side of the same program, never by a user.
    return pickle.loads(data) if data else None


def _exactly(pipe: IO[bytes], size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = pipe.read(size - len(parts))
        except (OSError, ValueError):
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
