"""Macro knobs of a preset: words that are turned at once, with nothing played, as the learned map says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch

from ..engines import Engine, Note, engines
from ..errors import OptionError
from ..features.measures import ATTRIBUTES, MEASURES, SoundAttribute
from ..metrics.perceptual import Reference
from ..presets import Preset, check
from ..presets.space import Value
from ..progress import Progress, ProgressCallback, ignore, tell_nobody
from .attribute_map import AttributeMap, Slopes, load_map, probe_steps
from .children import Move, moves_between
from .named_words import NamedWord, named_words
from .player import Player, built, cents_from
from .turn import Turner
from .turned_path import AskedWords, locked_point

__all__ = ["MOST_KNOBS", "MacroKnobs", "MacroWord", "Turned", "macro_words"]

MOST_KNOBS = 8
"""Most macros of a synth: as many as a row of knobs of most controllers has."""

_FIRST = ("brightness", "attack", "length", "movement", "roughness", "weight", "noisiness")
_LAST = ("harmonicity", "dynamics")  # where there is room
_OCTAVES = (-12.0, 0.0, 12.0)  # around the note: a macro should do the same all over the keyboard
_PROBE = Note(pitch=60, velocity=100, hold=0.8, length=1.0)  # what is played of a synth without a map
_BATCH = 8  # presets that are played between two calls of callbacks
_STILL = 0.001  # of the range of a parameter: what moves less is not named
_CENTS = 8.0  # by which a parameter may change the pitch and still be moved


@dataclass(frozen=True)
class MacroWord:
    """A macro: what is turned, what its ends are called, and how far to trust it.

    Args:
        word: What `MacroKnobs.turned` takes, such as `"brightness"`.
        title: The same for people.
        low: What a sound with little of it is, such as `"dark"`.
        high: What a sound with much of it is, such as `"bright"`.
        provenance: Where the word comes from: what is measured, or whose names it was learned from.
        step: What one step of a knob changes, in standard deviations over the presets of the synth.
    """

    word: str
    title: str
    low: str
    high: str
    provenance: str
    step: float = 1.0


@dataclass(frozen=True)
class Turned:
    """A preset that macros have turned.

    Args:
        preset: With what the original holds beyond its parameters.
        moves: The parameters that differ and can be heard, what moved most first; none that hardly move.
        predicted: How far each of the `ATTRIBUTES` and words from names should have changed by what is known of the
            synth, in standard deviations, mean over the keys. Nobody has listened.
    """

    preset: Preset
    moves: tuple[Move, ...]
    predicted: dict[str, float]


def macro_words(synth: str) -> tuple[MacroWord, ...]:
    """Returns the macros of a synth, at most `MOST_KNOBS`: attributes, and words from names where there are any.

    Args:
        synth: Name of the engine.

    Raises:
        UnknownName: If there is no such synth.
        ModelError: If its map or its words from names are damaged.

    Example:
        >>> [word.high for word in macro_words("tone")][:2]
        ['bright', 'slow']
    """
    return _words(synth, load_map(synth, engines[synth].space))


class MacroKnobs:
    """Turns macros of one preset within some milliseconds, again and again.

    The amounts are always counted from the preset itself, not from where the knobs were: the same call gives the same
    preset. With a learned map the result is that of `patchflow turn --instant`. Of a synth without a map, the slopes
    are measured around the preset first, once, by playing each of its parameters a little moved; that takes from
    milliseconds to some seconds. What transposes the sound, or one oscillator of it, is never moved.

    Args:
        preset: Complete, with allowed values.
        note: The macros are meant for this note and the octaves around it.
        measure: Whether to measure the slopes of a synth that has no map.
        progress: Called while slopes are measured.
        pace: Called before some presets are played to measure slopes; says how many, at least 1. It may wait, so that
            others come first, or raise what ends the measuring. The slopes are the same.

    Attributes:
        preset: The preset that is turned.

    Raises:
        UnknownName: If there is no such synth.
        PresetError: If the preset does not fit it.
        ModelError: If its map or its words from names are damaged.
        OptionError: If it has no map and nothing is to be measured, or the preset is silent.

    Example:
        >>> knobs = MacroKnobs(Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}))
        >>> knobs.turned({"length": 1.0}).moves[0].name
        'decay'
    """

    def __init__(
        self,
        preset: Preset,
        *,
        note: Note = _PROBE,
        measure: bool = True,
        progress: ProgressCallback = ignore,
        pace: Callable[[], int] = lambda: _BATCH,
    ) -> None:
        self._make = engines[preset.synth]
        check(preset, self._make.space)
        self.preset = preset
        self._learned = load_map(preset.synth, self._make.space)
        self._engine = built(self._make, preset.state)
        self._steady = np.ones(len(self._make.space), bool)  # what does not change the pitch
        self._player = Player(partial(built, self._make, preset.state), _keys(note))  # without us: no cycle
        try:
            if self._learned is not None:
                self._turner = Turner(self._make, self._player, self._learned)
            elif measure:
                self._turner = self._measured(note, progress, pace)
            else:
                raise OptionError(
                    f"{preset.synth}: has no learned map. Learn one: patchflow macros {preset.synth} --learn"
                )
        finally:
            self._player.close()

    @cached_property
    def words(self) -> tuple[MacroWord, ...]:
        """The macros of the synth, at most `MOST_KNOBS`."""
        return _words(self.preset.synth, self._learned)

    @property
    def is_learned(self) -> bool:
        """Whether a learned map is trusted; else slopes that were measured around the preset."""
        return self._learned is not None

    def turned(self, words: Mapping[str, float], lock: Mapping[str, Value | None] | None = None) -> Turned:
        """Returns the preset with some macros turned, the others as they are.

        Args:
            words: How far each is turned from the preset, in standard deviations, -3 to 3; what is farther is taken as
                the end of that range. Names or ends of attributes and words from names, see `words`.
            lock: Parameters or groups that stay as they are, None, or get a value.

        Raises:
            UnknownName: If there is no such word, parameter or group.
            OptionError: If an amount is not a number, a word is asked for twice, or nothing is left to move.
            PresetError: If a locked value does not fit its parameter.
        """
        start, free = locked_point(self._make, self.preset, lock or {})
        wish = self._wish(words)
        point = self._make.space.snap(start)
        if wish.any():
            shares = np.array([0.0, 1.0])
            point = self._turner.instant(start, wish, shares=shares, free=free & self._steady)[-1]
        original = self._make.space.encode(self.preset.values)
        # what did not move keeps its very value: the way through the unit cube may round it
        values = self._make.space.decode(point)
        for place in np.flatnonzero(point == original).tolist():
            name = self._make.space.names[place]
            values[name] = self.preset.values[name]
        moves = moves_between(self._engine, self._make.space.snap(original), point)
        return Turned(
            preset=replace(self.preset, values=values),
            moves=tuple(move for move in moves if move.size >= _STILL),
            predicted=self._predicted(point),
        )

    def _wish(self, words: Mapping[str, float]) -> np.ndarray:
        """The change of each of `MEASURES` that words ask for, in standard deviations, (M,)."""
        asked_for = {word: amount for word, amount in words.items() if amount != 0}
        if not asked_for:
            return np.zeros(len(MEASURES))
        asked = AskedWords.of(asked_for, self.preset.synth, None, tell_nobody)
        if asked.space is not None:
            raise OptionError(f"{next(iter(asked_for))}: latent dimensions are no macro knobs; use `patchflow turn`")
        return asked.wish(self._turner)

    def _predicted(self, point: np.ndarray) -> dict[str, float]:
        """What should have changed from the preset to a point, by word."""
        changes = self._expected(point) - self._before
        found = {one.name: round(float(change), 3) for one, change in zip(ATTRIBUTES, changes, strict=False)}
        in_units = changes / self._turner.standardised(np.ones(len(MEASURES)))
        both = np.stack((np.zeros(len(MEASURES)), in_units))
        for word in self._from_names:
            before, after = word.score(both).tolist()
            found[word.name] = round(after - before, 3)
        return found

    @cached_property
    def _from_names(self) -> list[NamedWord]:
        return _named(self.preset.synth)

    @cached_property
    def _before(self) -> np.ndarray:
        return self._expected(self._make.space.encode(self.preset.values))

    def _expected(self, point: np.ndarray) -> np.ndarray:
        """What a point should measure, in standard deviations, mean over the keys, (M,)."""
        pitches = [float(note.pitch) for note in self._player.notes]
        if self._learned is None:
            return self._turner.slopes(point, np.array(pitches)).values.mean(0)
        rows = torch.as_tensor(point, dtype=torch.float32).expand(len(pitches), -1)
        with torch.inference_mode():
            return self._learned(rows, torch.tensor(pitches)).double().mean(0).numpy()

    def _measured(self, note: Note, progress: ProgressCallback, pace: Callable[[], int]) -> Turner:
        """A turner by slopes that are measured around the preset, with each parameter moved a little."""
        space = self._make.space
        player = self._player
        turner = Turner(self._make, player, None)
        start = space.snap(space.encode(self.preset.values))
        moved, columns = _probes(self._engine, start, turner.movable)
        key = (replace(note, length=max(note.hold, note.length)),)
        pace()
        original = player.play(start[None], key)
        if np.isnan(original.measures).any():
            raise OptionError(f"{self.preset.name or 'the preset'}: silent on this note; there is nothing to turn")
        reference = Reference(torch.from_numpy(original.sounds[0, 0]))
        by_parameter = np.zeros((1, len(MEASURES), len(space)))
        first = 0
        while first < len(moved):
            progress(Progress("measure", first, len(moved), "parameters"))
            some = slice(first, first + pace())
            first = some.stop
            played = player.play(moved[some], key)
            changes = turner.standardised(played.measures[:, 0] - original.measures[:, 0])
            steps = moved[some, columns[some]].diagonal() - start[columns[some]]
            by_parameter[0][:, columns[some]] = np.nan_to_num(changes / steps[:, None]).T
            cents = cents_from(reference, played.sounds[:, 0])
            self._steady[columns[some]] = np.abs(cents) <= _CENTS
        self._steady &= ~_transposing(self._engine, start)
        slopes = Slopes(turner.standardised(original.measures[0]), by_parameter)
        return Turner(self._make, player, None, measured=(slopes, start))


def _keys(note: Note) -> tuple[Note, ...]:
    """The note and the octaves around it, as far as there are keys."""
    pitches = [note.pitch + octave for octave in _OCTAVES]
    return tuple(replace(note, pitch=int(pitch)) for pitch in pitches if 0 <= pitch <= 127)


def _probes(engine: Engine, start: np.ndarray, movable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Presets with one parameter moved each, (N, P), and which it is, (N,); none that nobody could hear."""
    space = engine.space
    columns = np.flatnonzero(movable)
    moved = np.repeat(start[None], len(columns), 0)
    rows = np.arange(len(columns))
    moved[rows, columns] += probe_steps(space, start)[columns]
    moved = space.snap(moved)
    canonical = engine.canonical(np.concatenate((start[None], moved)))
    heard = (canonical[1:] != canonical[0]).any(1) & (moved[rows, columns] != start[columns])
    return moved[heard], columns[heard]


