"""The preset library: each set of values once, all its names kept, found by any of them."""

import multiprocessing
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchflow.engines import engines
from patchflow.errors import OptionError, StorageError, UnknownName
from patchflow.presets import Knob, ParamSpace, Preset
from patchflow.presets.library._database import opened
from patchflow.presets.library.entry import Label
from patchflow.presets.library.library import Library, default_path

SPACE = engines["tone"].space


def space_of(synth: str) -> ParamSpace:
    return engines[synth].space


def preset(gain: float = -6.0, name: str = "", **known: object) -> Preset:
    return Preset("tone", {"wave": "saw", "decay": 0.5, "gain": gain}, name, **known)  # type: ignore[arg-type]


def dexed(count: int) -> list[Preset]:
    space = space_of("dexed")
    points = np.random.default_rng(0).random((count, len(space)))
    return [Preset("dexed", space.decode(point), f"No {i}") for i, point in enumerate(points)]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "deep" / "library.sqlite")


@pytest.fixture
def stocked(library: Library) -> Library:
    library.add([preset(-1, "SYNBRASS 1", category="Brass", author="Ann")], space_of, "rom/1.syx")
    library.add([preset(-2, "Brass", category="Brass", author="Bob", tags=("warm", "slow"))], space_of)
    library.add([preset(-3, "E.PIANO 50%", category="Keys", author="Ann")], space_of)
    library.add(dexed(2), space_of, "random.syx")
    return library


def names(library: Library, text: str = "", **filters: Any) -> list[str]:
    return [entry.name for entry in library.search(text, **filters)]


def test_what_is_added_is_got_back(library: Library):
    presets = [preset(-1, "A", category="Bass", author="Ann", tags=("x", "y")), *dexed(3)]

    report = library.add(presets, space_of)

    assert [library.get(id_) for id_ in report.ids] == presets
    assert (report.added, report.merged, len(library)) == (4, 0, 4)


def test_points_are_those_of_the_presets(library: Library):
    presets = dexed(20)
    library.add(presets, space_of)

    points = library.points("dexed", space_of("dexed"))

    np.testing.assert_array_equal(points, [space_of("dexed").encode(one.values) for one in presets])


def test_points_are_in_the_order_of_ids(stocked: Library):
    points = stocked.points("tone", SPACE)

    for id_, point in zip(stocked.ids("tone"), points, strict=True):
        np.testing.assert_allclose(point, SPACE.encode(stocked.get(id_).values))


def test_a_synth_without_presets_has_no_points(stocked: Library):
    assert stocked.points("other", SPACE).shape == (0, 3)
    assert stocked.ids("other") == ()


def test_exact_duplicates_are_merged_and_all_labels_kept(library: Library):
    library.add([preset(-1, "A", category="Bass")], space_of, "a.syx")
    report = library.add([preset(-1, "B", author="Bob", tags=("x",)), preset(-1, "A", category="Bass")], space_of)

    assert (report.added, report.merged, len(library)) == (0, 2, 1)
    assert library.entry(report.ids[0]).labels == (
        Label("A", "Bass", source="a.syx"),
        Label("B", author="Bob", tags=("x",)),
        Label("A", "Bass"),
    )


def test_the_first_known_of_each_label_is_shown(library: Library):
    (id_,) = library.add([preset(-1, "A")], space_of).ids
    library.add([preset(-1, "B", author="Bob", category="Bass", tags=("x",))], space_of)

    assert library.get(id_) == preset(-1, "A", category="Bass", author="Bob", tags=("x",))


def test_presets_that_differ_in_their_rest_alone_are_two(library: Library):
    presets = [preset(-1, "A", state=state) for state in (b"", b"one", b"two")]

    report = library.add([*presets, *presets], space_of)

    assert (report.added, report.merged) == (3, 3)
    assert [library.get(id_) for id_ in report.ids[:3]] == presets
    np.testing.assert_array_equal(library.points("tone", SPACE), [SPACE.encode(preset(-1).values)] * 3)


def test_the_rest_goes_with_its_preset(library: Library):
    first, second = library.add([preset(-1, state=b"one"), preset(-2, state=b"two")], space_of).ids

    library.remove([first])

    with opened(library.path) as connection:
        assert connection.execute("SELECT preset, data FROM rest").fetchall() == [(second, b"two")]


def test_a_library_of_the_first_version_is_kept_and_takes_a_state(stocked: Library):
    entries = stocked.search()
    presets = [stocked.get(entry.id) for entry in entries]
    with sqlite3.connect(stocked.path) as connection:  # it was the same, but for this table
        connection.execute("DROP TABLE rest")
        connection.execute("DROP TABLE removed")
        connection.execute("DROP TABLE sound")
        connection.execute("PRAGMA user_version = 1")
    connection.close()

    (added,) = stocked.add([preset(-9, state=b"new")], space_of).ids

    assert stocked.search()[:-1] == entries
    assert [stocked.get(entry.id) for entry in entries] == presets
    assert stocked.get(added).state == b"new"


