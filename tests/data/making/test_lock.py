"""A folder has one worker, and a dead one holds nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from patchflow.data.making.lock import LOCK, locked
from patchflow.errors import StorageError


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


def test_a_file_in_the_way_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="cannot write .*file"), locked(tmp_path / "file"):
        pass


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path):
    code = (
        "import os, sys\nfrom patchflow.data.making.lock import locked\n"
        "with locked(sys.argv[1]): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=_root(), check=False)
    assert (tmp_path / LOCK).exists()

    with locked(tmp_path):
        pass


def _root() -> Path:
    import patchflow

    return Path(patchflow.__file__).parents[1]
