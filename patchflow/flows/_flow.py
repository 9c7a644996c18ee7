"""The interface of every flow: a map of vectors that can be undone, and how it changes volumes."""

import abc
import contextlib
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..registry import Registry

__all__ = ["Flow", "flows"]


class Flow(nn.Module, abc.ABC):
    """A differentiable bijection of vectors, which may depend on a context.

    `y, logdet = flow(x, context)` and `x, minus = flow.inverse(y, context)`, where `logdet` is the logarithm of the
    Jacobian's determinant of the direction that was taken. A density p of x makes y's
    `log p(x) - logdet`. Everything is differentiable in both directions, with respect to the input, the context
    and the weights. Mixed precision ends at the entrance: rounded to bfloat16, a map is neither invertible nor are its
    volumes those of its Jacobian, so half precision becomes float32 and autocast is off inside.
    `tests/contracts/test_flows.py` holds every flow to its promises.

    Args:
        size: Length Z of the vectors, at least 1.
        context: Length C of the context, 0 for none.

    Attributes:
        size: Length of the vectors.
        context: Length of the context.
        conditional: Whether the map depends on the context; else it is taken and ignored.
        domain: The set x is from: `"line"` (any numbers) or `"cube"` (between 0 and 1).
        image: The set y is from.
        tolerance: 0 where the inverse is a formula, exact but for rounding; else how far `inverse(forward(x))` may be
            from x, for float64 and vectors of length about 1.

    Raises:
        ValueError: For a negative size, and from `forward` and `inverse` for vectors of another length.

    Example:
        >>> from patchflow.flows import flows
        >>> flow = flows["iaf"](4)
        >>> x = torch.randn(2, 4)
        >>> y, logdet = flow(x)
        >>> torch.allclose(flow.inverse(y)[0], x, atol=1e-5)
        True
    """

    conditional: ClassVar[bool] = True
    domain: str = "line"
    image: str = "line"
    tolerance: float = 0.0

    def __init__(self, size: int, context: int = 0) -> None:
        super().__init__()
        if size < 1 or context < 0:
            raise ValueError(f"size={size}, context={context}: not at least 1 and 0")
        self.size = size
        self.context = context

    def forward(
        self, x: Float[Tensor, "B Z"], context: Float[Tensor, "B C"] | None = None
    ) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B"]]:
        """Returns `y` and `log |det dy/dx|`.

        Args:
            x: Points of the domain.
            context: What the map depends on; required if, and only if, the flow was made for one.
        """
        x, context = self._check(x, context)
        with _full_precision(x.device.type):
            return self._forward(x, context)

    def inverse(
        self, y: Float[Tensor, "B Z"], context: Float[Tensor, "B C"] | None = None
    ) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B"]]:
        """Returns `x` and `log |det dx/dy|`.

        Args:
            y: Points of the image.
            context: As for `forward`.
        """
        y, context = self._check(y, context)
        with _full_precision(y.device.type):
            return self._inverse(y, context)

    @abc.abstractmethod
    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """`forward` of vectors whose lengths fit."""

    @abc.abstractmethod
    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        """`inverse` of vectors whose lengths fit."""

    def _check(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor | None]:
        name = type(self).__name__
        given = 0 if context is None else context.shape[-1]
        if x.shape[-1] != self.size:
            raise ValueError(f"vectors of length {x.shape[-1]}: not {self.size}, the size of this {name}")
        if given != self.context:
            raise ValueError(f"context of length {given}: not {self.context}, as this {name} was made for")
        if context is not None and len(context) != len(x):
            raise ValueError(f"{len(context)} contexts: not {len(x)}, one for each vector")
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        return x, None if context is None else context.to(x.dtype)


flows: Registry[type[Flow]] = Registry("patchflow.flows", "flow")


def _full_precision(device: str) -> contextlib.AbstractContextManager[object]:
    """Switches autocast off where it is on."""
    mixed = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if mixed else contextlib.nullcontext()
