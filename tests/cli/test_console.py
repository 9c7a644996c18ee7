"""What is known of long work is one line, whatever the work."""

import sys
import time
from typing import Any

import pytest
from rich.console import Console

from patchflow.cli._console import ProgressBar, facts, print_table
from patchflow.progress import Progress


def test_progress_tells_rate_and_remaining_time():
    assert facts(Progress("render", 300, 1500, "sounds"), 200, 10.0) == "300 of 1,500 sounds  20/s  0:01:00 left"
    assert facts(Progress("render", 0, 1500, "sounds"), 0, 0.0) == "0 of 1,500 sounds"
    assert facts(Progress("render", 0, 3723, "sounds"), 1, 1.0).endswith("  1:02:03 left")


def test_a_search_tells_its_best_and_what_was_spent():
    state = Progress("polish", 0.5, subject="a.wav", seconds=2.34, renders=1_200, distance=3.456)

    assert facts(state) == "3.46 dB  1,200 renders  2.3 s  polishing"


@pytest.mark.parametrize(
    ("stage", "words"),
    [("draw", "searching"), ("tune", "tuning"), ("recombine", "combining"), ("polish", "polishing")],
)
def test_stages_of_a_search_are_named_as_a_musician_would(stage, words):
    assert facts(Progress(stage, 0.5, subject="a.wav")) == words


def test_a_table_of_candidates_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def screen(**about: Any) -> Console:
        return Console(force_terminal=True, width=80, color_system=None, **about)

    monkeypatch.setattr("rich.console.Console", screen)
    head = ("", "preset", "closeness", "distance", "note", "tuning", "differs most")
    row = ("1", "sound-2.syx", "another sound", "112.34 dB", "C#-1", "35 cents sharp", "attack 40 ms slower")

    print_table("sound.wav", head, [row])

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "112.34 dB  C#-1  " in "\n".join(lines)
    assert len(lines) <= 4


def test_a_stage_without_a_subject_is_the_title_and_not_said_twice():
    assert facts(Progress("moving parameters", 0.5)) == ""


def test_without_a_terminal_nothing_is_printed(capsys: pytest.CaptureFixture[str]):
    with ProgressBar("loading") as bar:
        bar.show(Progress("render", 1, 2, "sounds"))

    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_lines_are_printed_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    times = iter([0.0, 29.0, 31.0, 32.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))

    with ProgressBar("loading", every=30) as bar:
        for done in (10, 20, 41, 50):
            bar.show(Progress("render", done, 100, "sounds"))

    assert capsys.readouterr().err == "rendering: 41 of 100 sounds  1/s  0:00:59 left\n"


def test_a_terminal_shows_what_is_done_to_what(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def screen(*, stderr: bool) -> Console:
        return Console(stderr=stderr, force_terminal=True, width=120)

    monkeypatch.setattr("rich.console.Console", screen)

    with ProgressBar("loading") as bar:
        bar.show(Progress("measure", 3, 12, "sounds", "runs/vae"))
        with bar.hidden():
            sys.stdout.write("found")
        bar.show(Progress("verify", 12, 12, "files"))
    shown = capsys.readouterr()

    assert shown.out == "found"
    assert "runs/vae" in shown.err
    assert "3 of 12 sounds  measuring" in shown.err
    assert "reading" in shown.err
