"""Hosts in processes of their own: fresh every time, and never a danger to who asks."""

import ctypes
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from patchflow.errors import EngineError, RenderError
from patchflow.hosts import Answer, HostProcess, _fresh, _process
from patchflow.hosts._fresh import CAN_FORK

needs_copies = pytest.mark.skipif(not CAN_FORK, reason="this system does not copy processes")
WAYS = [pytest.param("fork", marks=needs_copies), "reload"]


@pytest.fixture(autouse=True)
def the_hosts_of_the_tests_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)


@pytest.fixture(params=WAYS)
def host(request: pytest.FixtureRequest) -> Iterator[HostProcess]:
    with HostProcess("naughty:Naughty", name="naughty", fresh=request.param, patience=1.0) as process:
        yield process


def test_every_question_meets_a_fresh_instrument(host: HostProcess):
    assert [host.ask("count").facts["asked"] for _ in range(3)] == [1, 1, 1]


@needs_copies
def test_copies_repeat_even_what_is_left_to_chance():
    with HostProcess("naughty:Naughty") as host:
        assert len({host.ask("count").facts["chance"] for _ in range(3)}) == 1


def test_an_instrument_that_is_reused_remembers_until_it_crashes():
    with HostProcess("naughty:Naughty", fresh="reuse") as host:
        assert [host.ask("count").facts["asked"] for _ in range(3)] == [1, 2, 3]

        with pytest.raises(RenderError, match="SIGSEGV"):
            host.ask("crash")

        assert host.ask("count").facts["asked"] == 1


def test_an_unknown_way_is_an_error():
    with (
        HostProcess("naughty:Naughty", fresh="frozen") as host,
        pytest.raises(EngineError, match="fork, reload, reuse"),
    ):
        host.ask("count")


def test_an_instrument_is_loaded_for_each_rate(host: HostProcess):
    assert [host.ask("count", rate=rate).facts["rate"] for rate in (8_000, 44_100)] == [8_000, 44_100]


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_data_goes_there_and_back(host: HostProcess, size: int):
    assert host.ask("echo", data=b"x" * size).data == b"x" * size


@pytest.mark.parametrize(
    ("how", "said"),
    [("crash", "SIGSEGV"), ("abort", "SIGABRT"), ("refuse", "no"), ("break", "ZeroDivisionError")],
)
def test_a_question_that_fails_is_reported_and_the_next_is_answered(host: HostProcess, how: str, said: str):
    host.ask("count")

    with pytest.raises(RenderError, match=f"naughty: .*{said}"):
        host.ask(how)

    assert host.ask("count").facts["asked"] == 1


def test_one_that_hangs_is_ended(host: HostProcess):
    host.ask("count")
    start = time.monotonic()

    with pytest.raises(RenderError, match="gave no answer within 1 s"):
        host.ask("hang")

    assert time.monotonic() - start < 5
    assert host.ask("count").facts["asked"] == 1


def test_what_it_prints_goes_nowhere(host: HostProcess, capfd: pytest.CaptureFixture[str]):
    assert host.ask("flood").facts["asked"] == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("how", "said"), [("crash", "SIGSEGV"), ("refuse", "no"), ("break", "ZeroDivisionError")])
def test_one_that_cannot_be_loaded_says_why(how: str, said: str):
    with HostProcess("naughty:Naughty", {"at_load": how}, name="x.so") as host, pytest.raises(EngineError) as error:
        host.ask("count")

    assert str(error.value).startswith("x.so: ")
    assert said in str(error.value)
    assert not isinstance(error.value, RenderError)


def test_an_unknown_host_is_an_error():
    with HostProcess("theremin") as host, pytest.raises(EngineError, match="no host named 'theremin'"):
        host.ask("count")


@needs_copies
def test_a_crash_of_a_copy_does_not_cost_the_host():
    with HostProcess("naughty:Naughty") as host:
        host.ask("count")
        before = host._process

        with pytest.raises(RenderError):
            host.ask("crash")

        assert host._process is before


