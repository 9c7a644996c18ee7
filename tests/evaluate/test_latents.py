"""Separation in the latent space is that of single dimensions, on sounds of the test part."""

import numpy as np
import pytest
import torch

from patchflow.data.bank import deal
from patchflow.data.examples import Content, Examples, write_examples
from patchflow.data.examples.attributes import Attribute
from patchflow.engines.tone import Tone
from patchflow.evaluate.disentanglement import area_under_curve, latent_separation, tag_accuracy
from patchflow.models import AutoEncoder, Model, models

COUNT = 200
SMALL = {"channels": 4, "hidden": 8, "depth": 2, "layers": 2}


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Noise that is louder where the second tag fits."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("noise")
    measures = rng.standard_normal((COUNT, 2)).astype(np.float32)
    mels = rng.standard_normal((COUNT, 64, 80)) + 0.4 * np.sign(measures[:, 1])[:, None, None]
    content = Content(
        synth="tone", parameters=Tone.space.names, input="paper", mels=mels, points=rng.random((COUNT, 3)),
        notes=np.tile([60.0, 100.0, 3.0], (COUNT, 1)), family=np.arange(COUNT), parts=deal(np.arange(COUNT), 2, 0.1, 0),
        names=np.array(["x"] * COUNT), category=np.array([""] * COUNT), measures=measures, tagged=0.9,
        attributes=(Attribute("dark", "bright", "brightness"), Attribute("soft", "loud", "weight")),
    )  # fmt: skip
    write_examples(folder, content)
    return Examples(folder)


def small(name: str, **sizes: int) -> Model:
    torch.manual_seed(0)
    return models[name](Tone.space, **SMALL, **sizes).eval()


def test_attributes_are_predicted_from_what_decides_them_and_from_nothing_else(noise: Examples):
    dark, soft = tag_accuracy(noise)["attributes"]

    assert soft["sound"] > 0.9
    assert all(0.3 < chance < 0.7 for chance in (soft["parameters"], dark["sound"], dark["parameters"]))


def test_after_the_disentangling_flow_it_is_the_dimension_of_the_pair(noise: Examples):
    model = small("flow_dis", attributes=2, steps=2, flow_hidden=8)

    entries = {(e["words"][1], e["space"]): e for e in latent_separation(model, noise)}

    assert [entries["bright", "disentangled"]["dimension"], entries["loud", "disentangled"]["dimension"]] == [0, 1]
    assert {space for _, space in entries} == {"latent", "disentangled"}


@torch.no_grad()
def test_the_area_is_that_of_the_latents_of_the_test_part(noise: Examples):
    model = small("ae", regressor=8)
    assert isinstance(model, AutoEncoder)
    entry = latent_separation(model, noise)[1]
    rows = noise.rows("test")
    rows = rows[noise.tags[rows, 1] != 0]
    mel, note = (torch.from_numpy(np.asarray(x[rows], np.float32)) for x in (noise.mels, noise.notes))
    values = model.latent(mel, note)[:, entry["dimension"]].double().numpy()
    area = area_under_curve(values, noise.tags[rows, 1] > 0)

    assert entry["auc"] == pytest.approx(max(area, 1 - area), abs=1e-3)


def test_a_model_without_a_latent_space_has_no_separation(noise: Examples):
    torch.manual_seed(0)
    assert latent_separation(models["mlp"](Tone.space, hidden=8, layers=2).eval(), noise) == []
