"""Turns words and numbers of the command line into values; errors name what is wrong. Options of several commands."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import OptionError, StorageError

if TYPE_CHECKING:
    from ..presets import ParamSpace, Value

__all__ = [
    "AsJson",
    "LibraryFile",
    "OnlyCategories",
    "OnlySynths",
    "OnlyTags",
    "OutFolder",
    "check_device",
    "check_least",
    "key_values",
    "library_file",
    "locks",
    "number",
    "synth_name",
    "synth_names",
    "whole",
]


def check_device(device: str) -> None:
    """Makes sure that a device is one, and is here.

    Raises:
        OptionError: If it is not.
    """
    import torch

    if device not in ("cpu", "cuda"):
        raise OptionError(f"device={device!r}: not cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("device='cuda': there is no CUDA device here; give cpu")


def check_least(least: int, **values: int | None) -> None:
    """Makes sure that options that were given are not too small.

    Raises:
        OptionError: If one is.

    Example:
        >>> check_least(1, workers=4, most=None)
    """
    for name, value in values.items():
        if value is not None and value < least:
            raise OptionError(f"{name}={value}: not at least {least}")


def key_values(words: Sequence[str]) -> dict[str, str]:
    """Splits words of the form `key=value`.

    Raises:
        OptionError: If a word has no `=` or no key, or a key comes twice.

    Example:
        >>> key_values(["steps=100", "name=a=b"])
        {'steps': '100', 'name': 'a=b'}
    """
    found: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise OptionError(f"{word!r}: not of the form key=value, e.g. steps=100")
        if key in found:
            raise OptionError(f"{key}: given twice, as {found[key]!r} and {value!r}")
        found[key] = value
    return found


def library_file(chosen: Path | None, *, none: bool) -> Path | None:
    """Returns the preset library to use.

    Args:
        chosen: The one a user asks for; their own, if there is one, if not given.
        none: Whether they want none.
    """
    from ..presets.library.library import default_path

    if none:
        return None
    if chosen is not None:
        return chosen
    try:
        own = default_path()
    except StorageError:
        return None  # who has no folder has no library in it
    return own if own.exists() else None


def locks(words: Sequence[str], *spaces: "ParamSpace") -> "dict[str, Value | None]":
    """Reads words of the form `name` or `name=value`.

    Args:
        words: E.g. `["op1", "feedback=3"]`.
        spaces: The parameters of each synth, which say what kind of value each has.

    Returns:
        The value for every name, None where none was given. Names and values are not checked.

    Example:
        >>> from patchflow.engines import engines
        >>> locks(["osc", "gain=-6"], engines["tone"].space)
        {'osc': None, 'gain': -6.0}
    """
    found: dict[str, Value | None] = {}
    for word in words:
        name, sign, text = word.partition("=")
        found[name] = _value(name, text, spaces) if sign else None
    return found


def _value(name: str, text: str, spaces: "Sequence[ParamSpace]") -> "Value":
    """The text as the kind of value that the parameter of a synth has; the text itself where it does not fit.

    Then it is the parameter that refuses it: that message says what is allowed.
    """
    from ..presets import Choice, Steps

    found = [space.parameters[space.index[name]] for space in spaces if name in space.index]
    if not found or isinstance(found[0], Choice):
        return text
    try:
        return int(text) if isinstance(found[0], Steps) else float(text)
    except ValueError:
        return text


def synth_name(text: str) -> str:
    """Reads the name of a synth; of one that is known by another name, ours.

    Example:
        >>> synth_name("dx7"), synth_name("tone")
        ('dexed', 'tone')
    """
    if not text:
        return ""
    from ..engines import engines

    return engines.known_as(text)


def synth_names(text: str) -> str:
    """Reads names of synths with "and", "or" and "not" between them, each as `synth_name` does.

    Example:
        >>> synth_names("dx7 or vital"), synth_names("not tone")
        ('dexed or vital', 'not tone')
    """
    return re.sub(r"\S+", lambda word: synth_name(word[0]), text)


def whole(text: str | int) -> int:
    """Reads a whole number.

    Raises:
        BadParameter: If it is none.

    Example:
        >>> whole("4000")
        4000
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number, such as 4") from None


def number(text: str | float) -> float:
    """Reads a finite number.

    Raises:
        BadParameter: If it is none.

    Example:
        >>> number("-6.5")
        -6.5
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise typer.BadParameter(f"{text!r} is not a number, such as 2.5")
    return value


# Options that several commands have.
LibraryFile = Annotated[
    Path | None,
    typer.Option(
        "--library", metavar="FILE", help="The library.  [default: $PATCHFLOW_LIBRARY, or one in your data folder]"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")]
OutFolder = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write; made if it is not there.")
]
OnlySynths = Annotated[
    list[str] | None, typer.Option(metavar="NAME", parser=synth_names, help="Only presets of this synth.")
]
OnlyCategories = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only presets of this category.")]
OnlyTags = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only presets with this tag.")]
