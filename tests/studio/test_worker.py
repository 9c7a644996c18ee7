"""The process that does jobs: it reports, waits, ends when it is told to or with the server, and idles for free."""

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchflow.audio.sound import from_array
from patchflow.progress import Progress
from patchflow.studio.worker import Reporter, Worker, WorkReport

RATE = 22_050
ROOT = Path(__file__).parents[2]


def beep() -> Any:
    return from_array(np.sin(np.arange(RATE // 2) * 0.1).astype(np.float32), RATE)


def order(**asked: Any) -> dict[str, Any]:
    request = {
        "kind": "match", "synths": ["tone"], "seconds": None, "renders": 200, "candidates": 2, "note": None, "lock": [],
        "seed": 0, "trim_db": None, "like": {}, **asked,
    }  # fmt: skip
    return {"request": request, "sound": beep(), "on": None, "library": None, "presets": []}


class Team:
    """A worker and what it has said."""

    def __init__(self) -> None:
        self.said: queue.Queue[WorkReport] = queue.Queue()
        self.worker = Worker(lambda _, report: self.said.put(report))

    def next(self, *kinds: str, within: float = 60.0) -> WorkReport:
        """The next report of some kinds."""
        ends = time.monotonic() + within
        while True:
            report = self.said.get(timeout=max(0.01, ends - time.monotonic()))
            if report.kind in kinds:
                return report

    def rest(self) -> list[WorkReport]:
        found = []
        while not self.said.empty():
            found.append(self.said.get())
        return found


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """One worker for all tests that leave it alive: to start one takes seconds."""
    found = Team()
    yield found
    found.worker.close()


pytestmark = pytest.mark.slow


def test_a_job_is_done_and_reported(team: Team):
    team.worker.do("job001", "match", order())
    report = team.next("done", "failed")

    assert (report.job, report.kind) == ("job001", "done")
    assert report.content["candidates"][0]["preset"].preset.synth == "tone"
    assert team.worker.job == ""


def test_it_says_what_it_has_found_before_it_is_done(team: Team):
    team.worker.do("job002", "match", order(renders=2000))
    first = team.next("found", "done")

    assert first.kind == "found"
    assert first.content["candidates"]
    assert team.next("done").content["renders"] <= 2000


def test_a_pause_holds_it_up_and_costs_no_time_of_the_search(team: Team):
    team.worker.do("job003", "match", order(renders=None, seconds=1.5))
    team.next("progress")
    team.worker.pause()
    time.sleep(0.5)
    team.rest()
    time.sleep(2.0)
    assert team.rest() == []
    team.worker.resume()
    result = team.next("done").content

    assert result["complete"]
    assert 1.4 < result["seconds"] < 2.4


def test_cancel_keeps_the_best_so_far(team: Team):
    team.worker.do("job004", "match", order(renders=None, seconds=600.0))
    team.next("found")
    team.worker.cancel()
    report = team.next("done", "failed")

    assert report.kind == "done"
    assert report.content["stopped"] == "cancelled"
    assert report.content["candidates"]


def test_a_job_that_is_paused_can_be_cancelled(team: Team):
    team.worker.do("job005", "match", order(renders=None, seconds=600.0))
    team.next("progress")
    team.worker.pause()
    team.worker.cancel()

    assert team.next("done").content["stopped"] == "cancelled"


def test_what_cannot_be_done_is_one_line_and_the_next_job_is_done(team: Team):
    team.worker.do("job006", "match", order(synths=["tune"]))
    report = team.next("done", "failed")
    assert report.kind == "failed"
    assert "no synth named 'tune'" in report.content
    assert "\n" not in report.content
    team.worker.do("job007", "vary", {"request": {}, "library": None, "presets": []})
    assert "vary: failed inside" in team.next("failed").content
    team.worker.do("job008", "match", order())

    assert team.next("done", "failed").kind == "done"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the time of a process is read from /proc")
def test_without_a_job_it_takes_no_time_of_the_processor(team: Team):
    def ticks() -> int:
        return sum(map(int, Path(f"/proc/{team.worker.number}/stat").read_text().split()[13:15]))

    time.sleep(0.5)
    before = ticks()
    time.sleep(2.0)

    assert ticks() - before <= 1  # a hundredth of a second


@pytest.mark.skipif(os.name != "posix", reason="no process gives way to others here")
def test_it_gives_way_to_what_somebody_plays(team: Team):
    team.worker.do("job010", "match", order(renders=1))
    team.next("done")

    assert os.getpriority(os.PRIO_PROCESS, team.worker.number) > os.getpriority(os.PRIO_PROCESS, 0)


def test_a_crash_is_reported_with_the_job_and_the_signal():
    team = Team()
    team.worker.do("job009", "match", order(renders=None, seconds=600.0))
    team.next("progress", "found")
    os.kill(team.worker.number, signal.SIGSEGV)
    report = team.next("ended")

    assert (report.job, report.content) == ("job009", -signal.SIGSEGV)
    assert not team.worker.is_alive
    team.worker.cancel()  # nobody hears it, and it is no error
    team.worker.close()


def test_a_job_that_does_not_end_when_it_is_cancelled_is_ended_with_the_process():
    team = Team()
    team.worker.do("job010", "match", order(renders=None, seconds=600.0))
    team.next("progress", "found")
    os.kill(team.worker.number, signal.SIGSTOP)  # it hears nothing any more
    team.worker.cancel(0.5)

    assert team.next("ended").content == -signal.SIGKILL
    team.worker.close()


def test_it_ends_with_a_server_that_is_killed():
    script = (
        "import time; from patchflow.studio.worker import Worker\n"
        "worker = Worker(print); print(worker.number, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    assert server.stdout is not None
    number = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    ends = time.monotonic() + 10
    while Path(f"/proc/{number}").exists() and time.monotonic() < ends:
        time.sleep(0.05)

    assert not Path(f"/proc/{number}").exists()


def test_progress_is_reported_at_most_ten_times_a_second():
    said: list[str] = []
    reporter = Reporter(lambda kind, content: said.append(kind))
    for done in range(1000):
        reporter.progress(Progress("draw", done, 1000))

    assert 1 <= len(said) <= 3


def test_a_cancelled_reporter_raises_what_ctrl_c_does():
    reporter = Reporter(lambda kind, content: None)
    reporter.cancel()

    with pytest.raises(KeyboardInterrupt):
        reporter.progress(Progress("draw", 0))
