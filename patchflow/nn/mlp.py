"""Stacks of linear layers, the activation functions between them, and the weights they begin with."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import elu, glu

__all__ = ["MLP", "activate", "drop", "xavier"]

_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


class MLP(nn.Module):
    """Linear, batch norm, ELU or gate, dropout; as often as there are layers.

    Args:
        inputs: Size of what comes in.
        hidden: Size of every layer.
        layers: How many, at least 1.
        dropout: Share of values dropped in training, in [0, 1).
        gated: 1 for gates instead of ELU; these layers have twice the weights.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> MLP(3, 8, 2)(torch.zeros(5, 3)).shape
        torch.Size([5, 8])
    """

    def __init__(self, inputs: int, hidden: int, layers: int, *, dropout: float = 0.0, gated: int = 0) -> None:
        super().__init__()
        if layers < 1 or hidden < 1:
            raise ValueError(f"hidden={hidden}, layers={layers}: not at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout}: not in [0, 1)")
        if gated not in (0, 1):
            raise ValueError(f"gated={gated}: not 0 or 1")
        self.dropout = dropout
        self.gated = gated
        out = hidden * (1 + gated)
        # batch norm has a shift of its own, so a bias before it would learn nothing
        widths = [inputs] + [hidden] * (layers - 1)
        self.linear = nn.ModuleList(nn.Linear(width, out, bias=False) for width in widths)
        self.norm = nn.ModuleList(nn.BatchNorm1d(out) for _ in range(layers))

    def forward(self, x: Float[Tensor, "B I"], generator: torch.Generator | None = None) -> Float[Tensor, "B H"]:
        """Returns the last layer's values.

        Args:
            x: What comes in.
            generator: Random generator of the dropout; without one, and in evaluation, nothing is dropped.
        """
        drop_generator = generator if self.training else None
        for linear, norm in zip(self.linear, self.norm, strict=True):
            x = activate(norm(linear(x)), self.gated)
            x = drop(x, self.dropout, drop_generator)
        return x


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

    Torch's own dropout draws from a state of the whole process; a training run that goes on after an interruption has
    to draw what it would have drawn.

    Args:
        x: Values.
        share: Of the values that become 0, in [0, 1).
        generator: Random generator, on the device of x; None drops nothing.
    """
    if generator is None or not share:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= share
    return x * kept / (1 - share)


def xavier(module: nn.Module) -> None:
    """Draws the weights of linear and convolutional layers as Glorot and Bengio do; biases begin at 0.

    References:
        Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010),
        https://proceedings.mlr.press/v9/glorot10a.html

    Args:
        module: Whose layers are initialised, from torch's global random state.
    """
    for layer in module.modules():
        if isinstance(layer, _LAYERS):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
