"""What kind of parameter it is: told by what the plug-in shows for the values from 0 to 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["GRID", "Kind", "as_knob", "kind_of"]

GRID = tuple(i / 200 for i in range(201))
"""Values at which the plug-in is asked what it shows."""

_MOST = 48  # options; with more, the text of a knob is merely rounded


@dataclass(frozen=True)
class Kind:
    """How a parameter is to be searched.

    Args:
        kind: `"knob"`, `"steps"` or `"choice"`.
        options: What the plug-in shows, for steps and choices.
        values: Its value for each of them.
        twins: Two values, as far apart as can be, for which it shows the same.
        ends: What it shows for 0 and for 1.
    """

    kind: str
    options: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    twins: tuple[float, float] = (0.0, 0.0)
    ends: tuple[str, str] = ("", "")

    def tries(self, now: float) -> list[float]:
        """Returns a few values that are far from `now`."""
        values = self.values or (0.0, 0.25, 0.5, 0.75, 1.0)
        far = sorted(values, key=lambda value: -abs(value - now))
        return [value for value in dict.fromkeys((far[0], far[len(far) // 2], far[len(far) // 3])) if value != now]


def kind_of(about: Mapping[str, Any]) -> Kind:
    """Returns the kind of a parameter.

    Args:
        about: What a host tells of it: `runs` of places of `GRID` that read the same, as first, last and text.

    Example:
        >>> kind_of({"runs": [[0, 99, "off"], [100, 200, "on"]]}).options
        ('off', 'on')
        >>> kind_of({"runs": [[0, 66, "8"], [67, 133, "16"], [134, 200, "32"]]}).kind
        'steps'
    """
    runs = [(first, last, " ".join(str(text).split())) for first, last, text in about["runs"]]
    texts = [text for _, _, text in runs]
    if not 2 <= len(runs) <= _MOST or len(set(texts)) < len(texts) or not all(texts):
        return as_knob(about)
    first, last, _ = max(runs, key=lambda run: run[1] - run[0])
    if last == first:
        return as_knob(about)
    kind = "steps" if len(runs) > 2 and _counts(texts) else "choice"
    return Kind(kind, tuple(texts), _values(runs), (GRID[first], GRID[last]), (texts[0], texts[-1]))


def as_knob(about: Mapping[str, Any]) -> Kind:
    """Returns that it is a knob, whatever it shows."""
    runs = about["runs"]
    return Kind("knob", ends=(str(runs[0][2]), str(runs[-1][2])))


def _values(runs: Sequence[tuple[int, int, str]]) -> tuple[float, ...]:
    """Equal steps from 0 to 1, as plug-ins themselves store them, where what is shown agrees; else the middles."""
    even = [place / (len(runs) - 1) for place in range(len(runs))]
    if all(GRID[first] <= value <= GRID[last] for value, (first, last, _) in zip(even, runs, strict=True)):
        return tuple(even)
    return tuple((GRID[first] + GRID[last]) / 2 for first, last, _ in runs)


def _counts(texts: Sequence[str]) -> bool:
    """Whether the texts are numbers, with or without a unit, in order."""
    numbers = []
    for text in texts:
        try:
            numbers.append(float(text.split()[0]))
        except ValueError:
            return False
    steps = [b - a for a, b in pairwise(numbers)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)
