"""Chains of flows: no coordinate is left out."""

import pytest
import torch

from patchflow.models._chains import chain

COUPLINGS = ("realnvp", "spline")
CROSSING = (*COUPLINGS, "iaf", "maf", "naf", "autoregressive_spline")
"""Flows in which coordinates bend one another."""


def jacobian(kind: str, size: int, steps: int, seed: int = 0) -> torch.Tensor:
    """That of a chain with weights far from where it begins, absolute."""
    torch.manual_seed(0)
    flow = chain(kind, size, steps, hidden=8, seed=seed).double().eval()
    for weight in flow.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)
    return torch.autograd.functional.jacobian(lambda x: flow(x[None])[0][0], torch.randn(size).double()).abs()


@pytest.mark.parametrize("kind", COUPLINGS)
@pytest.mark.parametrize("size", [16, 41, 145])
@pytest.mark.parametrize("steps", [2, 3, 6])
@pytest.mark.parametrize("seed", [0, 1000])
def test_no_coordinate_goes_through_a_chain_of_couplings_alone(kind: str, size: int, steps: int, seed: int):
    assert ((jacobian(kind, size, steps, seed) > 0).sum(1) > 1).all()


@pytest.mark.parametrize("kind", CROSSING)
@pytest.mark.parametrize("size", [2, 5, 41])
def test_after_six_steps_every_coordinate_is_made_of_all_others(kind: str, size: int):
    assert (jacobian(kind, size, 6) > 0).all()
