"""Files are written whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.storage import read_bytes, write_atomically


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
