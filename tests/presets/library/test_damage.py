"""A library that is damaged: noticed when it is opened, never written to, and what is whole in it is saved."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.errors import StorageError
from patchflow.presets import Library, ParamSpace, Preset
from patchflow.presets.library.repair import Rescue, repair_library

PAGE = 4096  # bytes


def space_of(synth: str) -> ParamSpace:
    return engines[synth].space


def spaces() -> Iterator[tuple[str, ParamSpace]]:
    for synth in ("dexed", "tone"):
        yield synth, space_of(synth)


def saw(gain: float, name: str = "", state: bytes = b"") -> Preset:
    return Preset("tone", {"wave": "saw", "decay": 0.5, "gain": gain}, name, state=state)


def voices(count: int) -> list[Preset]:
    space = space_of("dexed")
    points = np.random.default_rng(0).random((count, len(space)))
    return [Preset("dexed", space.decode(point), f"No {i}", "Bass", "Ann", ("a",)) for i, point in enumerate(points)]


PRESETS = [saw(-1, "one", state=b"1" * 9000), saw(-2, "two", state=b"2"), saw(-3, "three"), *voices(10)]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "library.sqlite"
    Library(path).add(PRESETS, space_of, "a.syx")
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite"


def root(path: Path, name: str) -> int:
    """The page at which a table or an index begins."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]


def without_page(content: bytes, page: int) -> bytes:
    return content[: (page - 1) * PAGE] + bytes(PAGE) + content[page * PAGE :]


def presets_in(path: Path) -> list[Preset]:
    library = Library(path)
    return [library.get(entry.id) for entry in library.search()]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[: -PAGE - 1000],
    "no magic": lambda data: b"XQLite" + data[6:],
    "no header": lambda data: bytes(100) + data[100:],
    "no first page": lambda data: without_page(data, 1),
    "size of pages": lambda data: data[:16] + b"\x40\x00" + data[18:],
    "application": lambda data: data[:68] + b"abcd" + data[72:],
    "version": lambda data: data[:60] + bytes(4) + data[64:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_library_is_neither_read_nor_written_and_then_saved_whole(path: Path, content: bytes, damage: str):
    path.write_bytes(DAMAGES[damage](content))
    before = path.read_bytes()

    uses = (len, Library.search, lambda it: it.add([saw(-9)], space_of), lambda it: it.remove([1]), Library.undo)
    for use in uses:
        with pytest.raises(StorageError, match=f"patchflow presets repair --library {path}$"):
            use(Library(path))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]

    rescue = repair_library(path, spaces)

    assert rescue.kept
    assert rescue.kept.read_bytes() == before
    assert (rescue.presets, rescue.lost, rescue.labels, rescue.unnamed, rescue.stateless) == (13, 0, 13, 0, 0)
    assert presets_in(path) == PRESETS
    assert sorted(path.parent.iterdir()) == sorted([path, rescue.kept])


@pytest.mark.parametrize(
    "table",
    [
        "layout",
        "sqlite_autoindex_layout_1",
        "preset",
        "sqlite_autoindex_preset_1",
        "label",
        "sqlite_autoindex_label_1",
        "sqlite_sequence",
        "words_data",
        "words_content",
    ],
)
def test_whatever_table_lost_its_root_all_is_saved(path: Path, content: bytes, table: str):
    path.write_bytes(content)
    path.write_bytes(without_page(content, root(path, table)))

    with pytest.raises(StorageError, match=r"damaged \(.*\)\. Nothing was changed"):
        Library(path).add([saw(-9)], space_of)
    repair_library(path, spaces)

    assert presets_in(path) == PRESETS


