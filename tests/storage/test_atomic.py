"""Files are written whole or not at all; folders are made and tried."""

import errno
import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patchflow.errors import StorageError
from patchflow.parsing import read_object
from patchflow.storage import (
    array_bytes,
    first_sentence,
    json_text,
    make_folder,
    read_bytes,
    reason,
    writable_folder,
    write_atomically,
)


def test_json_has_six_digits_but_of_presets_which_stay_exact():
    third = 1 / 3
    content = {"a": third, "b": [third * 1e6, {"c": (-third / 1e6, 7, True)}], "values": {"gain": third}}

    assert json_text(content) == (
        '{"a": 0.333333, "b": [333333.0, {"c": [-3.33333e-07, 7, true]}], "values": {"gain": 0.3333333333333333}}'
    )


def test_what_is_no_finite_number_is_null_in_json():
    assert json_text([float("nan"), float("-inf")]) == "[null, null]"


def test_what_is_written_is_read(tmp_path: Path):
    write_atomically(tmp_path / "a", b"\x00\xff" * 1000)

    assert read_bytes(tmp_path / "a") == b"\x00\xff" * 1000


def test_nothing_else_is_left_in_the_folder(tmp_path: Path):
    write_atomically(tmp_path / "a", b"1")
    write_atomically(tmp_path / "a", b"2")

    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, step, full)

    with pytest.raises(StorageError, match="a: no space left on device"):
        write_atomically(tmp_path / "a", b"new")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"old"}


def test_an_interrupt_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match="nowhere.*: no such file or directory"):
        write_atomically(tmp_path / "nowhere" / "a", b"")


def test_a_folder_is_not_overwritten(tmp_path: Path):
    with pytest.raises(StorageError, match="it is a folder"):
        write_atomically(tmp_path, b"")


def test_a_new_file_has_usual_permissions(tmp_path: Path):
    (tmp_path / "usual").write_bytes(b"")
    write_atomically(tmp_path / "a", b"")

    assert (tmp_path / "a").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0o640)
    write_atomically(tmp_path / "a", b"new")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_reading_a_missing_file_is_a_storage_error(tmp_path: Path):
    with pytest.raises(StorageError, match="cannot read .*gone: no such file"):
        read_bytes(tmp_path / "gone")


def test_a_file_over_the_limit_is_refused(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"12345")

    assert read_bytes(tmp_path / "a", limit=5) == b"12345"
    with pytest.raises(StorageError, match="larger than 4 bytes"):
        read_bytes(tmp_path / "a", limit=4)


def test_a_link_stays_a_link(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "a")
    write_atomically(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_device_is_not_replaced_by_a_file():
    write_atomically("/dev/null", b"gone")

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_folder_is_made_with_those_it_lies_in(tmp_path: Path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"")

    with pytest.raises(StorageError, match="cannot make the folder .*a/b: not a directory"):
        make_folder(tmp_path / "a" / "b")


def test_the_systems_reason_is_given_in_lower_case():
    assert reason(OSError(errno.ENOSPC, "No space left on device")) == "no space left on device"
    assert reason(OSError("Odd")) == "odd"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left on device"),
        (ValueError("not a file. It may be damaged."), "not a file"),
        (ValueError("two\nlines"), "two"),
        (ValueError("one.\n"), "one"),
        (ValueError(""), "ValueError"),
    ],
)
def test_the_first_sentence_of_an_error_is_one_line(error: Exception, said: str):
    assert first_sentence(error) == said


def test_an_array_is_read_back_as_it_was():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)

    again = np.load(io.BytesIO(array_bytes(array)), allow_pickle=False)

    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_values_by_key_are_read(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"a": [1]}')

    assert read_object(tmp_path / "a.json") == {"a": [1]}


@pytest.mark.parametrize(("text", "message"), [("{", r"a\.json: damaged \("), ("[1]", "damaged .not a table of keys")])
def test_what_has_no_keys_is_damaged(tmp_path: Path, text: str, message: str):
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(StorageError, match=message):
        read_object(tmp_path / "a.json")


def test_importing_it_does_not_import_numpy():
    code = "import sys, patchflow.storage; assert 'numpy' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_folders_are_made_and_kept_if_used(tmp_path: Path):
    with writable_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").write_bytes(b"")

    assert (tmp_path / "a" / "b" / "file").exists()


def test_unused_folders_go_again_even_after_an_error(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), writable_folder(tmp_path / "a" / "b"):
        assert 1 / 0

    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_that_was_there_stays(tmp_path: Path):
    (tmp_path / "a").mkdir()

    with writable_folder(tmp_path / "a"):
        pass

    assert (tmp_path / "a").is_dir()


def test_a_file_in_the_way_of_a_folder_to_write_to_is_named(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"")

    with (
        pytest.raises(StorageError, match="a/b: not a directory. Choose another"),
        writable_folder(tmp_path / "a" / "b"),
    ):
        pass
