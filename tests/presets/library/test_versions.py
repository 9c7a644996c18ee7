"""Libraries that older versions made, one that another program has locked, and one that cannot be written."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from patchflow.engines import engines
from patchflow.errors import StorageError
from patchflow.presets import Library, ParamSpace, Preset, write_presets
from patchflow.presets.library import _database
from patchflow.presets.library._database import who_has

# As the first version made it, word by word. 0.5 and -6.0 are the knobs, 01 is "saw".
VERSION_1 = """
CREATE TABLE layout (
    id INTEGER PRIMARY KEY,
    synth TEXT NOT NULL,
    parameters TEXT NOT NULL,
    UNIQUE (synth, parameters)
);
CREATE TABLE preset (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    layout INTEGER NOT NULL REFERENCES layout,
    vector BLOB NOT NULL,
    UNIQUE (layout, vector)
);
CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    preset INTEGER NOT NULL REFERENCES preset ON DELETE CASCADE,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    author TEXT NOT NULL,
    tags TEXT NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (preset, name, category, author, tags, source)
);
CREATE VIRTUAL TABLE words USING fts5 (name, category, author, tags, source, tokenize = 'trigram');
INSERT INTO layout VALUES (1, 'tone',
    '[["choice","wave",["sine","saw"]],["knob","decay",0.05,2.0,true],["knob","gain",-60.0,0.0,false]]');
INSERT INTO preset VALUES (1, 1, x'01000000000000e03f00000000000018c0');
INSERT INTO label VALUES (1, 1, 'Old Saw', 'Lead', 'Ann', '["warm"]', 'old.syx');
INSERT INTO words (rowid, name, category, author, tags, source) VALUES (1, 'Old Saw', 'Lead', 'Ann', 'warm', 'old.syx');
PRAGMA application_id = 1885434982;
PRAGMA user_version = 1;
"""
VERSION_2 = VERSION_1 + (
    "CREATE TABLE rest (preset INTEGER PRIMARY KEY REFERENCES preset ON DELETE CASCADE, data BLOB NOT NULL);"
    "PRAGMA user_version = 2;"
)
OLD = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, "Old Saw", "Lead", "Ann", ("warm",))


def space_of(synth: str) -> ParamSpace:
    return engines[synth].space


def made_by(version: str, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(version)
    return path


@pytest.mark.parametrize("version", [VERSION_1, VERSION_2], ids=["1", "2"])
def test_an_old_library_is_read_without_a_change(tmp_path: Path, version: str):
    path = made_by(version, tmp_path / "library.sqlite")
    before = path.read_bytes()

    assert Library(path).get(1) == OLD
    assert [entry.id for entry in Library(path).search("saw warm")] == [1]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("version", "number"), [(VERSION_1, 1), (VERSION_2, 2)], ids=["1", "2"])
def test_an_old_library_is_kept_when_it_is_first_written_to(tmp_path: Path, version: str, number: int):
    path = made_by(version, tmp_path / "library.sqlite")
    entries = Library(path).search()
    told: list[str] = []

    library = Library(path, notice=told.append)
    library.remove([1])
    library.undo()

    copy = tmp_path / f"library.version-{number}.sqlite"
    assert told == [f"{path}: now of version 4; as it was before it is kept in {copy}"]
    assert sorted(tmp_path.iterdir()) == [path, copy]
    assert library.search() == Library(copy).search() == entries
    assert library.get(1) == Library(copy).get(1) == OLD
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (number,)


def test_an_earlier_copy_is_not_written_over(tmp_path: Path):
    path = made_by(VERSION_1, tmp_path / "library.sqlite")
    (tmp_path / "library.version-1.sqlite").write_bytes(b"mine")

    Library(path).remove([1])

    assert (tmp_path / "library.version-1.sqlite").read_bytes() == b"mine"
    assert Library(tmp_path / "library.version-1-2.sqlite").get(1) == OLD


def test_a_damaged_old_library_is_left_alone(tmp_path: Path):
    path = made_by(VERSION_1, tmp_path / "library.sqlite")
    path.write_bytes(path.read_bytes()[:-4096])
    before = path.read_bytes()

    with pytest.raises(StorageError, match="damaged"):
        Library(path).remove([1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def another_program(path: Path) -> Iterator[int]:
    """A process that has locked a library; yields its number."""
    script = (
        "import sqlite3, sys, time\n"
        f"connection = sqlite3.connect({str(path)!r}, isolation_level=None)\n"
        "connection.execute('BEGIN EXCLUSIVE')\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who has locked a file")
@pytest.mark.parametrize("use", [Library.search, lambda it: it.remove([1])], ids=["read", "write"])
def test_who_is_waited_for_is_said_at_once_and_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use):
    path = made_by(VERSION_2, tmp_path / "library.sqlite")
    monkeypatch.setattr(_database, "WAIT", 0.4)
    monkeypatch.setattr(_database, "_PATIENCE", 0.1)
    told: list[str] = []

    with another_program(path) as number:
        with pytest.raises(StorageError) as caught:
            use(Library(path, notice=told.append))

        who = who_has(path)
        assert who.startswith(f"process {number} ({sys.executable} -c import sqlite3")
        assert told == [f"waiting for {who}, which has locked the preset library {path}"]
        assert str(caught.value) == (
            f"preset library {path}: {who} has had it locked for 0.4 s. Wait for its end, or stop it."
        )


def test_a_change_is_made_when_the_other_program_is_done(tmp_path: Path):
    path = made_by(VERSION_2, tmp_path / "library.sqlite")

    with another_program(path):
        thread = threading.Thread(target=Library(path).remove, args=([1],))
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
    thread.join(10)

    assert len(Library(path)) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a limit for a file's size that is an error")
def test_a_full_disk_is_one_line_and_changes_nothing(tmp_path: Path):
    path = tmp_path / "library.sqlite"
    Library(path).add([OLD], space_of)
    before = path.read_bytes()
    script = (
        "import resource, signal, sys\n"
        "from patchflow.cli import run\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)},) * 2)\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    presets = tmp_path / "many.json"
    many = [Preset("tone", {**OLD.values, "gain": -gain / 20}, f"Name {gain}") for gain in range(1, 1000)]
    write_presets(presets, many)
    command = [sys.executable, "-c", script, "presets", "import", "--no-vectors", str(presets), "--library", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"patchflow: cannot read or write the preset library {path}: ")
    assert done.stderr.endswith("Nothing was changed.\n")
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path, presets]
