"""The ear hears what it promises, whatever its weights, also of presets; and refuses files that are none of its own."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save

from patchflow.ear import MEASURES, Ear, measure, preset_vectors
from patchflow.ear.ear import KEYS, SHIPPED, from_onset, save_ear
from patchflow.ear.network import BANDS, FRAMES, RATE, EarNetwork, ear_levels
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import ModelError, RenderError
from patchflow.progress import Progress


@pytest.fixture
def small(tmp_path: Path) -> Ear:
    """An ear of few weights that nobody trained."""
    torch.manual_seed(0)
    save_ear(tmp_path / "small.safetensors", EarNetwork(width=4, depth=2, hidden=16, out=12), {})
    return Ear.load(tmp_path / "small.safetensors")


def tone(seconds: float = 1.0, rate: int = RATE, hz: float = 330.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    partials = [np.sin(2 * np.pi * k * hz * time) / k for k in (1, 2, 3)]
    return (sum(partials) * np.exp(-2 * time)).astype(np.float32)


def noise(seconds: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)


def test_rows_have_length_1(small: Ear):
    vectors = small.embed([tone(), noise()], RATE)

    assert vectors.shape == (2, small.width) == (2, 12)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 1000])
def test_silence_is_zeros(small: Ear, samples: int):
    vectors = small.embed([tone(), np.zeros(samples, np.float32), tone()], RATE)

    assert not vectors[1].any()
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)


def test_no_sounds_are_no_rows(small: Ear):
    assert small.embed([], RATE).shape == (0, 12)


def test_the_ear_hears_from_the_onset_on_at_its_rate_with_the_peak_at_1():
    late = np.concatenate([np.zeros(RATE, np.float32), 0.1 * tone()])

    heard = from_onset(late, RATE)

    assert heard is not None
    assert heard.shape == (4 * RATE,)
    assert np.abs(heard).max() == pytest.approx(1)
    assert np.flatnonzero(np.abs(heard) > 0.01)[0] < 0.02 * RATE
    assert from_onset(0 * late, RATE) is None


def test_vectors_are_what_the_last_layers_make_of_the_statistics():
    network = EarNetwork(width=4, depth=1, hidden=8, out=6).eval()
    levels = torch.rand(2, BANDS, FRAMES)

    torch.testing.assert_close(network.ended(network.pooled(levels)), network(levels))


@pytest.mark.parametrize("samples", [1, 2, 100, RATE, 10 * RATE])
@pytest.mark.parametrize("rate", [8_000, 22_050, 96_000])
def test_any_length_and_rate_will_do(small: Ear, samples: int, rate: int):
    assert np.linalg.norm(small.embed([np.ones(samples, np.float32)], rate)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("gain", [2.0**-20, 0.125, 1024.0])
def test_level_does_not_matter(small: Ear, gain: float):
    sound = tone()

    np.testing.assert_allclose(*small.embed([sound, sound * np.float32(gain)], RATE), atol=1e-5)


def test_what_comes_before_the_onset_does_not_matter(small: Ear):
    late = np.concatenate([np.zeros(7 * RATE, np.float32), noise()])
    early = np.concatenate([np.zeros(RATE, np.float32), noise()])

    np.testing.assert_allclose(*small.embed([late, early], RATE), atol=1e-5)


def test_nothing_is_heard_after_four_seconds(small: Ear):
    sound = noise(4.5)
    longer = np.concatenate([sound, -sound])

    np.testing.assert_allclose(*small.embed([sound, longer], RATE), atol=1e-5)


def test_one_sound_does_not_change_another(small: Ear):
    sounds = [tone(0.1 + 0.05 * k, hz=100.0 + 40 * k) for k in range(40)]  # more than one batch of the network

    together = small.embed(sounds, RATE)
    alone = np.concatenate([small.embed([sound], RATE) for sound in sounds])

    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_another_rate_is_nearly_the_same_sound(small: Ear):
    first = small.embed([tone(rate=44_100)], 44_100)[0]
    second = small.embed([tone()], RATE)[0]

    assert first @ second > 0.99


@pytest.mark.parametrize(
    ("sound", "rate", "message"),
    [
        (np.zeros((2, 100)), 22_050, "not mono"),
        (np.array([0.0, np.nan]), 22_050, "no finite numbers"),
        (np.array([0.0, np.inf]), 22_050, "no finite numbers"),
        (np.ones(10), 0, "rate=0"),
    ],
)
def test_what_is_no_sound_is_refused(small: Ear, sound: np.ndarray, rate: int, message: str):
    with pytest.raises(ValueError, match=message):
        small.embed([sound], rate)


def test_statistics_are_of_every_layer(small: Ear):
    layers = small.statistics([tone(), np.zeros(10, np.float32)], RATE)

    assert [layer.shape for layer in layers] == [(2, 8), (2, 16), (2, 32)]
    assert all(layer[0].any() and not layer[1].any() for layer in layers)


def test_a_file_is_read_once(small: Ear, tmp_path: Path):
    assert Ear.load(tmp_path / "small.safetensors") is small


def test_version_is_of_the_file():
    assert Ear.load().version == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()[:16]


def test_shipped_weights_are_small():
    assert Ear.load().width == 128
    assert SHIPPED.stat().st_size <= 3_000_000


def test_shipped_ear_hears_timbre_rather_than_pitch():
    low, high = tone(2.0, hz=220.0), tone(2.0, hz=330.0)

    vectors = Ear.load().embed([low, high, noise(2.0)], RATE)

    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


@pytest.mark.parametrize("rate", [220.0, 440.0, 1760.0])
def test_a_tone_is_in_the_band_of_its_semitone(rate: float):
    time = np.arange(4 * RATE) / RATE
    levels = ear_levels(torch.from_numpy(np.sin(2 * np.pi * rate * time)).float()[None])

    assert levels.shape == (1, BANDS, FRAMES)
    assert levels.mean(2).argmax() == round(12 * np.log2(rate / 32.703))
    assert levels.max() == 1
    assert levels.min() == 0


def file_of(network: EarNetwork, **header: str) -> bytes:
    usual = {"format": "patchflow ear 1", "config": json.dumps(network.config()), "about": "{}"}
    return save(dict(network.state_dict()), {**usual, **header})


def small_network(**sizes: int) -> EarNetwork:
    return EarNetwork(**{"width": 4, "depth": 1, "hidden": 8, "out": 6, **sizes})


BROKEN = {
    "empty": b"",
    "text": b"no weights at all",
    "cut off": file_of(small_network())[:-100],
    "another format": file_of(small_network(), format="2"),
    "no settings": save({"a": torch.zeros(1)}),
    "settings that are no JSON": file_of(small_network(), config="{"),
    "an unknown size": file_of(small_network(), config='{"height": 3}'),
    "another size": file_of(small_network(), config='{"width": 8, "depth": 1, "hidden": 8, "out": 6}'),
    "a huge size": file_of(small_network(), config='{"width": 4, "depth": 1, "hidden": 99999999, "out": 6}'),
    "a size of 0": file_of(small_network(), config='{"width": 0, "depth": 1, "hidden": 8, "out": 6}'),
    "a size that is no number": file_of(small_network(), config='{"width": "4", "depth": 1, "hidden": 8, "out": 6}'),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_no_ear_is_one_clear_line(content: bytes, tmp_path: Path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"broken\.safetensors: not an ear, or damaged \(") as caught:
        Ear.load(path)

    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path):
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        Ear.load(tmp_path / "none.safetensors")


def test_weights_come_back_in_half_precision(tmp_path: Path):
    network = small_network()
    save_ear(tmp_path / "a.safetensors", network, {"steps": 3})
    levels = torch.rand(2, BANDS, FRAMES)

    again = Ear.load(tmp_path / "a.safetensors").network

    torch.testing.assert_close(again(levels), network.eval()(levels), atol=0.02, rtol=0)


class Picky(Tone):
    """A tone that is silent or fails for presets of one wave."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        if point[1] > 0.9:
            raise RenderError("refused")
        sound = super().render(point, note, rate)
        return sound * 1e-6 if point[1] < 0.1 else sound


