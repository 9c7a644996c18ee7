"""Several files appear together or not at all, wherever the process is killed or the disk is full."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.storage import journal, locked, write_together
from patchflow.storage.journal import temporary_path

ROOT = Path(__file__).parents[2]
OLD = {"a.syx": b"old", "a-2.syx": b"old 2", "a-3.syx": b"old 3", "a.json": b"about old", "b.txt": b"mine"}
OLD |= {"old.lv2/a.ttl": b"old in a folder"}
NEW = {"new.lv2/a.ttl": b"new in a folder", "a.syx": b"new", "a-2.syx": b"new 2", "a.wav": b"new sound"}
NEW |= {"a.json": b"about new"}
AFTER = {**NEW, "b.txt": b"mine"}
GONE = ["a-3.syx", "old.lv2/a.ttl"]

# Kills, or has fail, a process before its nth call that changes a folder: Python tells of each to a hook. One that was
# made to fail may be killed some calls later.
STOPPED = """
import os, sys
from patchflow.storage import locked, write_together
from tests.storage.test_journal import NEW, GONE

left, how, more = int(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def hook(event, arguments):
    global left
    changes = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir") or (
        event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "xaw"
    )
    if not changes or ".patchflow-lock" in str(arguments[0]):
        return
    left -= 1
    if left in (0, -more):
        if how == "kill" or left < 0:
            os.kill(os.getpid(), 9)
        raise OSError(28, "No space left on device")

with locked(sys.argv[1]):
    sys.addaudithook(hook)
    write_together(sys.argv[1], NEW, GONE)
