"""Jobs that take longer than a request: their queue, fair to all clients, and their states, kept on the disk.

A job is queued, runs, may be paused, and ends as done, cancelled or failed. Every state is a file, written whole, so a
server that was killed goes on where it was: what was queued is queued, and what ran is done again. A match keeps the
candidates that it had until better ones are there.
"""

import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import StorageError, UnknownName
from ..hosts._fresh import cause
from ..storage import make_folder, sweep, write_atomically
from .job_states import ENDED, FairLines, JobLimits, JobNotNow, StudioJob, distance_of, named_ids, read_job, said
from .worker import Worker, WorkReport

__all__ = ["Jobs"]

_SAVED_EVERY = 1.0  # seconds between two versions of a result that is not final
_PATIENT = frozenset(("train",))  # kinds that give way to all others
_TRIES = 3  # after which a job is begun no more: each time the whole server went down with it


class Jobs:
    """The queue, and the workers that do what is in it, one job at a time.

    Clients take turns, whoever has more jobs. A job that is paused keeps its worker, and another one goes on with the
    queue. A training, which takes an hour, lets all others go first. What is asked of a job that there is not raises
    `UnknownName`.

    Args:
        folder: Where states are kept.
        prepare: Makes of a request the order for the worker; called just before the work begins.
        keep: Makes of a result what can be written as JSON.
        limits: See `JobLimits`.
        start: Starts a worker.
        ready: Whether to have a worker ready before there is anything to do.
    """

    def __init__(
        self,
        folder: Path,
        prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        keep: Callable[[Any], Any],
        *,
        limits: JobLimits | None = None,
        start: Callable[[Callable[[Worker, WorkReport], None]], Worker] = Worker,
        ready: bool = True,
    ) -> None:
        self.folder = folder
        self.limits = limits or JobLimits()
        self._prepare = prepare
        self._keep = keep
        self._start = start
        self._ready = ready
        self._jobs: OrderedDict[str, StudioJob] = OrderedDict()
        self._lines = FairLines()
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        self._crew: list[Worker] = []
        self._revision = 0
        self._closing = False
        self._news = threading.Condition(threading.RLock())
        self._foreman: threading.Thread | None = None

    def open(self) -> None:
        """Reads the states of an earlier server, has a worker ready, and goes on with the queue.

        Raises:
            StorageError: If the folder cannot be made or read.
        """
        make_folder(self.folder)
        sweep(self.folder)
        with self._news:
            found = [job for path in self.folder.glob("*.json") if (job := read_job(path)) is not None]
            for job in sorted(found, key=lambda job: (job.created, job.revision)):
                self._jobs[job.id] = job
                self._take_up(job)
            self._closing = False
        self._foreman = threading.Thread(target=self._go_on, name="foreman", daemon=True)
        self._foreman.start()

    def close(self) -> None:
        """Ends the workers; what they did is done again by the next server."""
        with self._news:
            self._closing = True
            self._news.notify_all()
            crew, self._crew = self._crew, []
            for job in self._jobs.values():
                if job.unsaved:
                    self._keep_state(job)
        for worker in crew:
            worker.close()
        if self._foreman is not None:
            self._foreman.join(5.0)
            self._foreman = None

    def add(self, kind: str, request: Mapping[str, Any], client: str) -> dict[str, Any]:
        """Puts a job into the queue, and returns it as the API shows it.

        Args:
            kind: What is to be done.
            request: What is asked for, by name.
            client: Who asks.

        Raises:
            QueueFull: If too many are waiting, see `JobLimits`.
        """
        with self._news:
            self.limits.refuse_more(len(self._lines), self._lines.of_client(client))
            job = StudioJob(secrets.token_hex(8), kind, client, dict(request), time.time())
            self._jobs[job.id] = job
            try:
                self._change(job)
            except StorageError:
                del self._jobs[job.id]
                raise
            self._queue(job)
            return self.shown(job.id)

    def shown(self, key: str, *, with_result: bool = True) -> dict[str, Any]:
        """Returns a job as the API shows it.

        Args:
            key: Its id.
            with_result: Whether to show what it found.
        """
        with self._news:
            job = self._get(key)
            place = self._lines.place(key) if job.state == "queued" else None
            return job.shown(place, with_result=with_result)

    def all(self) -> list[dict[str, Any]]:
        """Returns all jobs without their results, the newest first."""
        with self._news:
            return [self.shown(key, with_result=False) for key in reversed(self._jobs)]

    def pause(self, key: str) -> None:
        """Holds up a job.

        Raises:
            JobNotNow: If it has ended, or too many are held up.
        """
        with self._news:
            job = self._get(key)
            if job.state not in ("queued", "running") or job.cancelled:
                raise JobNotNow(f"job {key}: is {job.state}, so it cannot be paused")
            if job.worker is not None:
                held = sum(other.worker is not None and other.state == "paused" for other in self._jobs.values())
                if held >= self.limits.paused:
                    raise JobNotNow(f"job {key}: {held} jobs are held up half-way already. Let one of them go on first")
                job.worker.pause()
            self._leave(job)
            job.state = "paused"
            self._change(job)
            self._news.notify_all()

    def resume(self, key: str) -> None:
        """Puts a job that is paused at the head of its client's line.

        Raises:
            JobNotNow: If it is not paused.
        """
        with self._news:
            job = self._get(key)
            if job.state != "paused":
                raise JobNotNow(f"job {key}: is {job.state}, not paused")
            job.state = "queued"
            self._change(job)
            self._queue(job, first=True)

    def cancel(self, key: str) -> None:
        """Ends a job; what it has found is kept.

        Raises:
            JobNotNow: If it has ended.
        """
        with self._news:
            job = self._get(key)
            if job.state in ENDED:
                raise JobNotNow(f"job {key}: is {job.state} already")
            if job.cancelled:
                return
            job.cancelled = True
            self._leave(job)
            if job.worker is not None:
                job.state = "running"  # for so long as it takes to end
                job.worker.cancel(self.limits.patience)
            elif job.state != "running":  # else it is just being prepared, and ends when that is done
                self._end(job)

    def remove(self, key: str) -> None:
        """Forgets a job; one that is not over is ended first."""
        with self._news:
            job = self._get(key)
            if job.worker is not None:
                job.worker.kill()
            self._leave(job)
            self._forget(job)
            self._wake([key])
            self._news.notify_all()

    def watch(self, key: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Has a callback called whenever a job changes, also its place; returns what ends that.

        Args:
            key: The job.
            wake: Called on any thread; must return at once.
        """
        with self._news:
            self._get(key)
            self._watchers.setdefault(key, []).append(wake)

        def stop() -> None:
            with self._news, suppress(KeyError, ValueError):
                self._watchers[key].remove(wake)
                if not self._watchers[key]:
                    del self._watchers[key]

        return stop

    def references(self) -> set[str]:
        """Returns the ids of all sounds and presets that jobs need."""
        with self._news:
            return set().union(*(named_ids([job.request, job.result]) for job in self._jobs.values()))

    def _get(self, key: str) -> StudioJob:
        if key not in self._jobs:
            raise UnknownName("job", key, [])
        return self._jobs[key]

    def _take_up(self, job: StudioJob) -> None:
        """Has a job of an earlier server go on; nothing is known any more of what its worker did."""
        self._revision = max(self._revision, job.revision)
        if job.state == "running" and job.tries >= _TRIES:
            self._end(job, f"{job.kind}: given up, since the server ended {job.tries} times while it was at it")
        elif job.state in ("running", "queued"):
            job.state = "queued"
            job.progress = None
            self._change(job)
            self._queue(job)

    def _queue(self, job: StudioJob, *, first: bool = False) -> None:
        self._lines.add(job.client, job.id, first=first)
        self._reorder()
        self._news.notify_all()

    def _leave(self, job: StudioJob) -> None:
        if self._lines.leave(job.client, job.id):
            self._reorder()

    def _reorder(self) -> None:
        """Tells those that watch jobs that wait: all places may be others."""
        self._wake([key for key in self._watchers if key in self._jobs and self._jobs[key].state == "queued"])

    def _change(self, job: StudioJob, *, save: bool = True) -> None:
        self._revision = job.revision = max(self._revision + 1, round(time.time() * 1000))
        if save:
            job.saved = time.monotonic()
            job.unsaved = False
            write_atomically(self.folder / f"{job.id}.json", json.dumps(job.content(), allow_nan=False).encode())
        self._wake([job.id])

    def _keep_state(self, job: StudioJob, *, save: bool = True) -> None:
        """The same where nobody could be told of a full disk: the job goes on, and the next change is written."""
        with suppress(StorageError):
            self._change(job, save=save)

    def _wake(self, keys: Sequence[str]) -> None:
        for key in keys:
            for wake in tuple(self._watchers.get(key, ())):
                wake()

    def _end(self, job: StudioJob, error: str | None = None) -> None:
        self._leave(job)  # it may have been done just before it was held up, and wait to go on
        job.ended = time.time()
        job.worker = None
        job.error = error
        job.state = "done" if error is None else "failed"
        if job.cancelled and job.result is None:
            job.state = "cancelled"
        elif job.cancelled and job.result is not None:
            job.result["stopped"] = "cancelled"
        self._keep_state(job)
        over = [each for each in self._jobs.values() if each.state in ENDED]
        for old in sorted(over, key=lambda each: each.ended or 0.0)[: -self.limits.ended]:
            self._forget(old)
        self._news.notify_all()

    def _forget(self, job: StudioJob) -> None:
        self._jobs.pop(job.id, None)
        (self.folder / f"{job.id}.json").unlink(missing_ok=True)

    def _go_on(self) -> None:
        """Gives out one job after the other: the foreman's thread."""
        while True:
            with self._news:
                if self._ready and not self._closing and not self._crew:
                    with suppress(OSError):  # whose job needs one is told
                        self._crew.append(self._start(self._hear))  # so that the next job begins at once
                while not self._closing and (not self._lines or self._is_busy()):
                    self._news.wait()
                if self._closing:
                    return
                job = self._jobs[self._lines.take()]
                job.state = "running"
                self._reorder()
                job.started = time.time()
                if job.worker is not None:
                    self._keep_state(job)
                    job.worker.resume()
                    continue
                job.tries += 1
                self._keep_state(job)
            self._begin(job)

    def _is_busy(self) -> bool:
        """Whether a job runs. One that gives way is held up if there are others."""
        running = [job for job in self._jobs.values() if job.state == "running"]
        others = any(job.state == "queued" and job.kind not in _PATIENT for job in self._jobs.values())
        for job in running:
            if others and job.kind in _PATIENT and job.worker is not None and not job.cancelled:
                job.worker.pause()
                job.state = "queued"
                self._keep_state(job)
                self._queue(job)
        return any(job.state == "running" for job in running)

    def _begin(self, job: StudioJob) -> None:
        try:
            order = self._prepare(job.request)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one job, the others go on
            with self._news:
                self._end(job, said(error))
            return
        with self._news:
            if job.state != "running" or self._closing or job.id not in self._jobs:  # it was paused meanwhile, or gone
                return
            if job.cancelled:
                self._end(job)
                return
            free = [worker for worker in self._crew if worker.is_alive and not worker.job]
            if not free:
                try:
                    free = [self._start(self._hear)]
                except OSError as error:  # the system has no room for a process; there may be some for the next job
                    self._end(job, said(error))
                    return
                self._crew += free
            job.worker = free[0]
            job.worker.do(job.id, job.kind, order)

    def _hear(self, worker: Worker, report: WorkReport) -> None:
        """Takes what a worker says; called on a thread of the worker."""
        content = report.content
        problem: str | None = None
        if report.kind in ("found", "done") and content is not None:
            try:
                content = self._keep(content)
            except Exception as error:  # noqa: BLE001 - the same
                problem = f"what was found cannot be kept: {said(error)}"
        with self._news:
            job = self._jobs.get(report.job)
            if job is not None and job.worker is worker and not self._closing:
                if problem is None:
                    self._take(job, report.kind, content)
                else:
                    worker.kill()
                    self._end(job, problem)
            if report.kind == "ended" and worker in self._crew:
                self._crew.remove(worker)
            idle = [each for each in self._crew if not each.job]
            for one in idle[1:]:  # a job that was paused had one of its own
                one.kill()
            self._news.notify_all()

    def _take(self, job: StudioJob, kind: str, content: Any) -> None:
        if kind in ("progress", "found"):
            is_first = job.result is None
            if kind == "progress":
                job.progress = content
            elif distance_of(content) <= distance_of(job.result):
                job.result = content
                job.unsaved = True
            is_late = time.monotonic() - job.saved > _SAVED_EVERY
            self._keep_state(job, save=job.unsaved and (is_first or is_late))
        elif kind == "done":
            if content is not None and not (job.cancelled and distance_of(job.result) < distance_of(content)):
                job.result = content
            self._end(job)
        elif kind == "failed":
            self._end(job, content)
        elif kind == "ended":
            self._end(job, None if job.cancelled else f"{job.kind}: the process that did it ended ({cause(content)})")
