"""The picture is drawn by a process of its own, and by this one if that is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from patchflow.match.output import drawing
from patchflow.match.output.drawing import Panel, draw, drawing_beside
from patchflow.match.output.picture import plot

RATE = 22_050
PANELS = [
    Panel(np.sin(np.arange(9_000) * 0.1).astype(np.float32), "Target", "a.wav"),
    Panel(np.sin(np.arange(7_000) * 0.2).astype(np.float32), "1.00 dB", "1 \u00b7 A3 \u00b7 a.syx"),
]


LONG = [Panel(np.sin(np.arange(600_000) * 0.1).astype(np.float32), "Target", "a.wav")]  # no pipe holds its bytes
SOON = 20.0  # seconds; drawing here or a new start of the process takes 1 or 2, being patient more


def process() -> "subprocess.Popen[bytes]":
    """The process that draws, which a thread starts."""
    assert drawing._beside is not None
    while drawing._beside._host._process is None:
        time.sleep(0.01)
    return drawing._beside._host._process


def here_only(*_: object) -> bytes:
    raise AssertionError("drawn in this process")


def test_the_bytes_are_the_same_wherever_it_is_drawn(monkeypatch: pytest.MonkeyPatch):
    here = plot(PANELS, RATE)

    with drawing_beside():
        monkeypatch.setattr("patchflow.match.output.picture.plot", here_only)
        assert [draw(PANELS, RATE), draw(PANELS[:1], RATE), draw(PANELS, RATE)][::2] == [here, here]


def test_without_another_process_it_is_drawn_here():
    assert draw(PANELS, RATE) == plot(PANELS, RATE)


@pytest.mark.parametrize("drawn", [0, 1], ids=["before its first picture", "after it"])
def test_one_that_was_killed_costs_no_picture_and_no_patience(drawn: int):
    here = plot(PANELS, RATE)

    with drawing_beside():
        for _ in range(drawn):
            assert draw(PANELS, RATE) == here
        process().kill()
        process().wait()
        start = time.monotonic()
        assert [draw(PANELS, RATE) for _ in range(3)] == [here] * 3
        assert time.monotonic() - start < SOON


@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops there")
@pytest.mark.parametrize("drawn", [0, 1], ids=["before its first picture", "after it"])
@pytest.mark.parametrize("panels", [PANELS, LONG], ids=["short", "long"])
def test_one_that_hangs_costs_no_picture(drawn: int, panels: list[Panel], monkeypatch: pytest.MonkeyPatch):
    here = plot(panels, RATE)

    with drawing_beside():
        for _ in range(drawn):
            assert draw(PANELS, RATE) == plot(PANELS, RATE)
        stopped = process()
        os.kill(stopped.pid, signal.SIGSTOP)
        monkeypatch.setattr(drawing, "_PATIENCE", 0.2)
        start = time.monotonic()
        assert [draw(panels, RATE) for _ in range(3)] == [here] * 3
        assert time.monotonic() - start < SOON
        assert stopped.returncode is not None


@pytest.mark.skipif(sys.platform == "win32", reason="nothing stops there")
def test_one_that_hangs_is_left_at_once():
    with drawing_beside():
        stopped = process()
        os.kill(stopped.pid, signal.SIGSTOP)
        start = time.monotonic()
    assert time.monotonic() - start < SOON
    assert stopped.returncode is not None


def test_one_that_failed_is_not_asked_again():
    with drawing_beside():
        with pytest.raises(ValueError, match="nothing to draw"):
            draw([], RATE)
        assert drawing._beside is not None
        assert draw(PANELS, RATE) == plot(PANELS, RATE)
        assert drawing._beside._host._process is None


def test_one_that_cannot_be_started_costs_no_picture(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with drawing_beside():
        assert draw(PANELS, RATE) == plot(PANELS, RATE)


def test_what_it_cannot_draw_is_an_error_of_this_process():
    with drawing_beside(), pytest.raises(ValueError, match="nothing to draw"):
        draw([], RATE)


def test_nothing_is_left_behind():
    with drawing_beside():
        outer = process()
        with drawing_beside():
            assert process() is outer
        assert outer.poll() is None

    assert outer.returncode is not None
    assert drawing._beside is None


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes there")
def test_it_ends_with_the_one_that_was_killed_whatever_it_does():
    code = (
        "import sys, time\n"
        "from patchflow.match.output import drawing\n"
        "with drawing.drawing_beside():\n"
        "    while drawing._beside._host._process is None:\n"
        "        time.sleep(0.01)\n"
        "    print(drawing._beside._host._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    ends = time.monotonic() + 30
    while _runs(child) and time.monotonic() < ends:
        time.sleep(0.02)

    assert not _runs(child)


def _runs(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def loaded_by(code: str) -> set[str]:
    """Which of the packages that take long to load a program has loaded."""
    asked = "import sys; print(*{'matplotlib', 'scipy', 'torch'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{asked}"], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_drawing_needs_no_torch():
    code = (
        "import numpy as np\n"
        "from patchflow.match.output.drawing import Drawer\n"
        "panel = ({'title': '0', 'caption': '0'}, {'sound': (9,), 'levels': (3, 3)})\n"
        "data = np.zeros(18, np.float32).tobytes()\n"
        "Drawer().answer(None, 'draw', {'panels': [panel], 'rate': 9}, data)\n"
    )

    assert loaded_by(code) == {"matplotlib"}


def test_a_match_from_the_shell_loads_nothing_that_draws(tmp_path: Path):
    sound = Path(drawing.__file__).parents[2] / "examples" / "bell.flac"
    words = ["match", str(sound), "--synth", "tone", "--renders", "20", "--no-library", "--out", str(tmp_path)]
    # What is printed belongs to the command; what was loaded is all we want to read.
    code = f"import os, sys\nfrom patchflow.cli import run\nsys.stdout = open(os.devnull, 'w')\nrun({words})"

    assert loaded_by(f"{code}\nsys.stdout = sys.__stdout__") == {"torch"}
    assert (tmp_path / "bell.png").read_bytes().startswith(b"\x89PNG")