def test_importing_twice_changes_nothing(library: Library):
    library.add(dexed(5), space_of, "a")
    before = library.search()

    report = library.add(dexed(5), space_of, "a")

    assert (report.added, report.merged) == (0, 5)
    assert library.search() == before


def test_a_preset_that_does_not_fit_is_rejected_and_the_others_are_kept(library: Library):
    report = library.add([preset(9, "Loud"), preset(-1, "Fine"), Preset("tono", {}, "Odd")], space_of)

    assert names(library) == ["Fine"]
    assert [str(bad) for bad in report.rejected] == [
        "voice 1 'Loud': gain=9: not in [-60, 0] dB",
        "voice 3 'Odd': no synth named 'tono'. Did you mean 'tone'?",
    ]


def test_an_interrupted_import_adds_nothing(stocked: Library):
    def presets():
        yield preset(-40)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stocked.add(presets(), space_of)
    assert len(stocked) == 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("brass", ["Brass", "SYNBRASS 1"]),
        ("BRASS ann", ["SYNBRASS 1"]),
        ("nbra", ["SYNBRASS 1"]),
        ("rom/1", ["SYNBRASS 1"]),
        ("slow", ["Brass"]),
        ("e.p", ["E.PIANO 50%"]),
        ("0%", ["E.PIANO 50%"]),
        ("br 1", ["SYNBRASS 1"]),
        ("%", ["E.PIANO 50%"]),
        ("_", []),
        ("brass OR piano", []),
        ("piano*", []),
        ("rand no", ["No 0", "No 1"]),
    ],
)
def test_words_are_found_anywhere(stocked: Library, text: str, found: list[str]):
    assert names(stocked, text) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"category": "brass"}, ["SYNBRASS 1", "Brass"]),
        ({"author": "ann"}, ["SYNBRASS 1", "E.PIANO 50%"]),
        ({"author": "ann", "category": "keys"}, ["E.PIANO 50%"]),
        ({"synth": "dexed"}, ["No 0", "No 1"]),
        ({"text": "1", "synth": "tone"}, ["SYNBRASS 1"]),
        ({"category": "bra"}, []),
    ],
)
def test_filters_narrow_the_search(stocked: Library, filters: dict[str, str], found: list[str]):
    assert names(stocked, **filters) == found


@pytest.mark.parametrize(("limit", "found"), [(2, 2), (5, 5), (2**70, 5)])
def test_a_search_ends_at_its_limit(stocked: Library, limit: int, found: int):
    assert len(stocked.search(limit=limit)) == found


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(stocked: Library, limit: int):
    with pytest.raises(OptionError, match=f"limit={limit}: not 1 or more"):
        stocked.search(limit=limit)


def test_a_merged_name_is_found_too(stocked: Library):
    stocked.add([preset(-2, "Trumpets")], space_of)

    assert names(stocked, "trumpets") == ["Brass"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=12))
def test_any_text_can_be_searched_for(stocked: Library, text: str):
    found = stocked.search(text)

    assert {entry.id for entry in found} <= {1, 2, 3, 4, 5}


def test_what_is_removed_is_gone_and_its_number_stays_unused(stocked: Library):
    stocked.remove([2, 5])
    (new,) = stocked.add([preset(-9, "New")], space_of).ids

    assert names(stocked) == ["SYNBRASS 1", "E.PIANO 50%", "No 0", "New"]
    assert new == 6
    assert names(stocked, "warm") == []


def everything(library: Library) -> list[Any]:
    """All that a library tells of its presets, and the rows of its tables."""
    with opened(library.path) as connection:
        tables = ("preset", "label", "rest", "layout", "words")
        rows = [connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables]
    presets = [library.get(entry.id) for entry in library.search()]
    return [library.search(), presets, rows[0], sorted(row[1:] for row in rows[1]), *rows[2:]]


def test_a_removal_is_undone_to_the_last_bit(stocked: Library):
    stocked.add([preset(-20, "State", state=b"all else")], space_of, "s.json")
    stocked.add([preset(-2, "Second name", author="Cy", tags=("soft attack",))], space_of, "b.syx")
    stocked.annotate({2: Label(tags=("dark",), source="measured")})
    before = everything(stocked)

    stocked.remove([2, 4, 6])
    assert len(stocked) == 3
    restored = stocked.undo()

    assert [(one.id, one.was, one.name) for one in restored] == [(2, 2, "Brass"), (4, 4, "No 0"), (6, 6, "State")]
    assert everything(stocked) == before
    assert names(stocked, "soft attack") == ["Brass"]


