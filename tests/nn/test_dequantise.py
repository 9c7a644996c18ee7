"""Values are spread within their cells, so that snapping undoes it."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patchflow.nn.heads import dequantise
from patchflow.presets import Choice, Knob, ParamSpace, Steps

SPACE = ParamSpace(
    (
        Choice("wave", ("sine", "saw")),
        Steps("octave", -2, 2),
        Knob("cutoff", 20.0, 20_000.0, unit="Hz", log=True),
        Knob("gain", -60.0, 0.0, unit="dB"),
    )
)
CELLS = torch.from_numpy(SPACE.cells)

points = arrays(float, (3, 4), elements=st.floats(0, 1))


@given(points, st.integers(0, 2**32 - 1))
def test_spreading_is_undone_by_snapping(some: np.ndarray, seed: int):
    snapped = SPACE.snap(some)
    noisy = dequantise(torch.from_numpy(snapped), CELLS, torch.Generator().manual_seed(seed), knobs=0.0)

    np.testing.assert_allclose(SPACE.snap(noisy.numpy()), snapped, atol=1e-12)


def test_spreading_fills_the_whole_cell_and_leaves_knobs_alone():
    start = np.tile(SPACE.snap(np.full(4, 0.4)), (2_000, 1))
    noisy = dequantise(torch.from_numpy(start), CELLS, torch.Generator().manual_seed(0), knobs=0.0)

    np.testing.assert_allclose(np.ptp(noisy.numpy(), axis=0), [1 / 2, 1 / 5, 0, 0], atol=0.01)
