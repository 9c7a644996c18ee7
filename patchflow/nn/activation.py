"""What bends the values between two layers: an exponential unit, or a gate."""

import torch
from torch import Tensor
from torch.nn.functional import elu, glu

__all__ = ["activate", "drop"]


def activate(x: Tensor, gated: int) -> Tensor:
    """Returns ELU(x), or, for a gated layer, one half of the channels times the sigmoid of the other.

    References:
        Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units (2015),
        https://arxiv.org/abs/1511.07289
        Dauphin et al., Language Modeling with Gated Convolutional Networks (2017), https://arxiv.org/abs/1612.08083

    Args:
        x: Values, shape `(B, C, ...)`; C is even if gated.
        gated: 0 or 1.

    Example:
        >>> activate(torch.tensor([[1.0, 0.0]]), 1)
        tensor([[0.5000]])
    """
    return glu(x, 1) if gated else elu(x)


def drop(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Returns x with a share of the values zeroed and the others scaled up, so that the mean stays.

    Torch's own dropout takes its chance from a state of the whole process; a training run that goes on after
    an interruption has to draw what it would have drawn.

    Args:
        x: Values.
        share: Of the values that become 0, in [0, 1).
        generator: Source of chance, on the device of x; None drops nothing.
    """
    if generator is None or not share:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= share
    return x * kept / (1 - share)
