"""Measures which parameters of a plug-in transpose its whole sound, and by how many cents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..engines import Control, Note
from ..features.log_spectrum import best_shift, fine_spectrum
from ..progress import Progress, ProgressCallback
from .audible import Twins, random_preset
from .kinds import ParameterKind
from .trial import TRIAL_RATE, Trial, is_silent

__all__ = [
    "AGREE",
    "EXACT",
    "NOTE",
    "Spectra",
    "confirmed_ends",
    "curve",
    "moved",
    "shift",
    "small_move",
    "with_cents",
]

NOTE = Note(pitch=57, velocity=90, hold=0.7, length=0.9)  # partials of 220 Hz come apart
_OTHER_KEY = 69
_MOVE = 0.2  # of a knob's range
_PLACES = 17  # of a knob
_MOST = 2_500  # cents between two sounds that are compared
AGREE = 0.7  # a sound that was transposed agrees with what it was at least so well
EXACT = 15.0  # cents by which a measured shift may be off
_PRESETS = 6  # random ones, in which a parameter has to do the same
_CONFIRMED = 2
_LARGEST = 64  # parameters that are moved at once
_SMALLER = 4  # times, after a change was heard


class Spectra:
    """The fine spectra of a plug-in's sounds, each played once.

    Args:
        trial: Plays.
        twins: Parts that are the same: of presets that differ only in which of them has which values one is played.
    """

    def __init__(self, trial: Trial, twins: Twins | None = None) -> None:
        self._trial = trial
        self._twins = twins or Twins()
        self._found: dict[tuple[tuple[object, ...], int], Tensor | None] = {}

    def of(self, values: Mapping[int, float], pitch: int = NOTE.pitch) -> Tensor | None:
        """Returns the spectrum of some values, by index; None if there is no sound."""
        key = self._key(values, pitch)
        if key not in self._found:
            self._keep(values, self._play(values, pitch), pitch)
        return self._found[key]

    def play_moves(
        self,
        preset: Mapping[int, float],
        moves: Sequence[tuple[int, float]],
        progress: Callable[[int], None],
    ) -> None:
        """Plays a preset with each of some moves; those that change nothing are moved at once, and have its spectrum.

        Where no change is heard more and more moves are made at once; where one is, few, and in the end single ones.
        Parameters of one part stand together, and parts that are off are most of a large plug-in.

        Args:
            preset: Values by index, others as the plug-in has them when it is loaded.
            moves: A parameter and its new value.
            progress: Called with how many of the moves are played.
        """
        wanted = {self._key({**preset, index: value}): (index, value) for index, value in reversed(moves)}
        known = len(moves) - len(wanted)
        moves = [move for key, move in reversed(wanted.items()) if key not in self._found]
        known += len(wanted) - len(moves)
        if not moves:
            return
        base = self._play(preset)
        self._keep(preset, base)
        count = 1
        done = 0
        while done < len(moves):
            group = moves[done : done + count]
            sound = self._play({**preset, **dict(group)})
            changes = sound is None or base is None or self._trial.differ(sound, base)
            if changes and len(group) > 1:
                count = max(1, len(group) // _SMALLER)
                continue
            for index, value in group:
                self._keep({**preset, index: value}, sound if changes else base)
            done += len(group)
            count = 1 if changes else min(2 * count, _LARGEST)
            progress(known + done)

    def _play(self, values: Mapping[int, float], pitch: int = NOTE.pitch) -> np.ndarray | None:
        return self._trial.tried(values, replace(NOTE, pitch=pitch))

    def _keep(self, values: Mapping[int, float], sound: np.ndarray | None, pitch: int = NOTE.pitch) -> None:
        spectrum = None
        if sound is not None and not is_silent(sound):
            spectrum = fine_spectrum(torch.from_numpy(np.array(sound))[None], TRIAL_RATE)
        self._found[self._key(values, pitch)] = spectrum

    def _key(self, values: Mapping[int, float], pitch: int = NOTE.pitch) -> tuple[tuple[object, ...], int]:
        return self._twins.form(values), pitch


def with_cents(
    spectra: Spectra, controls: Sequence[Control], kinds: Sequence[ParameterKind], progress: ProgressCallback
) -> list[Control]:
    """Returns the controls, those that transpose with how many cents their values are apart, see `Control.cents`.

    A parameter transposes if moving it shifts the spectrum, all of it and by the same on two keys and in several
    presets. One that moves one oscillator of two does not.

    Args:
        spectra: Of what is played.
        controls: Of all parameters, the fresh preset as their defaults.
        kinds: Of all parameters, to draw presets.
        progress: Called with the parameters that are measured.
    """
    rng = np.random.default_rng(1)
    presets = [random_preset(kinds, rng) for _ in range(_PRESETS)]
    free = [control for control in controls if control.kind != "fixed"]
    # Most switches are heard and most knobs of a large plug-in are not, as their parts are off.
    free.sort(key=lambda control: control.kind != "knob")

    def show(done: int) -> None:
        progress(Progress("listening for pitch", done, len(free), "parameters"))

    show(0)
    # nearly all work is here: what does not shift the fresh preset is measured no further
    spectra.play_moves({}, [small_move(control) for control in free], show)
    found = []
    for control in controls:
        cents = ()
        if control.kind != "fixed" and _shifts(spectra, control):
            cents = curve(spectra, control)
            show(len(free))
        measured = replace(control, cents=cents)
        found.append(measured if cents and _is_confirmed(spectra, measured, presets) else control)
    return found


def _shifts(spectra: Spectra, control: Control) -> bool:
    """Whether a small move in the fresh preset shifts the spectrum."""
    index, value = small_move(control)
    cents, agreement = shift(spectra.of({}), spectra.of({index: value}))
    return abs(cents) > 5 and agreement >= AGREE


def small_move(control: Control) -> tuple[int, float]:
    """Returns the index of a control and a value near its default."""
    start = control.default
    if control.kind == "knob":
        return control.index, start + _MOVE if start + _MOVE <= 1 else start - _MOVE
    place = control.values.index(start)
    return control.index, control.values[place + 1 if place + 1 < len(control.values) else place - 1]


def curve(spectra: Spectra, control: Control, preset: Mapping[int, float] | None = None) -> tuple[float, ...]:
    """Returns how high each value is, equally far values of a knob; () if they make no sense.

    Args:
        spectra: Of what is played.
        control: What is moved.
        preset: Other values, by index; those of the fresh preset if None.
    """
    values = np.array(control.values or np.linspace(0, 1, _PLACES))
    heights = _heights(spectra, control, values, preset or {})
    known = np.isfinite(heights)
    if known.sum() < max(2, len(values) / 2):
        return ()
    # A line through what is known: the ends may lie too low or too high to be heard.
    places = values if control.kind == "knob" else np.arange(len(values))
    slope, start = np.polyfit(places[known], heights[known], 1)
    whole = slope * (places[-1] - places[0])
    off = np.abs(slope * places[known] + start - heights[known]).max()
    if off <= EXACT and abs(whole) > 2 * EXACT:
        steps = len(values) - 1
        slope = _rounded(whole) if control.kind == "knob" else _rounded(whole / steps)
        line = slope * (places - np.interp(control.default, values, places))
        return (float(line[0]), float(line[-1])) if control.kind == "knob" else tuple(line.tolist())
    heights = [_rounded(height) for height in heights[known]]
    moves = np.diff(heights)
    useful = known.all() and moves.any() and (control.values or (moves >= 0).all() or (moves <= 0).all())
    return tuple(heights) if useful else ()


def _heights(spectra: Spectra, control: Control, values: np.ndarray, preset: Mapping[int, float]) -> np.ndarray:
    """Returns by how many cents each value is above the default, NaN where that cannot be told."""
    first = spectra.of({**preset, control.index: control.default})
    each = [spectra.of({**preset, control.index: float(value)}) for value in values]
    direct = [shift(first, found) for found in each]
    nearest = int(np.abs(values - control.default).argmin())
    heights = np.full(len(values), np.nan)
    cents, agreement = direct[nearest]
    if agreement >= AGREE:
        heights[nearest] = cents
    for places in (range(nearest + 1, len(values)), range(nearest - 1, -1, -1)):
        before = nearest
        for place in places:
            cents, agreement = shift(each[before], each[place])
            if agreement >= AGREE:
                heights[place] = heights[before] + cents
            # From value to value no octave is lost; from the default on no roundings add up.
            cents, agreement = direct[place]
            unknown = np.isnan(heights[place])
            if agreement >= AGREE and (unknown or abs(cents - heights[place]) <= EXACT + 5 * abs(place - nearest)):
                heights[place] = cents
            # What cannot be heard is no place to go on from.
            if np.isfinite(heights[place]):
                before = place
    return heights


def _rounded(cents: float) -> float:
    """Instruments are made in semitones."""
    whole = 100 * round(cents / 100)
    return float(whole if abs(cents - whole) <= EXACT else round(cents))


def _is_confirmed(spectra: Spectra, control: Control, presets: Sequence[dict[int, float]]) -> bool:
    """Whether it does the same on another key and in random presets, in nearly all where that can be told."""
    ends = confirmed_ends(spectra, control, {})
    if ends is None:
        return False
    wanted = control.height(ends[1]) - control.height(ends[0])
    confirmed = 0
    refuted = 0
    for preset in presets:
        cents, agreement = moved(spectra, control, preset, ends)
        if agreement >= AGREE:
            same = abs(cents - wanted) <= EXACT
            confirmed += same
            refuted += not same
    return confirmed >= _CONFIRMED and refuted <= confirmed / 3


def confirmed_ends(spectra: Spectra, control: Control, preset: Mapping[int, float]) -> tuple[float, float] | None:
    """Returns two values that are a fifth apart, or near to it; None if they are not on another key."""
    places = list(control.values or np.linspace(0, 1, _PLACES).tolist())
    while len(places) >= 2:
        middle = places[len(places) // 2]
        others = [value for value in places if value != middle]
        best = min(others, key=lambda value: abs(abs(control.height(value) - control.height(middle)) - 700))
        silent = [value for value in (middle, best) if spectra.of({**preset, control.index: value}, _OTHER_KEY) is None]
        if not silent:
            break
        places = [value for value in places if value not in silent]
    else:
        return None
    wanted = control.height(best) - control.height(middle)
    cents, agreement = moved(spectra, control, preset, (middle, best), _OTHER_KEY)
    return (middle, best) if agreement >= AGREE and abs(cents - wanted) <= EXACT else None


def moved(
    spectra: Spectra, control: Control, preset: Mapping[int, float], ends: tuple[float, float], pitch: int = NOTE.pitch
) -> tuple[float, float]:
    """Returns the shift from one value to another, in cents, and how well the sounds agree then."""
    start, end = (spectra.of({**preset, control.index: value}, pitch) for value in ends)
    return shift(start, end)


def shift(before: Tensor | None, after: Tensor | None) -> tuple[float, float]:
    """Returns how far the second spectrum is above the first, in cents, and how well they agree then."""
    if before is None or after is None:
        return 0.0, 0.0
    found = best_shift(after, before, _MOST)
    return float(found.cents), float(found.agreement)
