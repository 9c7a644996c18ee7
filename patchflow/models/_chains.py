"""Long flows: steps of one kind, between which coordinates change places."""

import inspect

from ..flows import Chain, Flow, flows

__all__ = ["chain"]


def chain(kind: str, size: int, steps: int, *, hidden: int, context: int = 0, seed: int = 0, end: str = "") -> Chain:
    """Returns a flow of many steps.

    A random permutation stands between two of them. Couplings, which leave half of the coordinates as they are, come in
    twos that each bend a half, with the permutations between those, and an odd last one is alone: from two steps on
    every coordinate is bent. Left to chance, some would not be.

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
    made = flows[kind]
    known = inspect.signature(made).parameters
    own = {"hidden": hidden} if "hidden" in known else {}
    coupled = "flip" in known
    parts: list[Flow] = []
    for step in range(steps):
        if step and not (coupled and step % 2):
            parts.append(flows["permutation"](size, seed=seed + step))  # type: ignore[call-arg]
        half = {"flip": step % 2} if coupled else {}
        parts.append(made(size, context, **own, **half))
    if end:
        parts.append(flows[end](size))
    return Chain(*parts)
