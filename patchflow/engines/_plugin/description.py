"""What patchflow knows of a plug-in: its parameters, which of them are searched, how it behaves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...errors import PresetError
from ...presets import Choice, Knob, Parameter, ParamSpace, Steps, Value
from .._tuners import Tuner

__all__ = ["CONTROL_KINDS", "Control", "Description", "Native"]

CONTROL_KINDS = ("knob", "steps", "choice", "fixed")

Native = tuple[int, float]
"""Index of a plug-in's parameter and its value on the plug-in's own scale, [0, 1]."""

_FRESH = {
    "fork": "a copy for every render",
    "reload": "loaded anew for every render",
    "reuse": "never, it may remember what it played",
}
_PLACES = 17  # of the pitches of a knob
_NEAR = 1e-6  # the plug-in's numbers have 24 bits


@dataclass(frozen=True)
class Control:
    """One parameter of a plug-in. All its numbers are on the plug-in's own scale, [0, 1].

    Args:
        index: Its place in the plug-in, from 0.
        name: As the plug-in calls it, unless the file says otherwise.
        kind: One of `CONTROL_KINDS`.
        default: Its value in a fresh preset, and always if it is fixed.
        group: The part of the synth it belongs to, or "".
        low: Smallest value of a knob.
        high: Largest value of a knob.
        options: The plug-in's texts for the values of steps and choices.
        values: The value of each option.
        label: The plug-in's own name for it, which may be "", if that is not `name`.
        cents: Of a parameter that transposes the whole sound, how far each option is above the default, or of a knob,
            equally far places from 0 to 1. () of all others.
        needs: Names and values of other parameters without which it transposes a part of the sound only.
        notes: Comments for the user, a line each.
    """

    index: int
    name: str
    kind: str
    default: float
    group: str = ""
    low: float = 0.0
    high: float = 1.0
    options: tuple[str, ...] = ()
    values: tuple[float, ...] = ()
    label: str | None = None
    cents: tuple[float, ...] = ()
    needs: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def parameter(self) -> Parameter:
        """The parameter for models and searches."""
        if self.kind == "knob":
            return Knob(self.name, self.low, self.high, group=self.group, default=self.default)
        if self.kind == "choice":
            return Choice(self.name, self.options, self.group, self.options[self._nearest(self.default)])
        default = self.first + self._nearest(self.default)
        return Steps(self.name, self.first, self.first + len(self.values) - 1, group=self.group, default=default)

    @property
    def own_name(self) -> str:
        """What the plug-in calls it, "" if it has no name there."""
        return self.name if self.label is None else self.label

    @property
    def step(self) -> float:
        """The most cents from one pitch to the next, of a parameter that transposes."""
        if self.kind == "knob" and np.diff(self.cents).all():
            return 1.0
        return float(np.diff(np.unique(self.cents)).max())

    @cached_property
    def first(self) -> int:
        """The number of the first step: as the plug-in shows it if it counts, else 0."""
        try:
            numbers = [int(option) for option in self.options]
        except ValueError:
            return 0
        counting = list(range(numbers[0], numbers[0] + len(numbers)))
        return numbers[0] if numbers == counting else 0

    def native(self, u: float) -> float:
        """Returns the plug-in's value at a place of the unit cube."""
        if self.kind == "knob":
            return float(self.parameter.value(u))
        cells = len(self.values)
        return self.values[min(max(int(u * cells), 0), cells - 1)]

    def place(self, native: float) -> float:
        """Returns the place in the unit cube of a value that the plug-in has."""
        parameter = self.parameter
        if isinstance(parameter, Knob):
            return parameter.unit_value(min(max(native, self.low), self.high))
        return parameter.unit_value(self._nearest(native))

    def height(self, native: float) -> float:
        """Returns how many cents above the default a value is, of a parameter that transposes."""
        if self.kind == "knob":
            return float(np.interp(native, np.linspace(0, 1, len(self.cents)), self.cents))
        return self.cents[self._nearest(native)]

    def value(self, native: float, text: str = "") -> Value:
        """Returns the preset's value for the plug-in's.

        Args:
            native: In [0, 1].
            text: The plug-in's text for it, which identifies an option better than the value.

        Raises:
            PresetError: If it is beyond the limits that the description sets.
        """
        if self.kind == "knob":
            if not self.low - _NEAR <= native <= self.high + _NEAR:
                raise PresetError(f"{self.name}={native:.6g}: not in [{self.low:g}, {self.high:g}]")
            return min(max(native, self.low), self.high)
        # By its text where that is an option. Else, as the user may have renamed options,
        # by the nearest value, if it is within half a step.
        place = self._nearest(native)
        if text in self.options:
            place = self.options.index(text)
        elif abs(self.values[place] - native) > 0.5 / len(self.values) + _NEAR:
            raise PresetError(f"{self.name}={text or native!r}: not one of {', '.join(self.options)}")
        return self.options[place] if self.kind == "choice" else self.first + place

    def option(self, value: Value) -> str:
        """Returns the text for a preset's value of steps or a choice; "" for a knob."""
        if self.kind == "knob":
            return ""
        return str(value) if self.kind == "choice" else self.options[int(value) - self.first]

    def _nearest(self, native: float) -> int:
        return int(np.argmin([abs(value - native) for value in self.values]))


