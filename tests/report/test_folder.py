"""A folder is made, tried and, if nothing came of it, removed."""

from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.report.folder import writable_folder


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


def test_a_file_in_the_way_is_named(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"")

    with (
        pytest.raises(StorageError, match="a/b: not a directory. Choose another"),
        writable_folder(tmp_path / "a" / "b"),
    ):
        pass
