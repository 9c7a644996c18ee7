"""Measures which parameters of a plug-in can be heard, by moving each in several presets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RenderError
from ..progress import Progress, ProgressCallback
from .kinds import ParameterKind
from .trial import Trial, is_silent

__all__ = ["Audibility", "listen", "random_preset"]

_PRESETS = 12  # tried at most, the fresh one included
_CRASHES = 3  # of one parameter, after which it is moved no more


@dataclass
class Audibility:
    """Whether one parameter can be heard.

    Args:
        audible: Whether moving it changed the sound.
        rounded: Whether values for which the plug-in shows the same text sound the same, too.
        faults: Values at which the plug-in could not play, of those that were tried.
    """

    audible: bool = False
    rounded: bool = True
    faults: tuple[float, ...] = ()


def listen(
    trial: Trial,
    kinds: Sequence[ParameterKind],
    fresh: Sequence[float],
    rng: np.random.Generator,
    progress: ProgressCallback,
) -> list[Audibility]:
    """Moves every parameter in the fresh preset and, where that changed nothing, in random ones.

    Args:
        trial: Plays.
        kinds: Of all parameters.
        fresh: Their values in a fresh preset.
        rng: Draws the others.
        progress: Called after every parameter.

    Returns:
        An entry for each parameter.
    """
    found = [Audibility() for _ in kinds]
    for number in range(_PRESETS):
        # A parameter of a part that is off, or of another algorithm, is silent in one preset and heard in another.
        if number == 0:
            values = list(fresh)
            base = trial.tried({})  # as loaded: setting the same values could change something
        else:
            values = list(random_preset(kinds, rng).values())
            base = trial.tried(dict(enumerate(values)))
        if base is None or is_silent(base):
            continue
        for index, kind in enumerate(kinds):
            if not found[index].audible and len(found[index].faults) < _CRASHES:
                _move(trial, found[index], kind, index, values=values, base=base)
            progress(Progress("moving parameters", (number + (index + 1) / len(kinds)) / _PRESETS))
        if all(audibility.audible for audibility in found):
            break
    return found


def random_preset(kinds: Sequence[ParameterKind], rng: np.random.Generator) -> dict[int, float]:
    """Returns a random preset: the values of all parameters, by index."""
    preset: dict[int, float] = {}
    for index, kind in enumerate(kinds):
        preset[index] = float(rng.choice(kind.values)) if kind.values else float(np.float32(rng.random()))
    return preset


def _move(
    trial: Trial, found: Audibility, kind: ParameterKind, index: int, *, values: list[float], base: np.ndarray
) -> None:
    """Moves one parameter of a preset, whose own sound is `base`, and notes in `found` what that changes."""
    preset = dict(enumerate(values))
    for value in kind.tries(values[index]):
        try:
            sound = trial.play({**preset, index: value})
        except RenderError:
            trial.tried({})  # the next question may have to start the plug-in again
            found.faults = (*found.faults, value)
            continue
        if trial.differ(sound, base):
            found.audible = True
            if kind.values:
                low, high = kind.twins
                one = trial.tried({**preset, index: low})
                two = trial.tried({**preset, index: high})
                found.rounded = one is None or two is None or not trial.differ(one, two)
            return
