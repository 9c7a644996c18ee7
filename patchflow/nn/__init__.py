"""Blocks that two or more models are built of.

* `linear`: stacks of linear layers, the activation functions between them, and the weights they begin with; the last
  layer, its losses and its draws of presets; presets with a smooth density.
* `conv`: spectrograms of mean 0 and deviation 1; convolutions from them to vectors and back; the encoder and decoder
  of all auto-encoders, and their sizes.
* `gaussian`: Gaussians of latents and of noise, drawn from and compared; attributes and the first dimensions of a
  latent, each given the other.
"""

from .conv import ConvDecoder, ConvEncoder, Standard
from .linear import MLP, activate, xavier

__all__ = ["MLP", "ConvDecoder", "ConvEncoder", "Standard", "activate", "xavier"]
