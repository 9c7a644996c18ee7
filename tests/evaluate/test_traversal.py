"""Macro-controls are set to both ends, played, and compared by what their attributes are measured by."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from patchflow.data.bank import deal
from patchflow.data.examples import Content, Examples, write_examples
from patchflow.data.examples.attributes import MEASURED_ATTRIBUTES, NAMED_ATTRIBUTE
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError
from patchflow.evaluate.disentanglement import measure_traversal
from patchflow.models import models
from patchflow.models.flow_joint import FlowJoint

COUNT = 40
BRIGHT, DYNAMIC = MEASURED_ATTRIBUTES[0], MEASURED_ATTRIBUTES[-1]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Tones, whose wave makes them bright or dark."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("tones")
    content = Content(
        synth="tone", parameters=Tone.space.names, input="paper", mels=rng.standard_normal((COUNT, 64, 80)),
        points=rng.random((COUNT, 3)), notes=np.tile([60.0, 100.0, 3.0], (COUNT, 1)), family=np.arange(COUNT),
        parts=deal(np.arange(COUNT), 2, 0.1, 0), names=np.array(["x"] * COUNT), category=np.array([""] * COUNT),
        measures=rng.standard_normal((COUNT, 3)).astype(np.float32), tagged=0.9,
        attributes=(BRIGHT, NAMED_ATTRIBUTE, DYNAMIC),
    )  # fmt: skip
    write_examples(folder, content)
    return Examples(folder)


class Backwards(FlowJoint):
    """A model whose macro-controls point the wrong way."""

    def macro(self, z: Tensor) -> Tensor:
        return -z

    def from_macro(self, z: Tensor) -> Tensor:
        return -z


def untrained(kind: type[FlowJoint] = FlowJoint, attributes: int = 3) -> FlowJoint:
    """A map that sends latents to presets coordinate by coordinate: the first is the wave."""
    torch.manual_seed(0)
    sizes = {"channels": 4, "layers": 2, "hidden": 8, "depth": 2, "steps": 1, "flow_hidden": 8, "posterior_context": 4}
    return kind(Tone.space, attributes=attributes, **sizes).eval()


@pytest.mark.parametrize(("kind", "heard"), [(FlowJoint, 1.0), (Backwards, 0.0)])
def test_an_attribute_that_its_macro_makes_is_heard(examples: Examples, kind: type[FlowJoint], heard: float):
    bright, _ = measure_traversal(untrained(kind), examples)

    assert bright["words"] == ["Dark", "Bright"]
    assert bright["sounds"] == len(examples.rows("test"))
    assert bright["heard"] == heard


def test_attributes_that_cannot_be_measured_are_left_out(examples: Examples):
    found = measure_traversal(untrained(), examples)

    assert [entry["words"] for entry in found] == [["Dark", "Bright"], ["Static", "Dynamic"]]


def test_what_changes_along_is_measured(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    def measure_attributes(sound: np.ndarray, hold: float, rate: int) -> np.ndarray:
        saw = float(np.abs(np.diff(sound)).max() > 0.5 * np.abs(sound).max())
        return np.array([saw] * (len(MEASURED_ATTRIBUTES) - 1) + [-saw])

    monkeypatch.setattr("patchflow.evaluate.disentanglement.measure_attributes", measure_attributes)
    bright, dynamic = measure_traversal(untrained(), examples)

    assert (bright["heard"], bright["others"]) == (1.0, 0.5)  # the other attribute falls whenever this one rises
    assert (dynamic["heard"], dynamic["others"]) == (0.5, 0.0)  # the gain changes neither


def test_presets_that_cannot_be_played_are_no_difference(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise RenderError("no")

    monkeypatch.setattr(Tone, "render", refuse)

    assert [entry["heard"] for entry in measure_traversal(untrained(), examples)] == [0.5, 0.5]


def test_silence_is_no_difference(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    played = Tone.render

    def saw_alone(self: Tone, point: np.ndarray, *words: Any) -> np.ndarray:
        return played(self, point, *words) * np.float32(point[0] > 0.5)

    monkeypatch.setattr(Tone, "render", saw_alone)
    bright, _ = measure_traversal(untrained(), examples)

    assert (bright["heard"], bright["others"]) == (0.5, 0.0)


def test_rounding_is_no_difference(examples: Examples):
    found = measure_traversal(untrained(), examples)

    assert found[1]["others"] == 0  # what the gain does to brightness is rounding


def test_only_attributes_that_the_model_has_are_traversed(examples: Examples):
    assert len(measure_traversal(untrained(attributes=1), examples)) == 1


def test_attributes_from_names_alone_are_not_traversed(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "attributes", ((NAMED_ATTRIBUTE.low, NAMED_ATTRIBUTE.high),))

    assert measure_traversal(untrained(), examples) == []


def test_without_macro_controls_there_is_nothing(examples: Examples):
    ae = models["ae"](Tone.space, channels=4, hidden=8, depth=2, layers=2, regressor=8).eval()

    assert measure_traversal(ae, examples) == []
    assert measure_traversal(untrained(attributes=0), examples) == []
