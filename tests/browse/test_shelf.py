"""Shelves, and listening to a library."""

import multiprocessing
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchflow.browse import Listened, Shelf, listen_to, preset_called, shelf
from patchflow.engines import Engine, Note, engines
from patchflow.errors import (
    ModelError,
    OptionError,
    PatchflowError,
    PresetError,
    RenderError,
    StorageError,
    UnknownName,
)
from patchflow.presets import Library, ParamSpace, Preset
from patchflow.presets.library.repair import repair_library
from patchflow.progress import Progress
from patchflow.storage import locked
from tests import plain_ear
from tests.plain_ear import PlainEar, listened_to, saws

pytestmark = pytest.mark.usefixtures("ear")


def space_of(synth: str) -> ParamSpace:
    return engines[synth].space


def altered(library: Library, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(library.path)) as connection:
        connection.execute(statement, values)
        connection.commit()


def test_a_library_is_listened_to_once(library: Library):
    library.add(saws([0.1, 0.5]), space_of)

    assert listen_to(library) == Listened(2)
    assert listen_to(library) == Listened(0)

    found = Shelf.of_library(library)
    expected, measures = plain_ear.preset_vectors(engines["tone"], library.points("tone", space_of("tone")))
    assert found.unknown == 0
    np.testing.assert_allclose(found.vectors, expected, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found.measures, measures, rtol=1e-6, atol=1e-5)
    assert [entry.name for entry in found.entries] == ["saw 0.1", "saw 0.5"]


def test_what_nobody_has_listened_to_is_on_the_shelf_without_a_sound(library: Library):
    library.add(saws([0.1, 0.5]), space_of)

    found = Shelf.of_library(library)

    assert (len(found), found.unknown) == (2, 2)
    assert not found.vectors.any()
    assert np.isnan(found.measures).all()
    assert found.entries[1].name == "saw 0.5"


def test_what_is_silent_is_listened_to_once(library: Library):
    library.add([Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -60.0})], space_of)
    ear = PlainEar.embed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlainEar, "embed", lambda self, sounds, rate: 0 * ear(self, sounds, rate))

        assert listen_to(library).count == 1

    assert listen_to(library).count == 0
    assert Shelf.of_library(library).unknown == 0
    assert not Shelf.of_library(library).vectors.any()


def test_only_presets_that_are_newer_are_listened_to(library: Library):
    library.add(saws([0.1, 0.2]), space_of)
    last = library.last()
    library.add(saws([0.3]), space_of)

    assert listen_to(library, newer_than=last).count == 1
    assert Shelf.of_library(library).vectors.any(1).tolist() == [False, False, True]


def test_another_ear_renews_what_the_old_one_said(library: Library, monkeypatch: pytest.MonkeyPatch):
    listened_to_first = saws([0.1, 0.5])
    library.add(listened_to_first, space_of)
    listened_to(library)
    monkeypatch.setattr(shelf, "ear_version", lambda: "f" * 16)

    # never mixed: until then it is as if nobody had listened
    assert Shelf.of_library(library).unknown == 2
    assert not Shelf.of_library(library).vectors.any()
    assert listen_to(library).count == 2
    assert Shelf.of_library(library).unknown == 0


@pytest.mark.parametrize(
    "damage",
    [
        "vector = substr(vector, 1, 100)",
        "vector = zeroblob(0)",
        "vector = 'text'",
        "vector = 3",
        "measures = substr(measures, 1, 39)",
        "vector = CAST(x'00' || substr(vector, 1, 255) AS BLOB)",
    ],
)
def test_a_vector_that_is_cut_off_is_made_again(library: Library, damage: str):
    library.add(saws([0.1, 0.5]), space_of)
    before = Shelf.of_library(listened_to(library))
    altered(library, f"UPDATE sound SET {damage} WHERE preset = 2")

    assert Shelf.of_library(library).unknown == 1
    assert np.array_equal(Shelf.of_library(library).vectors[0], before.vectors[0])
    assert listen_to(library).count == 1
    assert np.array_equal(Shelf.of_library(library).vectors, before.vectors)


def test_interrupted_listening_keeps_what_is_done_and_goes_on(library: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "_BLOCK", 2)
    library.add(saws([0.1, 0.2, 0.3, 0.4, 0.5]), space_of)
    seen: list[float] = []

    def stop(progress: Progress) -> None:
        seen.append(progress.done)
        if progress.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listen_to(library, stop)
    assert Shelf.of_library(library).unknown == 3

    assert listen_to(library).count == 3
    assert seen == [2, 4]


