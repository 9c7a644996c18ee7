"""The convolutional encoder and decoder that all auto-encoders share, and their sizes."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.inputs import inputs
from .conv import ConvDecoder, ConvEncoder
from .mlp import MLP, xavier
from .standard import Standard

__all__ = ["Coder", "CoderSizes"]


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
