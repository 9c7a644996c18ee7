"""Measures which parameters of a plug-in transpose its whole sound while some others have certain values."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..engines import Control
from ..progress import Progress, ProgressCallback
from .audible import random_preset
from .cents import AGREE, EXACT, NOTE, Spectra, confirmed_ends, curve, moved, shift, small_move
from .kinds import ParameterKind

__all__ = ["with_needs"]

_FINE = 10.0  # cents from one pitch to the next, with which a synth can be in tune with anything
_PART = 0.5  # new partials agree with those there were, moved, at least so well
_STAYS = 0.35  # how much two sounds may be alike that are at another pitch
_TRIED = 3  # parameters, and values of others for each
_OPTIONS = 8  # of a choice, all of which are tried
_PRESETS = 24
_SHARE = 0.25  # of the parameters are random in them
_CONFIRMED = 4
_ASKED = 8  # presets for their reason, which takes some ten renders each
_BLAMED = 2  # presets in which a parameter has to be the reason
_MOST_NEEDS = 3
_FIFTH = 7  # semitones


def with_needs(
    spectra: Spectra, controls: Sequence[Control], kinds: Sequence[ParameterKind], progress: ProgressCallback
) -> list[Control]:
    """Returns the controls; where none transposes finely, those that do while others have certain values with these.

    Such as the tuning of one oscillator of two, while the mixer plays that one only: see `Control.needs`. One value is
    looked for that makes the small move of a part a move of the whole sound. Then presets that are random in some
    parameters are played: a parameter that is the reason why the sound of several does not move is needed as in the
    fresh preset. All that transposes gets the same needs, so that it works together.

    Args:
        spectra: Of what is played.
        controls: Of all parameters, see `with_cents`.
        kinds: Of all parameters, to draw presets.
        progress: Called with the share of the search that is done.
    """
    free = [control for control in controls if control.kind != "fixed"]
    if any(control.cents and control.step <= _FINE for control in free):
        return list(controls)
    search = _Search(spectra, free, kinds, progress)
    found = {control.index: control for control in search.found()}
    return [found.get(control.index, control) for control in controls]


class _Search:
    """What all steps of a search know.

    Args:
        spectra: Of what is played.
        controls: Those that are not fixed.
        kinds: Of all parameters.
        progress: Called with the share of the search that is done.
    """

    def __init__(
        self, spectra: Spectra, controls: Sequence[Control], kinds: Sequence[ParameterKind], progress: ProgressCallback
    ) -> None:
        self.spectra = spectra
        # Most switches are heard and most knobs of a large plug-in are not, as their parts are off.
        self.controls = sorted(controls, key=lambda control: control.kind != "knob")
        self.progress = progress
        self._shown = 0.0
        self._begun = time.monotonic()
        self._index = {control.name: control.index for control in controls}
        self._fresh = spectra.of({})
        self._presets = self._drawn(kinds)

    def found(self) -> Iterator[Control]:
        """Yields the controls that transpose, with `cents` and `needs`."""
        parts = self._parts()
        knobs = [control for control in parts if control.kind == "knob"]
        for knob in knobs[:_TRIED]:
            first = self._with_needs_of_its_own(knob, parts[knob])
            if first is not None:
                yield first
                yield from self._with_needs_of(first, [control for control in parts if control is not knob])
                return

    def _drawn(self, kinds: Sequence[ParameterKind]) -> list[dict[int, float]]:
        """Presets that are random in some parameters, and fresh in all others: most of them have a pitch."""
        rng = np.random.default_rng(2)
        free = set(self._index.values())
        presets = []
        for _ in range(_PRESETS):
            drawn = random_preset(kinds, rng)
            chosen = rng.random(len(kinds)) < _SHARE
            presets.append({index: value for index, value in drawn.items() if chosen[index] and index in free})
        return presets

    def _parts(self) -> dict[Control, float]:
        """Controls that move a part of the fresh preset's sound, by how many cents; those that do it best first."""
        found = []
        moves = [small_move(control) for control in self.controls]
        self.spectra.play_moves({}, moves, lambda done: self._tell(done, 0.0))
        for control, (index, value) in zip(self.controls, moves, strict=True):
            sound = self.spectra.of({index: value})
            if control.cents or sound is None or self._fresh is None:
                continue
            cents, agreement = shift(self._fresh, (sound - self._fresh).clamp_min(0))
            if abs(cents) > 5 and agreement >= _PART:
                found.append((agreement, control, cents))
        found.sort(key=lambda part: -part[0])
        return {control: cents for _, control, cents in found}

    def _with_needs_of_its_own(self, knob: Control, cents: float) -> Control | None:
        """Returns a control with what it needs; None if nothing makes it transpose the whole sound finely."""
        for needs in self._values_that_help(knob, cents):
            values = {self._index[name]: value for name, value in needs}
            heights = curve(self.spectra, knob, values)
            measured = replace(knob, cents=heights, needs=needs)
            if heights and measured.step <= _FINE:
                found = self._confirmed(measured)
                if found is not None:
                    return found
        return None

    def _with_needs_of(self, first: Control, others: Sequence[Control]) -> Iterator[Control]:
        """Yields what transposes the whole sound, too, with the needs of another."""
        values = self._values(first)
        for number, other in enumerate(others):
            self._tell(len(self.controls) * number // len(others), 0.75)
            if other.index not in values and self._shifts(other, values):
                heights = curve(self.spectra, other, values)
                measured = replace(other, cents=heights, needs=first.needs)
                if heights and self._confirmed(measured, more=False) is not None:
                    yield measured

    def _shifts(self, control: Control, values: Mapping[int, float]) -> bool:
        """Whether a small move shifts the spectrum, with which all that transposes begins."""
        index, value = small_move(control)
        cents, agreement = shift(self.spectra.of(values), self.spectra.of({**values, index: value}))
        return abs(cents) > 5 and agreement >= AGREE

    def _values_that_help(self, knob: Control, cents: float) -> list[tuple[tuple[str, float], ...]]:
        """Returns what may be needed, the best first: nothing, or a value with which a move of a part is one of all."""
        if self._moves_all(knob, {}, cents) >= AGREE:
            return [()]
        index, high = small_move(knob)
        self._play_extremes(knob, {index: high})
        found = []
        for other in self.controls:
            for value in _extremes(other) if other is not knob else ():
                # first with one render for each: most others do not help
                near, agreement = shift(self._fresh, self.spectra.of({index: high, other.index: value}))
                if agreement >= _PART and abs(near - cents) <= EXACT:
                    found.append((self._moves_all(knob, {other.index: value}, cents), ((other.name, value),)))
        found.sort(key=lambda each: -each[0])
        return [needs for agreement, needs in found[:_TRIED] if agreement >= AGREE]

    def _play_extremes(self, knob: Control, preset: Mapping[int, float]) -> None:
        """Plays all others at their extremes, first each at one of them, then each at the next."""
        others = [other for other in self.controls if other is not knob]
        for turn in range(_OPTIONS):
            moves = [(other.index, _extremes(other)[turn]) for other in others if turn < len(_extremes(other))]
            self.spectra.play_moves(preset, moves, lambda done: self._tell(done, 0.25))

    def _moves_all(self, knob: Control, values: Mapping[int, float], cents: float) -> float:
        """How well the sounds before and after a small move agree; 0 if it is another one, or much stays in place."""
        index, value = small_move(knob)
        before = self.spectra.of({**values, index: knob.default})
        after = self.spectra.of({**values, index: value})
        measured, agreement = shift(before, after)
        return agreement if abs(measured - cents) <= EXACT and _likeness(before, after) <= _STAYS else 0.0

    def _confirmed(self, control: Control, *, more: bool = True) -> Control | None:
        """Returns a control with all that it needs to transpose nearly all presets that have a pitch.

        Args:
            control: With its cents, and what it is known to need.
            more: Whether it may need more.
        """
        ends = confirmed_ends(self.spectra, control, self._values(control))
        if ends is None:
            return None
        presets = self._presets if more else self._presets[: _PRESETS // 2]
        told = []
        for number, preset in enumerate(presets):
            if more:
                self._tell(len(self.controls) * number // len(presets), 0.5)
            told.append(self._transposes(control, ends, preset))
        confirmed = told.count(True)
        refuting = [preset for preset, same in zip(presets, told, strict=True) if same is False]
        while more and refuting and len(control.needs) < _MOST_NEEDS:
            reason = self._common_reason(control, ends, refuting)
            if reason is None:
                break
            default = next(other.default for other in self.controls if other.name == reason)
            control = replace(control, needs=(*control.needs, (reason, default)))
            told = [self._transposes(control, ends, preset) for preset in refuting]
            confirmed += told.count(True)
            refuting = [preset for preset, same in zip(refuting, told, strict=True) if same is False]
        return control if confirmed >= _CONFIRMED and len(refuting) <= confirmed / 3 else None

    def _transposes(self, control: Control, ends: tuple[float, float], preset: Mapping[int, float]) -> bool | None:
        """Whether a control moves all of a preset's sound; None if that has no pitch that could be moved."""
        if self._moves_preset(control, ends, preset):
            return True
        values = {**preset, **self._values(control), control.index: ends[0]}
        low = self.spectra.of(values)
        cents, agreement = shift(low, self.spectra.of(values, NOTE.pitch + _FIFTH))
        return False if agreement >= AGREE and abs(cents - 100 * _FIFTH) <= EXACT else None

    def _moves_preset(self, control: Control, ends: tuple[float, float], preset: Mapping[int, float]) -> bool:
        """Whether a control moves all of a preset's sound by what it should."""
        cents, agreement = moved(self.spectra, control, {**preset, **self._values(control)}, ends)
        return agreement >= AGREE and abs(cents - (control.height(ends[1]) - control.height(ends[0]))) <= EXACT

    def _common_reason(
        self, control: Control, ends: tuple[float, float], presets: Sequence[Mapping[int, float]]
    ) -> str | None:
        """Returns the first parameter that is the reason in so many presets that it is no chance; None if none is."""
        reasons: Counter[str] = Counter()
        for preset in presets[:_ASKED]:
            reason = self._reason(control, ends, preset)
            if reason is not None:
                reasons[reason] += 1
                if reasons[reason] == _BLAMED:
                    return reason
        return None

    def _reason(self, control: Control, ends: tuple[float, float], preset: Mapping[int, float]) -> str | None:
        """Returns which parameter of a preset has to be fresh for a control to move all of its sound; None if many."""
        needed = self._values(control)
        suspects = [index for index in preset if index not in needed and index != control.index]
        while suspects:
            half = len(suspects) // 2
            for part in (suspects[:half], suspects[half:]):
                others = {index: value for index, value in preset.items() if index not in part}
                if part and self._moves_preset(control, ends, others):
                    suspects = part
                    break
            else:
                return None
            if len(suspects) == 1:
                return next(name for name, index in self._index.items() if index == suspects[0])
        return None

    def _values(self, control: Control) -> dict[int, float]:
        return {self._index[name]: value for name, value in control.needs}

    def _tell(self, number: int, before: float) -> None:
        # what is tried for a second parameter is not shown as a step back
        self._shown = max(self._shown, before + 0.25 * number / len(self.controls))
        left = None
        if self._shown > 0:
            left = (time.monotonic() - self._begun) * (1 - self._shown) / self._shown
        self.progress(Progress("listening for the pitch of parts", self._shown, seconds_left=left))


def _likeness(before: Tensor | None, after: Tensor | None) -> float:
    """The cosine of two spectra as they are."""
    return 0.0 if before is None or after is None else float(torch.cosine_similarity(before, after))


def _extremes(control: Control) -> list[float]:
    """Values that may silence a part: the ends, and the options of a choice."""
    values = control.values or (0.0, 1.0)
    chosen = values if control.kind == "choice" and len(values) <= _OPTIONS else (values[0], values[-1])
    return [value for value in chosen if value != control.default]
