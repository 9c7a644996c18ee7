"""Presets come back from the audio space as they were; vectors of sounds lie where they are heard."""

import numpy as np
import pytest
import torch

from patchflow.engines import Note, Renderer, engines
from patchflow.errors import ModelError
from patchflow.explore import RATE
from patchflow.explore.audio_space import Apart, AudioSpace, HeardSpace, Tried
from patchflow.metrics.perceptual import Reference
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


TIME = np.arange(RATE) / RATE


def tone(hz: float, *, level: float = 0.0, decay: float = 3.0) -> np.ndarray:
    partials = [np.sin(2 * np.pi * hz * n * TIME) / n for n in (1, 2, 3, 4)]
    return (10 ** (level / 20) * np.exp(-decay * TIME) * np.sum(partials, 0)).astype(np.float32)


def off_the_line(space: HeardSpace, sounds: np.ndarray) -> float:
    """How far the middle of three sounds is from the line between the others, in shares of its length."""
    start, middle, end = space.vectors(sounds).astype(float)
    way = end - start
    gap = middle - start
    return float(np.linalg.norm(gap - way * (gap @ way) / (way @ way)) / np.linalg.norm(way))


def test_a_level_between_lies_on_the_line():
    sounds = np.stack([tone(220), tone(220, level=-6), tone(220, level=-12)])
    space = HeardSpace(sounds[[0, 2]])

    assert off_the_line(space, sounds) < 0.05
    first, middle, last = space.vectors(sounds)
    assert np.linalg.norm(middle - first) == pytest.approx(np.linalg.norm(last - middle), rel=0.05)


def test_a_decay_between_is_nearer_to_the_line_than_another_sound():
    ends = np.stack([tone(220, decay=2), tone(220, decay=6)])
    space = HeardSpace(ends)

    between = off_the_line(space, np.stack([ends[0], tone(220, decay=4), ends[1]]))
    other = off_the_line(space, np.stack([ends[0], tone(330, decay=4), ends[1]]))
    assert between < 0.2
    assert other > 2 * between


def test_cents_are_those_above_the_first_end():
    ends = np.stack([tone(220), tone(220 * 2 ** (1 / 12))])
    space = HeardSpace(ends)

    assert space.offsets.tolist() == pytest.approx([0, 100], abs=4)
    higher = np.stack([tone(220 * 2 ** (cents / 1200)) for cents in (0, 40, 100, -60)])
    assert space.cents(higher).tolist() == pytest.approx([0, 40, 100, -60], abs=5)


def test_noise_has_no_pitch_to_measure():
    noise = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32)

    assert np.isnan(HeardSpace(np.stack([tone(220), tone(220, decay=6)])).cents(noise)).all()


def test_presets_that_were_tried_are_as_far_apart_as_their_sounds():
    tone_synth = engines["tone"]
    note = Note(hold=0.3, length=0.5)
    points = tone_synth.space.snap(np.array([[0.1, 0.2, 0.5], [0.1, 0.7, 0.5], [0.9, 0.7, 0.9]]))
    sounds = torch.from_numpy(np.stack([tone_synth().render(point, note, RATE) for point in points]))
    with Renderer(tone_synth) as renderer:
        tried = Tried(renderer, note, HeardSpace(sounds[[0, 2]].numpy()))
        tried.add(points)
        apart = Apart(tried)
        found = apart(np.array([1, 2]), np.array([0, 1]))
        again = apart(np.array([2]), np.array([0]))

    wanted = np.stack([Reference(sounds[first]).distance(sounds[1:]).numpy() for first in (0, 1)], 1)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert found[0, 1] < 1e-3
    assert again[0, 0] == found[1, 0]
