"""Turns a preset: from words such as `brightness=+1.5` to a path of presets, and how far each attribute came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch

from ..audio.note_names import note_name
from ..engines import Engine, Note, Renderer, engines, one_torch_thread
from ..errors import OptionError, UnknownName
from ..features.measures import FARTHEST, MEASURES, wishes, within_range
from ..match.limits import encode_locks
from ..metrics.perceptual import Reference
from ..presets import Preset, check
from ..presets.space import Value
from ..progress import ProgressCallback, TellCallback, ignore, tell_nobody
from .attribute_map import load_map
from .audio_space import AudioSpace
from .grid import Grid
from .named_words import (
    LATENT,
    NamedWord,
    ReachedWord,
    latent_moves,
    latent_space,
    moved_along,
    named_words,
    refuse_missing,
)
from .path import Moving, Path, path_of
from .player import NOTE, Player, built, cents_from
from .turn import Turn, Turner

__all__ = ["AskedWords", "Reached", "TurnedPreset", "locked_point", "turn_preset"]

_OCTAVE = 12
_STEPS = (2, 128)
_SHOWN = 12  # parameters that moved most
_SHORT = 0.6  # share of what was asked for below which it is said that the sound cannot have more of it
_LEAK = 0.5  # share of the largest change of what was turned from which on another attribute is named
_SMALL = 0.1  # standard deviations below which a change of another attribute is not named
_LARGE = 0.4  # standard deviations from which on another attribute is always named
_CLEAR = 0.25  # standard deviations by which a move along a latent dimension changes what is named


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
        reached: Of the attributes that were turned, in the order of `MEASURES`; none of a move along a latent.
        others: Of what was to stay and changed most, the largest first; of a move along a latent, of all that changed.
        words: Of the words from names that were turned.
        latent: What was moved along latent dimensions of a model; "" of other turns.
        cents: How far the pitch of the note went up, 0 where the partials of the two sounds do not agree.
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
    words: tuple[ReachedWord, ...]
    latent: str
    cents: float
    shares: np.ndarray
    changes: np.ndarray
    moved: tuple[Moving, ...]
    renders: int
    learned: bool

    def content(self) -> dict[str, Any]:
        """Returns what a JSON file says of it beyond the path."""
        names = [attribute.name for attribute in MEASURES]
        over = "the presets that the map was learned from" if self.learned else "DX7 voices"
        steps = []
        for share, changes in zip(self.shares, self.changes, strict=True):
            pairs = zip(names, changes, strict=True)
            steps.append({"share": float(share), "changes": {name: round(float(c), 4) for name, c in pairs}})
        return {
            "reached": [vars(reached) for reached in self.reached],
            "others": [vars(reached) for reached in self.others],
            "words": [vars(word) for word in self.words],
            "latent": self.latent,
            "cents": round(self.cents, 2),
            "changes_unit": f"standard deviations over {over}, mean over the keys",
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
    model: str | FilePath | None = None,
    seed: int = 0,
    progress: ProgressCallback = ignore,
    tell: TellCallback = tell_nobody,
) -> TurnedPreset:
    """Turns attributes of a preset, as far as the sound can have more or less of them; the others stay.

    Words from names are turned by the attributes they stand for. Moves along a latent dimension are not corrected.

    Args:
        preset: Complete, with allowed values.
        words: See `wishes` and `named_words`; or, not together with these, `latent_moves`.
        steps: Of the path, 2 to 128.
        note: What is played; the attributes are turned on the octaves around it too.
        lock: Parameters or groups that stay as they are, or get a value.
        instant: Trusts the map, and plays nothing but the path that it gives.
        map_file: Weights of a map; the user's own, or those that are shipped, if None.
        model: For latent dimensions: its weights, see `AudioSpace.load`.
        seed: Of the random generator.
        progress: Called while candidates are played.
        tell: Called with a line for what could not be as asked.

    Raises:
        OptionError: If an option is out of its range, the locks leave nothing to move, or the preset is silent.
        UnknownName: If there is no such attribute, parameter or group.
        PresetError: If a value is not allowed.
        ModelError: If the map, the model or the words from names are damaged or of another synth, or there is no model.
    """
    if not _STEPS[0] <= steps <= _STEPS[1]:
        raise OptionError(f"steps={steps}: not in [{_STEPS[0]}, {_STEPS[1]}]")
    make = engines[preset.synth]
    asked = AskedWords.of(words, preset.synth, model, tell)
    check(preset, make.space)
    point, free = locked_point(make, preset, lock or {})
    build = partial(built, make, preset.state)
    shares = np.linspace(0, 1, steps + 1)
    with one_torch_thread(), Player(build, _keys(note)) as player:
        player.notes = keys = _audible_keys(player, make.space.snap(point), note)
        turner = Turner(make, player, load_map(preset.synth, make.space, map_file))
        if asked.space is not None:
            turn = _along_latents(turner, point, asked, shares=shares, free=free)
        else:
            way = _instant if instant else partial(Turner.turn, seed=seed, progress=progress)
            turn = way(turner, point, asked.wish(turner), shares=shares, free=free)
    last = replace(preset, values=make.space.decode(turn.points[-1]))
    with one_torch_thread(), Renderer(build) as renderer:
        path = path_of((preset, last), turn.points, Grid(1, steps + 1), note, renderer=renderer, space=_called(words))
    turned = _turned(asked, turner, turn, keys.index(note), path=replace(path, label="TURN"), last=last)
    by_name = [one for one in turned.reached if one.name in asked.attributes]
    _tell_shortfalls((*by_name, *turned.words), _without(lock or {}, instant=instant), tell)
    return turned


def _turned(asked: "AskedWords", turner: Turner, turn: Turn, key: int, *, path: Path, last: Preset) -> TurnedPreset:
    """What is said of a turn, with values on one of its keys."""
    every = _reached(turn, asked.wish(turner), key)
    reached = tuple(one for one in every if one.asked)
    leak = max(_SMALL, *(_LEAK * abs(one.changed) for one in reached)) if reached else _CLEAR
    leak = min(leak, _LARGE)
    sounds = turn.sounds[:, key]
    return TurnedPreset(
        path=path,
        preset=last,
        reached=reached,
        others=_went_along(every, leak),
        words=asked.reached(turner, turn, key),
        latent=asked.along,
        cents=float(cents_from(Reference(torch.from_numpy(sounds[0])), sounds[-1:])[0]),
        shares=turn.shares,
        changes=turn.changes.mean(1),
        moved=_moved(turner.engine, turn.points),
        renders=turn.renders,
        learned=turner.learned is not None,
    )


@dataclass(frozen=True)
class AskedWords:
    """What words ask for; `of` looks them up.

    Args:
        changes: Of attributes, in standard deviations, shape `(M,)`.
        named: Words from names, each with the change of its score.
        space: What latent dimensions are of; None if there are none, and then nothing else is asked for.
        moves: Along latent dimensions, shape `(Z,)`.
    """

    changes: np.ndarray
    named: dict[str, tuple[NamedWord, float]]
    space: AudioSpace | None
    moves: np.ndarray

    @classmethod
    def of(
        cls, words: Mapping[str, float], synth: str, model: str | FilePath | None, tell: TellCallback
    ) -> "AskedWords":  # fmt: skip
        """Looks words up, and refuses what does not go together."""
        latents = {word: amount for word, amount in words.items() if word.startswith(LATENT.rstrip(":"))}
        others = {word: amount for word, amount in words.items() if word not in latents}
        if latents and others:
            raise OptionError(
                f"{next(iter(latents))}: a latent dimension moves every attribute, so it is not turned together with "
                f"{next(iter(others))}. Turn by one, and then what that wrote by the other"
            )
        if model is not None and not latents:
            raise OptionError(f"model={model}: is for latent dimensions alone, such as {LATENT}0=+1")
        if not any(words.values()):
            raise OptionError("nothing to turn: give an attribute and how far, such as brightness=+1.5")
        if latents:
            space = latent_space(synth, model)
            return cls(np.zeros(len(MEASURES)), {}, space, latent_moves(latents, space.size, tell))
        known = named_words(synth)
        named: dict[str, tuple[NamedWord, float]] = {}
        for word in [word for word in others if word.lower() in known]:
            found = known[word.lower()]
            if any(found is one for one, _ in named.values()):
                raise OptionError(f"{word}: {found.name} is asked for twice")
            named[word] = found, found.sign(word) * within_range(word, others.pop(word), tell)
        for word in others:
            refuse_missing(word, synth)
        try:
            return cls(wishes(others, tell), named, None, np.zeros(0))
        except UnknownName as error:
            kind, word, attributes = error.args
            raise UnknownName(kind, word, [*attributes, *known, f"{LATENT}0"]) from None

    @property
    def attributes(self) -> set[str]:
        """The names of the attributes that were asked for as such."""
        return {attribute.name for attribute, change in zip(MEASURES, self.changes, strict=True) if change}

    @property
    def along(self) -> str:
        """What is moved along latent dimensions, in words."""
        moved = np.nonzero(self.moves)[0]
        return ", ".join(f"{LATENT}{dimension} {self.moves[dimension]:+g}" for dimension in moved)

    def wish(self, turner: Turner) -> np.ndarray:
        """The change of each of `MEASURES` that is wished for, in standard deviations, `(M,)`."""
        whole = self.changes + sum(turner.standardised(word.change(amount)) for word, amount in self.named.values())
        return np.clip(whole, -FARTHEST, FARTHEST)

    def reached(self, turner: Turner, turn: Turn, key: int) -> tuple[ReachedWord, ...]:
        """How far the words from names came, on one of the keys."""
        measures = turn.measures[[0, -1], key]
        found = []
        for text, (word, amount) in self.named.items():
            found.append(word.reached(text, amount, measures, turner.standardised(word.change(amount))))
        return tuple(found)


def locked_point(make: type[Engine], preset: Preset, lock: Mapping[str, Value | None]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the preset with the values that locks give, encoded, and which parameters are free, both `(P,)`."""
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


