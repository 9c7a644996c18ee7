"""`patchflow map`: a library becomes a page, and what cannot be shown is one clear line."""

import json
from pathlib import Path
from typing import Any

import pytest

from patchflow.browse import listen_to
from patchflow.cli import run
from patchflow.engines import engines
from patchflow.presets import Library, Preset

CAPTURED = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user with three presets in a library, one of them silent."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATCHFLOW_LIBRARY", str(tmp_path / "library.sqlite"))
    library = Library()
    presets = [
        Preset("tone", {"wave": wave, "decay": 0.3, "gain": gain}, name=f"{wave} {gain:g}", category=category)
        for wave, gain, category in (("sine", -6.0, "Bass"), ("saw", -6.0, "Lead"), ("saw", -60.0, "Pad"))
    ]
    library.add(presets, lambda name: engines[name].space)
    listen_to(library)
    return tmp_path


def test_a_library_becomes_a_page(home: Path, capsys: CAPTURED):
    page = home / "map.html"

    assert _map(home, capsys) == {
        "page": str(page), "bytes": page.stat().st_size, "presets": 2, "left_out": 1, "sounds": 2, "files": 2,
        "failed": 0, "folder": None,
    }  # fmt: skip


def test_only_what_is_asked_for_is_shown(home: Path, capsys: CAPTURED):
    assert _map(home, capsys, "--category", "bass or pad", "--sounds", "0")["presets"] == 1


def test_synths_are_chosen_word_by_word(home: Path, capsys: CAPTURED):
    assert _map(home, capsys, "--synth", "dx7 or TONE", "--sounds", "0")["presets"] == 2


def test_sounds_go_to_a_folder_beside_the_page(home: Path, capsys: CAPTURED):
    assert _map(home, capsys, "--sounds-folder", "--seconds", "0.3")["folder"] == str(home / "map-sounds")
    assert len(list((home / "map-sounds").glob("*.mp3"))) == 2


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--category", "pad"], "no preset to show: the only one is silent"),
        (["--category", "choir"], "no preset to show: none of 3 has what was asked for"),
        (["--in", "cellar"], "in='cellar': not one of both, library, bank"),
        (["--colour", "beauty"], "colour=beauty: not one of category"),
        (["--how", "tsne"], "how='tsne': not pca or umap"),
        (["--seconds", "99"], "seconds=99: not in [0.2, 10]"),
        (["--sounds", "-1"], "sounds=-1: not at least 0"),
        (["-o", "/dev/null/map.html"], "/dev/null"),
    ],
)
def test_what_cannot_be_shown_is_one_line(options: list[str], line: str, home: Path, capsys: CAPTURED):
    assert run(["map", "--in", "library", "-o", str(home / "map.html"), *options]) == 1

    said = capsys.readouterr().err.splitlines()
    assert line in said[-1]
    assert not (home / "map.html").exists()


def test_an_empty_library_has_nothing_to_show(home: Path, capsys: CAPTURED):
    Library().remove([1, 2, 3])

    assert run(["map", "--in", "library", "-o", str(home / "map.html")]) == 1
    assert "no preset to show: there are none" in capsys.readouterr().err


def _map(home: Path, capsys: CAPTURED, *options: str) -> dict[str, Any]:
    assert run(["map", "--in", "library", "-o", str(home / "map.html"), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)
