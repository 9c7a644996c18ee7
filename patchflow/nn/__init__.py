"""Blocks that two or more models are built of."""

from .activation import activate
from .conv import ConvDecoder, ConvEncoder
from .initial import xavier
from .mlp import MLP
from .standard import Standard

__all__ = ["MLP", "ConvDecoder", "ConvEncoder", "Standard", "activate", "xavier"]