def _along_latents(
    turner: Turner, point: np.ndarray, asked: AskedWords, *, shares: np.ndarray, free: np.ndarray
) -> Turn:
    """The line along latent dimensions, played once so that it can be said what is heard; the tuning stays."""
    assert asked.space is not None
    space = turner.engine.space
    for names in turner.engine.tuning:
        for name in names:
            free[list(space.select(name))] = False
    points = moved_along(asked.space, point, asked.moves, shares=shares, free=free)
    if (points == points[0]).all():
        raise OptionError(f"{asked.along}: moves nothing of what is not locked")
    return _played(turner, points, shares, f"{asked.along}: turns the preset into silence; move less far")


def _instant(turner: Turner, point: np.ndarray, wish: np.ndarray, *, shares: np.ndarray, free: np.ndarray) -> Turn:
    """The path that the map gives, played once so that it can be said what is heard."""
    points = turner.instant(point, wish, shares=shares, free=free)
    return _played(turner, points, shares, "instant: the map turns the preset into silence; leave --instant out")


def _played(turner: Turner, points: np.ndarray, shares: np.ndarray, silence: str) -> Turn:
    """The turn that presets are which nobody corrects.

    Raises:
        OptionError: With the text for silence, if one of them cannot be heard.
    """
    played = turner.player.play(points)
    if np.isnan(played.measures).any():
        raise OptionError(silence)
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


