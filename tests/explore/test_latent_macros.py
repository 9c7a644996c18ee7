"""Latent dimensions are named by what they measurably do, and presets are moved along them."""

import numpy as np
import pytest

from patchflow.ear import MEASURES
from patchflow.engines import Note, engines
from patchflow.errors import ModelError, OptionError
from patchflow.explore.audio_space import AudioSpace
from patchflow.explore.latent_macros import LatentMacro, latent_moves, measure_latents, moved_along
from patchflow.explore.turned_path import turn_preset
from patchflow.models import save_model
from patchflow.presets import Preset
from tests.small_models import MIXED, make

SAW = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}, name="Saw")
NOTE = Note(60, 100, 0.4, 0.5)
NAMES = [attribute.name for attribute in MEASURES]


def macro(agreed: float = 1.0, **changes: float) -> LatentMacro:
    return LatentMacro(3, 12.0, dict.fromkeys(NAMES, 0.0) | changes, dict.fromkeys(NAMES, agreed))


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (macro(brightness=0.5, attack=-1.0), "fast, bright"),
        (macro(brightness=-0.5, noisiness=0.24), "dark"),
        (macro(brightness=0.2), "mixed"),
        (macro(agreed=0.6, brightness=2.0), "mixed"),
        (macro(loudness=9.0), "mixed"),
    ],
)
def test_the_name_is_what_changes_clearly_in_most_presets(one: LatentMacro, name: str):
    assert one.name == name
    assert one.content()["name"] == name


def test_a_synth_without_a_model_has_no_latent_dimensions():
    with pytest.raises(ModelError, match="tone: has no model with a latent"):
        measure_latents("tone")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Weights of one's own for the synth tone."""
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path))
    file = tmp_path / "tone-flow_joint.safetensors"
    save_model(file, make("flow_joint", engines["tone"].space), "flow_joint", "tone")
    return file


def test_words_mean_moves_along_dimensions():
    said: list[str] = []

    np.testing.assert_array_equal(latent_moves({"latent:3": -9.0, "latent:0": 1.0}, 4, said.append), [1, 0, 0, -3])
    assert said == ["latent:3=-9: the range ends at -3 standard deviations, so this is taken"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"latent:4": 1.0}, "'latent:4': no latent dimension. They are latent:0 to latent:3"),
        ({"latent:": 1.0}, "'latent:': no latent dimension"),
        ({"latent:-1": 1.0}, "'latent:-1': no latent dimension"),
        ({"latent:1": float("inf")}, "latent:1=inf: not a number"),
        ({"latent:1": 1.0, "latent:01": 1.0}, "latent:01: is asked for twice"),
    ],
)
def test_words_that_are_no_dimension_are_refused(words, message):
    with pytest.raises(OptionError, match=message):
        latent_moves(words, 4)


def test_a_preset_moves_on_a_line_of_the_latent_and_what_is_locked_stays():
    space = AudioSpace("tone", MIXED, make("flow_joint", MIXED).eval())  # type: ignore[arg-type]
    point = MIXED.snap(np.full(len(MIXED), 0.4))
    shares = np.array([0.0, 0.5, 1.0])
    moves = np.zeros(space.size)
    moves[1] = 2.0
    points = moved_along(space, point, moves, shares=shares, free=np.ones(len(MIXED), bool))

    np.testing.assert_array_equal(points[0], point)
    np.testing.assert_array_equal(points[1:], space.presets(space.encode(point[None]) + shares[1:, None] * moves))
    assert (points[2] != point).any()
    gain = MIXED.index["gain"]
    free = np.arange(len(MIXED)) == gain
    held = moved_along(space, point, moves, shares=shares, free=free)
    np.testing.assert_array_equal(held[:, ~free], np.repeat(point[None, ~free], 3, 0))
    np.testing.assert_array_equal(held[:, gain], points[:, gain])


def test_a_latent_turn_says_what_it_measurably_did(trained):
    turned = turn_preset(SAW, {"latent:0": 2.0, "latent:1": -1.0}, steps=2, note=NOTE, lock={"wave": None})

    assert (turned.latent, turned.reached, turned.words) == ("latent:0 +2, latent:1 -1", (), ())
    assert [step.values["wave"] for step in turned.path.steps] == ["saw"] * 3
    assert turned.path.steps[0].values == SAW.values
    assert turned.path.steps[-1].values == turned.preset.values != SAW.values
    assert turned.others
    assert min(abs(one.changed) for one in turned.others) > 0.25
    last = turned.changes[-1]
    for one in turned.others:
        assert one.changed == pytest.approx(last[NAMES.index(one.name)], abs=1e-4)
    assert turned.content()["latent"] == turned.latent


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ({"latent:0": 1.0, "length": 1.0}, {}, "latent:0: a latent dimension .* not turned together with length"),
        ({"latent:9999": 1.0}, {}, "'latent:9999': no latent dimension. They are latent:0 to latent:"),
        ({"latent": 1.0}, {}, "'latent': no latent dimension"),
        ({"length": 1.0}, {"model": "flow_joint"}, "model=flow_joint: is for latent dimensions alone"),
        ({"latent:0": 0.0}, {}, "nothing to turn"),
        ({"latent:0": 1.0}, {"lock": {"wave": None, "decay": None, "gain": None}}, "nothing of what is not locked"),
    ],
)
def test_latent_words_that_cannot_be_turned_are_refused(trained, words, options, message):
    with pytest.raises(OptionError, match=message):
        turn_preset(SAW, words, steps=2, note=NOTE, **options)


def test_a_run_of_another_synth_is_refused(tmp_path):
    file = tmp_path / "run.safetensors"
    save_model(file, make("flow_joint", MIXED), "flow_joint", "mixed")
    with pytest.raises(ModelError, match=r"run.safetensors: is a model of mixed, not of tone"):
        turn_preset(SAW, {"latent:0": 1.0}, model=file)


def test_latent_words_need_a_model():
    with pytest.raises(ModelError, match="tone: has no model with a latent"):
        turn_preset(SAW, {"latent:0": 1.0})


@pytest.mark.slow
def test_the_most_audible_dimension_comes_first():
    found = measure_latents("dexed", seed=1)
    heard = [one.heard_db for one in found]

    assert heard == sorted(heard, reverse=True)
    assert sorted(one.dimension for one in found) == list(range(145))
    assert np.mean(heard[:10]) > 2 * np.mean(heard[-10:])
