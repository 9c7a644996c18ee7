"""Presets get a vector and attributes, silent ones zeros and NaN."""

import numpy as np
import pytest
import torch

from patchflow.ear import MEASURES, Ear, measure, preset_vectors
from patchflow.ear.heard_presets import KEYS
from patchflow.ear.network import RATE
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError
from patchflow.progress import Progress


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
