"""Gaussians of independent coordinates: drawn from, scaled to presets, compared with batches, named by attributes."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ..flows import Flow

__all__ = [
    "Disentangling",
    "LatentSample",
    "NoiseScale",
    "certain",
    "discrepancy",
    "log_attributes",
    "log_normal",
    "log_tags",
    "sample_gaussian",
    "split",
]

_MOST = 8.0  # the largest log-variance; without a bound one bad step overflows

_PRIOR = math.log(0.1)  # the median of the noise scale's prior is a tenth of a knob's range
_PRIOR_WIDTH = 1.0  # its deviation, in nats: one in three is more than e times smaller or larger
_START = math.log(0.25)  # before anything was learned presets are known as well as if drawn evenly, or little better

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of the kernels of the discrepancy

_WIDTH = 0.5  # of an attribute's two Gaussians before anything was learned: they overlap little


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


def log_attributes(
    z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"], log_width: Float[Tensor, "W 2"]
) -> Float[Tensor, "B"]:
    """Returns log p(z | tags), in nats.

    Coordinate m is N(-1, s_-^2) for sounds that the low end of attribute m fits, N(+1, s_+^2) for those that the high
    end fits, and N(0, 1) where that is not known, as are all coordinates that stand for no attribute.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        z: Latents.
        tags: -1, 0 or +1 for each attribute; with no columns nothing is known of any sound.
        log_width: Logarithms of both widths of each attribute.

    Raises:
        ValueError: If there are tags of another number of attributes.

    Example:
        >>> log_attributes(torch.ones(1, 2), torch.zeros(1, 0), torch.zeros(1, 2))
        tensor([-2.8379])
    """
    attributes = len(log_width)
    known = _known(z, tags, attributes)
    by_tag = torch.where(known < 0, log_width[:, 0], log_width[:, 1])
    chosen = torch.where(known == 0, 0.0, by_tag)
    # a tag is also the mean of its Gaussian: -1, +1, or 0 with width 1 where nothing is known
    of_attributes = (z[:, :attributes] - known) * (-chosen).exp()
    away = torch.cat((of_attributes, z[:, attributes:]), 1)
    return (away.square() + math.log(2 * math.pi)).sum(1) / -2 - chosen.sum(1)


def log_tags(z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"], log_slope: Float[Tensor, "W"]) -> Float[Tensor, "B"]:
    """Returns log p(tags | z), in nats: at most 0, so that it may have any weight in a loss.

    The high end of attribute m fits with probability sigmoid(a z_m), the low end with sigmoid(-a z_m). What is not
    known of a sound counts as 0.

    Args:
        z: Latents.
        tags: -1, 0 or +1 for each attribute; with no columns nothing is known of any sound.
        log_slope: Logarithm of a for each attribute.

    Raises:
        ValueError: If there are tags of another number of attributes.

    Example:
        >>> log_tags(torch.zeros(1, 2), torch.ones(1, 1), torch.zeros(1))
        tensor([-0.6931])
    """
    attributes = len(log_slope)
    known = _known(z, tags, attributes)
    # the sign of the tag chooses between sigmoid(a z) and sigmoid(-a z), its size leaves out what is not known
    likely = logsigmoid(known * z[:, :attributes] * log_slope.exp())
    return (likely * known.abs()).sum(1)


class Disentangling(nn.Module):
    """A flow from z to z', in which attribute m has dimension m, see `log_attributes`; its widths are learned.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971

    Args:
        flow: From z to z'.
        attributes: How many attributes there are, at most as many as dimensions.

    Raises:
        ValueError: If there are more, or none.
    """

    def __init__(self, flow: Flow, attributes: int) -> None:
        super().__init__()
        if not 1 <= attributes <= flow.size:
            raise ValueError(f"attributes={attributes}: not in [1, {flow.size}], the number of latent dimensions")
        self.flow = flow
        self.log_width = nn.Parameter(torch.full((attributes, 2), math.log(_WIDTH)))

    def log_prob(self, z: Float[Tensor, "B Z"], tags: Float[Tensor, "B M"]) -> Float[Tensor, "B"]:
        """Returns log p(z | tags), shape `(B,)`.

        Args:
            z: Latents.
            tags: -1, 0 or +1 for each attribute; with no columns nothing is known of any sound.

        Raises:
            ValueError: If there are tags of another number of attributes.
        """
        moved, logdet = self.flow(z)
        return log_attributes(moved, tags, self.log_width) + logdet


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


def _known(z: Tensor, tags: Tensor, attributes: int) -> Tensor:
    """Tags of each attribute, shape (B, W)."""
    if tags.shape[1] not in (0, attributes):
        raise ValueError(f"tags of {tags.shape[1]} attributes: the model was made for attributes={attributes}")
    return tags.to(z) if tags.shape[1] else z.new_zeros(len(z), attributes)
