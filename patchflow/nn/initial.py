"""Weights to begin with."""

from torch import nn

__all__ = ["xavier"]

_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def xavier(module: nn.Module) -> None:
    """Draws the weights of linear and convolutional layers as Glorot and Bengio do; biases begin at 0.

    References:
        Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010),
        https://proceedings.mlr.press/v9/glorot10a.html

    Args:
        module: Whose layers are initialised, from torch's state of chance.
    """
    for layer in module.modules():
        if isinstance(layer, _LAYERS):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
