"""Numbers on the command line, refused in words that name them."""

import math

import typer

__all__ = ["number", "whole"]


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
