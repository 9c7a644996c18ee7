"""Places from 0 to 1: of parameters, and of the macros of a preset that is played, with what these make of it."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ..engines import engines
from ..errors import OptionError, UnknownName
from ..explore.attribute_map import load_map
from ..explore.macro_knobs import MacroKnobs, MacroWord, macro_words
from ..features.measures import ATTRIBUTES
from ..presets import Parameter, Preset, Value
from .addresses import MACROS

__all__ = ["REACH", "LiveMacros", "native_value", "normal_value"]

REACH = 2.0
"""Standard deviations that a macro turns either way."""

_MIDDLE = 0.5
"""Where a macro leaves the preset as it is."""


def normal_value(parameter: Parameter, value: Value) -> float:
    """Returns a value from 0 to 1: the lowest value or first option is 0, the highest or last is 1.

    Example:
        >>> from patchflow.presets import Steps
        >>> normal_value(Steps("coarse", 0, 31), 31)
        1.0
    """
    number = parameter.number(value)
    return number / max(1, parameter.cells - 1) if parameter.cells else parameter.unit_value(number)


def native_value(parameter: Parameter, share: float) -> Value:
    """Returns the value at 0 to 1, the nearest one where there are steps.

    Example:
        >>> from patchflow.presets import Choice
        >>> native_value(Choice("wave", ("sine", "saw", "square")), 0.6)
        'saw'
    """
    if not parameter.cells:
        return parameter.value(share)
    return parameter.value((round(share * (parameter.cells - 1)) + 0.5) / parameter.cells)


class LiveMacros:
    """Turns macros of a preset by straight ways that are worked out once.

    A macro goes straight from the preset to what `MacroKnobs` makes of it at either end; several add up. An end is
    worked out when a macro is first turned that way, in some 20 ms; every further move takes less than 1 ms.

    Args:
        synth: Name of the engine.

    Attributes:
        words: What each macro turns.
        places: Where each stands, 0 to 1.
        is_learned: Whether the synth has a learned map; else its slopes have to be measured, which takes seconds.

    Example:
        >>> macros = LiveMacros("tone")
        >>> saw = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0})
        >>> macros.take(MacroKnobs(saw))
        >>> macros.turn(3, 1.0)
        >>> macros.words[2].word, macros.applied(saw).values["decay"] > 0.2
        ('length', True)
    """

    def __init__(self, synth: str) -> None:
        self._synth = synth
        self._space = engines[synth].space
        self.words: list[MacroWord] = list(macro_words(synth))
        self.places = [_MIDDLE] * MACROS
        self.is_learned = load_map(synth, self._space) is not None
        self._knobs: MacroKnobs | None = None
        self._ends: dict[tuple[int, bool], np.ndarray] = {}  # ways from the preset to the ends of macros

    @property
    def turned(self) -> list[int]:
        """The numbers of macros that are not in the middle, from 1 on."""
        return [number for number, place in enumerate(self.places, 1) if place != _MIDDLE]

    @property
    def is_ready(self) -> bool:
        """Whether `applied` can be called."""
        return self._knobs is not None

    def begin(self) -> None:
        """Forgets the ways of the preset before."""
        self._knobs = None
        self._ends.clear()

    def take(self, knobs: MacroKnobs) -> None:
        """Takes the knobs of the preset that is played."""
        self._knobs = knobs
        self._ends.clear()

    def turn(self, number: int, place: float) -> None:
        """Turns a macro.

        Args:
            number: From 1 on.
            place: 0 to 1.

        Raises:
            OptionError: If the synth has fewer macros.
        """
        self._check(number)
        self.places[number - 1] = place

    def set_word(self, number: int, word: str) -> MacroWord:
        """Makes a macro turn another word.

        Raises:
            UnknownName: If there is no such word.
            OptionError: If another macro turns it, or the synth has fewer macros.
        """
        measured = [MacroWord(one.name, one.name, one.low, one.high, one.meaning) for one in ATTRIBUTES]
        known = {one.word: one for one in (*measured, *macro_words(self._synth))}
        if word not in known:
            raise UnknownName("macro", word, known)
        self._check(number)
        if any(one.word == word for place, one in enumerate(self.words, 1) if place != number):
            raise OptionError(f"{word}: is turned by another macro")
        self.words[number - 1] = known[word]
        for end in (True, False):
            self._ends.pop((number, end), None)
        return known[word]

    def applied(self, preset: Preset, leave: Collection[str] = ()) -> Preset:
        """Returns a preset with the macros as they stand.

        Args:
            preset: The one whose knobs were taken, or another one that is moved along the same ways.
            leave: Parameters that stay as they are.
        """
        way = np.zeros(len(self._space))
        for number in self.turned:
            share = 2 * (self.places[number - 1] - _MIDDLE)
            way += abs(share) * self._end(number, up=share > 0)
        way[[self._space.index[name] for name in leave]] = 0.0
        moving = np.flatnonzero(way)
        if not len(moving):
            return preset
        values = self._space.decode(self._space.snap(self._space.encode(preset.values) + way))
        moved = {self._space.names[place]: values[self._space.names[place]] for place in moving.tolist()}
        return replace(preset, values={**preset.values, **moved})

    def _end(self, number: int, *, up: bool) -> np.ndarray:
        """The way from the preset to an end of a macro, shape `(P,)`."""
        if self._knobs is None:
            raise ValueError("no preset was taken")
        if (number, up) not in self._ends:
            amount = REACH if up else -REACH
            there = self._knobs.turned({self.words[number - 1].word: amount}).preset
            start = self._space.encode(self._knobs.preset.values)
            self._ends[number, up] = self._space.encode(there.values) - start
        return self._ends[number, up]

    def _check(self, number: int) -> None:
        if not 1 <= number <= len(self.words):
            raise OptionError(f"macro={number}: {self._synth} has {len(self.words)}")
