"""How precisely presets are known: a noise scale that is itself uncertain."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["NoiseScale"]

_PRIOR = math.log(0.1)  # the median of the prior is a tenth of a knob's range
_PRIOR_WIDTH = 1.0  # its deviation, in nats: one in three is more than e times smaller or larger


class NoiseScale(nn.Module):
    """The scale sigma of a Gaussian around each parameter, log-normal a priori and a posteriori.

    p(sigma) has log(sigma) ~ N(log 0.1, 1), q(sigma) has log(sigma) ~ N(m, t^2) with m and t learned for each
    parameter. Expectations over q are in closed form: E[log sigma] = m and E[sigma^-2] = exp(-2 m + 2 t^2), so
    nothing is drawn. q is shared by all sounds, but each sound has a sigma of its own from it, so that the
    divergence counts in full for every sound, as the paper's objective has it; it keeps sigma from shrinking to
    nothing once the training presets are known by heart.

    Args:
        size: Number P of parameters.

    Example:
        >>> scale = NoiseScale(3)
        >>> scale.log_likelihood(torch.zeros(2, 3)).shape, scale.divergence().shape
        (torch.Size([2]), torch.Size([]))
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.full((size,), _PRIOR))
        self.log_width = nn.Parameter(torch.full((size,), math.log(0.3)))

    def log_likelihood(self, error: Float[Tensor, "B P"]) -> Float[Tensor, "B"]:
        """Returns E_q[log N(error; 0, sigma^2)], summed over the parameters.

        Args:
            error: Differences from what was wanted.
        """
        precision = torch.exp(2 * (2 * self.log_width).exp() - 2 * self.mean)
        return -(error.square() * precision + math.log(2 * math.pi) + 2 * self.mean).sum(1) / 2

    def divergence(self) -> Float[Tensor, ""]:
        """Returns KL[q(sigma) || p(sigma)], summed over the parameters."""
        away = (self.mean - _PRIOR).square() + (2 * self.log_width).exp()
        width = math.log(_PRIOR_WIDTH) - self.log_width
        return (width + away / (2 * _PRIOR_WIDTH**2) - 0.5).sum()
