"""Files and folders on their way into a library."""

import bz2
import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest

from patchflow.engines import engines
from patchflow.presets import Library, ParamSpace, Preset, ReadReport, write_presets
from patchflow.presets.dx7 import SPACE
from patchflow.presets.formats import Mended
from patchflow.presets.formats.syx import Syx
from patchflow.presets.library.intake import FileIntake, import_files
from patchflow.progress import Progress


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


def outcomes(files: list[FileIntake]) -> list[tuple[str, int, str]]:
    return [(file.path.name, file.added, file.error) for file in files]


def test_whatever_a_file_is_called_it_is_read_in_a_folder_as_it_is_alone(library: Library, folder: Path):
    data = (folder / "b.json").read_bytes()
    for name in ("a.bin", "b.dx7", "c", "d.TXT"):
        (folder / name).write_bytes(data)

    alone = list(import_files(library, [folder / name for name in ("a.bin", "b.dx7", "c", "d.TXT")], space_of))
    together = list(import_files(library, [folder], space_of))

    assert [file.added + file.merged for file in alone] == [1, 1, 1, 1]
    assert [file.path.name for file in together] == ["a.bin", "b.dx7", "b.json", "c", "d.TXT", "a.json"]
    assert all(not file.error for file in together)


def test_links_in_circles_are_followed_once(library: Library, folder: Path, tmp_path: Path):
    (folder / "deep" / "up").symlink_to(folder)
    (tmp_path / "elsewhere").mkdir()
    write_presets(tmp_path / "elsewhere" / "c.json", [saw(-7)])
    (folder / "linked").symlink_to(tmp_path / "elsewhere")

    files = list(import_files(library, [folder], space_of))

    assert outcomes(files) == [("b.json", 1, ""), ("a.json", 1, ""), ("c.json", 1, "")]


def test_a_link_to_nowhere_is_said_and_the_others_are_read(library: Library, folder: Path):
    (folder / "gone.json").symlink_to(folder / "nothing")

    files = list(import_files(library, [folder], space_of))

    assert ("mine", 0, f"cannot read {folder / 'gone.json'}: no such file or directory") in outcomes(files)
    assert len(library) == 2


def test_pipes_and_large_files_in_a_folder_are_passed_over(library: Library, folder: Path):
    os.mkfifo(folder / "pipe.syx")
    with (folder / "samples.raw").open("wb") as file:
        file.truncate(2**40)

    files = list(import_files(library, [folder], space_of))

    assert files[-1].passed_over == {"not a file": 1, "large .raw": 1}
    assert len(library) == 2


def test_a_compressed_bank_in_a_folder_is_read_as_the_single_file_is(library: Library, folder: Path):
    voices = [Preset("dexed", SPACE.decode(SPACE.default()), name="INIT")]
    (folder / "rom.syx.gz").write_bytes(gzip.compress(Syx().write(voices)))
    (folder / "notes.txt.bz2").write_bytes(bz2.compress(b"These are my banks."))

    files = list(import_files(library, [folder], space_of))

    assert ("rom.syx.gz", 1, "") in outcomes(files)
    assert files[-1].passed_over == {".bz2": 1}


def test_a_json_file_of_something_else_is_passed_over_and_a_damaged_one_said(library: Library, folder: Path):
    (folder / "result.json").write_text(json.dumps({"format": "patchflow-result", "presets": []}))
    (folder / "list.json").write_text("[1, 2]")
    (folder / "cut.json").write_bytes((folder / "b.json").read_bytes()[:-20])

    files = list(import_files(library, [folder], space_of))

    assert [file.path.name for file in files if file.error] == ["cut.json"]
    assert files[-1].passed_over == {".json": 2}


def test_progress_counts_files(library: Library, folder: Path):
    seen: list[Progress] = []

    list(import_files(library, [folder, folder / "b.json"], space_of, progress=seen.append))

    assert [(one.stage, one.done, one.total, one.unit) for one in seen] == [
        ("import", done, 3, "files") for done in range(4)
    ]


def test_what_was_mended_is_told(library: Library, folder: Path):
    def read(path: Path) -> ReadReport:
        return ReadReport((saw(-3), saw(-4)), mended=(Mended(2, "gain is 9, taken as 0", "Saw"),))

    (file,) = import_files(library, [folder / "b.json"], space_of, read)

    assert [str(fault) for fault in file.mended] == ["voice 2 'Saw': gain is 9, taken as 0"]
    assert (file.added, file.problems) == (2, ())


def test_a_large_archive_in_a_folder_is_read(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.presets.library.intake.LARGEST_GUESS", 100)
    with zipfile.ZipFile(folder / "c.vitalbank", "w") as archive:
        archive.write(folder / "b.json", "b.json")
    (folder / "d.bin").write_bytes(bytes(101))

    files = list(import_files(library, [folder], space_of))

    assert [file.path.name for file in files[:3]] == ["b.json", "c.vitalbank", "a.json"]
    assert files[-1].passed_over == {"large .bin": 1}
