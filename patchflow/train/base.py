"""Recipes that are small files over a base: what the smaller one says wins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..settings import read_table

__all__ = ["laid_over", "read_layers"]

_RIVALS = (("bank", "data"), ("steps", "epochs"))  # each says instead of the other


def read_layers(path: str | Path) -> dict[str, Any]:
    """Reads a TOML file and, beneath it, the files that `base` leads to.

    Args:
        path: The recipe; its `base` is relative to its own folder.

    Returns:
        The values of all layers, `base` of the top one still among them.

    Raises:
        StorageError: If a file cannot be read.
        OptionError: If one is not TOML, `base` is not a text, or a file is its own base.
    """
    layers, place, seen = list[dict[str, Any]](), Path(path), list[Path]()
    while True:
        if place.resolve() in seen:
            raise OptionError(f"{path}: base leads in a circle, back to {place.name}")
        seen.append(place.resolve())
        layers.append(read_table(place))
        base = layers[-1].get("base", "")
        if not isinstance(base, str):
            raise OptionError(f"base={base!r}: not a text in quotes")
        if not base:
            break
        place = place.parent / base
    values = layers.pop()
    while layers:
        values = laid_over(values, layers.pop())
    return values


def laid_over(values: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values with others over them; tables are joined, and what says instead of another removes it.

    Args:
        values: The lower layer.
        upper: The layer that wins.

    Example:
        >>> laid_over({"steps": 9, "sizes": {"width": 1}}, {"epochs": 2, "sizes": {"bins": 3}})
        {'sizes': {'width': 1, 'bins': 3}, 'epochs': 2}
    """
    found = dict(values)
    for first, second in _RIVALS:
        for ours, theirs in ((first, second), (second, first)):
            if ours in upper and theirs not in upper:
                found.pop(theirs, None)
    for key, value in upper.items():
        lower = found.get(key)
        found[key] = {**lower, **value} if isinstance(lower, dict) and isinstance(value, dict) else value
    return found