def copies_of(host: HostProcess) -> list[int]:
    """The processes that a host has made, those too that have ended and that it has not heard of yet."""
    assert host._process
    return [int(n) for n in Path(f"/proc/{host._process.pid}/task/{host._process.pid}/children").read_text().split()]


def wait_for_a_copy(host: HostProcess, other: int = 0) -> int:
    """Waits until a host has one copy, another one than that; returns its number."""
    end = time.monotonic() + 20
    while len(found := copies_of(host)) != 1 or found == [other]:
        assert time.monotonic() < end
        time.sleep(0.01)
    return found[0]


@pytest.mark.skipif(sys.platform != "linux", reason="who has made a process is looked up in /proc")
def test_a_copy_is_ready_before_a_question_and_another_one_after_it(host: HostProcess):
    host.ask("count")
    first = wait_for_a_copy(host)
    host.ask("count")
    second = wait_for_a_copy(host, first)
    assert host._process
    pipes = Path(f"/proc/{host._process.pid}/fd")
    before = len(list(pipes.iterdir()))

    for _ in range(20):
        host.ask("count")

    wait_for_a_copy(host, second)
    assert len(list(pipes.iterdir())) <= before + 2  # those of a copy that has just been made


@pytest.mark.skipif(sys.platform != "linux", reason="who has made a process is looked up in /proc")
def test_a_copy_that_was_ended_while_it_waited_costs_no_answer(host: HostProcess):
    host.ask("count")
    os.kill(wait_for_a_copy(host), signal.SIGKILL)

    assert host.ask("echo", data=b"x" * 3_000_000).data == b"x" * 3_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="only there pages can be copied ahead")
