"""Presets whose values are no longer a few numbers that many share, so that they have a smooth density."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["KNOBS", "spread"]

KNOBS = 0.02
"""How widely continuous values are spread: many presets share one exactly, most often the lowest or the highest."""


def spread(
    points: Float[Tensor, "B P"],
    cells: Float[Tensor, "P"] | Int[Tensor, "P"],
    generator: torch.Generator,
    knobs: float = KNOBS,
) -> Float[Tensor, "B P"]:
    """Returns presets whose discrete values are anywhere in their cells, and whose others have moved a little.

    Args:
        points: Encoded presets.
        cells: Number of values of each parameter, 0 for continuous ones.
        generator: Source of chance, on the device of the presets.
        knobs: Width of the continuous ones; what would leave the cube is reflected.

    Example:
        >>> spread(torch.full((1, 2), 0.5), torch.tensor([1, 0]), torch.Generator(), 0.0)[0, 1]
        tensor(0.5000)
    """
    noise = torch.rand(points.shape, generator=generator, device=points.device)
    width = torch.where(cells > 0, 1 / cells.clamp_min(1), knobs)
    moved = points + (noise - 0.5) * width
    return 1 - (1 - moved.abs()).abs() if knobs else moved
