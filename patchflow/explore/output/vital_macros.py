"""A path of Vital's presets as its macro knobs: the first preset, and knobs that turn it into the other ends."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...engines import Engine, engines
from ...engines._renderer import render_or_silence
from ...errors import PresetError
from ...metrics.perceptual import Reference
from ...presets import Knob, Preset
from ...presets.vital import Macro, control_name, destinations, with_macros
from ..path import Path
from ..player import RATE

__all__ = ["MacroPath", "macro_preset"]

_LEAST = 1e-4  # of a range: what moves less is not modulated
_STRAIGHT = 0.05  # of a range, from the line between the ends: what stays within it is linear


@dataclass(frozen=True)
class MacroPath:
    """A preset whose macro knobs go along a path.

    Args:
        preset: The first of the path, with the knobs at 0.
        knobs: What each knob is called: the end that it leads to.
        controls: How many controls the knobs move.
        bent: Controls that do not go in a straight line along the path.
        left: Controls that move along the path and that no knob can move, such as switches: they stay as in the first.
        errors: How far the sound at each place is from that of the path, in dB, see `metrics.perceptual`.
    """

    preset: Preset
    knobs: tuple[str, ...]
    controls: int
    bent: tuple[str, ...]
    left: tuple[str, ...]
    errors: tuple[float, ...]

    def content(self) -> dict[str, Any]:
        """Returns what a JSON file says of it."""
        return {
            "knobs": list(self.knobs),
            "controls": self.controls,
            "not_straight": list(self.bent),
            "not_moved": list(self.left),
            "error_db": list(self.errors),
            "mean_error_db": float(np.mean(self.errors)),
            "largest_error_db": float(np.max(self.errors)),
        }


def macro_preset(path: Path) -> MacroPath | None:
    """Writes a path into the macro knobs of its first preset, and plays it to say how far it is from the path.

    Between two ends macro 1 leads from the first to the other. Among four, macros 1 to 3 are how much there is of the
    second, third and fourth: x (1 - y), (1 - x) y and x y at a place of the square.

    Args:
        path: Of Vital's presets.

    Returns:
        None where no control that a knob can move is different at the ends, or more are than Vital has modulations for.
    """
    space = engines[path.synth].space
    points = np.stack([space.encode(step.values) for step in path.steps])
    ends = path.grid.corners(len(path.ends))
    corners = points[ends]
    weights = path.grid.weights(len(ends))
    moving = np.abs(points - points[0]).max(0) > _LEAST
    known = set(destinations())
    movable = np.zeros(len(space), bool)
    for position, parameter in enumerate(space.parameters):
        movable[position] = isinstance(parameter, Knob) and control_name(parameter.name) in known
    moved = movable & (np.abs(corners - corners[0]).max(0) > _LEAST)
    if not moved.any():
        return None
    line = weights @ corners
    bent = movable & (np.abs(points - line).max(0) > _STRAIGHT)
    amounts = []
    for corner in corners[1:]:
        shift = corner - corners[0]
        chosen = np.flatnonzero(moved & (np.abs(shift) > _LEAST))
        amounts.append({space.names[position]: float(np.clip(shift[position], -1, 1)) for position in chosen})
    macros = [Macro(name or "end", each) for name, each in zip(path.ends[1:], amounts, strict=True)]
    start = path.presets[0]
    try:
        preset = with_macros(start, macros)
        errors = _errors(path, start, macros, weights)
    except PresetError:  # more controls than modulations are free
        return None
    return MacroPath(
        preset=preset,
        knobs=tuple(macro.name for macro in macros),
        controls=int(moved.sum()),
        bent=tuple(space.names[position] for position in np.flatnonzero(bent)),
        left=tuple(space.names[position] for position in np.flatnonzero(moving & ~movable)),
        errors=errors,
    )


def _errors(path: Path, start: Preset, macros: list[Macro], weights: np.ndarray) -> tuple[float, ...]:
    """How far the sound of the knobs is from that of the path at every place, in dB."""
    engine = engines[path.synth]()
    wanted = [_sound(engine, replace(start, values=step.values), path) for step in path.steps]
    errors = []
    for row, target in zip(weights, wanted, strict=True):
        turned = [replace(macro, value=float(share)) for macro, share in zip(macros, row[1:], strict=True)]
        sound = _sound(engine, with_macros(start, turned), path)
        distance = Reference(torch.from_numpy(target)).distance(torch.from_numpy(sound[None]))
        errors.append(round(float(distance[0]), 3))
    return tuple(errors)


def _sound(engine: Engine, preset: Preset, path: Path) -> np.ndarray:
    engine.build_on(preset.state)
    return render_or_silence(engine, engine.space.encode(preset.values), path.note, RATE)
