"""Latent dimensions are named by what they measurably do."""

import numpy as np
import pytest

from patchflow.errors import ModelError
from patchflow.explore import MEASURES
from patchflow.explore.latent_macros import LatentMacro, measure_latents

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


@pytest.mark.slow
def test_the_most_audible_dimension_comes_first():
    found = measure_latents("dexed", seed=1)
    heard = [one.heard_db for one in found]

    assert heard == sorted(heard, reverse=True)
    assert sorted(one.dimension for one in found) == list(range(145))
    assert np.mean(heard[:10]) > 2 * np.mean(heard[-10:])
