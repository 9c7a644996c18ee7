"""Presets come back from the audio space as they were, and it says what it is."""

import numpy as np
import pytest

from patchflow.engines import Note, engines
from patchflow.errors import ModelError
from patchflow.explore.audio_space import AudioSpace
from patchflow.models import save_model
from tests.small_models import MIXED, make


def points(count: int = 50) -> np.ndarray:
    return MIXED.snap(np.random.default_rng(0).random((count, len(MIXED))))


def learned(**sizes: int) -> AudioSpace:
    return AudioSpace("tone", MIXED, make("flow_joint", MIXED, **sizes).eval())  # type: ignore[arg-type]


@pytest.mark.parametrize("space", [learned(), AudioSpace("tone", MIXED), AudioSpace("tone", MIXED, gaussian=True)])
def test_presets_come_back_to_the_cell(space: AudioSpace):
    found = space.presets(space.encode(points()))

    discrete = MIXED.cells > 0
    np.testing.assert_array_equal(found[:, discrete], points()[:, discrete])
    np.testing.assert_allclose(found[:, ~discrete], points()[:, ~discrete], atol=1e-4)


def test_knobs_at_their_ends_come_back():
    ends = MIXED.snap(np.array([[0.0, 0, 0, 0], [1, 1, 1, 1]]))

    np.testing.assert_allclose(learned().presets(learned().encode(ends)), ends, atol=1e-4)


def test_a_synth_without_weights_has_its_parameters_as_the_space():
    space = AudioSpace.load("tone")
    preset = engines["tone"].space.default()[None]

    assert space.description == "the 3 parameters of tone themselves: it has no invertible model"
    np.testing.assert_array_equal(space.encode(preset), preset)
    with pytest.raises(ModelError, match="Match it first"):
        space.hear(np.zeros((1, 2205)), 22_050, Note())


def test_between_latents_lies_what_is_as_likely():
    ends = np.array([[3.0, 0, 0, 0], [0, 4, 0, 0]])
    middle = learned().between(ends, np.array([[0.5, 0.5]]))

    assert np.linalg.norm(middle) == pytest.approx(3.5)
    np.testing.assert_allclose(AudioSpace("tone", MIXED).between(ends, np.array([[0.5, 0.5]])), [[1.5, 2, 0, 0]])


def test_a_sound_has_a_place_of_as_many_coordinates():
    space = learned()
    sounds = np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)

    z = space.hear(sounds, 22_050, Note())

    assert z.shape == (2, space.size)
    assert not np.allclose(z[0], z[1])


@pytest.mark.parametrize(
    ("name", "sizes", "why"),
    [("mlp", {}, "no latents"), ("flow_joint", {"latent": 2}, "latent=2: fewer than the 3 parameters")],
)
def test_a_model_that_cannot_be_undone_is_refused(tmp_path, name, sizes, why):
    file = tmp_path / "tone.safetensors"
    save_model(file, make(name, engines["tone"].space, **sizes), name, "tone")

    with pytest.raises(ModelError, match=why):
        AudioSpace.load("tone", file)
