"""Finds out which parameters of a plug-in can be heard, by moving each in one preset after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RenderError
from ..progress import Progress, ProgressCallback
from .kinds import Kind
from .trial import Trial, is_silent

__all__ = ["Heard", "draw", "listen"]

_PRESETS = 12
_PATIENCE = 3  # crashes of one parameter after which it is left alone


@dataclass
class Heard:
    """What is known of one parameter.

    Args:
        audible: Whether moving it was heard.
        rounded: Whether values that the plug-in shows as the same sound the same, too.
        faults: Values at which the plug-in could not play, of those that were tried.
    """

    audible: bool = False
    rounded: bool = True
    faults: tuple[float, ...] = ()


def listen(
    trial: Trial,
    kinds: Sequence[Kind],
    fresh: Sequence[float],
    rng: np.random.Generator,
    progress: ProgressCallback,
) -> list[Heard]:
    """Moves every parameter in the fresh preset and, where nothing was heard, in random ones.

    Args:
        trial: Plays.
        kinds: Of all parameters.
        fresh: Their values in a fresh preset.
        rng: Draws the others.
        progress: Told after every parameter.

    Returns:
        What was heard, for each parameter.
    """
    found = [Heard() for _ in kinds]
    for number in range(_PRESETS):
        values = list(fresh) if number == 0 else list(draw(kinds, rng).values())
        base = trial.tried({} if number == 0 else dict(enumerate(values)))
        if base is None or is_silent(base):
            continue
        for index, kind in enumerate(kinds):
            if not found[index].audible and len(found[index].faults) < _PATIENCE:
                _move(trial, found[index], kind, (index, values, base))
            progress(Progress("moving parameters", (number + (index + 1) / len(kinds)) / _PRESETS))
        if all(heard.audible for heard in found):
            break
    return found


def draw(kinds: Sequence[Kind], rng: np.random.Generator) -> dict[int, float]:
    """Returns a random preset."""
    return {
        index: float(rng.choice(kind.values)) if kind.values else float(np.float32(rng.random()))
        for index, kind in enumerate(kinds)
    }


def _move(trial: Trial, heard: Heard, kind: Kind, preset: tuple[int, list[float], np.ndarray]) -> None:
    index, values, base = preset
    for value in kind.tries(values[index]):
        try:
            sound = trial.play({**dict(enumerate(values)), index: value})
        except RenderError:
            trial.tried({})  # the next question may have to start the plug-in again
            heard.faults = (*heard.faults, value)
            continue
        if trial.differ(sound, base):
            heard.audible = True
            if kind.values:
                one, two = (trial.tried({**dict(enumerate(values)), index: twin}) for twin in kind.twins)
                heard.rounded = one is None or two is None or not trial.differ(one, two)
            return
