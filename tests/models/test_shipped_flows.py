"""The regression flow and the disentangling flow that come with the package: whole DX7 presets to latents and back."""

import json
from pathlib import Path

import pytest
import torch

from patchflow.engines import engines
from patchflow.models import load_model, models, read_header, shipped
from patchflow.models.flow_dis import FlowDis
from patchflow.models.flow_reg import FlowReg

SPACE = engines["dexed"].space
NOTE = torch.tensor([[60.0, 100.0, 3.0]])
BOTH = pytest.mark.parametrize("name", ["flow_reg", "flow_dis"])


def loaded(name: str) -> FlowReg | FlowDis:
    path = shipped("dexed", name)
    assert path
    model = load_model(path, SPACE, models)
    assert isinstance(model, (FlowReg, FlowDis))
    return model


@BOTH
def test_its_latents_have_presets_and_these_lead_back(name: str):
    model, z = loaded(name), torch.randn(16, 145, generator=torch.Generator().manual_seed(0))

    points = model.presets(z)

    assert ((points > 0) & (points < 1)).all()
    torch.testing.assert_close(model.latent_of(points), z, atol=1e-3, rtol=0)


@BOTH
def test_presets_have_latents_and_these_lead_back(name: str):
    points = torch.from_numpy(SPACE.snap(torch.rand(16, 145).numpy())).float().clamp(1e-3, 1 - 1e-3)
    model = loaded(name)

    torch.testing.assert_close(model.presets(model.latent_of(points)), points, atol=1e-3, rtol=0)


@BOTH
def test_what_it_guesses_depends_on_the_sound(name: str):
    model = loaded(name)
    loud, silent = (model.presets(model.latent(torch.full((1, 64, 80), level), NOTE)) for level in (3.0, -3.0))

    assert (loud - silent).abs().mean() > 0.01


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
