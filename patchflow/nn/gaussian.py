"""Gaussians of independent coordinates: drawn from, scaled to presets, compared with batches."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..flows import Flow

__all__ = ["LatentSample", "NoiseScale", "certain", "discrepancy", "log_normal", "sample_gaussian", "split"]

_MOST = 8.0  # the largest log-variance; without a bound one bad step overflows

_PRIOR = math.log(0.1)  # the median of the noise scale's prior is a tenth of a knob's range
_PRIOR_WIDTH = 1.0  # its deviation, in nats: one in three is more than e times smaller or larger
_START = math.log(0.25)  # before anything was learned presets are known as well as if drawn evenly, or little better

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of the kernels of the discrepancy


@dataclass(frozen=True)
class LatentSample:
    """Latents drawn from q(z|x), one a sound.

    Args:
        z: The latents, shape `(B, Z)`.
        mean: Means of the Gaussian they come from, shape `(B, Z)`.
        log_variance: Its log-variances, shape `(B, Z)`.
        log_prob: log q(z|x), shape `(B,)`.
    """

    z: Tensor
    mean: Tensor
    log_variance: Tensor
    log_prob: Tensor


def sample_gaussian(
    context: Float[Tensor, "B C"],
    noise: Float[Tensor, "B Z"],
    flow: Flow | None = None,
    code: Float[Tensor, "B K"] | None = None,
) -> LatentSample:
    """Scales and shifts noise, and sends it through a flow.

    Args:
        context: Codes that begin with mean and log-variance.
        noise: Normal noise.
        flow: From the Gaussian to z, if there is one.
        code: Its own context, if it has one.

    Example:
        >>> drawn = sample_gaussian(torch.zeros(1, 2), torch.zeros(1, 1))
        >>> round(drawn.log_prob.item(), 3)
        -0.919
    """
    mean, log_variance = split(context, noise.shape[1])
    z = mean + (log_variance / 2).exp() * noise
    log_prob = log_normal(noise) - log_variance.sum(1) / 2
    if flow is not None:
        z, logdet = flow(z, code)
        log_prob = log_prob - logdet
    return LatentSample(z, mean, log_variance, log_prob)


def certain(z: Float[Tensor, "B Z"]) -> LatentSample:
    """Returns latents that are functions of their sounds: a point has no density, so these are 0 and of no use."""
    return LatentSample(z, z, torch.zeros_like(z), z.new_zeros(len(z)))


def split(context: Float[Tensor, "B C"], size: int) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B Z"]]:
    """Returns mean and log-variance; the latter is bounded, and what was given where that is small.

    Args:
        context: Codes that begin with these two.
        size: Number Z of coordinates.
    """
    raw = context[:, size : 2 * size]
    return context[:, :size], _MOST * torch.tanh(raw / _MOST)


def log_normal(z: Float[Tensor, "B Z"]) -> Float[Tensor, "B"]:
    """Returns the log-density of the standard normal distribution."""
    return -(z.square() + math.log(2 * math.pi)).sum(1) / 2


class NoiseScale(nn.Module):
    """The scale sigma of a Gaussian around each parameter, log-normal a priori and a posteriori.

    It says how precisely presets are known, and is itself uncertain.
    p(sigma) has log(sigma) ~ N(log 0.1, 1), q(sigma) has log(sigma) ~ N(m, t^2) with m and t learned for each
    parameter. Expectations over q are in closed form: E[log sigma] = m and E[sigma^-2] = exp(-2 m + 2 t^2), so
    nothing is drawn. q is shared by all sounds, but each sound has a sigma of its own from it, so that the
    divergence counts in full for every sound, as the paper's objective has it; it keeps sigma from shrinking to
    nothing once the training presets are memorised.

    Args:
        size: Number P of parameters.

    Example:
        >>> scale = NoiseScale(3)
        >>> scale.log_likelihood(torch.zeros(2, 3)).shape, scale.divergence().shape
        (torch.Size([2]), torch.Size([]))
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.full((size,), _START))
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
        # KL[N(m, t^2) || N(m_0, t_0^2)] = log(t_0 / t) + ((m - m_0)^2 + t^2) / (2 t_0^2) - 1/2; a divergence does not
        # change when both variables go through the same map, here from log(sigma) to sigma
        away = (self.mean - _PRIOR).square() + (2 * self.log_width).exp()
        width = math.log(_PRIOR_WIDTH) - self.log_width
        return (width + away / (2 * _PRIOR_WIDTH**2) - 0.5).sum()


def discrepancy(x: Float[Tensor, "A Z"], y: Float[Tensor, "B Z"]) -> Float[Tensor, ""]:
    """Returns the unbiased estimate of the squared maximum mean discrepancy of two distributions.

    The kernels are inverse multiquadratics, the sum over s of C / (C + |x - y|^2) with C = 2 Z s, where 2 Z is
    the mean squared distance of two draws from the normal distribution. Being unbiased it is below 0 at times.

    References:
        Tolstikhin et al., Wasserstein Auto-Encoders (2018), https://arxiv.org/abs/1711.01558
        Gretton et al., A Kernel Two-Sample Test (2012), https://jmlr.org/papers/v13/gretton12a.html

    Args:
        x: Draws from one distribution.
        y: Draws from the other.

    Returns:
        The estimate; 0 if either has fewer than two draws, of which nothing can be said.

    Example:
        >>> x, y = torch.randn(2, 500, 3, generator=torch.Generator().manual_seed(0))
        >>> bool(discrepancy(x, y).abs() < 0.02 < discrepancy(x, y + 1))
        True
    """
    if min(len(x), len(y)) < 2:
        return (x.sum() + y.sum()) * 0  # not a plain 0: it has gradients, which are 0 too
    return _apart(_kernel(x, x)) + _apart(_kernel(y, y)) - 2 * _kernel(x, y).mean()


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    # |x - y|^2 = |x|^2 + |y|^2 - 2 x y: one matrix product for all pairs, which may round to less than 0
    squares = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T
    squares = squares.clamp_min(0)
    widths = [2 * x.shape[1] * scale for scale in _SCALES]
    return torch.stack([width / (width + squares) for width in widths]).sum(0)


def _apart(kernel: Tensor) -> Tensor:
    """The mean over pairs of different draws."""
    count = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))
