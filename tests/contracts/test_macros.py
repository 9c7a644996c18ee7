"""What every model that can turn a sound towards a word promises, for every one there is."""

import pytest
import torch

from patchflow.models import AutoEncoder, Macros, models
from tests.small_models import KNOBS, make, seeded


@pytest.fixture(params=[name for name in models if issubclass(models[name], Macros)])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_turning_a_macro_is_undone_exactly(name: str):
    model, z = make(name, KNOBS, attributes=2).eval().double(), torch.randn(20, 3, generator=seeded()).double()
    assert isinstance(model, Macros)

    torch.testing.assert_close(model.from_macro(model.macro(z)), z)
    torch.testing.assert_close(model.macro(model.from_macro(z)), z)


@pytest.mark.parametrize("way", ["macro", "from_macro"])
def test_to_change_what_is_returned_leaves_the_latents_as_they_are(name: str, way: str):
    model, z = make(name, KNOBS, attributes=2).eval(), torch.randn(20, 3, generator=seeded())
    before = z.clone()

    getattr(model, way)(z)[:, 0] = 1.0

    assert torch.equal(z, before)


def test_a_turned_macro_is_another_preset(name: str):
    model, z = make(name, KNOBS, attributes=2).eval(), torch.randn(20, 3, generator=seeded())
    assert isinstance(model, Macros)
    assert isinstance(model, AutoEncoder)
    turned = model.macro(z)
    turned = torch.cat((turned[:, :1] + 1, turned[:, 1:]), 1)

    moved = model.presets(model.from_macro(turned)) - model.presets(z)

    assert moved.abs().amax(1).min() > 1e-3


@pytest.mark.parametrize("attributes", [1, 3])
def test_it_has_as_many_macros_as_pairs(name: str, attributes: int):
    model = make(name, KNOBS, attributes=attributes)
    assert isinstance(model, Macros)

    assert model.attributes == attributes
    assert model.config()["attributes"] == attributes


def test_a_pair_needs_a_dimension(name: str):
    with pytest.raises(ValueError, match="attributes=4: not in .[01], 3."):
        make(name, KNOBS, attributes=4)