def _tell_shortfalls(asked: Sequence[Reached | ReachedWord], without: str, tell: TellCallback) -> None:
    """Says what the preset cannot have much more or less of."""
    for one in asked:
        if one.changed / one.asked < _SHORT:
            name = one.name if isinstance(one, Reached) else one.word
            more = "more" if one.asked > 0 else "less"
            tell(f"{name}: asked {one.asked:+g}, reached {one.changed:+.2f}: this preset cannot have {more} {without}")


def _without(lock: Mapping[str, Value | None], *, instant: bool) -> str:
    """What a preset would have to give up to have more of an attribute."""
    if instant:
        return "by the map alone; without --instant the synth is tried"
    locked = f", and with {', '.join(lock)} locked" if lock else ""
    return f"while its pitch and its other attributes stay{locked}"


def _went_along(reached: Sequence[Reached], least: float) -> tuple[Reached, ...]:
    """What changed by more than `least` and was to stay, the largest change first."""
    found = [one for one in reached if not one.asked and abs(one.changed) > least]
    return tuple(sorted(found, key=lambda one: -abs(one.changed)))


def _moved(make: type[Engine], points: np.ndarray) -> tuple[Moving, ...]:
    """The parameters that differ most between the first preset and the last, of those that can be heard."""
    space = make.space
    first, last = make().canonical(points[[0, -1]])
    # what comes to be heard without having moved, such as a breakpoint beside a depth, is nothing to turn by hand
    travel = np.abs(last - first) * (points[0] != points[-1])
    values = space.decode(first), space.decode(last)
    order = np.argsort(-travel, kind="stable")[:_SHOWN]
    names = [space.names[place] for place in order if travel[place] > 0]
    return tuple(Moving(name, values[0][name], values[1][name], float(travel[space.index[name]])) for name in names)


def _called(words: Mapping[str, float]) -> str:
    return "turned " + ", ".join(f"{word} {amount:+g}" for word, amount in words.items())
