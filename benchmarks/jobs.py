"""Runs jobs made of commands: several at once, and without those that are done."""

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

__all__ = ["Job", "Runner", "Step", "cores", "interrupt_on_signals", "run_all", "span"]


@dataclass(frozen=True)
class Step:
    """A command.

    Args:
        command: The program and its arguments.
        made: The file that is there when it is done; None for a command that runs every time.
        after: The file that `made` has to be newer than, if any.
    """

    command: tuple[str, ...]
    made: Path | None = None
    after: Path | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        if self.made is None or not self.made.exists():
            return False
        return self.after is None or self.made.stat().st_mtime_ns >= self.after.stat().st_mtime_ns


@dataclass(frozen=True)
class Job:
    """Commands to run one after the other, with a log of their own.

    Args:
        name: Its name in the output.
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


class Runner:
    """Runs commands in a folder and can stop them all.

    Each command is in a process group of its own. So Ctrl-C in a terminal does not reach it: `stop` interrupts it once,
    and it can save its state.

    Args:
        folder: Where they run; Python finds packages there.
        threads: Number of threads for the numerical libraries of each.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self.environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(folder)}
        self._lock = threading.Lock()
        self._processes = set[subprocess.Popen[bytes]]()
        self._stopped = False

    def run(self, job: Job) -> str:
        """Runs the steps of a job that are not done; returns what went wrong, or ""."""
        job.log.parent.mkdir(parents=True, exist_ok=True)
        for step in job.steps:
            code = 0 if step.is_done else self._run(step.command, job.log)
            if code:
                lines = job.log.read_text("utf-8", "replace").strip().splitlines()
                return f"ended with {code}; {job.log} says: {lines[-1] if lines else ''}"
        return ""

    def stop(self) -> None:
        """Interrupts all commands, which save their state, and waits for them."""
        with self._lock:
            self._stopped = True
            processes = list(self._processes)
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait()

    def _run(self, command: tuple[str, ...], log: Path) -> int:
        with log.open("ab") as file:
            file.write(f"$ {' '.join(command)}\n".encode())
            file.flush()
            # Under the lock: a command that is started while `stop` runs would be neither refused nor interrupted.
            with self._lock:
                if self._stopped:
                    return 130
                process = subprocess.Popen(
                    command, cwd=self.folder, env=self.environment, stdout=file, stderr=file, start_new_session=True
                )
                self._processes.add(process)
            code = process.wait()
        with self._lock:
            self._processes.discard(process)
        return code


def run_all(jobs: Iterable[Job], workers: int, runner: Runner) -> int:
    """Runs all jobs that are not done, several at once, and prints how far it is; returns how many failed."""
    left = [job for job in jobs if not job.is_done]
    took: list[float] = []
    failed = 0
    with ThreadPoolExecutor(workers) as pool:
        started = {pool.submit(_timed, runner, job): job for job in left}
        try:
            for number, future in enumerate(as_completed(started), 1):
                error, seconds = future.result()
                took.append(seconds)
                failed += bool(error)
                remaining = statistics.fmean(took) * (len(left) - number) / workers
                state = f"failed: {error}" if error else f"done in {span(seconds)}"
                about = f"; about {span(remaining)} left" if number < len(left) else ""
                print(f"[{number} of {len(left)}] {started[future].name}: {state}{about}", flush=True)
        except KeyboardInterrupt:
            # In this order: what has not started must not start while the others are stopped.
            pool.shutdown(wait=False, cancel_futures=True)
            runner.stop()
            raise
    return failed


def interrupt_on_signals() -> None:
    """Makes a request to end, or a closed terminal, the same as Ctrl-C: else the commands would go on running.

    SIGINT is set too: a script's background job ignores it, and so does whatever that job starts.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)


def span(seconds: float) -> str:
    """Returns a time as people say it, e.g. `"2 h 05 min"`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _timed(runner: Runner, job: Job) -> tuple[str, float]:
    start = time.monotonic()
    error = runner.run(job)
    return error, time.monotonic() - start
