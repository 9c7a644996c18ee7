"""A small bank of tones, a synth with two of their parameters, and a recipe of examples of it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from patchflow.data.bank import Bank
from patchflow.data.examples import ExamplesRecipe
from patchflow.engines import Selection, selection_text
from patchflow.engines.tone import Tone

__all__ = ["bank", "recipe", "short"]

VOICE = {"wave": "saw", "decay": 1.0, "gain": -6.0}
COUNT = 36


@pytest.fixture(autouse=True)
def short(synths: Path) -> str:
    """The name of a synth with decay and gain alone."""
    (synths / "subsets").mkdir(parents=True)
    text = selection_text(Selection("short", "tone", ("decay", "gain"), VOICE), "")
    (synths / "subsets" / "short.toml").write_text(text)
    return "short"


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A file of 36 presets in 18 families; the last pair is silent, the first two differ in the wave alone."""
    points = np.random.default_rng(0).random((COUNT, 3)) * [1, 0.6, 0.5] + [0, 0.3, 0.5]
    points[1] = points[0]
    points[:2, 0] = 0.25, 0.75
    points[-2:, 2] = 0.0
    family = np.arange(COUNT) // 2
    names = np.array([f"SAW LEAD {k}" if k % 3 else f"TUB BELLS {k}" for k in range(COUNT)])
    Bank(Tone.space.snap(points), family, names, np.full(COUNT, "train")).save(tmp_path / "bank.npz")
    return tmp_path / "bank.npz"


@pytest.fixture
def recipe(bank: Path) -> Callable[..., ExamplesRecipe]:
    """Makes recipes of it."""
    return lambda **changes: ExamplesRecipe(**{"synth": "short", "bank": str(bank), "radius_db": 0.01, **changes})