def test_only_the_last_removal_is_undone_and_only_once(stocked: Library):
    stocked.remove([1, 2])
    stocked.remove([3])

    assert [one.id for one in stocked.undo()] == [3]
    assert stocked.undo() == ()
    assert [entry.id for entry in stocked.search()] == [3, 4, 5]


def test_what_was_imported_again_meanwhile_gets_its_names_back(stocked: Library):
    stocked.remove([2, 3])
    (again,) = stocked.add([preset(-2, "New name")], space_of, "again.syx").ids

    restored = stocked.undo()

    assert [(one.id, one.was) for one in restored] == [(again, 2), (3, 3)]
    assert [label.name for label in stocked.entry(again).labels] == ["New name", "Brass"]
    assert names(stocked, "warm") == ["New name"]


def test_a_removal_that_fails_leaves_what_can_be_undone(stocked: Library):
    stocked.remove([1])
    with pytest.raises(UnknownName):
        stocked.remove([2, 77])

    assert [one.id for one in stocked.undo()] == [1]


def test_all_or_none_are_removed(stocked: Library):
    with pytest.raises(UnknownName, match=r"no preset named '77'\. Known: numbers up to 5"):
        stocked.remove([1, 77])
    assert len(stocked) == 5


@pytest.mark.parametrize("id_", [0, -1, 6, 2**70])
def test_an_unknown_number_is_named(stocked: Library, id_: int):
    for look in (stocked.get, stocked.entry):
        with pytest.raises(UnknownName, match=f"no preset named '{id_}'"):
            look(id_)


def test_presets_of_another_version_of_a_synth_are_not_mixed_up(stocked: Library):
    changed = ParamSpace((*SPACE.parameters[:2], Knob("gain", -90.0, 0.0, unit="dB")))

    with pytest.raises(StorageError, match="another version of 'tone'"):
        stocked.points("tone", changed)
    assert stocked.get(1).values["gain"] == -1


def test_presets_in_any_script_are_kept(library: Library):
    (id_,) = library.add([preset(-1, "Flöte 笛", tags=("ä",))], space_of, "\udcff.syx").ids

    assert library.get(id_).name == "Flöte 笛"
    assert names(library, "笛") == names(library, "FLÖTE") == ["Flöte 笛"]


def test_two_library_objects_see_each_other(stocked: Library):
    Library(stocked.path).remove([1])

    assert len(stocked) == 4


def _add_some(path: Path, first: int) -> None:
    for gain in range(first, first + 10):
        Library(path).add([preset(-gain, f"G {gain}")], space_of)


def test_processes_may_add_at_the_same_time(library: Library):
    context = multiprocessing.get_context("spawn")
    adding = [context.Process(target=_add_some, args=(library.path, first)) for first in (0, 5)]

    for process in adding:
        process.start()
    for process in adding:
        process.join()

    assert sorted(names(library)) == sorted(f"G {gain}" for gain in range(15))


def test_a_missing_library_is_an_error_that_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(StorageError, match=r"no preset library at .*gone\.sqlite.*patchflow presets import"):
        len(Library(tmp_path / "gone.sqlite"))
    assert not list(tmp_path.iterdir())


def test_a_newer_library_is_refused(stocked: Library):
    with sqlite3.connect(stocked.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StorageError, match="made by a newer patchflow"):
        len(stocked)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path):
    with sqlite3.connect(tmp_path / "a") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = (tmp_path / "a").read_bytes()

    with pytest.raises(StorageError, match="not a preset library"):
        Library(tmp_path / "a").add([preset()], space_of)
    assert (tmp_path / "a").read_bytes() == before


@pytest.mark.parametrize("content", [b"hello" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(StorageError, match="preset library .*a: "):
        Library(tmp_path / "a").search()


def test_a_folder_is_no_library(tmp_path: Path):
    with pytest.raises(StorageError, match="it is a folder, not a file"):
        Library(tmp_path).search()


def test_a_library_cannot_be_made_below_a_file(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"")

    with pytest.raises(StorageError, match="cannot make the folder"):
        Library(tmp_path / "a" / "b").add([preset()], space_of)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_a_damaged_library_is_read_or_refused(stocked: Library, data: st.DataObject):
    content = bytearray(stocked.path.read_bytes())
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(100, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = Library(stocked.path.with_name("damaged"))
    damaged.path.write_bytes(content)

    for use in (len, Library.search, lambda x: x.search("bra"), lambda x: x.points("tone", SPACE), lambda x: x.get(1)):
        try:
            use(damaged)
        except (StorageError, UnknownName) as error:
            assert str(error)  # noqa: PT017


def test_the_environment_chooses_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHFLOW_LIBRARY", str(tmp_path / "mine"))

    assert Library().path == tmp_path / "mine"


def test_without_a_choice_the_library_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PATCHFLOW_LIBRARY", raising=False)

    assert default_path().parts[-2:] == ("patchflow", "library.sqlite")
