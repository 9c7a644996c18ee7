"""Runs long work made of commands: some at once, skipping what is done, going on after any stop."""

import os
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Running", "Step", "Work", "cores", "run_all", "span", "stop_when_told"]


@dataclass(frozen=True)
class Step:
    """A command.

    Args:
        words: The program and its arguments.
        made: The file that is there when it is done; None for a command that is never done.
        after: What `made` has to be newer than, if anything.
    """

    words: tuple[str, ...]
    made: Path | None = None
    after: Path | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        if self.made is None or not self.made.exists():
            return False
        return self.after is None or self.made.stat().st_mtime_ns >= self.after.stat().st_mtime_ns


@dataclass(frozen=True)
class Work:
    """Commands to run one after the other, with a log of their own.

    Args:
        name: How it is shown.
        steps: The commands.
        log: Where their output goes.
    """

    name: str
    steps: tuple[Step, ...]
    log: Path

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return all(step.is_done for step in self.steps)


class Running:
    """Runs commands in a folder and can stop them all.

    Ctrl-C in a terminal does not reach them by itself, so that they are told once, and can keep what they have.

    Args:
        folder: Where they run; Python finds packages there.
        threads: For the numerical libraries of each.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(folder)}
        self._lock, self._processes, self._stopped = threading.Lock(), set[subprocess.Popen[bytes]](), False

    def run(self, work: Work) -> str:
        """Runs what is left of some work; returns what went wrong, or ""."""
        work.log.parent.mkdir(parents=True, exist_ok=True)
        for step in work.steps:
            code = None if step.is_done else self._run(step.words, work.log)
            if code:
                lines = work.log.read_text("utf-8", "replace").strip().splitlines()
                return f"ended with {code}; {work.log} says: {lines[-1] if lines else ''}"
        return ""

    def stop(self) -> None:
        """Interrupts all commands, which keep what they have, and waits for them."""
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait()

    def _run(self, words: tuple[str, ...], log: Path) -> int:
        with log.open("ab") as file:
            file.write(f"$ {' '.join(words)}\n".encode())
            file.flush()
            with self._lock:
                if self._stopped:
                    return 130
                process = subprocess.Popen(
                    words, cwd=self.folder, env=self.environment, stdout=file, stderr=file, start_new_session=True
                )
                self._processes.add(process)
            code = process.wait()
        with self._lock:
            self._processes.discard(process)
        return code


def run_all(works: Iterable[Work], workers: int, running: Running) -> int:
    """Runs all work that is not done, some at once, and says how far it is; returns how much failed."""
    left = [work for work in works if not work.is_done]
    took, failed = list[float](), 0
    with ThreadPoolExecutor(workers) as pool:
        started = {pool.submit(_timed, running, work): work for work in left}
        try:
            for number, future in enumerate(as_completed(started), 1):
                error, seconds = future.result()
                took.append(seconds)
                failed += bool(error)
                rest = statistics.fmean(took) * (len(left) - number) / workers
                state = f"failed: {error}" if error else f"done in {span(seconds)}"
                about = f"; about {span(rest)} left" if number < len(left) else ""
                print(f"[{number} of {len(left)}] {started[future].name}: {state}{about}", flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            running.stop()
            raise
    return failed


def stop_when_told() -> None:
    """Makes a request to end, or a terminal that is closed, the same as Ctrl-C: else the commands would live on.

    So is SIGINT itself, which a job in the background of a script ignores, and whatever it starts.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def span(seconds: float) -> str:
    """Returns a time as people say it, e.g. `"2 h 05 min"`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _timed(running: Running, work: Work) -> tuple[str, float]:
    start = time.monotonic()
    return running.run(work), time.monotonic() - start
