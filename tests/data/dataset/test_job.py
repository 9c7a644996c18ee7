"""Items: each depends on the seed and its number alone, and is what the engine plays."""

import io
from typing import Any

import numpy as np
import pytest
import soundfile

from patchflow.data.dataset import Item, Job, read_pool
from patchflow.data.sampler import SAMPLE_KINDS
from patchflow.engines import Engine, Note
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError


class Loud(Tone):
    """Plays ten times as loud."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        return 10 * super().render(point, note, rate)


class Broken(Tone):
    """Cannot play."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        raise RenderError("tone: crashed")


class Wild(Tone):
    """Plays what is not a number."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        return np.full(note.samples(rate), np.nan, np.float32)


def items(recipe, engine: Engine | None = None, count: int = 60, **changes: Any) -> list[Item]:
    some = recipe(**changes)
    job = Job(some, read_pool(some, Tone()))
    return job.items(engine or Tone(), range(count))


def heard(item: Item) -> np.ndarray:
    return soundfile.read(io.BytesIO(item.flac), dtype="float32")[0]


def test_an_item_depends_on_its_number_and_not_on_those_before(recipe):
    job = Job(recipe(), read_pool(recipe(), Tone()))

    alone, after = job.items(Tone(), [9])[0], job.items(Tone(), [3, 9])[1]

    assert (alone.flac, alone.note, alone.fingerprint) == (after.flac, after.note, after.fingerprint)
    np.testing.assert_array_equal(alone.point, after.point)


def test_another_seed_makes_other_items(recipe):
    assert items(recipe, count=3)[2].flac != items(recipe, count=3, seed=4)[2].flac


@pytest.mark.parametrize("bits", [16, 24])
def test_a_sound_is_what_the_engine_plays(recipe, bits: int):
    for item in items(recipe, count=8, bits=bits, drop=()):
        expected = Tone().render(item.point, item.note, 16_000)
        np.testing.assert_allclose(heard(item), expected, atol=2.0 ** (1 - bits))


def test_notes_are_in_their_ranges_and_reach_all_of_them(recipe):
    notes = [item.note for item in items(recipe, count=200, pitch=(60, 62), velocity=(100, 101), hold=(0.1, 0.2))]

    assert {note.pitch for note in notes} == {60, 61, 62}
    assert {note.velocity for note in notes} == {100, 101}
    assert all(0.1 <= note.hold <= 0.2 for note in notes)
    assert min(note.hold for note in notes) < 0.11
    assert max(note.hold for note in notes) > 0.19


@pytest.mark.parametrize(("kind", "parents"), [("plain", {1}), ("crossed", {1, 2}), ("jittered", {1}), ("random", {0})])
def test_every_kind_knows_its_parents(recipe, kind: str, parents: set[int]):
    shares: dict[str, Any] = {name: float(name == kind) for name in SAMPLE_KINDS[:3]}

    found = items(recipe, **shares)

    assert {item.kind for item in found} == {kind}
    assert {len(item.sources) for item in found} == parents


def test_a_plain_item_has_the_preset_of_its_source(recipe):
    some = recipe(plain=1.0, crossed=0.0, jittered=0.0)
    pool = read_pool(some, Tone())

    for item in items(recipe, plain=1.0, crossed=0.0, jittered=0.0):
        np.testing.assert_array_equal(item.point, pool.points[item.sources[0]].astype(np.float32))


def test_names_and_tags_are_those_of_the_parents(recipe):
    job = Job(recipe(), read_pool(recipe(), Tone()))
    child = Item(0, np.zeros(3, np.float32), Note(), "crossed", (0, 2))

    assert job.name(child) == "Ping × Saw"
    assert job.tags(child) == ["Keys", "short", "Leads", "bright"]


def test_a_silent_sound_is_known_and_left_out_or_kept(recipe):
    dropped, kept = items(recipe), items(recipe, drop=())

    for without, item in zip(dropped, kept, strict=True):
        silent = np.abs(Tone().render(item.point, item.note, 16_000)).max() < 1e-3
        assert item.flaws == (("silent",) if silent else ())
        assert (not without.flac, bool(item.flac)) == (silent, True)
    assert any(item.flaws for item in kept)


def test_a_loud_sound_is_turned_down_as_a_whole(recipe):
    loud = [item for item in items(recipe, Loud(), bits=24, drop=()) if "clipped" in item.flaws]

    for item in loud:
        expected = Loud().render(item.point, item.note, 16_000) * 10 ** (item.gain_db / 20)
        np.testing.assert_allclose(heard(item), expected, atol=1e-6)
        assert np.abs(heard(item)).max() == pytest.approx(1, abs=1e-3)
    assert loud


def test_a_loud_sound_can_be_left_out(recipe):
    loud = [item for item in items(recipe, Loud(), drop=("clipped",)) if "clipped" in item.flaws]

    assert {item.flac for item in loud} == {b""}


@pytest.mark.parametrize("engine", [Broken(), Wild()], ids=["refuses", "not a number"])
def test_what_cannot_be_played_has_failed(recipe, engine: Engine):
    found = items(recipe, engine, count=3, drop=())

    assert {(item.flaws, item.flac) for item in found} == {(("failed",), b"")}


def test_without_presets_all_values_are_drawn(recipe):
    points = np.stack([item.point for item in items(recipe, count=200, presets=(), plain=0, crossed=0, jittered=0)])

    assert np.ptp(points, axis=0).min() > 0.45
