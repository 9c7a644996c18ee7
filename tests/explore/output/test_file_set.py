"""All files of a call appear together with their numbers, and nothing of an earlier call looks like a part of it."""

import hashlib
import json
from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.explore.output.file_set import write_set

NUMBERS = {"format": "children", "asked": 0.123456789}


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def wrote(folder: Path, count: int, kind: str = "children") -> None:
    files = {f"a-{number}.syx": f"{kind} {number}".encode() for number in range(1, count + 1)}
    write_set(folder, files, "a.json", {**NUMBERS, "format": kind})


def test_numbers_name_every_file_with_its_checksum(tmp_path):
    written = write_set(tmp_path / "new", {"a.syx": b"voice"}, "a.json", NUMBERS)

    digest = hashlib.sha256(b"voice").hexdigest()
    assert written == {**NUMBERS, "files": {"a.syx": digest}}
    content = json.loads((tmp_path / "new" / "a.json").read_text())
    assert content == {"format": "children", "asked": 0.123457, "files": {"a.syx": digest}}


def test_exact_numbers_keep_their_digits(tmp_path):
    written = write_set(tmp_path, {}, "a.json", NUMBERS, exact=True)

    assert json.loads((tmp_path / "a.json").read_text()) == written == {**NUMBERS, "files": {}}


def test_what_an_earlier_call_wrote_goes(tmp_path):
    wrote(tmp_path, 4)
    wrote(tmp_path, 2)

    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a.json"}
    wrote(tmp_path, 3)
    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a-3.syx", "a.json"}


def test_what_was_changed_or_is_not_ours_stays(tmp_path):
    (tmp_path / "a-9.syx").write_bytes(b"of the user")
    wrote(tmp_path, 4)
    (tmp_path / "a-3.syx").write_bytes(b"played with")
    (tmp_path / "target").write_bytes((tmp_path / "a-4.syx").read_bytes())
    (tmp_path / "a-4.syx").unlink()
    (tmp_path / "a-4.syx").symlink_to("target")
    wrote(tmp_path, 1)

    assert visible(tmp_path) == {"a-1.syx", "a-3.syx", "a-4.syx", "a-9.syx", "a.json", "target"}
    assert (tmp_path / "a-3.syx").read_bytes() == b"played with"


def test_files_of_another_command_stay(tmp_path):
    wrote(tmp_path, 3)
    wrote(tmp_path, 1, "path")

    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a-3.syx", "a.json"}


@pytest.mark.parametrize(
    "files",
    [{"../outside": "DIGEST"}, {"..": "DIGEST"}, {"folder": "DIGEST"}, {"a-7.syx": 3}, ["a-7.syx"], "a-7.syx", None],
    ids=["another folder", "the folder above", "a folder", "no digest", "a list", "a text", "none"],
)
def test_numbers_that_anyone_made_move_nothing(tmp_path, files):
    folder = tmp_path / "here"
    (folder / "folder").mkdir(parents=True)
    for path in (tmp_path / "outside", folder / "a-7.syx"):
        path.write_bytes(b"mine")
    digest = hashlib.sha256(b"mine").hexdigest()
    content = json.dumps({"format": "children", "files": files}).replace("DIGEST", digest)
    (folder / "a.json").write_text(content)
    wrote(folder, 1)

    assert (tmp_path / "outside").read_bytes() == b"mine"
    assert visible(folder) == {"folder", "a-1.syx", "a-7.syx", "a.json"}


def test_nothing_goes_where_nothing_can_be_written(tmp_path):
    wrote(tmp_path, 2)
    (tmp_path / "a-5.syx").mkdir()

    with pytest.raises(StorageError, match=r"a-5\.syx"):
        wrote(tmp_path, 5)
    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a-5.syx", "a.json"}
    assert (tmp_path / "a-2.syx").read_bytes() == b"children 2"
