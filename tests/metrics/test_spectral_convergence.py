"""Spectral convergence at points where its value is known."""

import pytest
import torch

from patchflow.metrics.spectral_convergence import spectral_convergence


@pytest.mark.parametrize(("gain", "expected"), [(0.0, 1.0), (1.0, 0.0), (2.0, 3.0), (0.5, 0.75)])
def test_a_gain_changes_power_by_its_square(gain: float, expected: float):
    x = torch.sin(torch.arange(5_000) * 0.1)[None]

    assert spectral_convergence(gain * x, x, 22_050).item() == pytest.approx(expected, abs=1e-5)