def points(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows)


def test_each_preset_has_a_vector_and_attributes():
    vectors, measures = preset_vectors(Tone, points((0.1, 0.5, 0.5), (0.9, 0.5, 0.5), (0.1, 0.2, 0.9)))

    assert vectors.shape == (3, Ear.load().width)
    assert vectors.dtype == np.float32
    assert measures.shape == (3, len(MEASURES))
    assert measures.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.isfinite(measures).all()


def test_attributes_are_those_on_c4():
    point = np.array([0.9, 0.6, 0.7])
    sound = engines["tone"]().render(point, KEYS[0], RATE)

    _, measures = preset_vectors(Tone, point[None])

    assert KEYS[0].pitch == 60
    np.testing.assert_allclose(measures, measure(torch.from_numpy(sound)[None], [KEYS[0]], RATE), rtol=1e-5)


def test_a_vector_is_the_mean_direction_over_keys():
    point = np.array([0.9, 0.6, 0.7])
    sounds = [engines["tone"]().render(point, note, RATE) for note in KEYS]
    total = sum(Ear.load().embed([sound], RATE)[0] for sound in sounds)

    vectors, _ = preset_vectors(Tone, point[None])

    np.testing.assert_allclose(vectors[0], total / np.linalg.norm(total), atol=1e-4)


@pytest.mark.parametrize("decay", [0.0, 1.0], ids=["too soft", "refused"])
def test_silent_presets_have_zeros_and_no_attributes(decay: float):
    vectors, measures = preset_vectors(Picky, points((0.1, decay, 0.5), (0.1, 0.5, 0.5)))

    assert not vectors[0].any()
    assert np.isnan(measures[0]).all()
    assert vectors[1].any()
    assert np.isfinite(measures[1]).all()


def test_no_presets_have_no_vectors():
    vectors, measures = preset_vectors(Tone, np.zeros((0, 3)))

    assert vectors.shape == (0, Ear.load().width)
    assert measures.shape == (0, len(MEASURES))


def test_the_number_of_presets_played_is_told():
    told: list[Progress] = []

    preset_vectors(Tone, np.full((20, 3), 0.5), progress=told.append)

    assert [(each.done, each.total, each.unit) for each in told] == [(16, 20, "presets"), (20, 20, "presets")]
