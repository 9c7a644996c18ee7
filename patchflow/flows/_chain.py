"""Flows one after the other, and long flows of one kind with permutations between the steps."""

import inspect
from collections.abc import Iterable
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from ._flow import Flow, flows

__all__ = ["Chain", "chain"]


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
