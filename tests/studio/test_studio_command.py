"""`patchflow studio`: started, reached, stopped, and what it says when it cannot start."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from patchflow.cli import run
from patchflow.storage import locked

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts studios in a folder; all of them end with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "patchflow", "studio", "--no-browser", "--workspace", str(tmp_path / "studio")]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([*command, *words], text=True, stdout=pipe, stderr=pipe))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found is not None, line
    return found[0]


def asked(address: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(address, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for a child alone")
def test_it_prints_its_address_serves_and_ends_by_ctrl_c(start: Start):
    process = start("--port", "0")
    address = address_of(process)

    status, page = asked(address)
    about = json.loads(asked(f"{address}api/v1/about")[1])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert address.startswith("http://127.0.0.1:")
    assert (status, page[:15].lower()) == (200, b"<!doctype html>")
    assert "dexed" in about["synths"]
    assert (process.returncode, out, err) == (0, "", "")


def test_a_studio_that_was_killed_leaves_a_workspace_that_the_next_takes(start: Start):
    first = start("--port", "0")
    address = address_of(first)
    asked(f"{address}api/v1/synths/tone")
    first.kill()
    first.wait()

    again = address_of(start("--port", "0"))

    assert json.loads(asked(f"{again}api/v1/about")[1])["version"]


def test_a_workspace_of_another_studio_is_said(start: Start, tmp_path: Path):
    with locked(tmp_path / "studio"):
        process = start("--port", "0")
        out, err = process.communicate(timeout=30)

    assert (process.returncode, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "another process is working on it" in err


def test_from_afar_only_who_has_the_printed_address_gets_in(start: Start):
    address = address_of(start("--port", "0", "--host", "0.0.0.0"))
    found = re.fullmatch(r"http://[^/:]+:(\d+)/\?token=(\S{20,})", address)
    assert found is not None
    here = f"http://127.0.0.1:{found[1]}/api/v1/about"

    assert asked(here)[0] == 401
    assert asked(here, {"Authorization": f"Bearer {found[2]}"})[0] == 200


def said_by(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = run(["studio", "--no-browser", *words])
    return code, capfd.readouterr().err


def test_a_port_in_use_is_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, err = said_by(capfd, "--port", port, "--workspace", str(tmp_path / "studio"))

    assert (code, err.splitlines()) == (
        1, [f"patchflow: port={port}: in use at 127.0.0.1. Give another --port, or 0 for any free one."]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", "70000"), "port=70000: not in [0, 65535]"),
        (("--port", "0", "--host", "192.0.2.1"), "host=192.0.2.1, port=0: cannot listen there"),
        (("--port", "0", "--host", "no name"), "host='no name': not an address of this machine"),
        (("--port", "0", "--workspace", "/dev/null/x"), "cannot make"),
    ],
)
def test_what_cannot_be_is_one_line(capfd: pytest.CaptureFixture[str], tmp_path: Path, words: tuple, said: str):
    code, err = said_by(capfd, *words, *(() if "--workspace" in words else ("--workspace", str(tmp_path / "s"))))

    assert code == 1
    assert said in err
    assert len(err.splitlines()) == 1


def test_help_needs_neither_torch_nor_a_server(tmp_path: Path):
    code = (
        "import sys; from patchflow.cli import run; run(['studio', '--help']);"
        "print(sorted({'torch', 'fastapi', 'uvicorn'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
    assert "Example: patchflow studio" in done.stdout


def test_a_server_that_is_being_started_imports_nothing_that_takes_long(tmp_path: Path):
    # How long the first answer takes is in benchmarks/results/studio_latency.json: here other tests are in the way.
    code = (
        "import sys; from pathlib import Path; from patchflow.studio import StudioSettings, build_app;"
        f"build_app(StudioSettings(Path({str(tmp_path)!r})), later=True);"
        "print(sorted({'torch', 'scipy.stats', 'onnxruntime', 'matplotlib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]"]


def test_who_asks_for_a_part_that_is_still_imported_waits(start: Start):
    address = address_of(start("--port", "0"))

    assert json.loads(asked(f"{address}api/v1/jobs")[1]) == []
