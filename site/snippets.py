"""Pieces of HTML for the pages: players, presets, plots and tables.

None has an empty line: in Markdown that is where a block of HTML ends.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from media import Media

__all__ = [
    "SYNTHS",
    "card",
    "cards",
    "fold",
    "matrix",
    "more",
    "parameters",
    "path_of",
    "player",
    "plot",
    "plots",
    "presets",
    "rounded",
    "table",
]

SYNTHS = {"dexed": "DX7 (Dexed)", "vital": "Vital"}
"""What synths are called in headings, where not by the names of their engines."""

_LONG = 30  # letters from which a cell of a table may have several lines
_SHOWN = 12  # parameters of a preset in the page, those that differ most


def rounded(value: float, digits: int = 3) -> str:
    """Returns a number with so many digits, without an exponent for usual sizes.

    Example:
        >>> rounded(12.3456), rounded(0.0), rounded(1234567.0)
        ('12.3', '0', '1.23e+06')
    """
    if not math.isfinite(value):
        return ""
    return "0" if value == 0 else f"{value:.{digits}g}"


def player(media: Media, up: str) -> str:
    """Returns a player whose picture is the spectrogram.

    Args:
        media: The sound.
        up: From the page to the root of the site, such as "../".
    """
    label = escape(media.label)
    picture = f'<img src="{up}{media.picture}" alt="Spectrogram: {label}" loading="lazy" width="240" height="128">'
    axes = f'low="{media.low:.0f}" high="{media.high:.0f}" seconds="{media.seconds:.2f}"'
    return (
        f'<pf-player seconds="{media.seconds:.2f}" label="{label}" peaks="{" ".join(map(str, media.peaks))}">'
        f'<audio controls preload="none" src="{up}{media.sound}" aria-label="{label}"></audio>'
        f"<pf-spectrogram {axes}>{picture}</pf-spectrogram></pf-player>"
    )


def presets(before: Mapping[str, float], after: Mapping[str, float], columns: Sequence[str]) -> str:
    """Returns bars of the parameters that differ most between two presets, and how many others there are.

    Args:
        before: Positions of parameters, 0 to 1; may be empty, and then it is one preset alone.
        after: The same of the other.
        columns: What the two are called.
    """
    shared = [name for name in after if name in before] or list(after)
    start = before or after
    shared.sort(key=lambda name: -abs(after[name] - start[name]))
    moved = [name for name in shared if abs(after[name] - start[name]) > 0.005][:_SHOWN]
    if not moved:
        return f'<p class="none">No difference in {len(shared)} parameters.</p>'
    rows = [(name, f"{start[name]:.3f}", f"{after[name]:.3f}") for name in moved]
    still = len(shared) - len(moved)
    rest = f'<p class="none">{still} other parameters differ less.</p>' if still else ""
    return f'<pf-presets most="6">{table(("Parameter", *columns), rows)}</pf-presets>{rest}'


def parameters(preset: Mapping[str, float]) -> str:
    """Returns all parameters of a preset, folded away."""
    rows = [(name, f"{position:.2f}") for name, position in preset.items()]
    found = table(("Parameter", "Position"), rows)
    return more(f"All {len(rows)} parameters", found)


def more(title: str, body: str) -> str:
    """Returns something that is folded away until one wants it.

    Args:
        title: What it is.
        body: HTML.
    """
    return f'<details class="pf-more"><summary>{escape(title)}</summary>{body}</details>'


def fold(title: str, body: str, name: str, note: str = "", *, is_open: bool = False) -> str:
    """Returns an example under its title, which opens and closes it.

    Args:
        title: What it is.
        body: HTML.
        name: What its address is made of; no other example of the page may have the same.
        note: A line that stands beside the title also while it is closed.
        is_open: Whether it is open to begin with.
    """
    line = f'<span class="note">{escape(note)}</span>' if note else ""
    place = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    opened = " open" if is_open else ""
    head = f"<summary><h3>{escape(title)}</h3>{line}</summary>"
    # The address is that of the inside: a link to it opens what it is in.
    return f'<details class="pf-fold"{opened}>{head}<div class="inside" id="{place}">{body}</div></details>'


def plot(kind: str, columns: Sequence[str], rows: Iterable[Sequence[str]], **attributes: str | bool) -> str:
    """Returns a plot; see `pf-plot.js`.

    Args:
        kind: `"line"`, `"scatter"`, `"box"` or `"bar"`.
        columns: Heads of its table.
        rows: Cells of its table.
        attributes: Of the element; `_` stands for `-`.
    """
    given = []
    for name, value in attributes.items():
        if value:
            given.append(name.replace("_", "-") + ("" if value is True else f'="{escape(str(value))}"'))
    return f'<pf-plot kind="{kind}" {" ".join(given)}>{table(columns, rows)}</pf-plot>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Returns a table whose first column are the heads of its rows.

    Args:
        columns: Heads of the columns.
        rows: Texts of the cells.
        caption: What it shows.
    """
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = []
    for first, *others in rows:
        cells = "".join(_cell(cell) for cell in others)
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    if not caption:
        return whole
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">{whole}</div>'


def _cell(text: str) -> str:
    kind = ' class="long"' if len(text) > _LONG else ""
    return f"<td{kind}>{escape(text)}</td>"


def matrix(title: str, rows: Sequence[str], columns: Sequence[str], values: Sequence[Sequence[float]]) -> str:
    """Returns a table of numbers from -1 to 1 on colours: one for less, one for more.

    Args:
        title: What it shows.
        rows: Heads of the rows.
        columns: Heads of the columns.
        values: A row a row.
    """
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = []
    for name, numbers in zip(rows, values, strict=True):
        cells = []
        for value in numbers:
            share = round(60 * min(abs(value), 1))
            side = "more" if value > 0 else "less"
            cells.append(f'<td class="{side}" style="--share:{share}%">{value:+.2f}</td>')
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>')
    whole = (
        f'<table class="matrix"><caption>{escape(title)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(title)}">{whole}</div>'


def card(title: str, body: str, note: str = "", *, first: bool = False) -> str:
    """Returns a box with a title: a sound and what belongs to it.

    Args:
        title: Such as the name of the method.
        body: HTML.
        note: A line in small letters.
        first: Whether it is what the others are compared with.
    """
    line = f'<p class="note">{escape(note)}</p>' if note else ""
    kind = "pf-card first" if first else "pf-card"
    return f'<div class="{kind}"><p class="title">{escape(title)}</p>{line}{body}</div>'


def cards(inner: Iterable[str], *, two: bool = False) -> str:
    """Returns boxes beside each other, as many in a row as there is room for.

    Args:
        inner: What `card` returned.
        two: Whether there is room for two at most, as for plots.
    """
    kind = "pf-cards two" if two else "pf-cards"
    return f'<div class="{kind}">{"".join(inner)}</div>'


def plots(inner: Iterable[str]) -> str:
    """Returns plots beside each other where there is room, below each other on a phone.

    Args:
        inner: HTML with a plot each; empty ones are left out.
    """
    columns = "".join(f"<div>{one}</div>" for one in inner if one)
    return f'<div class="pf-cards plots">{columns}</div>'


def path_of(inner: Iterable[str]) -> str:
    """Returns boxes of the steps of a path, close beside each other.

    Args:
        inner: What `card` returned.
    """
    return f'<div class="pf-cards path">{"".join(inner)}</div>'