"""


def fill(folder: Path) -> None:
    for name, data in OLD.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def shown(folder: Path) -> dict[str, bytes]:
    """What a reader sees: all files but the hidden ones, those of folders within too."""
    found: dict[str, bytes] = {}
    for path in folder.iterdir():
        if not path.name.startswith("."):
            within = path.iterdir() if path.is_dir() else [path]
            found |= {file.relative_to(folder).as_posix(): file.read_bytes() for file in within}
    return found


def entries(found: dict[str, bytes]) -> list[str]:
    """What lies in a folder that has these files and nothing else."""
    return sorted({name.partition("/")[0] for name in found})


def stop(folder: Path, step: int, how: str, more: int = 0) -> int:
    command = [sys.executable, "-c", STOPPED, str(folder), str(step), how, str(more)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.DEVNULL, env=environment).returncode


def is_of_one(found: dict[str, bytes]) -> bool:
    """Whether the file that describes the others, if it is there, has those beside it that it describes."""
    about = found.get("a.json")
    if about is None:
        return True
    return found == (OLD if about == b"about old" else AFTER)


def test_wherever_it_is_killed_the_next_command_finds_one_of_both(tmp_path: Path):
    outcomes = []
    for step in range(1, 100):
        folder = tmp_path / str(step)
        folder.mkdir()
        fill(folder)
        code = stop(folder, step, "kill")
        assert is_of_one(shown(folder)), step
        with locked(folder):
            found = shown(folder)
        assert found in (OLD, AFTER), step
        assert sorted(path.name for path in folder.iterdir()) == entries(found), step
        outcomes.append(found == AFTER)
        if code == 0:
            break

    first = outcomes.index(True)
    assert not any(outcomes[:first])
    assert all(outcomes[first:])
    assert first == 8  # the journal is there
    assert len(outcomes) > first + 2 * len(NEW)


def test_wherever_the_disk_is_full_the_old_files_are_there(tmp_path: Path):
    codes = []
    for step in range(1, 16):
        folder = tmp_path / str(step)
        folder.mkdir()
        fill(folder)
        codes.append(stop(folder, step, "fill"))
        assert shown(folder) == OLD, step
        assert sorted(path.name for path in folder.iterdir()) == entries(OLD), step

    assert codes == [1] * 15


def test_wherever_it_is_killed_while_it_puts_back_the_next_command_finds_one_of_both(tmp_path: Path):
    outcomes = []
    for more in range(1, 100):
        folder = tmp_path / str(more)
        folder.mkdir()
        fill(folder)
        code = stop(folder, 12, "fill", more)
        assert is_of_one(shown(folder)), more
        with locked(folder):
            found = shown(folder)
        assert found in (OLD, AFTER), more
        assert sorted(path.name for path in folder.iterdir()) == entries(found), more
        outcomes.append(found == OLD)
        if code == 1:  # it was over
            break

    assert set(outcomes) == {True, False}


def test_what_is_put_back_stays_whatever_order_the_rest_is_removed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(folder: Path) -> None:
        if folder == tmp_path:
            raise OSError(28, "No space left on device")

    def remove_some(staging: Path, **_: bool) -> None:  # and be killed
        for path in staging.glob("new-*"):
            path.unlink()

    fill(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(journal, "_sync", fail, raising=True)
        broken.setattr(journal.shutil, "rmtree", remove_some)
        with pytest.raises(StorageError, match="no space left"):
            write_together(tmp_path, NEW, GONE)
        assert shown(tmp_path) == OLD

    with locked(tmp_path):
        assert shown(tmp_path) == OLD


def test_files_of_the_old_ones_go(tmp_path: Path):
    fill(tmp_path)

    with locked(tmp_path):
        write_together(tmp_path, NEW, GONE)

    assert shown(tmp_path) == AFTER


def test_a_folder_in_the_way_is_named_before_anything_is_changed(tmp_path: Path):
    fill(tmp_path)
    (tmp_path / "a.wav").mkdir()

    with pytest.raises(StorageError, match=r"cannot write .*a\.wav: it is a folder"):
        write_together(tmp_path, NEW, GONE)

    (tmp_path / "a.wav").rmdir()
    assert shown(tmp_path) == OLD


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path):
    (tmp_path / "sound").write_bytes(b"mine")
    (tmp_path / "a.wav").symlink_to(tmp_path / "sound")

    write_together(tmp_path, NEW)

    assert (tmp_path / "sound").read_bytes() == b"mine"
    assert shown(tmp_path) == {**NEW, "sound": b"mine"}


@pytest.mark.parametrize("name", ["../a.syx", "/etc/a.syx", "x/y/a.syx", "x/../a.syx", "out/a.syx", ".."])
def test_a_journal_of_somebody_else_moves_nothing_out_of_its_folder(tmp_path: Path, name: str):
    (tmp_path / "a.syx").write_bytes(b"mine")
    staging = temporary_path(tmp_path / "in")
    staging.mkdir(parents=True)
    (staging / "new-0").write_bytes(b"theirs")
    (staging / "journal.json").write_text(json.dumps({"names": [name], "gone": []}))
    (tmp_path / "in" / "out").symlink_to(tmp_path)

    with locked(tmp_path / "in"):
        pass

    assert (tmp_path / "a.syx").read_bytes() == b"mine"
    assert list((tmp_path / "in").iterdir()) == [tmp_path / "in" / "out"]


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path.parent)], ids=["file", "link"])
def test_what_is_no_folder_gets_no_files(tmp_path: Path, make: Callable[[Path], None]):
    fill(tmp_path)
    make(tmp_path / "new.lv2")

    with pytest.raises(StorageError, match=r"cannot write .*a\.ttl: .*new\.lv2 is no folder"):
        write_together(tmp_path, NEW, GONE)

    (tmp_path / "new.lv2").unlink()
    assert shown(tmp_path) == OLD


def test_a_folder_within_stays_as_long_as_it_has_anything(tmp_path: Path):
    fill(tmp_path)
    (tmp_path / "old.lv2" / "mine.ttl").write_bytes(b"mine")

    write_together(tmp_path, NEW, GONE)

    assert shown(tmp_path) == {**AFTER, "old.lv2/mine.ttl": b"mine"}


@pytest.mark.parametrize("name", ["mine", "a\0b", "\ud800"])
def test_a_journal_that_cannot_be_followed_is_one_line_and_takes_nothing(tmp_path: Path, name: str):
    (tmp_path / "mine").mkdir()
    staging = temporary_path(tmp_path)
    staging.mkdir()
    (staging / "new-0").write_bytes(b"theirs")
    (staging / "journal.json").write_text(json.dumps({"names": [name], "gone": []}))

    with pytest.raises(StorageError, match=f"Remove the folder .*{staging.name}"), locked(tmp_path):
        pass

    assert (tmp_path / "mine").is_dir()


def make_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_nested(path: Path) -> None:
    path.write_text("[" * 100_000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("make", [make_link, make_nested, os.mkfifo if hasattr(os, "mkfifo") else None])
def test_a_journal_that_is_none_is_swept_like_what_was_never_finished(tmp_path: Path, make: Callable[[Path], None]):
    staging = temporary_path(tmp_path)
    staging.mkdir()
    make(staging / "journal.json")
    code = (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\n"
        "from patchflow.storage import locked\nwith locked(sys.argv[1]): pass"
    )

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False, timeout=20)

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
