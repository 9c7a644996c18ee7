"""One worker on a folder; what dead ones left is swept, and nothing of living ones."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.storage import LOCK, locked, sweep, write_atomically
from patchflow.storage.journal import temporary_path
from patchflow.storage.locks import open_temporary

ROOT = Path(__file__).parents[2]
ELSEWHERE = ".patchflow-00000000-0123456789abcdef"
OLDER = ".patchflow-0123456789abcdef"  # as older versions called them


def kill_in(folder: Path, code: str) -> None:
    """Runs code that kills its own process."""
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=False)
    assert done.returncode == -9


def age(path: Path, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(path, (when, when))


def test_a_second_one_is_refused(tmp_path: Path):
    with (
        locked(tmp_path),
        pytest.raises(StorageError, match="another process is working on it"),
        locked(tmp_path),
    ):
        pass


def test_the_refusal_takes_nothing_away(tmp_path: Path):
    with locked(tmp_path):
        for _ in range(2):
            with pytest.raises(StorageError), locked(tmp_path):
                pass


def test_it_is_free_again_afterwards_and_leaves_nothing(tmp_path: Path):
    for _ in range(2):
        with locked(tmp_path / "new"):
            assert (tmp_path / "new" / LOCK).exists()

    assert list((tmp_path / "new").iterdir()) == []


def test_an_error_inside_passes_through_and_frees_it(tmp_path: Path):
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError

    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_a_lock_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="cannot make the folder .*file"), locked(tmp_path / "file"):
        pass


def test_a_lock_that_is_a_link_makes_nothing_outside(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / LOCK).symlink_to(tmp_path / "made")

    with pytest.raises(StorageError, match=f"cannot write .*{LOCK}"), locked(tmp_path / "in"):
        pass

    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_that_looks_like_ours_keeps_nobody_waiting(tmp_path: Path):
    os.mkfifo(temporary_path(tmp_path))
    worker = threading.Thread(target=sweep, args=(tmp_path,), daemon=True)

    worker.start()
    worker.join(5)

    assert not worker.is_alive()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path):
    code = "import os, sys\nfrom patchflow.storage import locked\nwith locked(sys.argv[1]): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert (tmp_path / LOCK).exists()

    with locked(tmp_path):
        pass


KILLED_WRITING = """
import os, sys
from patchflow.storage import write_atomically
os.fsync = lambda _: os.kill(os.getpid(), 9)
write_atomically(sys.argv[1] + "/a", b"new")
"""

KILLED_IN_A_LOCK = """
import os, sys
from patchflow.storage import locked
with locked(sys.argv[1]): os.kill(os.getpid(), 9)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path):
    kill_in(tmp_path, KILLED_WRITING)
    assert len(list(tmp_path.iterdir())) == 1

    write_atomically(tmp_path / "b", b"")

    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_the_lock_of_a_killed_process_goes_too(tmp_path: Path):
    kill_in(tmp_path, KILLED_IN_A_LOCK)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]

    write_atomically(tmp_path / "b", b"")

    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_what_a_living_process_writes_stays(tmp_path: Path):
    file, path = open_temporary(tmp_path)
    age(path, 1e6)

    with file:
        sweep(tmp_path)
        assert path.exists()
    sweep(tmp_path)
    assert not path.exists()


def test_a_folder_that_somebody_works_on_keeps_what_is_unfinished(tmp_path: Path):
    staging = temporary_path(tmp_path)
    with locked(tmp_path):
        staging.mkdir()
        sweep(tmp_path)
        assert staging.exists()

    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [ELSEWHERE, OLDER])
@pytest.mark.parametrize(("seconds", "stays"), [(3_000, True), (4_000, False)])
def test_of_another_machine_only_what_is_old_is_removed(tmp_path: Path, name: str, seconds: float, stays: bool):
    (tmp_path / name).write_bytes(b"")
    age(tmp_path / name, seconds)

    sweep(tmp_path)

    assert (tmp_path / name).exists() == stays


@pytest.mark.parametrize("name", [".patchflow-notes", "patchflow-0123456789abcdef", ".patchflow-0123456789abcdef.txt"])
def test_files_of_somebody_else_stay(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"mine")
    age(tmp_path / name, 1e6)

    with locked(tmp_path):
        pass
    sweep(tmp_path)

    assert (tmp_path / name).read_bytes() == b"mine"


def test_a_link_that_looks_like_ours_is_not_followed(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "mine").mkdir()
    temporary_path(tmp_path / "in").symlink_to(tmp_path / "mine")

    with locked(tmp_path / "in"):
        pass

    assert (tmp_path / "mine").is_dir()


def test_sweeping_takes_nothing_from_those_who_write(tmp_path: Path):
    faults: list[BaseException] = []
    over = threading.Event()

    def write() -> None:
        try:
            for number in range(200):
                write_atomically(tmp_path / f"{number % 5}", b"x" * 10_000)
        except StorageError as error:
            faults.append(error)

    def clean() -> None:
        while not over.is_set():
            sweep(tmp_path)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    over.set()
    cleaner.join()

    assert faults == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3", "4"]


def test_somebody_who_only_sweeps_refuses_nobody(tmp_path: Path):
    (tmp_path / LOCK).write_bytes(b"")
    over = threading.Event()

    def clean() -> None:
        while not over.is_set():
            sweep(tmp_path)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for _ in range(50):
            with locked(tmp_path):
                pass
    finally:
        over.set()
        cleaner.join()
