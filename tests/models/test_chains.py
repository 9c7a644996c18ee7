"""Chains of flows: no coordinate is left out."""

import pytest
import torch

from patchflow.models._chains import chain

CROSSING = ("iaf", "maf", "naf", "realnvp", "spline", "autoregressive_spline")
"""Flows in which coordinates bend one another."""


@pytest.mark.parametrize("kind", CROSSING)
@pytest.mark.parametrize("size", [2, 5, 41])
@pytest.mark.parametrize("seed", [0, 1000])
def test_every_coordinate_is_made_of_all_others(kind: str, size: int, seed: int):
    torch.manual_seed(0)
    flow = chain(kind, size, 6, hidden=8, seed=seed).double().eval()
    for weight in flow.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.5)

    rows = torch.autograd.functional.jacobian(lambda x: flow(x[None])[0][0], torch.randn(size).double())

    assert (rows.abs() > 0).all()
