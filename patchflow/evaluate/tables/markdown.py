"""Markdown tables: cells with the best in bold, numbers, shares and p-values as text."""

from collections.abc import Sequence

from ...printable import tame_markup

__all__ = ["bold", "p_value", "share", "short", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table.

    Args:
        head: Names of the columns.
        rows: Cells, as many in each row.

    Example:
        >>> print(table(["model", "n"], [["vae", "3"]]))
        | model | n |
        |---|---|
        | vae | 3 |
    """
    lines = [_line(head), "|" + "---|" * len(head)]
    lines += [_line(row) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    # A bar in a cell would end it.
    return "| " + " | ".join(tame_markup(cell).replace("|", "/") for cell in cells) + " |"


def bold(cells: Sequence[str], values: Sequence[float | None], better: str) -> list[str]:
    """Returns the cells with those of the best value in bold; values of None take no part.

    Args:
        cells: Texts.
        values: Their numbers.
        better: `"lower"` or `"higher"`.

    Example:
        >>> bold(["1.0", "2.0", "–"], [1.0, 2.0, None], "lower")
        ['**1.0**', '2.0', '–']
    """
    known = [value for value in values if value is not None]
    best = (min if better == "lower" else max)(known) if known else None
    marked = []
    for cell, value in zip(cells, values, strict=True):
        is_best = value is not None and value == best
        marked.append(f"**{cell}**" if is_best else cell)
    return marked


def short(value: float | None, digits: int = 3) -> str:
    """Returns a number with few digits and no exponent where it can be avoided.

    Example:
        >>> short(0.0123456), short(12345.6), short(3.0), short(None)
        ('0.0123', '12,346', '3.00', '–')
    """
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.{digits - 1}e}"
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) >= 1e-4 else f"{value:.{digits - 1}e}"


def share(part: float, count: int) -> str:
    """Returns a share with its standard error, which is above 0 for shares of all and of none.

    References:
        Agresti & Coull, Approximate is better than "exact" for interval estimation of binomial proportions (1998),
        https://doi.org/10.1080/00031305.1998.10480550

    Args:
        part: In [0, 1].
        count: Of how many.

    Example:
        >>> share(0.8, 100), share(1.0, 60)
        ('0.80 ± 0.04', '1.00 ± 0.02')
    """
    # Two successes and two failures are added: the plain error of a share of 0 or 1 would be 0.
    middle = (part * count + 2) / (count + 4)
    error = (middle * (1 - middle) / (count + 4)) ** 0.5
    return f"{part:.2f} ± {error:.2f}"


def p_value(p: float | None) -> str:
    """Returns a p-value as it is printed.

    Example:
        >>> p_value(0.0312), p_value(1e-9), p_value(None)
        ('0.031', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
