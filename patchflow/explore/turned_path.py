"""Turns a preset: from words such as `brightness=+1.5` to a path of presets, and how far each attribute came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..audio.note_names import note_name
from ..engines import Engine, Note, Renderer, engines
from ..errors import OptionError
from ..match.matcher import encode_locks
from ..presets import Preset, check
from ..presets.parameters import Value
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from ..threads import one_torch_thread
from .attribute_map import load_map
from .grid import Grid
from .path import Moving, Path, path_of
from .player import NOTE, Player, built
from .sound_attributes import MEASURES, wishes
from .turn import Turn, Turner

__all__ = ["Reached", "TurnedPreset", "turn_preset"]

_OCTAVE = 12
_STEPS = (2, 128)
_SHOWN = 12  # parameters that moved most
_HARDLY = 0.25  # share of what was asked for below which the sound cannot have more of it
_LEAK = 0.5  # share of the largest change of what was turned from which on another attribute is named


@dataclass(frozen=True)
class Reached:
    """How far an attribute was turned, as it was heard at the end of the path.

    Args:
        name: Of the attribute.
        asked: The change asked for, in standard deviations over the presets of the synth; 0 of what was to stay.
        changed: The change that was measured, mean over the keys, in the same unit.
        before: What it measures of the original on the note, as text with its unit.
        after: The same of the last preset.
    """

    name: str
    asked: float
    changed: float
    before: str
    after: str


@dataclass(frozen=True)
class TurnedPreset:
    """A preset and the path along which its attributes were turned.

    Args:
        path: From the original to the last preset.
        preset: The last one, called as the original.
        reached: Of what was turned, in the order asked for.
        others: Of what was to stay and changed most, the largest first.
        shares: Which part of the wish each preset of the path is for, shape `(S,)`.
        changes: Of every preset of the path, in standard deviations, mean over the keys, shape `(S, M)`.
        moved: The parameters that are moved most from the original to the last preset, in shares of their range.
        renders: How many sounds were played; 0 of an instant turn but for those of its path.
        learned: Whether the synth has a map; else its slopes were measured.
    """

    path: Path
    preset: Preset
    reached: tuple[Reached, ...]
    others: tuple[Reached, ...]
    shares: np.ndarray
    changes: np.ndarray
    moved: tuple[Moving, ...]
    renders: int
    learned: bool

    def content(self) -> dict[str, Any]:
        """Returns what a JSON file says of it beyond the path."""
        names = [attribute.name for attribute in MEASURES]
        steps = []
        for share, changes in zip(self.shares, self.changes, strict=True):
            pairs = zip(names, changes, strict=True)
            steps.append({"share": float(share), "changes": {name: round(float(c), 4) for name, c in pairs}})
        return {
            "reached": [vars(reached) for reached in self.reached],
            "others": [vars(reached) for reached in self.others],
            "changes_unit": "standard deviations over the presets of the synth, mean over the keys",
            "steps": steps,
            "moved": [vars(one) for one in self.moved],
            "renders": self.renders,
            "learned_map": self.learned,
        }


def turn_preset(
    preset: Preset,
    words: Mapping[str, float],
    *,
    steps: int = 8,
    note: Note = NOTE,
    lock: Mapping[str, Value | None] | None = None,
    instant: bool = False,
    map_file: str | None = None,
    seed: int = 0,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> TurnedPreset:
    """Turns attributes of a preset, as far as the sound can have more or less of them; the others stay.

    Args:
        preset: Complete, with allowed values.
        words: See `wishes`.
        steps: Of the path, 2 to 128.
        note: What is played; the attributes are turned on the octaves around it too.
        lock: Parameters or groups that stay as they are, or get a value.
        instant: Trusts the map, and plays nothing but the path that it gives.
        map_file: Weights of a map; the user's own, or those that are shipped, if None.
        seed: Of the random generator.
        progress: Called while candidates are played.
        tell: Called with a line for what could not be as asked.

    Raises:
        OptionError: If an option is out of its range, the locks leave nothing to move, or the preset is silent.
        UnknownName: If there is no such attribute, parameter or group.
        PresetError: If a value is not allowed.
        ModelError: If the map is damaged or of another synth.
    """
    wish = _wish(words, steps, tell)
    make = engines[preset.synth]
    check(preset, make.space)
    point, free = _locked(make, preset, lock or {})
    build = partial(built, make, preset.state)
    shares = np.linspace(0, 1, steps + 1)
    with one_torch_thread(), Player(build, _keys(note)) as player:
        player.notes = keys = _audible_keys(player, make.space.snap(point), note)
        turner = Turner(make, player, load_map(preset.synth, make.space, map_file))
        way = _instant if instant else partial(Turner.turn, seed=seed, progress=progress)
        turn = way(turner, point, wish, shares=shares, free=free)
    last = replace(preset, values=make.space.decode(turn.points[-1]))
    with one_torch_thread(), Renderer(build) as renderer:
        path = path_of((preset, last), turn.points, Grid(1, steps + 1), note, renderer=renderer, space=_called(words))
    reached = _reached(turn, wish, keys.index(note))
    asked = _tell_shortfalls(reached, tell)
    return TurnedPreset(
        path=replace(path, label="TURN"),
        preset=last,
        reached=asked,
        others=_went_along(reached, _LEAK * max(abs(one.changed) for one in asked)),
        shares=shares,
        changes=turn.changes.mean(1),
        moved=_moved(make, turn.points),
        renders=turn.renders,
        learned=turner.learned is not None,
    )


def _wish(words: Mapping[str, float], steps: int, tell: TellCallback) -> np.ndarray:
    if not _STEPS[0] <= steps <= _STEPS[1]:
        raise OptionError(f"steps={steps}: not in [{_STEPS[0]}, {_STEPS[1]}]")
    wish = wishes(words, tell)
    if not wish.any():
        raise OptionError("nothing to turn: give an attribute and how far, such as brightness=+1.5")
    return wish


def _locked(make: type[Engine], preset: Preset, lock: Mapping[str, Value | None]) -> tuple[np.ndarray, np.ndarray]:
    """The preset with the values that locks give, encoded, and which parameters are free."""
    point = make.space.encode(preset.values)
    fixed = encode_locks(make.space, lock, point)
    free = np.ones(len(point), bool)
    for place, value in fixed.items():
        point[place] = value
        free[place] = False
    return point, free


def _keys(note: Note) -> tuple[Note, ...]:
    """The note and the octaves around it, as far as there are keys."""
    pitches = [note.pitch + octave for octave in (-_OCTAVE, 0, _OCTAVE)]
    return tuple(replace(note, pitch=pitch) for pitch in pitches if 0 <= pitch <= 127)


def _audible_keys(player: Player, point: np.ndarray, note: Note) -> tuple[Note, ...]:
    """The keys on which a preset can be heard.

    Raises:
        OptionError: If the note that was asked for is not among them.
    """
    silent = np.isnan(player.play(point[None]).measures[0]).any(1)
    keys = tuple(key for key, is_silent in zip(player.notes, silent, strict=True) if not is_silent)
    if note not in keys:
        raise OptionError(f"the preset is silent on {note_name(note.pitch)}; there is nothing to turn")
    return keys


def _instant(turner: Turner, point: np.ndarray, wish: np.ndarray, *, shares: np.ndarray, free: np.ndarray) -> Turn:
    """The path that the map gives, played once so that it can be said what is heard."""
    points = turner.instant(point, wish, shares=shares, free=free)
    played = turner.player.play(points)
    if np.isnan(played.measures).any():
        raise OptionError("instant: the map turns the preset into silence; turn it with the synth playing")
    changes = turner.standardised(played.measures - played.measures[:1])
    return Turn(shares, points, changes, played.measures, played.sounds, renders=0)


def _reached(turn: Turn, wish: np.ndarray, key: int) -> list[Reached]:
    """How far every attribute came, with its values on one of the keys."""
    found = []
    for column, attribute in enumerate(MEASURES):
        found.append(
            Reached(
                name=attribute.name,
                asked=round(float(wish[column]), 4),
                changed=round(float(turn.changes[-1, :, column].mean()), 4),
                before=attribute.text(turn.measures[0, key, column]),
                after=attribute.text(turn.measures[-1, key, column]),
            )
        )
    return found


def _tell_shortfalls(reached: Sequence[Reached], tell: TellCallback) -> tuple[Reached, ...]:
    """Returns what was asked for, and says what the sound cannot have much more or less of."""
    asked = tuple(one for one in reached if one.asked)
    for one in asked:
        if one.changed / one.asked < _HARDLY:
            tell(f"{one.name}: this sound cannot have much {'more' if one.asked > 0 else 'less'} of it")
    return asked


def _went_along(reached: Sequence[Reached], least: float) -> tuple[Reached, ...]:
    """What changed by more than `least` and was to stay, the largest change first."""
    found = [one for one in reached if not one.asked and abs(one.changed) > least]
    return tuple(sorted(found, key=lambda one: -abs(one.changed)))


def _moved(make: type[Engine], points: np.ndarray) -> tuple[Moving, ...]:
    """The parameters that differ most between the first preset and the last, of those that can be heard."""
    space = make.space
    first, last = make().canonical(points[[0, -1]])
    travel = np.abs(last - first)
    values = space.decode(first), space.decode(last)
    order = np.argsort(-travel, kind="stable")[:_SHOWN]
    names = [space.names[place] for place in order if travel[place] > 0]
    return tuple(Moving(name, values[0][name], values[1][name], float(travel[space.index[name]])) for name in names)


def _called(words: Mapping[str, float]) -> str:
    return "turned " + ", ".join(f"{word} {amount:+g}" for word, amount in words.items())
