"""Macro-controls are turned both ways, played, and compared by what their words were measured by."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from patchflow.data.attributes import MEASURED, NAMED
from patchflow.data.examples import Content, Examples, write_examples
from patchflow.data.families import deal
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError
from patchflow.evaluate.traversal import turned_words
from patchflow.models import models
from patchflow.models.flow_joint import FlowJoint

COUNT = 40
BRIGHT, DYNAMIC = MEASURED[0], MEASURED[-1]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Tones, whose wave makes them bright or dark."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("tones")
    content = Content(
        synth="tone", parameters=Tone.space.names, hears="paper", mels=rng.standard_normal((COUNT, 64, 80)),
        points=rng.random((COUNT, 3)), notes=np.tile([60.0, 100.0, 3.0], (COUNT, 1)), family=np.arange(COUNT),
        parts=deal(np.arange(COUNT), 2, 0.1, 0), names=np.array(["x"] * COUNT), category=np.array([""] * COUNT),
        measures=rng.standard_normal((COUNT, 3)).astype(np.float32), tagged=0.9, pairs=(BRIGHT, NAMED, DYNAMIC),
    )  # fmt: skip
    write_examples(folder, content)
    return Examples(folder)


class Backwards(FlowJoint):
    """A model whose macro-controls turn the wrong way round."""

    def macro(self, z: Tensor) -> Tensor:
        return -z

    def from_macro(self, z: Tensor) -> Tensor:
        return -z


def untrained(kind: type[FlowJoint] = FlowJoint, pairs: int = 3) -> FlowJoint:
    """A map that sends latents to presets coordinate by coordinate: the first is the wave."""
    torch.manual_seed(0)
    return kind(
        Tone.space, pairs=pairs, channels=4, layers=2, hidden=8, depth=2, steps=1, flow_hidden=8, told=4
    ).eval()  # fmt: skip


@pytest.mark.parametrize(("kind", "heard"), [(FlowJoint, 1.0), (Backwards, 0.0)])
def test_a_word_that_its_macro_makes_is_heard(examples: Examples, kind: type[FlowJoint], heard: float):
    bright, _ = turned_words(untrained(kind), examples)

    assert bright["words"] == ["Dark", "Bright"]
    assert bright["sounds"] == len(examples.rows("test"))
    assert bright["heard"] == heard


def test_words_that_cannot_be_measured_are_left_out(examples: Examples):
    found = turned_words(untrained(), examples)

    assert [entry["words"] for entry in found] == [["Dark", "Bright"], ["Static", "Dynamic"]]


def test_what_changes_along_is_told(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    def measure_words(sound: np.ndarray, hold: float, rate: int) -> np.ndarray:
        saw = float(np.abs(np.diff(sound)).max() > 0.5 * np.abs(sound).max())
        return np.array([saw] * (len(MEASURED) - 1) + [-saw])

    monkeypatch.setattr("patchflow.evaluate.traversal.measure_words", measure_words)
    bright, dynamic = turned_words(untrained(), examples)

    assert (bright["heard"], bright["others"]) == (1.0, 0.5)  # the other word falls whenever this one rises
    assert (dynamic["heard"], dynamic["others"]) == (0.5, 0.0)  # the gain changes neither


def test_presets_that_cannot_be_played_are_no_difference(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise RenderError("no")

    monkeypatch.setattr(Tone, "render", refuse)

    assert [entry["heard"] for entry in turned_words(untrained(), examples)] == [0.5, 0.5]


def test_silence_is_no_word(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    played = Tone.render

    def saw_alone(self: Tone, point: np.ndarray, *words: Any) -> np.ndarray:
        return played(self, point, *words) * np.float32(point[0] > 0.5)

    monkeypatch.setattr(Tone, "render", saw_alone)
    bright, _ = turned_words(untrained(), examples)

    assert (bright["heard"], bright["others"]) == (0.5, 0.0)


def test_rounding_is_no_difference(examples: Examples):
    found = turned_words(untrained(), examples)

    assert found[1]["others"] == 0  # what the gain does to brightness is rounding


def test_only_words_that_the_model_has_are_turned(examples: Examples):
    assert len(turned_words(untrained(pairs=1), examples)) == 1


def test_words_from_names_alone_cannot_be_turned(examples: Examples, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "pairs", ((NAMED.low, NAMED.high),))

    assert turned_words(untrained(), examples) == []


def test_without_macro_controls_there_is_nothing(examples: Examples):
    ae = models["ae"](Tone.space, channels=4, hidden=8, depth=2, layers=2, regressor=8).eval()

    assert turned_words(ae, examples) == []
    assert turned_words(untrained(pairs=0), examples) == []
