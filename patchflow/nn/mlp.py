"""A stack of linear layers with batch norm, a bend and dropout."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from .activation import activate, drop

__all__ = ["MLP"]


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
            generator: Source of chance for the dropout; without one, and in evaluation, nothing is dropped.
        """
        chance = generator if self.training else None
        for linear, norm in zip(self.linear, self.norm, strict=True):
            x = drop(activate(norm(linear(x)), self.gated), self.dropout, chance)
        return x
