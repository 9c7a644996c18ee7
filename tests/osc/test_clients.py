"""Real clients play live control as it is run: liblo, Pure Data, Python; and the examples are what they use."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import patchflow
from patchflow.osc.server import opened_socket

ROOT = Path(patchflow.__file__).parent.parent
RUN = """import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
runpy.run_module("patchflow", run_name="__main__")
"""
EXAMPLES = ROOT / "examples"


class Command:
    """`patchflow live` as a process, and oscdump of liblo beside it."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.port = _free_port()
        self.answers = answers = _free_port()
        self._log = folder / "answers.txt"
        self._dump: subprocess.Popen | None = None
        command = [sys.executable, "-c", RUN, "live", "--port", str(self.port), "--out", f"127.0.0.1:{answers}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATCHFLOW_LIBRARY": str(folder / "library.sqlite")}
        self.process = subprocess.Popen(
            [*command, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        self.greeting = [self.process.stdout.readline() for _ in range(3)]

    def dump(self) -> None:
        """Writes down what comes back."""
        with self._log.open("w") as log:
            self._dump = subprocess.Popen(["oscdump", "-L", str(self.answers)], stdout=log, stderr=subprocess.DEVNULL)
        time.sleep(0.3)

    def send(self, *words: str) -> None:
        subprocess.run(["oscsend", "127.0.0.1", str(self.port), *words], check=True)

    def wait(self, text: str) -> str:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            line = next((line for line in self._log.read_text().splitlines() if text in line), "")
            if line:
                return line
            time.sleep(0.02)
        raise AssertionError(f"{text} never came: {self._log.read_text()[-500:]}")

    def end(self) -> int:
        """Waits for its end, and returns its exit code."""
        code = self.process.wait(20)
        self.clear()
        return code

    def clear(self) -> None:
        """Leaves no process behind, whatever went wrong."""
        for process in (self.process, self._dump):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _free_port() -> int:
    with opened_socket("127.0.0.1", 0) as free:
        return free.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Starts `patchflow live`."""
    started: list[Command] = []

    def run(*words: str) -> Command:
        started.append(Command(tmp_path, *words))
        return started[-1]

    yield run
    for one in started:
        one.clear()


def need(program: str, package: str) -> None:
    """Skips a test whose client is not there, or fails it where it has to be."""
    if shutil.which(program):
        return
    missing = f"{program} is not there: apt-get install {package}"
    if os.environ.get("PATCHFLOW_REQUIRED_CLIENTS"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.mark.slow
def test_oscsend_plays_and_oscdump_hears(start: Callable[..., Command]):
    need("oscsend", "liblo-tools")
    command = start()
    command.dump()
    assert f"UDP port {command.port}" in command.greeting[0]

    command.send("/ping")
    assert command.wait("/from_server").endswith('"pong"')
    command.send("/load_preset", "i", "17")
    command.wait("/patch s")
    command.send("/param/macro/1", "f", "0.9")
    assert "brightness" in command.wait("/param/macro/1 fs 0.9")
    command.send("/param/op1/output", "f", "0.5")
    assert command.wait('/param/op1/output fs 0.505050 "50"')
    command.send("/nonsense", "s", "x")
    assert "no OSC address named" in command.wait("/error s")
    command.send("/stop")
    command.wait("/terminated")

    assert command.end() == 0


@pytest.mark.slow
def test_ctrl_c_ends_it(start: Callable[..., Command]):
    command = start("--synth", "tone")
    command.process.send_signal(signal.SIGINT)

    assert command.end() == 130


@pytest.mark.slow
def test_the_patch_for_pure_data_plays_and_hears(start: Callable[..., Command], tmp_path: Path):
    need("pd", "puredata-core")
    command = start()
    patch = (EXAMPLES / "live.pd").read_text()
    patch = patch.replace("53280", str(command.port)).replace("53281", str(command.answers))
    (tmp_path / "live.pd").write_text(patch)
    words = ["-nogui", "-noaudio", "-nomidi", "-stderr", "-open", str(tmp_path / "live.pd")]
    messages = ["-send", "patch-random bang", "-send", "macro-1 0.75", "-send", "place-x 0.5", "-send", "ping bang"]
    said = tmp_path / "said.txt"
    with said.open("w") as log:
        pd = subprocess.Popen(["pd", *words, *messages], stdout=log, stderr=log)
    try:
        text = _wait(said, ("macro: 1 0.75 brightness", "patchflow: from_server pong", "patchflow: patch "))
    finally:
        pd.kill()
        pd.wait(10)

    assert "couldn't create" not in text
    assert "error" not in text.lower()


def _wait(file: Path, texts: tuple[str, ...]) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = file.read_text(errors="replace")
        if all(text in found for text in texts):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{texts} never came: {file.read_text(errors='replace')[-2000:]}")


@pytest.mark.slow
def test_the_python_client_plays_and_hears(start: Callable[..., Command]):
    command = start()
    words = [sys.executable, str(EXAMPLES / "live_client.py"), str(command.port), str(command.answers)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    macros = [line for line in done.stdout.splitlines() if line.startswith("/param/macro/1 ")]
    assert macros
    assert all(line.endswith(" brightness") for line in macros)
    assert "parameters moved" in done.stdout
    assert "/error" not in done.stdout


def test_the_script_for_supercollider_uses_addresses_that_exist():
    import re

    from patchflow.engines import engines
    from patchflow.osc.addresses import ANSWERS, AddressTable

    script = (EXAMPLES / "live.scd").read_text()
    table = AddressTable(engines["dexed"].space)

    assert [table.find(path) for path in re.findall(r"sendMsg\('([^']+)'", script)]
    heard = set(re.findall(r"OSCFunc\(.*'([^']+)'\)", script))
    assert heard - {"/param/macro/1"} <= {answer.path for answer in ANSWERS}
