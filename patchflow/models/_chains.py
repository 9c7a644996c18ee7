"""Long flows: steps of one kind with permutations between."""

import inspect

from ..flows import Chain, Flow, flows

__all__ = ["chain"]


def chain(
    kind: str, size: int, steps: int, *, hidden: int, context: int = 0, seed: int = 0, to_cube: bool = False
) -> Chain:
    """Returns a flow of many steps.

    Args:
        kind: Name of a flow, see `flows`.
        size: Length of the vectors.
        steps: How many of them.
        hidden: Width of the networks inside, if it has such a size.
        context: Length of the context.
        seed: Of the permutations.
        to_cube: Whether a sigmoid ends it.

    Raises:
        UnknownName: If there is no such flow.
        ValueError: If it does not go from the line to the line, or there are no steps.

    Example:
        >>> chain("iaf", 3, 2, hidden=8).size
        3
    """
    made = flows[kind]
    own = {"hidden": hidden} if "hidden" in inspect.signature(made).parameters else {}
    parts: list[Flow] = []
    for step in range(steps):
        if step:
            parts.append(flows["permutation"](size, seed=seed + step))  # type: ignore[call-arg]
        parts.append(made(size, context, **own))
    if to_cube:
        parts.append(flows["sigmoid"](size))
    return Chain(*parts)
