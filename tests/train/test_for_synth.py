"""Training for a synth of one's own: presets in, weights out that `match` uses."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from patchflow.audio import Sound
from patchflow.engines import engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, StorageError, UnknownName
from patchflow.match import Matcher
from patchflow.match.proposals import FromModel
from patchflow.models import read_header, users_weights, weights_of
from patchflow.presets import Library, Preset
from patchflow.progress import Progress
from patchflow.train import for_synth, train_for_synth

BEEP = Sound(np.sin(np.arange(11_025) * 0.1).astype(np.float32), 22_050)


@pytest.fixture(autouse=True)
def small_and_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(for_synth, "_ITEMS", (24, 24))
    monkeypatch.setattr(for_synth, "_SIZES", {"width": 4, "context": 16, "hidden": 16, "transforms": 2, "bins": 4})
    monkeypatch.setattr(for_synth, "_FEWEST", 30)
    monkeypatch.setattr(for_synth, "_recipe", _short(for_synth._recipe))


def _short(recipe):
    return lambda *arguments, **options: (
        recipe(*arguments, **options).replace("steps = 1000000", "steps = 4").replace("batch = 128", "batch = 8")
    )


@pytest.fixture
def library(tmp_path: Path) -> Path:
    points = Tone.space.snap(np.random.default_rng(0).random((40, 3)))
    presets = [Preset("tone", Tone.space.decode(point), name=f"No {i}") for i, point in enumerate(points)]
    Library(tmp_path / "library.sqlite").add(presets, lambda synth: engines[synth].space)
    return tmp_path / "library.sqlite"


@pytest.mark.slow
def test_the_weights_are_used_from_then_on(library: Path):
    assert weights_of("tone", Tone.space) is None

    path = train_for_synth("tone", library=library, minutes=1)

    assert weights_of("tone", Tone.space) == path == users_weights("tone")
    assert read_header(path)["synth"] == "tone"
    matcher = Matcher.load("tone")
    assert [type(proposer) for proposer in matcher.arms[0].proposers] == [FromModel]
    assert matcher.match(BEEP, renders=32).renders == 32


@pytest.mark.slow
def test_it_learns_from_the_presets_of_the_library(library: Path, tmp_path: Path):
    stages: list[tuple[str, float]] = []

    train_for_synth(
        "tone", library=library, minutes=1, out=tmp_path / "out", progress=lambda r: stages.append((r.stage, r.total))
    )

    assert ("gather", 40) in stages
    assert tomllib.loads((tmp_path / "out" / "recipe.toml").read_text())["synth"] == "tone"
    assert {stage for stage, _ in stages} == {"gather", "render", "train"}


@pytest.mark.slow
def test_without_a_library_presets_are_drawn():
    totals: list[float] = []

    train_for_synth("tone", minutes=1, progress=lambda r: totals.append(r.total) if r.stage == "gather" else None)

    assert set(totals) == {300}


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_a_finished_one_begins_anew(library: Path, tmp_path: Path):
    gathered: list[int] = []

    def stop(report: Progress) -> None:
        gathered.append(report.stage == "gather")
        if report.stage == "render":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_for_synth("tone", library=library, minutes=1, out=tmp_path / "out", progress=stop)
    assert any(gathered)

    for again in (False, True):
        gathered.clear()
        train_for_synth(
            "tone",
            library=library,
            minutes=1,
            out=tmp_path / "out",
            progress=lambda r: gathered.append(r.stage == "gather"),
        )
        assert any(gathered) == again


@pytest.mark.slow
def test_weights_that_could_not_be_copied_are_not_trained_again(library: Path, tmp_path: Path):
    (tmp_path / "weights").write_text("in the way")
    with pytest.raises(StorageError, match="cannot make the folder"):
        train_for_synth("tone", library=library, minutes=1, out=tmp_path / "out")
    trained = load_file(tmp_path / "out" / "tone.safetensors")
    (tmp_path / "weights").unlink()
    stages: list[str] = []

    path = train_for_synth(
        "tone", library=library, minutes=1, out=tmp_path / "out", progress=lambda r: stages.append(r.stage)
    )

    np.testing.assert_equal(load_file(path), trained)
    assert "gather" not in stages


@pytest.mark.slow
def test_an_unfinished_run_with_other_arguments_is_not_taken_for_this_one(library: Path, tmp_path: Path):
    def stop(report: Progress) -> None:
        if report.stage == "render":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_for_synth("tone", library=library, minutes=1, out=tmp_path / "out", progress=stop)

    with pytest.raises(OptionError, match="holds an unfinished run"):
        train_for_synth("tone", library=library, minutes=2, out=tmp_path / "out")


@pytest.mark.slow
def test_beginning_anew_removes_only_what_was_made(library: Path, tmp_path: Path):
    train_for_synth("tone", library=library, minutes=1, out=tmp_path / "out")
    (tmp_path / "out" / "diary.txt").write_text("mine")

    train_for_synth("tone", library=library, minutes=1, out=tmp_path / "out")

    assert (tmp_path / "out" / "diary.txt").read_text() == "mine"


@pytest.mark.parametrize("minutes", [0.0, -1.0, 0.5, 1e9])
def test_a_time_that_makes_no_sense_is_refused(minutes: float):
    with pytest.raises(OptionError, match="minutes="):
        train_for_synth("tone", minutes=minutes)


def test_an_unknown_synth_is_refused():
    with pytest.raises(UnknownName, match="theremin"):
        train_for_synth("theremin")


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WORLD_SIZE", "2")

    with pytest.raises(OptionError, match="synth='tone': is trained by one process"):
        train_for_synth("tone")
