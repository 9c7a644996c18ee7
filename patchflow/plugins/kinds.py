"""Derives the kind, name and group of a plug-in's parameter from the texts it shows."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = [
    "GRID",
    "Family",
    "ParameterKind",
    "as_knob",
    "groups",
    "kind_of",
    "readable_name",
    "repeated_parts",
    "unique",
]

GRID = tuple(i / 200 for i in range(201))
"""Values for which the plug-in is asked for the text it shows."""

Family = tuple[tuple[int, ...], ...]
"""Parts of a synth that look alike: the parameters of each, by index, in the same order."""

_MOST = 48  # options; more texts are those of a knob, rounded


@dataclass(frozen=True)
class ParameterKind:
    """How a parameter is searched.

    Args:
        kind: `"knob"`, `"steps"` or `"choice"`.
        options: The texts that the plug-in shows, for steps and choices.
        values: Its value for each of them.
        twins: Two values, as far apart as possible, with the same text.
        ends: The texts for 0 and for 1.
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
        chosen = [far[0], far[len(far) // 2], far[len(far) // 3]]
        if self.values:
            # Its twin is played anyway once a parameter is heard.
            low, high = self.twins
            if not low <= now <= high:
                chosen.insert(0, low)
        else:
            # At an end a part may be silent, which would hide what is moved after it.
            chosen.insert(0, 0.25 if now >= 0.5 else 0.75)
        # each once, as there may be only two values
        return [value for value in dict.fromkeys(chosen) if value != now]


def kind_of(about: Mapping[str, Any]) -> ParameterKind:
    """Returns the kind of a parameter.

    Args:
        about: From a host's answer: `runs` of places of `GRID` with the same text, as first, last and text.

    Example:
        >>> kind_of({"runs": [[0, 99, "off"], [100, 200, "on"]]}).options
        ('off', 'on')
        >>> kind_of({"runs": [[0, 66, "8"], [67, 133, "16"], [134, 200, "32"]]}).kind
        'steps'
    """
    runs = [(first, last, " ".join(str(text).split())) for first, last, text in about["runs"]]
    texts = [text for _, _, text in runs]
    # Texts that come back in another run, or are empty, do not tell values apart.
    if not 2 <= len(runs) <= _MOST or len(set(texts)) < len(texts) or not all(texts):
        return as_knob(about)
    # The longest run gives the two values with one text that are farthest apart. If no text holds for two places, the
    # parameter may be a knob with few digits.
    first, last, _ = max(runs, key=lambda run: run[1] - run[0])
    if last == first:
        return as_knob(about)
    kind = "steps" if len(runs) > 2 and _counts(texts) else "choice"
    return ParameterKind(kind, tuple(texts), _values(runs), (GRID[first], GRID[last]), (texts[0], texts[-1]))


def as_knob(about: Mapping[str, Any]) -> ParameterKind:
    """Returns the kind of a parameter that is taken for a knob, whatever texts it shows."""
    runs = about["runs"]
    return ParameterKind("knob", ends=(str(runs[0][2]), str(runs[-1][2])))


def _values(runs: Sequence[tuple[int, int, str]]) -> tuple[float, ...]:
    """The value of each option."""
    # Most plug-ins store options as equal steps from 0 to 1. Where the texts agree with that, it is the exact value;
    # else the middle of a run is the safest.
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


_LONGEST = 100  # letters


def unique(names: Sequence[str]) -> list[str]:
    """Returns names of which none is empty and none comes twice.

    A parameter without a name is called by its place, so that it has the same name every time.

    Example:
        >>> unique(["Attack", "", "Attack "])
        ['Attack', 'parameter 1', 'Attack 2']
    """
    found: list[str] = []
    for index, name in enumerate(names):
        stem = readable_name(name) or f"parameter {index}"
        number = 1
        while (candidate := stem if number == 1 else f"{stem} {number}") in found:
            number += 1
        found.append(candidate)
    return found


def readable_name(name: str) -> str:
    r"""Returns a plug-in's name for a parameter as a name here; "" if there is nothing that can be read.

    Args:
        name: It may hold anything.

    Example:
        >>> readable_name(" Cut\x1b[1m=off\u202e"), readable_name(" \t")
        ('Cut [1m off', '')
    """
    # without what cannot be printed, and without =, which separates name and value on the command line
    clean = "".join(letter if letter.isprintable() and letter != "=" else " " for letter in name)
    return " ".join(clean.split())[:_LONGEST].strip()


def groups(names: Sequence[str]) -> list[str]:
    """Returns the part of the synth that each parameter belongs to, "" for one that stands alone.

    Parameters are of one part if their names begin with the same word, and with the same number if one follows.

    Example:
        >>> groups(["osc1_wave", "osc1_tune", "Osc 1 Level", "filter.cutoff", "volume"])
        ['osc1', 'osc1', 'osc1', '', '']
    """
    starts = [_start(name) for name in names]
    count = Counter(starts)
    return [start if count[start] > 1 else "" for start in starts]


def _start(name: str) -> str:
    """The first word of a name, with a number that follows; "" if there is nothing after it."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # oscWave: osc Wave
    words = re.findall(r"[^\W_]+", spaced)
    if len(words) < 2:
        return ""
    first = words[0].lower()
    return first + words[1] if words[1].isdigit() and len(words) > 2 else first


def repeated_parts(names: Sequence[str], kinds: Sequence[ParameterKind]) -> list[Family]:
    """Returns parts whose parameters have the same names but for a number, and are of the same kinds; largest first.

    A parameter may be in several families: with all that is numbered alike, and with those that begin with the same
    word only, which may be alike where the whole is not.

    Example:
        >>> knob = ParameterKind("knob")
        >>> repeated_parts(["Osc 1 Tune", "Osc 1 Level", "Osc 2 Tune", "Osc 2 Level", "Volume"], [knob] * 5)
        [((0, 1), (2, 3))]
    """
    alike: dict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for index, name in enumerate(names):
        for place, number in enumerate(re.finditer(r"[0-9]+", name)):
            row = alike[place, f"{name[: number.start()]}#{name[number.end() :]}"]
            row.setdefault(int(number[0]), index)
    families: dict[tuple[Any, ...], list[list[int]]] = defaultdict(list)
    for (place, template), row in alike.items():
        indices = [row[number] for number in sorted(row)]
        if len(row) > 1 and len({_form(kinds[index]) for index in indices}) == 1:
            numbers = frozenset(row)
            families[place, numbers].append(indices)
            families[place, numbers, template.split()[0]].append(indices)
    found = [_with_odd_names(rows, kinds) for rows in families.values()]
    found.sort(key=lambda family: -len(family) * len(family[0]))
    return list(dict.fromkeys(found))


def _form(kind: ParameterKind) -> tuple[Any, ...]:
    return kind.kind, kind.options, kind.values


def _with_odd_names(rows: list[list[int]], kinds: Sequence[ParameterKind]) -> Family:
    """The parts that rows of parameters make, with what lies between these and is called otherwise in one part."""
    strides: set[int] = set()
    for row in rows:
        strides.update(b - a for a, b in pairwise(row))
    named = set[int]().union(*rows)
    start = min(row[0] for row in rows)
    end = max(row[0] for row in rows)
    stride = min(strides)
    # only where the parts lie one behind the other
    if len(strides) == 1 and end - start < stride:
        for first in range(start, end):
            row = [first + stride * number for number in range(len(rows[0]))]
            same = row[-1] < len(kinds) and len({_form(kinds[index]) for index in row}) == 1
            if same and named.isdisjoint(row):
                rows = [*rows, row]
                named.update(row)
    return tuple(zip(*sorted(rows), strict=True))
