"""Presets that hold more than their parameters: each sound is played on top of its own, and tells which."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.data.dataset import DatasetRecipe, Job, read_pool
from patchflow.data.dataset.dataset import Dataset
from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.make_dataset import make_dataset
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import PresetError
from patchflow.presets import Library, Preset, write_presets
from tests.vital_files import document, packed


class Shaded(Tone):
    """A tone that is as loud as the state of a preset says; its decay cannot be heard where that is b"9"."""

    has_state = True
    loudness = 1.0

    def build_on(self, state: bytes) -> None:
        if state == b"?":
            raise PresetError("the state is damaged")
        self.loudness = float(state or b"1")

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        return self.loudness * super().render(point, note, rate)

    def canonical(self, points: np.ndarray) -> np.ndarray:
        fixed = np.where(np.arange(3) == 1, self.space.default(), points)
        return fixed if self.loudness == 9 else points


def preset(name: str, state: bytes, decay: float = 0.5) -> Preset:
    return Preset("tone", {"wave": "saw", "decay": decay, "gain": -30.0}, name, state=state)


@pytest.fixture
def shaded(tmp_path: Path) -> Path:
    """Two presets of the same values and one of others, all with states of their own."""
    write_presets(tmp_path / "s.json", [preset("A", b"2"), preset("B", b"3"), preset("C", b"9", decay=0.1)])
    return tmp_path / "s.json"


def test_presets_of_the_same_values_and_other_states_are_two(recipe, shaded: Path):
    pool = read_pool(recipe(presets=(str(shaded),)), Shaded())

    assert (pool.names, pool.states) == (("A", "B", "C"), (b"2", b"3", b"9"))


def test_what_cannot_be_heard_is_found_on_each_state(recipe, shaded: Path):
    decays = read_pool(recipe(presets=(str(shaded),)), Shaded()).points[:, 1]

    assert decays[2] == Tone.space.default()[1] != decays[0]


def test_a_synth_that_knows_of_no_states_has_none(recipe, shaded: Path):
    assert read_pool(recipe(presets=(str(shaded),)), Tone()).states == ()


def test_presets_of_a_library_keep_their_states(recipe, tmp_path: Path):
    Library(tmp_path / "l.sqlite").add([preset("A", b"2"), preset("B", b"")], lambda synth: Tone.space)

    assert read_pool(recipe(presets=(str(tmp_path / "l.sqlite"),)), Shaded()).states == (b"2", b"")


def test_a_preset_with_a_damaged_rest_is_counted_and_left_out(recipe, tmp_path: Path):
    write_presets(tmp_path / "s.json", [preset("A", b"?"), preset("B", b"2")])

    pool = read_pool(recipe(presets=(str(tmp_path / "s.json"),)), Shaded())

    assert (pool.names, pool.rejected) == (("B",), 1)


def test_the_checksum_changes_with_a_state(recipe, shaded: Path):
    pool = read_pool(recipe(presets=(str(shaded),)), Shaded())

    assert pool.digest() != replace(pool, states=(b"2", b"3", b"4")).digest()


@pytest.mark.parametrize("kind", ["plain", "crossed", "jittered", "random"])
def test_a_sound_is_played_on_top_of_the_rest_of_its_first_source(recipe, shaded: Path, kind: str):
    some = recipe(presets=(str(shaded),), drop=(), **{k: float(k == kind) for k in ("plain", "crossed", "jittered")})
    job = Job(some, read_pool(some, Shaded()))

    for item in job.items(Shaded(), range(12)):
        state = job.pool.states[item.sources[0]] if item.sources else b"1"
        tone = np.abs(Tone().render(item.point, item.note, 16_000)).max()
        assert peak(item.flac) == pytest.approx(float(state) * tone * 10 ** (item.gain_db / 20), abs=1e-4)


def peak(flac: bytes) -> float:
    return float(np.abs(soundfile.read(io.BytesIO(flac))[0]).max())


def test_two_sources_of_one_name_are_refused_where_states_differ(recipe, shaded: Path, tmp_path: Path):
    (tmp_path / "other").mkdir()
    write_presets(tmp_path / "other" / "s.json", [preset("D", b"4")])

    with pytest.raises(PresetError, match="two of them are s.json#1"):
        read_pool(recipe(presets=(str(shaded), str(tmp_path / "other" / "s.json"))), Shaded())


@pytest.mark.slow
def test_the_sounds_of_a_vital_data_set_can_be_played_again_from_it_alone(tmp_path: Path):
    (tmp_path / "mine.vital").write_bytes(packed(document(osc_1_random_phase=0.0)))
    (tmp_path / "other.vital").write_bytes(packed(document(osc_1_random_phase=0.0, osc_2_on=0.0, modulations=[])))
    about = {"items": 6, "length": 0.4, "hold": (0.2, 0.3), "rate": 22_050, "drop": (), "bits": 24}
    sources = (str(tmp_path / "mine.vital"), str(tmp_path / "other.vital"))
    recipe = DatasetRecipe("vital", sources, plain=0.5, crossed=0.25, jittered=0.25, **about)
    with executors["local"](1) as executor:
        make_dataset(recipe, tmp_path / "out", executor)
    engine = engines["vital"]()

    sounds = list(Dataset(tmp_path / "out"))

    assert len({sample.state for sample in sounds}) == 2
    for sample in sounds:
        engine.build_on(sample.state)
        sound = engine.render(sample.point.astype(float), sample.note, 22_050) * 10 ** (sample.gain_db / 20)
        np.testing.assert_allclose(sample.sound, sound, atol=1e-6)