def test_pages_that_a_copy_has_written_to_are_known():
    held = bytearray(range(256)) * 4_000

    def work(what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        held[500_000] += 1
        return Answer({}, bytes(held[500_000:500_001]))

    memory = _fresh._AnswerMemory()
    copy = _fresh._Copy(work)
    answer = bytes(copy.asked("", {}, b"", 10.0, memory).data)
    address = ctypes.addressof(ctypes.c_char.from_buffer(held)) + 500_000
    spans = copy.written()
    copy.end()
    again = _fresh._Copy(work, spans)
    same = bytes(again.asked("", {}, b"", 10.0, memory).data)
    again.end()

    assert any(first <= address < first + size for first, size in spans)
    assert sum(size for _, size in spans) < 2**28
    assert answer == same == bytes([held[500_000] + 1])


def kill(host: HostProcess) -> None:
    """Ends the process of a host, as a user or the system might."""
    process = host._process
    assert process
    process.kill()
    process.wait()


@needs_copies
def test_a_host_that_is_killed_is_started_again_and_the_question_is_answered():
    with HostProcess("naughty:Naughty") as host:
        host.ask("count")
        for _ in range(3):
            kill(host)

            assert host.ask("count").facts["asked"] == 1


def test_a_host_that_is_killed_for_the_first_time_is_asked_again_however_it_gets_fresh(host: HostProcess):
    host.ask("count")
    kill(host)

    assert host.ask("count").facts["asked"] == 1


def kill_all_that_start(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Has every host that starts from now on killed at once; returns the times of their starts."""
    starts: list[float] = []

    def start(make: Callable[[], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
        process = make()
        process.kill()
        starts.append(time.monotonic())
        return process

    monkeypatch.setattr(_process, "start_for_good", start)
    return starts


def test_a_host_that_dies_each_time_is_given_up_after_pauses_that_grow(
    host: HostProcess, monkeypatch: pytest.MonkeyPatch
):
    host.ask("count")
    starts = kill_all_that_start(monkeypatch)
    host.close()

    with pytest.raises(EngineError, match="naughty: died 6 times in a row, the last time by SIGKILL") as error:
        host.ask("count")

    pauses = [after - before for before, after in pairwise(starts)]
    assert not isinstance(error.value, RenderError)
    assert [pause > least for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.8, 1.6), strict=True)] == [True] * 5


def test_a_host_is_not_started_again_when_the_time_is_over(host: HostProcess, monkeypatch: pytest.MonkeyPatch):
    host.ask("count")
    kill_all_that_start(monkeypatch)
    host.close()
    host.until = time.monotonic() + 0.3

    with pytest.raises(RenderError, match="naughty: there is no time left"):
        host.ask("count")

    assert time.monotonic() < host.until + 1


def test_a_host_that_could_not_be_started_in_time_answers_when_there_is_time(host: HostProcess):
    host.until = time.monotonic() - 1
    with pytest.raises(RenderError, match="there is no time left"):
        host.ask("count")
    host.until = math.inf

    assert host.ask("count").facts["asked"] == 1


def test_one_that_hangs_when_the_time_is_over_is_ended_then(host: HostProcess):
    host.ask("count")
    host.patience = 60
    host.until = time.monotonic() + 0.3

    with pytest.raises(RenderError):
        host.ask("hang")

    assert time.monotonic() < host.until + 1.5
    host.until = math.inf
    assert host.ask("count").facts["asked"] == 1


@pytest.mark.parametrize(("what", "size"), [("hang", 0), ("echo", 3_000_000)], ids=["answers", "takes"])
@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops there")
def test_one_that_is_given_up_ends_though_a_thread_waits_for_what_it(what: str, size: int):
    with (
        HostProcess("naughty:Naughty", fresh="reuse", name="naughty") as host,
        ThreadPoolExecutor(1) as thread,
    ):
        thread.submit(host.ask, "count").result(30)
        process = host._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        waits = thread.submit(host.ask, what, data=b"x" * size)
        time.sleep(0.2)
        start = time.monotonic()
        host.give_up()

        with pytest.raises(RenderError, match="naughty: there is no time left"):
            waits.result(30)
        assert time.monotonic() - start < 10
        assert process.returncode is not None
        with pytest.raises(RenderError, match="naughty: there is no time left"):
            host.ask("count")
        assert host._process is None


def test_an_interrupt_in_the_terminal_is_for_the_parent_alone(host: HostProcess, monkeypatch: pytest.MonkeyPatch):
    host.ask("count")
    assert host._process is not None
    if hasattr(os, "getsid"):
        assert os.getsid(host._process.pid) == host._process.pid
    host.close()
    options: dict[str, Any] = {}

    def refuse(*_: object, **given: object) -> None:
        options.update(given)
        raise OSError("no memory")

    # Windows has no sessions: there a group of its own does it.
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(EngineError, match="cannot be started"):
        host.ask("count")
    assert options["creationflags"] == 512


def test_a_host_that_a_thread_started_outlives_that_thread():
    with HostProcess("naughty:Naughty") as host:
        thread = threading.Thread(target=host.ask, args=("count",))
        thread.start()
        thread.join()
        before = host._process

        assert host.ask("count").facts["asked"] == 1
        assert host._process is before


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@needs_proc
@pytest.mark.parametrize("fresh", WAYS)
@pytest.mark.parametrize("doing", ["", "hang", "stuck", "busy"])
def test_a_host_and_its_copies_end_within_a_second_of_their_parent(fresh: str, doing: str):
    code = """
import sys, threading
from patchflow.hosts import HostProcess
host = HostProcess("naughty:Naughty", fresh=sys.argv[1])
host.ask("count")
print(host._process.pid, flush=True)
if sys.argv[2]:
    host.ask(sys.argv[2])
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, fresh, doing]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        host = int(parent.stdout.readline())
        assert _within(5, lambda: len(_group(host)) == 2)  # with a copy, which answers, or waits for a question
        parent.kill()

        assert _within(1, lambda: not _group(host))


def _within(seconds: float, claim: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.02)
    return claim()


def _group(leader: int) -> list[int]:
    """The processes that live in the group of a host: itself, and its copies."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            if int(after_name[2]) == leader and after_name[0] != "Z":
                found.append(int(stat.parent.name))
    return found
