"""Spectrograms to vectors and back: standardised, convolved, and by the coder that all auto-encoders share."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.inputs import inputs
from .linear import MLP, activate, xavier

__all__ = ["Coder", "CoderSizes", "ConvDecoder", "ConvEncoder", "Standard"]

_LEAST = 1e-3  # a band that never sounds has no deviation
Pair = tuple[int, int]


class Standard(nn.Module):
    """Takes the mean away and divides by the deviation; nothing until these are set.

    Args:
        bands: Number F of bands, each of which has its own mean and deviation.

    Example:
        >>> standard = Standard(2)
        >>> standard.set(torch.tensor([[1.0], [2.0]]), torch.tensor(2.0))
        >>> standard(torch.tensor([[[3.0], [4.0]]])).flatten()
        tensor([1., 1.])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(bands, 1))
        self.register_buffer("std", torch.ones(bands, 1))

    def set(self, mean: Tensor, std: Tensor) -> None:
        """Sets mean and deviation, of the training data and of nothing else.

        Args:
            mean: Shape `(F, 1)`, or a scalar for all bands.
            std: The same.

        Raises:
            ValueError: If either is not finite, or a deviation is negative.
        """
        if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std >= 0).all()):
            raise ValueError("mean, std: not finite numbers with std >= 0")
        self.mean.copy_(mean.expand_as(self.mean))
        self.std.copy_(std.clamp_min(_LEAST).expand_as(self.std))

    def forward(self, mel: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N"]:
        """Returns the standardised spectrograms."""
        return (mel - self.mean) / self.std

    def inverse(self, x: Float[Tensor, "B F N"]) -> Float[Tensor, "B F N"]:
        """Returns spectrograms in the units they had."""
        return x * self.std + self.mean


class ConvEncoder(nn.Module):
    """Convolutions of stride 2 whose dilation doubles from layer to layer, with batch norm and ELU, flattened.

    The dilation of layer l is 2^l as long as the kernel fits into what is left of the spectrogram, then
    the largest that fits. With more, all taps but the one in the middle would always meet padding, and of
    four values three would go nowhere: at 64 x 80 this would be so from the fourth layer on.

    References:
        Esling et al., Universal audio synthesizer control with normalizing flows (2019),
        https://arxiv.org/abs/1907.00971
        He et al., Deep Residual Learning for Image Recognition (2015), https://arxiv.org/abs/1512.03385

    Args:
        shape: Bands and frames `(F, N)` of the spectrograms.
        channels: Of every layer.
        layers: How many, at least 1.
        kernel: Width of the kernels, odd.
        gated: 1 for gates instead of ELU.
        residual: 1 to add what came in, halved and mixed by a 1x1 convolution, to what comes out of each layer.

    Attributes:
        size: Length of the vectors.

    Raises:
        ValueError: If the kernel is even, or there is no layer.

    Example:
        >>> encoder = ConvEncoder((64, 80), 4, 5)
        >>> encoder(torch.zeros(2, 64, 80)).shape
        torch.Size([2, 24])
    """

    def __init__(
        self, shape: Pair, channels: int, layers: int, kernel: int = 7, *, gated: int = 0, residual: int = 0
    ) -> None:
        super().__init__()
        maps = _maps(shape, layers, kernel)
        widths = [1] + [channels] * layers
        dilations = [_dilation(layer, size, kernel) for layer, size in enumerate(maps[:-1])]
        stack = [
            _Layer(pair, kernel, dilation, gated=gated, residual=residual)
            for pair, dilation in zip(pairwise(widths), dilations, strict=True)
        ]
        self.layers = nn.Sequential(*stack)
        self.size = channels * maps[-1][0] * maps[-1][1]

    def forward(self, x: Float[Tensor, "B F N"]) -> Float[Tensor, "B H"]:
        """Returns the vectors of standardised spectrograms."""
        return self.layers(x[:, None].contiguous(memory_format=torch.channels_last)).flatten(1)


class ConvDecoder(nn.Module):
    """The mirror image: linear layers, then transposed convolutions that double the size.

    Args:
        inputs: Length of the vectors.
        shape: Bands and frames `(F, N)` of the spectrograms.
        channels: Of every convolution.
        layers: Number of convolutions.
        kernel: Width of their kernels, odd.
        hidden: Width of the linear layers.
        depth: Number of linear layers.

    Raises:
        ValueError: If the kernel is even, or there is no layer.

    Example:
        >>> decoder = ConvDecoder(3, (64, 80), channels=4, layers=5, kernel=7, hidden=8, depth=3)
        >>> decoder(torch.zeros(2, 3)).shape
        torch.Size([2, 64, 80])
    """

    def __init__(
        self, inputs: int, shape: Pair, *, channels: int, layers: int, kernel: int, hidden: int, depth: int
    ) -> None:
        super().__init__()
        maps = _maps(shape, layers, kernel)
        self.enter = MLP(inputs, hidden, depth)
        self.widen = nn.Linear(hidden, channels * maps[-1][0] * maps[-1][1], bias=False)
        steps: list[nn.Module] = [nn.Unflatten(1, (channels, *maps[-1]))]
        for layer in reversed(range(layers)):
            steps += [nn.BatchNorm2d(channels), nn.ELU()]
            dilation = _dilation(layer, maps[layer], kernel)
            last = layer == 0  # it gives the spectrogram, and no batch norm with a shift of its own follows
            steps.append(Double(channels, 1 if last else channels, kernel, dilation, size=maps[layer], bias=last))
        self.layers = nn.Sequential(*steps)

    def forward(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B F N"]:
        """Returns standardised spectrograms."""
        return self.layers(self.widen(self.enter(z)))[:, 0]


class _Layer(nn.Module):
    """A strided convolution, batch norm and an activation; with a path around them if it is residual."""

    def __init__(self, widths: Pair, kernel: int, dilation: Pair, *, gated: int, residual: int) -> None:
        super().__init__()
        if gated not in (0, 1) or residual not in (0, 1):
            raise ValueError(f"gated={gated}, residual={residual}: not 0 or 1")
        before, after = widths
        self.gated = gated
        self.conv = Halve(before, after * (1 + gated), kernel, dilation)
        self.norm = nn.BatchNorm2d(after * (1 + gated))
        self.around = nn.Conv2d(before, after, 1, 2) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y = activate(self.norm(self.conv(x)), self.gated)
        return y if self.around is None else y + self.around(x)


class Halve(nn.Conv2d):
    """A convolution of stride 2. Along an even dilation it reads every other value only, so the rest is left out first.

    The result is the same, and on a CPU it is there in a third of the time.
    """

    def __init__(self, before: int, after: int, kernel: int, dilation: Pair) -> None:
        # Output i reads inputs 2 i + k d for the taps k. Of an even d these are all even, so among every other input
        # the stride is 1 and the dilation d / 2. `steps` says along which axes that is so.
        self.steps = _steps(dilation)
        stride, dilation = _without(self.steps, dilation)
        super().__init__(before, after, kernel, stride, _padding(dilation, kernel), dilation, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        down, across = self.steps
        return super().forward(input[..., ::down, ::across])


class Double(nn.ConvTranspose2d):
    """The transposed convolution to a map of this size. Along an even dilation it fills every other value only."""

    def __init__(self, before: int, after: int, kernel: int, dilation: Pair, *, size: Pair, bias: bool = False) -> None:
        self.steps = _steps(dilation)
        self.size = size
        stride, dilation = _without(self.steps, dilation)
        # a map of n comes from (n + 1) // 2, so an even one needs a row more than the convolution gives
        odd = [stride[k] - 1 - (stride[k] - 1) * (size[k] % 2) for k in (0, 1)]
        padding = _padding(dilation, kernel)
        super().__init__(before, after, kernel, stride, padding, (odd[0], odd[1]), bias=bias, dilation=dilation)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        y = super().forward(input, output_size)
        if self.steps == (1, 1):
            return y
        down, across = self.steps
        whole = y.new_zeros(*y.shape[:2], *self.size)
        if self.bias is not None:
            whole += self.bias[:, None, None]
        whole[..., ::down, ::across] = y
        return whole


def _steps(dilation: Pair) -> Pair:
    return 2 - dilation[0] % 2, 2 - dilation[1] % 2


def _without(steps: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """The stride and the dilation among the values that are left."""
    return (2 // steps[0], 2 // steps[1]), (dilation[0] // steps[0], dilation[1] // steps[1])


def _maps(shape: Pair, layers: int, kernel: int) -> list[Pair]:
    """The sizes of the spectrogram and of what every layer leaves of it."""
    if kernel % 2 == 0 or kernel < 1 or layers < 1:
        raise ValueError(f"kernel={kernel}, layers={layers}: not odd and at least 1")
    maps = [shape]
    for _ in range(layers):
        bands, frames = maps[-1]
        maps.append(((bands + 1) // 2, (frames + 1) // 2))
    return maps


def _dilation(layer: int, size: Pair, kernel: int) -> Pair:
    reach = max(1, kernel - 1)
    down = max(1, (size[0] - 1) // reach)
    across = max(1, (size[1] - 1) // reach)
    return min(2**layer, down), min(2**layer, across)


def _padding(dilation: Pair, kernel: int) -> Pair:
    return dilation[0] * (kernel // 2), dilation[1] * (kernel // 2)


@dataclass(frozen=True)
class CoderSizes:
    """The sizes of every auto-encoder. The defaults are half the paper's `cnn`.

    Args:
        latent: Number Z of latent dimensions; 0 for as many as there are parameters.
        channels: Of every convolution, in the encoder and in the decoder; at least 1.
        layers: Number of convolutions in either, at least 1.
        kernel: Width of their kernels, odd.
        hidden: Width of the linear layers in either, at least 1.
        depth: Number of linear layers in either, at least 1.
        input: The input, see `features.inputs`.
    """

    latent: int = 0
    channels: int = 64
    layers: int = 5
    kernel: int = 7
    hidden: int = 1024
    depth: int = 3
    input: str = "paper"


class Coder(nn.Module):
    """The paper's `cnn` with half its channels and units, and its mirror image.

    Args:
        sizes: What it is made with.
        latent: Number Z of latent dimensions.
        codes: How many numbers `encode` returns.

    Raises:
        ValueError: If a size is out of its range.
    """

    def __init__(self, sizes: CoderSizes, latent: int, codes: int) -> None:
        super().__init__()
        if sizes.latent < 0:
            raise ValueError(f"latent={sizes.latent}: not at least 0")
        shape = inputs[sizes.input].shape
        self.standard = Standard(shape[0])
        self.encoder = ConvEncoder(shape, sizes.channels, sizes.layers, sizes.kernel)
        self.stack = MLP(self.encoder.size, sizes.hidden, sizes.depth)
        self.head = nn.Linear(sizes.hidden, codes)
        self.decoder = ConvDecoder(
            latent,
            shape,
            channels=sizes.channels,
            layers=sizes.layers,
            kernel=sizes.kernel,
            hidden=sizes.hidden,
            depth=sizes.depth,
        )
        xavier(self)

    def encode(self, mel: Float[Tensor, "B F N"]) -> Float[Tensor, "B K"]:
        """Returns the codes of spectrograms, in single precision at least."""
        features = self.encoder(self.standard(mel))
        codes = self.head(self.stack(features))
        return codes.to(torch.promote_types(codes.dtype, torch.float32))

    def reconstruct(self, z: Float[Tensor, "S Z"]) -> Float[Tensor, "S F N"]:
        """Returns spectrograms in the units of the input."""
        return self.standard.inverse(self.decoder(z).to(z.dtype))

    def nats(self, z: Float[Tensor, "B Z"], mel: Float[Tensor, "B F N"]) -> Float[Tensor, "B"]:
        """Returns half the summed squared error of the standardised spectrograms.

        Args:
            z: Latents.
            mel: The spectrograms they should give.
        """
        error = self.decoder(z).to(z.dtype) - self.standard(mel)
        return error.square().sum((1, 2)) / 2
