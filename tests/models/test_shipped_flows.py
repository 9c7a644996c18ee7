"""The regression flow that comes with the package: whole DX7 presets to latents and back, words, and draws."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.data.examples import MEASURED_ATTRIBUTES, measure_attributes
from patchflow.engines import Note, Subset, engines
from patchflow.features.inputs import inputs
from patchflow.models import load_model, models, read_header, shipped
from patchflow.models.flow_joint import FlowJoint
from patchflow.presets import Preset

SPACE = engines["dexed"].space
NOTE = torch.tensor([[60.0, 100.0, 3.0]])
DIRTY = [pair.high for pair in MEASURED_ATTRIBUTES].index("Dirty")


@pytest.fixture(scope="module")
def path() -> Path:
    found = shipped("dexed", "flow_joint")
    assert found
    return found


@pytest.fixture(scope="module")
def model(path: Path) -> FlowJoint:
    found = load_model(path, SPACE, models)
    assert isinstance(found, FlowJoint)
    return found


def voice(**changes: float) -> Preset:
    """A typical voice of which all operators have some values of their envelope changed."""
    few = engines["dexed_16"]
    assert issubclass(few, Subset)
    values = dict(SPACE.decode(few.completed(few.space.default())))
    for name, value in changes.items():
        values |= {f"op{k}.{name}": value for k in range(1, 7)}
    return Preset("voice", values)


def noisiness(points: np.ndarray) -> np.ndarray:
    """What "dirty" is measured by, of each preset's sound."""
    engine = engines["dexed"]()
    sounds = (engine.render(point, Note(60, 100, 3.0), 22_050) for point in points)
    return np.array([measure_attributes(sound, 3.0, 22_050)[DIRTY] for sound in sounds])


def mels(*voices: Preset) -> torch.Tensor:
    engine = engines["dexed"]()
    sounds = [engine.render(SPACE.encode(one.values), Note(60, 100, 3.0), 22_050) for one in voices]
    return inputs["paper"].of(torch.from_numpy(np.stack(sounds)), 22_050)


def test_the_latents_of_sounds_have_presets_and_these_lead_back(model: FlowJoint):
    z = model.latent(mels(voice(), voice(rate1=40), voice(rate4=20)), NOTE.expand(3, 3))

    points = model.presets(z)

    assert ((points > 0) & (points < 1)).all()
    torch.testing.assert_close(model.latent_of(points), z, atol=1e-4, rtol=0)


def test_presets_have_latents_and_these_lead_back(model: FlowJoint):
    points = torch.from_numpy(SPACE.snap(torch.rand(16, 145).numpy())).float().clamp(1e-3, 1 - 1e-3)

    torch.testing.assert_close(model.presets(model.latent_of(points)), points, atol=1e-3, rtol=0)


@pytest.mark.parametrize(("rate", "slow", "fast"), [("rate1", 25, 99), ("rate4", 10, 90)])
def test_it_hears_how_a_sound_begins_and_ends(model: FlowJoint, rate: str, slow: float, fast: float):
    points = model.presets(model.latent(mels(voice(**{rate: slow}), voice(**{rate: fast})), NOTE.expand(2, 3)))

    place = SPACE.names.index(f"op1.{rate}")
    assert points[1, place] > points[0, place] + 0.05


def test_it_was_told_the_level_of_its_training_sounds(model: FlowJoint):
    standard = model.coder.standard

    assert standard.std.max() > 1.5  # 1 if nobody set it
    assert standard.mean.abs().max() > 0.5


def test_in_draws_from_the_normal_distribution_operator_1_is_heard(model: FlowJoint):
    drawn = model.presets(torch.randn(500, 145, generator=torch.Generator().manual_seed(0)))
    level = drawn[:, SPACE.names.index("op1.output")]

    assert level.mean() > 0.7  # operator 1 is heard in nearly all voices
    assert 0.05 < level.std() < 0.35


def test_turned_towards_dirty_presets_are_noisier(model: FlowJoint):
    z = torch.randn(160, 145, generator=torch.Generator().manual_seed(0))
    points = []
    for word in (-2.0, 2.0):
        turned = model.macro(z).clone()
        turned[:, DIRTY] = word
        points.append(SPACE.snap(model.presets(model.from_macro(turned)).detach().double().numpy()))

    clean, dirty = (noisiness(some) for some in points)

    assert (dirty > clean).mean() > 0.7  # 0.5 is chance; its card tells of all words, some of which it hardly turns


def test_its_card_tells_of_these_weights(path: Path):
    about, text = json.loads(read_header(path)["about"]), Path(path).with_suffix(".md").read_text("utf-8")

    # if this fails after weights were replaced: python benchmarks/run_card.py RUN --beside FOLDER -o CARD
    assert f"| training | {about['steps']:,} steps of {about['recipe']['batch']} sounds" in text
    assert f"{path.stat().st_size / 1e6:.1f} MB" in text
