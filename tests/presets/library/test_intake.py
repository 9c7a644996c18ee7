"""Files and folders on their way into a library."""

from pathlib import Path

import pytest

from patchflow.engines import engines
from patchflow.presets import Library, ParamSpace, Preset, write_presets
from patchflow.presets.library.intake import import_files


def space_of(synth: str) -> ParamSpace:
    return engines[synth].space


def saw(gain: float) -> Preset:
    return Preset("tone", {"wave": "saw", "decay": 0.5, "gain": gain}, name=f"Saw {gain:g}")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library.sqlite")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    write_presets(tmp_path / "mine" / "b.json", [saw(-1)])
    write_presets(tmp_path / "mine" / "deep" / "a.json", [saw(-2), saw(-1)])
    return tmp_path / "mine"


def test_each_file_is_reported_in_order(library: Library, folder: Path):
    files = list(import_files(library, [folder], space_of))

    assert [(file.path.name, file.added, file.merged) for file in files] == [("b.json", 1, 0), ("a.json", 1, 1)]


def test_the_source_begins_with_the_folder_given(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    list(import_files(library, ["."], space_of))

    assert [[label.source for label in entry.labels] for entry in library.search()] == [
        ["mine/b.json", "mine/deep/a.json"],
        ["mine/deep/a.json"],
    ]


def test_a_linked_file_is_imported_under_the_name_of_the_link(library: Library, folder: Path, tmp_path: Path):
    write_presets(tmp_path / "elsewhere.json", [saw(-9)])
    (folder / "link.json").symlink_to(tmp_path / "elsewhere.json")
    list(import_files(library, [folder], space_of))

    assert library.search("Saw -9")[0].labels[0].source == "mine/link.json"


def test_a_file_that_cannot_be_read_does_not_stop_the_others(library: Library, folder: Path):
    (folder / "a.json").write_bytes(b"{")

    files = list(import_files(library, [folder, folder / "gone"], space_of))

    assert [bool(file.error) for file in files] == [True, False, False, True]
    assert len(library) == 2


def test_the_files_before_an_interrupt_are_kept(library: Library, folder: Path):
    next(import_files(library, [folder], space_of))

    assert len(library) == 1
