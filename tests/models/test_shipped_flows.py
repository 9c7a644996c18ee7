"""The regression flow and the disentangling flow that come with the package: whole DX7 presets to latents and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.engines import Note, Subset, engines
from patchflow.features.inputs import inputs
from patchflow.models import load_model, models, read_header, shipped
from patchflow.models.flow_dis import FlowDis
from patchflow.models.flow_reg import FlowReg
from patchflow.presets import Preset

SPACE = engines["dexed"].space
NOTE = torch.tensor([[60.0, 100.0, 3.0]])
BOTH = pytest.mark.parametrize("name", ["flow_reg", "flow_dis"])


def loaded(name: str) -> FlowReg | FlowDis:
    path = shipped("dexed", name)
    assert path
    model = load_model(path, SPACE, models)
    assert isinstance(model, (FlowReg, FlowDis))
    return model


def voice(**changes: float) -> Preset:
    """A typical voice of which all operators have some values of their envelope changed."""
    few = engines["dexed_16"]
    assert issubclass(few, Subset)
    values = dict(SPACE.decode(few.completed(few.space.default())))
    for name, value in changes.items():
        values |= {f"op{k}.{name}": value for k in range(1, 7)}
    return Preset("voice", values)


def mels(*voices: Preset) -> torch.Tensor:
    engine = engines["dexed"]()
    sounds = [engine.render(SPACE.encode(one.values), Note(60, 100, 3.0), 22_050) for one in voices]
    return inputs["paper"].of(torch.from_numpy(np.stack(sounds)), 22_050)


@BOTH
def test_the_latents_of_sounds_have_presets_and_these_lead_back(name: str):
    model = loaded(name)
    z = model.latent(mels(voice(), voice(rate1=40), voice(rate4=20)), NOTE.expand(3, 3))

    points = model.presets(z)

    assert ((points > 0) & (points < 1)).all()
    torch.testing.assert_close(model.latent_of(points), z, atol=1e-4, rtol=0)


@BOTH
def test_presets_have_latents_and_these_lead_back(name: str):
    points = torch.from_numpy(SPACE.snap(torch.rand(16, 145).numpy())).float().clamp(1e-3, 1 - 1e-3)
    model = loaded(name)

    torch.testing.assert_close(model.presets(model.latent_of(points)), points, atol=1e-3, rtol=0)


@BOTH
@pytest.mark.parametrize(("rate", "slow", "fast"), [("rate1", 25, 99), ("rate4", 10, 90)])
def test_it_hears_how_a_sound_begins_and_ends(name: str, rate: str, slow: float, fast: float):
    model = loaded(name)

    points = model.presets(model.latent(mels(voice(**{rate: slow}), voice(**{rate: fast})), NOTE.expand(2, 3)))

    place = SPACE.names.index(f"op1.{rate}")
    assert points[1, place] > points[0, place] + 0.05


@BOTH
def test_it_was_told_the_level_of_its_training_sounds(name: str):
    standard = loaded(name).coder.standard

    assert standard.std.max() > 1.5  # 1 if nobody set it
    assert standard.mean.abs().max() > 0.5


def test_a_macro_of_the_disentangling_flow_changes_the_preset_and_turns_back():
    model, z = loaded("flow_dis"), torch.zeros(1, 145)
    assert isinstance(model, FlowDis)

    turned = model.macro(z)
    turned[:, 0] += 1

    assert (model.presets(model.from_macro(turned)) - model.presets(z)).abs().max() > 0.01
    turned[:, 0] -= 1
    torch.testing.assert_close(model.from_macro(turned), z, atol=1e-3, rtol=0)


@BOTH
def test_its_card_tells_of_these_weights(name: str):
    path = shipped("dexed", name)
    assert path
    about, text = json.loads(read_header(path)["about"]), Path(path).with_suffix(".md").read_text("utf-8")

    # if this fails after weights were replaced: python benchmarks/run_card.py RUN --beside FOLDER -o CARD
    assert f"| training | {about['steps']:,} steps of {about['recipe']['batch']} sounds" in text
    assert f"{path.stat().st_size / 1e6:.1f} MB" in text