@dataclass(frozen=True)
class Description:
    """All that is known of a plug-in.

    Args:
        name: Its name for `--synth`.
        plugin: Its file, or the address of an LV2 plug-in.
        id: Whose presets it takes: the four letters of a VST2 plug-in, the class id of a VST3; "" if unknown.
        native: Name of the format of its presets.
        controls: Its parameters, by index; those that are not here stay as the plug-in makes them.
        fresh: How each note gets a fresh plug-in: `"fork"`, `"reload"` or `"reuse"`, one of `hosts.WAYS`.
        latency: Samples by which its sound is late, at 44.1 kHz; renders make up for it.
        noise_floor_db: Distance of two renders of one preset, as log-mel L1; 0 if they are the same to the last bit.
        renders_per_second: Four-second notes, on one core.
    """

    name: str
    plugin: str
    controls: tuple[Control, ...]
    id: str = ""
    native: str = "json"
    fresh: str = "fork"
    latency: int = 0
    noise_floor_db: float = 0.0
    renders_per_second: float = 0.0

    @cached_property
    def searched(self) -> tuple[Control, ...]:
        """The parameters that are not fixed."""
        return tuple(control for control in self.controls if control.kind != "fixed")

    @cached_property
    def space(self) -> ParamSpace:
        """The parameters that are not fixed, for models and searches."""
        return ParamSpace(tuple(control.parameter for control in self.searched))

    @cached_property
    def tuners(self) -> tuple[Tuner, ...]:
        """What transposes the sound, the coarsest first."""
        found = []
        for place, control in enumerate(self.searched):
            needs = self._places_of(control.needs)
            if not control.cents or needs is None:
                continue
            values = control.values or np.linspace(control.low, control.high, max(_PLACES, len(control.cents)))
            cents = tuple(control.height(value) for value in values)
            found.append((control.step, max(cents) - min(cents), Tuner((place,), cents, needs=needs)))
        found.sort(key=lambda each: each[:2], reverse=True)
        return tuple(tuner for _, _, tuner in found)

    @cached_property
    def tuning(self) -> dict[tuple[str, ...], float]:
        """See `Engine.tuning`; the coarsest first."""
        tuning = {}
        for tuner in self.tuners:
            control = self.searched[tuner.places[0]]
            tuning[(control.name,)] = control.step
        return tuning

    @cached_property
    def tuning_needs(self) -> dict[tuple[str, ...], dict[str, Value]]:
        """See `Engine.tuning_needs`."""
        found = {}
        for tuner in self.tuners:
            control = self.searched[tuner.places[0]]
            needed = [(self.searched[place], coordinate) for place, coordinate in tuner.needs]
            if needed:
                found[(control.name,)] = {other.name: other.parameter.value(u) for other, u in needed}
        return found

    def _places_of(self, needs: tuple[tuple[str, float], ...]) -> tuple[tuple[int, float], ...] | None:
        """Places in the space and coordinates of what is needed and searched; None if it cannot be had."""
        named = {control.name: control for control in self.controls}
        found = []
        for name, native in needs:
            control = named[name]
            if control.kind == "fixed":
                if abs(control.default - native) > _NEAR:
                    return None
            elif control.kind == "knob" and not control.low - _NEAR <= native <= control.high + _NEAR:
                return None
            else:
                found.append((self.searched.index(control), control.place(native)))
        return tuple(found)

    def _tuning_text(self) -> str:
        """What transposes, in words; what needs other parameters behind the rest."""
        controls = [self.searched[tuner.places[0]] for tuner in self.tuners]
        parts = []
        for needs in sorted({control.needs for control in controls}):
            names = ", ".join(control.name for control in self.searched if control.cents and control.needs == needs)
            others = ", ".join(name for name, _ in needs)
            parts.append(f"{names} (sets {others})" if others else names)
        return ", ".join(parts) or "none known"

    @cached_property
    def names(self) -> dict[str, str]:
        """The plug-in's own name of each parameter, by its index as text."""
        return {str(control.index): control.own_name for control in self.controls}

    def natives(self, point: np.ndarray, *, fixed: bool = True) -> list[Native]:
        """Returns the plug-in's values of an encoded preset.

        Args:
            point: Shape `(P,)`.
            fixed: Whether to return the values of fixed controls too.
        """
        free = [(c.index, c.native(u)) for c, u in zip(self.searched, point.tolist(), strict=True)]
        if not fixed:
            return free
        return free + [(c.index, c.default) for c in self.controls if c.kind == "fixed"]

    def preset(self, natives: Mapping[int, float], texts: Mapping[int, str]) -> dict[str, Value]:
        """Returns a preset's values, given the plug-in's by index and, where they are known, the texts it shows.

        Raises:
            PresetError: If one is beyond the limits that the description sets.
        """
        return {c.name: c.value(natives[c.index], texts.get(c.index, "")) for c in self.searched}

    def facts(self) -> Mapping[str, str]:
        """Returns what a user wants to know, in words."""
        noise = f"{self.noise_floor_db:.2f} dB" if self.noise_floor_db else "none, renders are exact"
        counts = Counter(control.kind for control in self.controls)
        parameters = [f"{counts[kind]} {kind}" for kind in CONTROL_KINDS if counts[kind]]
        return {
            "plugin": self.plugin,
            "presets": self.native,
            "parameters": ", ".join(parameters),
            "tuning": self._tuning_text(),
            "fresh": _FRESH[self.fresh],
            "latency": f"{self.latency} samples",
            "noise": noise,
            "speed": f"{self.renders_per_second:.0f} renders a second",
        }
