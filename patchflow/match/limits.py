"""What a match may spend, and what it may not change: budgets and locks."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OptionError, UnknownName
from ..presets import ParamSpace

__all__ = ["DEFAULT_SECONDS", "Budget", "Clock", "budget_of", "check_locks", "encode_locks", "known_locks"]

DEFAULT_SECONDS = 5.0
"""How long to search if no limit is given, in seconds."""


@dataclass(frozen=True)
class Budget:
    """How long to search: until either limit is reached, but never without a first batch.

    Args:
        renders: Most renders, in whole notes; the beginning of one counts as much as it costs. No limit if None.
        seconds: Most seconds of wall time; no limit if None.

    Raises:
        ValueError: If there is no limit, or it allows nothing.
    """

    renders: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.renders is None and self.seconds is None:
            raise ValueError("renders=None, seconds=None: a search needs a limit")
        if self.renders is not None and self.renders < 1:
            raise ValueError(f"renders={self.renders}: not at least 1")
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"seconds={self.seconds}: not above 0")

    def spent(self, renders: float, seconds: float) -> float:
        """Returns the share that is spent; 1 or more when it is over."""
        shares = [0.0]
        if self.renders is not None:
            shares.append(renders / self.renders)
        if self.seconds is not None:
            shares.append(seconds / self.seconds)
        return max(shares)


class Clock:
    """How much of a budget is spent, by one search or by several that share it.

    Args:
        budget: When to stop.
        searches: How many share it.

    Attributes:
        renders: Renders so far; a screening counts as the share of one that it costs.
        until: When the time is over, as `time.monotonic` counts.
    """

    def __init__(self, budget: Budget, searches: int = 1) -> None:
        self.budget = budget
        self.searches = searches
        self.renders = 0.0
        self._start = time.monotonic()
        self.until = math.inf if budget.seconds is None else self._start + budget.seconds

    @property
    def seconds(self) -> float:
        """Seconds since the beginning, without those in which it was stopped."""
        return time.monotonic() - self._start

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """No time passes within this: whoever is told how far a search is may hold it up as long as they like."""
        begun = time.monotonic()
        try:
            yield
        finally:
            away = time.monotonic() - begun
            self._start += away
            self.until += away

    @property
    def share(self) -> float:
        """Share of the budget that is spent; 1 or more when it is over."""
        return self.budget.spent(self.renders, self.seconds)

    @property
    def renders_left(self) -> float:
        """Renders that the budget still has."""
        return math.inf if self.budget.renders is None else self.budget.renders - self.renders

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent, or has no whole render left."""
        return self.renders_left < 1 or self.share >= 1


def budget_of(seconds: float | None, renders: int | None) -> Budget:
    """Returns the budget that a user asks for: one of the two, `DEFAULT_SECONDS` if neither is given.

    Args:
        seconds: Above 0, at most a day.
        renders: 1 to 10 million.

    Raises:
        OptionError: If both are given, or one is out of its range.
    """
    if seconds is not None and renders is not None:
        raise OptionError(f"seconds={seconds:g} and renders={renders}: give one of them")
    if renders is not None:
        if not 1 <= renders <= 10_000_000:
            raise OptionError(f"renders={renders}: not in [1, 10000000]")
        return Budget(renders=renders)
    if seconds is None:
        seconds = DEFAULT_SECONDS
    if not 0 < seconds <= 86_400:
        raise OptionError(f"seconds={seconds:g}: not in (0, 86400]")
    return Budget(seconds=seconds)


def encode_locks(space: ParamSpace, lock: Mapping[str, Any], start: np.ndarray | None = None) -> dict[int, float]:
    """Returns the encoded value of every locked parameter by its position.

    Args:
        space: The synth's parameters.
        lock: Values by name of a parameter, or None by name of a parameter or group to leave it as it is.
        start: As it is, encoded, shape `(P,)`; the fresh preset if not given.

    Raises:
        UnknownName: If a name is neither a parameter nor a group.
        PresetError: If a value does not fit.
        OptionError: If a whole group is given one value.
    """
    if start is None:
        start = space.default()
    locked: dict[int, float] = {}
    for name, value in lock.items():
        positions = space.select(name)
        if value is None:
            locked |= {i: float(start[i]) for i in positions}
        elif name in space.index:
            parameter = space.parameters[positions[0]]
            locked[positions[0]] = parameter.unit_value(parameter.number(value))
        else:
            raise OptionError(f"lock {name}={value!r}: {name} is a group; lock it without a value, or its parameters")
    return locked


def known_locks(lock: Mapping[str, Any], space: ParamSpace) -> dict[str, Any]:
    """Returns the locks whose names a synth has.

    Args:
        lock: See `encode_locks`.
        space: The synth's parameters.
    """
    return {name: value for name, value in lock.items() if name in space.index or name in space.groups}


def check_locks(lock: Mapping[str, Any], spaces: Sequence[ParamSpace]) -> None:
    """Checks locks of a match with several synths: every name has to be one of any of them, every value has to fit.

    Args:
        lock: See `encode_locks`.
        spaces: The parameters of each synth; at least one.

    Raises:
        UnknownName: If no synth has a parameter or group of that name.
        PresetError: If a value does not fit.
        OptionError: If a whole group is given one value.
    """
    for name in lock:
        if not any(known_locks({name: None}, space) for space in spaces):
            names: dict[str, None] = {}
            for space in spaces:
                names |= dict.fromkeys([*space.names, *space.groups])
            raise UnknownName("parameter or group", name, list(names))
    for space in spaces:
        encode_locks(space, known_locks(lock, space))