def _transposing(engine: Engine, point: np.ndarray) -> np.ndarray:
    """Which parameters transpose the sound or a part of it, by what the engine knows, (P,).

    What is heard does not tell: one oscillator of two may move by an octave, and most partials are where they were.
    """
    found = np.zeros(len(point), bool)
    for cents in (100.0, -100.0):
        free = ~found
        # The engine moves what comes first; without that, what comes next.
        while (moved := (engine.transposed(point[None], np.array([cents]), free)[0] != point) & free).any():
            found |= moved
            free &= ~moved
    return found


def _named(synth: str) -> list[NamedWord]:
    """The words from names that a synth has, each once."""
    return list({word.name: word for word in named_words(synth).values()}.values())


def _words(synth: str, learned: AttributeMap | None) -> tuple[MacroWord, ...]:
    by_name = {one.name: column for column, one in enumerate(ATTRIBUTES)}
    named = [MacroWord(one.name, one.name.capitalize(), one.low, one.high, one.provenance) for one in _named(synth)]
    first = [_of_attribute(by_name[name], learned) for name in _FIRST]
    last = [_of_attribute(by_name[name], learned) for name in _LAST]
    return tuple([*first, *named, *last][:MOST_KNOBS])


def _of_attribute(column: int, learned: AttributeMap | None) -> MacroWord:
    one: SoundAttribute = ATTRIBUTES[column]
    spread = one.spread if learned is None else float(learned.std[column])
    how = "slopes measured around the preset" if learned is None else "learned map of the synth"
    provenance = f"measured: {one.meaning}, +1 is {spread:.1f} {one.unit}; turned by the {how}"
    return MacroWord(one.name, one.name.capitalize(), one.low, one.high, provenance)
