"""The file of a path says all of it, and a damaged one is refused in one line."""

import json
from typing import Any

import pytest

from patchflow.engines import Note
from patchflow.errors import StorageError
from patchflow.explore.morph import morph
from patchflow.explore.path import Path, read_path
from patchflow.presets import Preset


@pytest.fixture(scope="module")
def path() -> Path:
    a = Preset("tone", {"wave": "sine", "decay": 1.0, "gain": -40.0}, name="A", state=b"kept")
    b = Preset("tone", {"wave": "sine", "decay": 0.1, "gain": -10.0}, name="B")
    return morph([a, b], note=Note(hold=0.1, length=0.2), steps=3, renders=200)


def test_what_is_written_is_read(path, tmp_path):
    file = tmp_path / "path.json"
    file.write_text(json.dumps(path.content()))

    assert read_path(file) == path


def test_presets_are_numbered_and_keep_the_state(path):
    assert [preset.name for preset in path.presets] == ["MORPH 01", "MORPH 02", "MORPH 03"]
    assert {preset.state for preset in path.presets} == {b"kept"}


def test_it_says_how_far_each_is_from_the_next(path):
    assert len(path.heard) == 2
    steps = path.content()["heard_steps"]
    assert steps == {
        "mean_db": sum(path.heard) / 2,
        "largest_db": max(path.heard),
        "largest_after": path.presets[path.heard.index(max(path.heard))].name,
    }
    assert path.steps[-1].to_next is None
    assert path.steps[0].to_ends[1] == pytest.approx(path.steps[2].to_ends[0], abs=15)
    assert [moving.name for moving in path.moving] in (["gain", "decay"], ["decay", "gain"])


def without_a_step(content: dict[str, Any]) -> None:
    del content["steps"][1]


def of_a_newer_version(content: dict[str, Any]) -> None:
    content["version"] = 9


def of_another_kind(content: dict[str, Any]) -> None:
    content["format"] = "something"


def beyond_a_limit(content: dict[str, Any]) -> None:
    content["steps"][1]["values"]["gain"] = 99.0


def without_a_key(content: dict[str, Any]) -> None:
    del content["note"]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (without_a_step, "2 steps in 1 rows and 3 columns"),
        (of_a_newer_version, "version=9: this patchflow reads version 1"),
        (of_another_kind, 'no "format"'),
        (beyond_a_limit, "gain=99"),
        (without_a_key, "note"),
    ],
)
def test_a_damaged_file_is_refused(path, tmp_path, damage, why):
    content = json.loads(json.dumps(path.content()))
    damage(content)
    file = tmp_path / "path.json"
    file.write_text(json.dumps(content))

    with pytest.raises(StorageError, match=why) as error:
        read_path(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(StorageError, match=r"nowhere\.json"):
        read_path(tmp_path / "nowhere.json")
