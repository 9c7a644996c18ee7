"""Hosts in processes of their own: fresh every time, and never a danger to who asks."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchflow.errors import EngineError, RenderError
from patchflow.hosts import HostProcess
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


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX kill")
def test_a_host_ends_with_its_parent():
    code = """
import os, signal
from patchflow.hosts import HostProcess
host = HostProcess("naughty:Naughty")
host.ask("count")
print(host._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL

    assert _ends(int(done.stdout))


def _ends(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False
