"""What every flow is, a map of vectors that can be undone and how it changes volumes; and flows one after the other."""

import abc
import contextlib
import inspect
from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..registry import Registry

__all__ = ["Chain", "Flow", "chain", "flows"]


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


class Chain(Flow):
    """A flow of flows: the last after the others. Its inverse undoes the last first.

    A context goes to those that were made for one. Its tolerance is the sum of theirs.

    Args:
        steps: At least one; each begins where the one before it ends.

    Raises:
        ValueError: For no steps, or for neighbours that differ in size, in context or in domain and image.

    Example:
        >>> import torch
        >>> from patchflow.flows import Chain, flows
        >>> bent = [flows["iaf"](4), flows["permutation"](4, seed=1), flows["iaf"](4)]
        >>> y, logdet = Chain(*bent, flows["sigmoid"](4))(torch.zeros(2, 4))
        >>> bool(((y > 0) & (y < 1)).all())
        True
    """

    def __init__(self, *steps: Flow) -> None:
        sizes = sorted({step.size for step in steps})
        contexts = sorted({step.context for step in steps} - {0})
        if len(sizes) != 1 or len(contexts) > 1:
            raise ValueError(f"{len(steps)} steps of sizes {sizes} and contexts {contexts}: not one of each")
        super().__init__(sizes[0], *contexts)
        for before, after in pairwise(steps):
            if before.image != after.domain:
                raise ValueError(
                    f"{type(before).__name__} ends in the {before.image}: "
                    f"{type(after).__name__} begins in the {after.domain}"
                )
        self.steps = nn.ModuleList(steps)
        self.domain = steps[0].domain
        self.image = steps[-1].image
        self.tolerance = sum(step.tolerance for step in steps)

    def _forward(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(len(x))
        for step in cast("Iterable[Flow]", self.steps):
            x, logdet = step(x, context if step.context else None)
            total = total + logdet
        return x, total

    def _inverse(self, y: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        total = y.new_zeros(len(y))
        for step in cast("Iterable[Flow]", reversed(self.steps)):
            y, logdet = step.inverse(y, context if step.context else None)
            total = total + logdet
        return y, total


def chain(kind: str, size: int, steps: int, *, hidden: int, context: int = 0, seed: int = 0, end: str = "") -> Chain:
    """Returns a flow of many steps.

    A random permutation stands between two of them. Couplings, which leave half of the coordinates as they are, come in
    twos that each bend a half, with the permutations between those, and an odd last one is alone: from two steps on
    every coordinate is bent. With random halves some would not be.

    Args:
        kind: Name of a flow, see `flows`.
        size: Length of the vectors.
        steps: How many of them.
        hidden: Width of the networks inside, if it has such a size.
        context: Length of the context.
        seed: Of the permutations.
        end: Name of the flow that ends it, if another does.

    Raises:
        UnknownName: If there is no such flow, or no such end.
        ValueError: If it does not go from the line to the line, or there are no steps.

    Example:
        >>> chain("iaf", 3, 2, hidden=8).size
        3
    """
    flow = flows[kind]
    known = inspect.signature(flow).parameters
    sizes = {"hidden": hidden} if "hidden" in known else {}
    coupled = "flip" in known  # the mark of a coupling: which half stays
    parts: list[Flow] = []
    for step in range(steps):
        # The second of two couplings bends what the first left, so no permutation may come between them. With one, a
        # coordinate may be in the half that stays six times running, and is never learned (see LOG.md).
        if step and not (coupled and step % 2):
            parts.append(flows["permutation"](size, seed=seed + step))  # type: ignore[call-arg]
        half = {"flip": step % 2} if coupled else {}
        parts.append(flow(size, context, **sizes, **half))
    if end:
        parts.append(flows[end](size))
    return Chain(*parts)
