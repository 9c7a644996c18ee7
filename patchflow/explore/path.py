"""A path of presets: where each lies, what it sounds like, how far the next is to the ear, and what moves."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..ear.sound_attributes import measure
from ..engines import Engine, Note, Renderer
from ..engines._renderer import render_or_silence
from ..errors import StorageError
from ..features.measures import MEASURES
from ..metrics.perceptual import Reference
from ..parsing import damage_named, json_value, shown
from ..presets import ParamSpace, Preset, Value, check
from ..storage import read_bytes
from .grid import Grid
from .player import RATE

__all__ = ["Moving", "Path", "PathStep", "path_of", "read_path"]

_FORMAT = "patchflow-path"
_VERSION = 1
_LARGEST = 2**26  # bytes
_SHOWN = 12  # parameters that move most
_STILL = 1e-6  # of the range, which is no movement
_MOST_PLACES = 4096


@dataclass(frozen=True)
class PathStep:
    """One preset of a path.

    Args:
        values: Of every parameter.
        place: Where it is, from 0 to 1 along a row and along the rows.
        sound: What is measured of it, by the names of `MEASURES`; empty where it is silent.
        to_ends: How far it is from each end to the ear, in dB, see `metrics.perceptual`.
        to_next: How far the next one of its row is, in dB; None at the end of a row.
    """

    values: dict[str, Value]
    place: tuple[float, float]
    sound: dict[str, float]
    to_ends: tuple[float, ...]
    to_next: float | None


@dataclass(frozen=True)
class Moving:
    """A parameter that moves on the way.

    Args:
        name: Of the parameter.
        first: Its value at the first preset.
        last: Its value at the last one.
        travel: How far it moves altogether, in shares of its range: more than 1 where it goes back and forth.
    """

    name: str
    first: Value
    last: Value
    travel: float


@dataclass(frozen=True)
class Path:
    """Presets of one synth that lead from one end to another, or fill the square between four.

    Args:
        synth: Name of the engine.
        note: What was played to hear them.
        grid: How they are neighbours.
        ends: What the presets at the ends are called.
        space: What the space was that it leads through, for people.
        steps: The presets, row after row.
        moving: The parameters that move most, first those that do most.
        state: What all presets hold beyond their parameters, see `Preset.state`.
        label: What the presets are called, before their numbers.
    """

    synth: str
    note: Note
    grid: Grid
    ends: tuple[str, ...]
    space: str
    steps: tuple[PathStep, ...]
    moving: tuple[Moving, ...]
    state: bytes = b""
    label: str = "MORPH"

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def heard(self) -> tuple[float, ...]:
        """How far each preset is from the next one of its row, in dB."""
        return tuple(step.to_next for step in self.steps if step.to_next is not None)

    @property
    def largest_step(self) -> int:
        """The number of the preset from which the next one is farthest to the ear, from 0 on; 0 if there is but one."""
        return int(np.argmax([-1.0 if step.to_next is None else step.to_next for step in self.steps]))

    @property
    def presets(self) -> tuple[Preset, ...]:
        """The presets, called by the label and a number: `MORPH 01`, `MORPH 02` ..."""
        digits = max(2, len(str(len(self))))
        names = [f"{self.label} {number:0{digits}}" for number in range(1, len(self) + 1)]
        pairs = zip(names, self.steps, strict=True)
        return tuple(Preset(self.synth, step.values, name=name, state=self.state) for name, step in pairs)

    def content(self) -> dict[str, Any]:
        """Returns what a JSON file holds of it; `read_path` reads it."""
        steps = []
        for preset, step in zip(self.presets, self.steps, strict=True):
            steps.append(
                {
                    "name": preset.name,
                    "place": list(step.place),
                    "to_next_db": step.to_next,
                    "to_ends_db": list(step.to_ends),
                    "sound": step.sound,
                    "values": step.values,
                }
            )
        note = self.note
        moving = [{"name": m.name, "first": m.first, "last": m.last, "travel": m.travel} for m in self.moving]
        heard = self.heard
        largest = self.presets[self.largest_step].name
        content: dict[str, Any] = {
            "format": _FORMAT,
            "version": _VERSION,
            "synth": self.synth,
            "ends": list(self.ends),
            "space": self.space,
            "label": self.label,
            "note": {"pitch": note.pitch, "velocity": note.velocity, "hold_s": note.hold, "length_s": note.length},
            "rows": self.grid.rows,
            "columns": self.grid.columns,
            "heard_steps": {"mean_db": float(np.mean(heard)), "largest_db": max(heard), "largest_after": largest}
            if heard
            else None,
            "moving": moving,
            "steps": steps,
        }
        if self.state:
            content["state"] = base64.b64encode(self.state).decode()
        return content


def read_path(path: str | os.PathLike[str]) -> Path:
    """Reads the JSON file of a path.

    Raises:
        StorageError: If it cannot be read, or is none, damaged, or of another version.
    """
    with damage_named(path, is_what="not the file of a path"):
        content = json_value(read_bytes(path, _LARGEST))
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise StorageError(f'{path}: not the file of a path: it has no "format": "{_FORMAT}"')
    if content.get("version") != _VERSION:
        raise StorageError(
            f"{path}: version={shown(content.get('version'))}: this patchflow reads version {_VERSION} of paths"
        )
    with damage_named(path, is_what="a damaged file of a path"):
        return _path(content)


def _path(content: dict[str, Any]) -> Path:
    from ..engines import engines

    space = engines[content["synth"]].space
    note = content["note"]
    grid = Grid(int(content["rows"]), int(content["columns"]))
    if len(content["steps"]) != len(grid) or not 1 <= len(grid) <= _MOST_PLACES:
        raise ValueError(f"{len(content['steps'])} steps in {grid.rows} rows and {grid.columns} columns")
    steps = []
    for step in content["steps"]:
        check(Preset(content["synth"], step["values"]), space)
        x, y = step["place"]
        following = step["to_next_db"]
        steps.append(
            PathStep(
                values=dict(step["values"]),
                place=(float(x), float(y)),
                sound={str(name): float(value) for name, value in step["sound"].items()},
                to_ends=tuple(float(distance) for distance in step["to_ends_db"]),
                to_next=None if following is None else float(following),
            )
        )
    return Path(
        synth=str(content["synth"]),
        note=Note(int(note["pitch"]), int(note["velocity"]), float(note["hold_s"]), float(note["length_s"])),
        grid=grid,
        ends=tuple(str(end) for end in content["ends"]),
        space=str(content["space"]),
        label=str(content["label"]),
        steps=tuple(steps),
        moving=tuple(Moving(m["name"], m["first"], m["last"], float(m["travel"])) for m in content["moving"]),
        state=base64.b64decode(content.get("state", ""), validate=True),
    )


def path_of(
    ends: Sequence[Preset], points: np.ndarray, grid: Grid, note: Note, *, renderer: Renderer, space: str
) -> Path:  # fmt: skip
    """Returns the path of presets that were chosen, each of them played and measured.

    Args:
        ends: The presets that it is between.
        points: Encoded, one a place of the grid, shape `(N, P)`.
        grid: Their places.
        note: What to play.
        renderer: Plays them.
        space: See `Path`.
    """
    parameters = renderer.make().space
    sounds = np.stack(
        list(renderer.map(lambda engine, point: render_or_silence(engine, point, note, RATE), list(points)))
    )
    measures = np.concatenate(
        list(renderer.map(lambda _, sound: measure(torch.from_numpy(sound[None]), [note], RATE), list(sounds)))
    )
    samples = torch.from_numpy(sounds)
    to_ends = np.stack([Reference(samples[corner]).distance(samples).numpy() for corner in grid.corners(len(ends))], 1)
    steps = []
    for number, (point, place) in enumerate(zip(points, grid.places, strict=True)):
        last = (number + 1) % grid.columns == 0
        following = None if last else float(Reference(samples[number]).distance(samples[number + 1 : number + 2])[0])
        pairs = zip(MEASURES, measures[number], strict=True)
        steps.append(
            PathStep(
                values=parameters.decode(point),
                place=(float(place[0]), float(place[1])),
                sound={attribute.name: float(value) for attribute, value in pairs if np.isfinite(value)},
                to_ends=tuple(to_ends[number].tolist()),
                to_next=following,
            )
        )
    return Path(
        synth=ends[0].synth,
        note=note,
        grid=grid,
        ends=tuple(end.name for end in ends),
        space=space,
        steps=tuple(steps),
        moving=_moving(renderer.make(), points, grid),
        state=ends[0].state,
    )


def _moving(engine: Engine, points: np.ndarray, grid: Grid) -> tuple[Moving, ...]:
    """The parameters that move most, of those that can be heard."""
    space: ParamSpace = engine.space
    heard = engine.canonical(points).reshape(grid.rows, grid.columns, -1)
    travel = np.abs(np.diff(heard, axis=1)).sum((0, 1)) / grid.rows
    if grid.rows > 1:
        travel = travel + np.abs(np.diff(heard, axis=0)).sum((0, 1)) / grid.columns
    first = space.decode(points[0])
    last = space.decode(points[-1])
    order = np.argsort(-travel, kind="stable")[:_SHOWN]
    names = [space.names[place] for place in order if travel[place] > _STILL]
    return tuple(Moving(name, first[name], last[name], float(travel[space.index[name]])) for name in names)