def test_two_at_once_do_the_work_once_and_lose_nothing(library: Library, monkeypatch: pytest.MonkeyPatch):
    library.add(saws(np.linspace(0.1, 1.0, 12).tolist()), space_of)
    monkeypatch.setattr(shelf, "_BLOCK", 2)
    monkeypatch.setattr(shelf, "_PAUSE", 0.01)
    done: list[int] = []
    threads = [threading.Thread(target=lambda: done.append(listen_to(library).count)) for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(done) == 12
    assert Shelf.of_library(library).unknown == 0


def test_who_does_not_wait_leaves_it_to_the_other_process(library: Library):
    library.add(saws([0.1]), space_of)

    with locked(library.path.with_name(f".{library.path.name}.listening")):
        assert listen_to(library, wait=False) == Listened(0, elsewhere=True)

    assert listen_to(library, wait=False) == Listened(1)


def _import(path: str, decays: list[float]) -> None:
    Library(path).add(saws(decays), space_of)


def test_presets_that_another_process_adds_meanwhile_are_listened_to(library: Library):
    library.add(saws([0.1, 0.2]), space_of)
    added: list[object] = []

    def add(_: Progress) -> None:
        if not added:
            process = multiprocessing.get_context("spawn").Process(target=_import, args=(str(library.path), [0.3]))
            process.start()
            process.join(60)
            added.append(process)

    assert listen_to(library, add).count == 3
    assert Shelf.of_library(library).unknown == 0


def test_presets_of_a_synth_that_is_not_there_are_left_out_with_a_line(library: Library):
    library.add(saws([0.1]), space_of)
    gone = [Preset("gone", preset.values) for preset in saws([0.2, 0.3])]
    library.add(gone, lambda synth: space_of("tone"))
    told: list[str] = []

    done = listen_to(library, tell=told.append)

    assert done == Listened(1, left_out=2)
    assert len(told) == 1
    assert told[0].startswith("2 presets of gone are left out: no synth named 'gone'")


def test_presets_of_another_version_of_a_synth_are_left_out_with_a_line(library: Library):
    library.add([Preset("tone", preset.values) for preset in saws([0.1])], space_of)
    library.add([Preset("tone", {"op1.level": 3}, "FM")], lambda synth: _other_space())
    told: list[str] = []

    assert listen_to(library, tell=told.append) == Listened(1, left_out=1)
    assert told[0].startswith("1 preset of tone is left out: ")


def _other_space() -> ParamSpace:
    from patchflow.presets import Steps

    return ParamSpace((Steps("op1.level", 0, 9),))


def test_each_preset_is_played_on_its_own_state(library: Library, monkeypatch: pytest.MonkeyPatch):
    built: list[bytes] = []
    tone = engines["tone"]
    monkeypatch.setattr(tone, "has_state", True)
    monkeypatch.setattr(tone, "build_on", lambda self, state: built.append(state))
    presets = [replace(preset, state=state) for preset, state in zip(saws([0.1, 0.2]), (b"a", b"b"), strict=True)]
    library.add(presets, space_of)

    assert listen_to(library).count == 2
    assert built == [b"a", b"b"]


@pytest.mark.parametrize("error", [RenderError, PresetError])
def test_a_preset_that_cannot_be_played_is_not_silent(
    library: Library, monkeypatch: pytest.MonkeyPatch, error: type[PatchflowError]
):
    def render(self: Engine, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        if self.space.decode(point)["decay"] == pytest.approx(0.5, rel=0.01):
            raise error("the synth has crashed")
        return played(self, point, note, rate)

    from patchflow.ear import ear

    played = engines["tone"].render
    library.add(saws([0.1, 0.5, 0.9]), space_of)
    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(engines["tone"], "render", render)
        patch.setattr("patchflow.ear.preset_vectors", ear.preset_vectors)

        assert listen_to(library, tell=told.append) == Listened(2, left_out=1)

    assert told == ["1 preset of tone is left out: the synth has crashed"]
    assert Shelf.of_library(library).unknown == 1
    assert Shelf.of_library(library).vectors.any(1).tolist() == [True, False, True]
    assert listen_to(library) == Listened(1)


def test_a_missing_ear_is_said(library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.undo()
    monkeypatch.setattr(shelf, "_EAR", tmp_path / "gone.safetensors")
    shelf.ear_version.cache_clear()
    library.add(saws([0.1]), space_of)

    with pytest.raises(ModelError, match=r"gone\.safetensors: cannot be read"):
        listen_to(library)
    shelf.ear_version.cache_clear()


def test_a_missing_library_is_said(library: Library):
    with pytest.raises(StorageError, match="there is no preset library at"):
        listen_to(library)
    with pytest.raises(StorageError, match="there is no preset library at"):
        Shelf.of_library(library)


def test_a_preset_that_is_removed_meanwhile_keeps_its_place_on_the_shelf(library: Library):
    library.add(saws([0.1, 0.5]), space_of)
    found = Shelf.of_library(listened_to(library))

    library.remove([1])

    assert [(entry.id, entry.synth, entry.name) for entry in found.entries] == [
        (1, "tone", "(removed)"),
        (2, "tone", "saw 0.5"),
    ]


def test_removed_presets_come_back_with_their_sound(library: Library):
    library.add(saws([0.1, 0.5]), space_of)
    before = Shelf.of_library(listened_to(library))

    library.remove([2])
    assert len(Shelf.of_library(library)) == 1
    library.undo()

    assert np.array_equal(Shelf.of_library(library).vectors, before.vectors)
    library.remove([1])
    library.remove([2])
    with closing(sqlite3.connect(library.path)) as connection:
        assert connection.execute("SELECT preset FROM sound").fetchall() == [(2,)]


def test_a_removed_preset_that_was_imported_again_has_its_sound(library: Library):
    library.add(saws([0.1, 0.5]), space_of)
    before = Shelf.of_library(listened_to(library))
    library.remove([1])
    library.add(saws([0.1]), space_of)

    library.undo()

    after = Shelf.of_library(library)
    assert [entry.id for entry in after.entries] == [2, 3]
    assert after.unknown == 0
    assert np.array_equal(after.vectors[[1, 0]], before.vectors)


def test_a_repaired_library_keeps_the_sounds_that_are_whole(library: Library):
    library.add(saws([0.1, 0.2, 0.5]), space_of)
    before = Shelf.of_library(listened_to(library))
    altered(library, "UPDATE sound SET vector = substr(vector, 1, 101) WHERE preset = 2")
    library.path.write_bytes(b"XQLite" + library.path.read_bytes()[6:])

    rescue = repair_library(library.path, engines.spaces)

    found = Shelf.of_library(library)
    assert rescue.presets == 3
    assert found.vectors.any(1).tolist() == [True, False, True]
    assert np.array_equal(found.vectors[[0, 2]], before.vectors[[0, 2]])
    assert np.array_equal(found.measures[[0, 2]], before.measures[[0, 2]])
    assert np.array_equal(Shelf.of_library(listened_to(library)).vectors, before.vectors)


def test_shelves_are_joined_and_parted(library: Library, monkeypatch: pytest.MonkeyPatch):
    plain_ear.put_in(monkeypatch, bank=saws([0.3, 0.7], author="Us"))
    library.add(saws([0.1, 0.5, 0.9]), space_of)
    listened_to(library)

    both = Shelf.joined([Shelf.of_library(library), Shelf.embedded("tone")])
    some = both.where(np.array([4, 0, 3]))

    assert [entry.name for entry in both.entries] == ["saw 0.1", "saw 0.5", "saw 0.9", "saw 0.3", "saw 0.7"]
    assert both.in_bank.tolist() == [False, False, False, True, True]
    assert both.numbers(np.arange(5)) == ["1", "2", "3", "tone:1", "tone:2"]
    assert [entry.name for entry in some.entries] == ["saw 0.7", "saw 0.1", "saw 0.3"]
    assert some.numbers(np.array([0, 1])) == ["tone:2", "1"]
    assert np.array_equal(some.vectors, both.vectors[[4, 0, 3]])
    assert [entry.name for entry in both.entries[1:4]] == ["saw 0.5", "saw 0.9", "saw 0.3"]
    with pytest.raises(IndexError):
        both.entries[5]


def test_presets_are_called_by_number(library: Library, monkeypatch: pytest.MonkeyPatch):
    plain_ear.put_in(monkeypatch, bank=saws([0.3, 0.7]))
    library.add(saws([0.1]), space_of)

    assert preset_called("1", library)[1].name == "saw 0.1"
    entry, preset = preset_called("tone:2", library)
    assert (entry.name, preset.name) == ("saw 0.7", "saw 0.7")
    for wrong in ("x", "1.5", "", ":1", "tone:", "tone:x", "-1", "²"):
        with pytest.raises(OptionError, match="not the number of a preset, such as 17"):
            preset_called(wrong, library)
    for gone in ("2", "tone:3", "dexed:1"):
        with pytest.raises(UnknownName):
            preset_called(gone, library)


def test_the_ear_is_as_large_as_is_said_without_it():
    from patchflow.ear import MEASURES

    assert len(MEASURES) == shelf.MEASURED