@pytest.mark.slow
def test_every_single_page_may_be_lost(path: Path, content: bytes):
    for page in range(1, len(content) // PAGE + 1):
        path.write_bytes(without_page(content, page))
        rescue = repair_library(path, spaces)

        # values are in a table and in its index; a state is there once
        there = presets_in(path)
        assert [one.values for one in there] == [one.values for one in PRESETS]
        assert rescue.stateless <= 2


def test_a_damaged_index_is_noticed(path: Path, content: bytes):
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        other = root(path, "sqlite_autoindex_label_1")
        connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'sqlite_autoindex_preset_1'", [other])
        connection.commit()

    with pytest.raises(StorageError, match="damaged"):
        Library(path).search()
    repair_library(path, spaces)

    assert presets_in(path) == PRESETS


def test_a_damaged_search_index_is_noticed(path: Path, content: bytes):
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM words WHERE rowid = 7")
        connection.commit()

    with pytest.raises(StorageError, match=r"damaged \(12 of 13 presets are in its search index\)"):
        Library(path).search("no")
    repair_library(path, spaces)

    assert Library(path).search("No 3")[0].name == "No 3"


def test_words_that_are_not_those_of_the_labels_are_noticed_before_a_change(path: Path, content: bytes):
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE words_content SET c0 = 'other' WHERE id = 7")
        connection.commit()
    before = path.read_bytes()

    with pytest.raises(StorageError, match="damaged"):
        Library(path).remove([1])
    assert path.read_bytes() == before


def test_a_state_that_changed_is_noticed_and_its_preset_saved_without(path: Path, content: bytes):
    path.write_bytes(content.replace(b"1" * 4000, b"1" * 3999 + b"x"))

    with pytest.raises(StorageError, match="the state of a preset is not what was stored"):
        Library(path).get(1)
    rescue = repair_library(path, spaces)

    assert (rescue.presets, rescue.stateless) == (13, 1)
    assert presets_in(path)[0] == saw(-1, "one")


@pytest.mark.parametrize("value", [7, 0.5, "text"])
def test_values_that_are_no_bytes_are_noticed(path: Path, content: bytes, value: object):
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE preset SET vector = ? WHERE id = 2", [value])

    library = Library(path)
    with pytest.raises(StorageError, match="the content of a preset is not bytes"):
        library.get(2)
    with pytest.raises(StorageError, match="the content of a preset is not bytes"):
        library.points("tone", engines["tone"].space)


def test_names_are_saved_from_the_search_index(path: Path, content: bytes):
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM label WHERE preset = 3")
        connection.execute("DROP TABLE rest")
        connection.commit()

    rescue = repair_library(path, spaces)

    assert (rescue.presets, rescue.labels, rescue.unnamed, rescue.stateless) == (13, 13, 0, 2)
    assert Library(path).entry(3).name == "three"


def test_what_was_removed_does_not_come_back(path: Path, content: bytes):
    path.write_bytes(content)
    Library(path).remove([*range(1, 9)])
    path.write_bytes(without_page(path.read_bytes(), root(path, "words_data")))

    rescue = repair_library(path, spaces)

    assert (rescue.presets, rescue.lost) == (5, 0)
    assert presets_in(path) == PRESETS[8:]
    assert Library(path).add([saw(-9)], space_of).ids == (14,)


def test_a_whole_library_is_left_alone(path: Path, content: bytes):
    path.write_bytes(content)

    assert repair_library(path, spaces) == Rescue(None)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"hello" * 3000, bytes(3 * PAGE), b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_without_a_preset_is_left_alone(path: Path, content: bytes):
    path.write_bytes(content)

    with pytest.raises(StorageError, match=r"no preset is left in this file\. It was not changed\."):
        repair_library(path, spaces)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_database_of_another_program_and_a_newer_library_are_left_alone(path: Path, content: bytes):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    newer = path.with_name("newer")
    newer.write_bytes(content[:60] + (99).to_bytes(4, "big") + content[64:])

    with pytest.raises(StorageError, match="not a preset library"):
        repair_library(path, spaces)
    with pytest.raises(StorageError, match=r"made by a newer patchflow \(version 99, not 4\)"):
        repair_library(newer, spaces)


def test_two_damaged_files_of_one_day_are_both_kept(path: Path, content: bytes):
    kept = []
    for _ in range(2):
        path.write_bytes(b"XQLite" + content[6:])
        kept.append(repair_library(path, spaces).kept)

    assert len(set(kept)) == 2
    assert all(file and file.exists() for file in kept)


def test_what_a_killed_program_left_half_done_is_undone(path: Path, content: bytes):
    path.write_bytes(content)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 2")  # so that pages reach the file before the end
        connection.execute("BEGIN")
        connection.execute("UPDATE label SET name = ?", ["half done" * 500])
        other = path.with_name("other.sqlite")
        shutil.copy(path, other)
        shutil.copy(f"{path}-journal", f"{other}-journal")

    assert b"half done" in other.read_bytes()
    assert presets_in(other) == PRESETS
    assert not Path(f"{other}-journal").exists()


def test_a_journal_of_the_damaged_file_is_never_applied_to_the_new_one(path: Path, content: bytes):
    path.write_bytes(b"XQLite" + content[6:])
    journal = Path(f"{path}-journal")
    journal.write_bytes(b"left behind")

    repair_library(path, spaces)

    assert not journal.exists()
    assert presets_in(path) == PRESETS


@pytest.mark.parametrize(
    "labels",
    ["[" * 100_000, '[{"name": 1, "tags": []}]', '[{"name": "a", "tags": [1]}]', '[{"nope": "a", "tags": []}]', "7"],
)
def test_removed_presets_whose_labels_are_damaged_are_not_brought_back(path: Path, content: bytes, labels: str):
    path.write_bytes(content)
    Library(path).remove([1])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE removed SET labels = ?", [labels])
        connection.commit()

    with pytest.raises(StorageError, match="damaged .the labels of a removed preset"):
        Library(path).undo()


@pytest.mark.parametrize("acting", ["TRIGGER evil AFTER INSERT ON preset BEGIN SELECT 1; END", "VIEW v AS SELECT 1"])
def test_a_library_that_does_something_of_its_own_is_not_written_to(path: Path, content: bytes, acting: str):
    path.write_bytes(content)
    before = Library(path).search()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE {acting}")

    with pytest.raises(StorageError, match="that is not of patchflow, '(evil|v)'.*presets repair"):
        Library(path).add([saw(-9)], space_of)

    repair_library(path, spaces)
    assert Library(path).search() == before
