"""Measures which parameters of a plug-in can be heard: they are moved one after the other, many between two renders."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import RenderError
from ..progress import Progress, ProgressCallback
from .kinds import Family, ParameterKind, repeated_parts
from .trial import Trial, is_silent

__all__ = ["Audibility", "Twins", "find_twins", "listen", "random_preset"]

_PRESETS = 12  # tried at most, the fresh one included
_FRESH_TURNS = 3  # in which everything that was not heard yet is moved again, elsewhere
_RANDOM_TURNS = 2
_CRASHES = 3  # of one parameter, after which it is moved no more
_EXCHANGED = 8  # presets at most in which parts are exchanged
_CONFIRMED = 3  # of them, in which they have to sound the same
_SHARES = (0.3, 1.0, 0.5)  # of the parameters are random in these presets


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


@dataclass(frozen=True)
class Twins:
    """Parts of a synth that may be exchanged, with all their values, and nobody hears it.

    Args:
        fresh: The values of all parameters in a fresh preset.
        families: Of each family the parts; no parameter is in two families.
    """

    fresh: Sequence[float] = ()
    families: tuple[Family, ...] = ()

    @property
    def firsts(self) -> dict[int, int]:
        """The parameter of the first part that is the same as one of another part, by the index of that."""
        found = {}
        for first, *others in self.families:
            for part in others:
                found.update(zip(part, first, strict=True))
        return found

    def form(self, values: Mapping[int, float]) -> tuple[object, ...]:
        """Returns what is the same for presets that only differ in which of the parts has which values.

        Args:
            values: By index; others are as in a fresh preset.
        """
        left = dict(values)
        forms: list[object] = []
        for family in self.families:
            forms.append(tuple(sorted(self._values_of(part, values) for part in family)))
            for part in family:
                for index in part:
                    left.pop(index, None)
        return frozenset(left.items()), *forms

    def _values_of(self, part: Sequence[int], values: Mapping[int, float]) -> tuple[tuple[float, float], ...]:
        # what is not set is not the same as what is set to the value that it has
        return tuple((self.fresh[index], values.get(index, -1.0)) for index in part)


def find_twins(trial: Trial, kinds: Sequence[ParameterKind], names: Sequence[str], fresh: Sequence[float]) -> Twins:
    """Returns the parts of a synth that are the same, such as all layers of one that has many.

    Parts that look alike, see `repeated_parts`, are exchanged at random in several presets; if none of that is heard,
    what is true of one part is true of all. Large synths consist of such parts, so most of the work is saved. A synth
    that does not repeat itself to the last bit has none.

    Args:
        trial: Plays; its noise floor is measured.
        kinds: Of all parameters.
        names: Of all parameters.
        fresh: Their values in a fresh preset.
    """
    families = repeated_parts(names, kinds)
    if trial.noise_floor_db or not families:
        return Twins(fresh)
    rng = np.random.default_rng(4)  # so that a synth without such parts is measured as ever
    confirmed = dict.fromkeys(families, 0)
    for number in range(_EXCHANGED):
        drawn = random_preset(kinds, rng)
        chosen = rng.random(len(kinds)) < _SHARES[number % len(_SHARES)]
        preset = {index: drawn[index] if chosen[index] else value for index, value in enumerate(fresh)}
        base = trial.tried(preset)
        if base is None or is_silent(base):
            continue
        for family in _disjoint(confirmed):
            exchanged = _exchanged(preset, family, rng)
            if exchanged != preset:
                sound = trial.tried(exchanged)
                if sound is None or trial.differ(sound, base):
                    del confirmed[family]
                else:
                    confirmed[family] += 1
        if all(confirmed[family] >= _CONFIRMED for family in _disjoint(confirmed)):
            break
    return Twins(fresh, tuple(family for family in _disjoint(confirmed) if confirmed[family] >= _CONFIRMED))


def _disjoint(families: Iterable[Family]) -> list[Family]:
    """The first families that have no parameter in common."""
    taken: set[int] = set()
    chosen = []
    for family in families:
        indices = set[int]().union(*family)
        if taken.isdisjoint(indices):
            taken |= indices
            chosen.append(family)
    return chosen


def _exchanged(preset: Mapping[int, float], family: Family, rng: np.random.Generator) -> dict[int, float]:
    """A preset in which the parts of a family have each other's values; with two parts, they are swapped."""
    order = np.roll(np.arange(2), 1) if len(family) == 2 else rng.permutation(len(family))
    found = dict(preset)
    for part, place in zip(family, order.tolist(), strict=True):
        for index, source in zip(part, family[place], strict=True):
            found[index] = preset[source]
    return found


def listen(
    trial: Trial,
    kinds: Sequence[ParameterKind],
    fresh: Sequence[float],
    rng: np.random.Generator,
    progress: ProgressCallback,
    *,
    twins: Twins | None = None,
) -> list[Audibility]:
    """Moves the parameters in the fresh preset and, those that changed nothing there, in random ones.

    All are moved at once. If that cannot be heard, none of them can, in this preset. If it can, bisection finds the
    first after which the sound is another one: two renders that differ in nothing but this parameter prove it. The
    search goes on behind it, from the sound there, so that no render is wasted: a preset in which all of n parameters
    are heard takes n renders, one in which none is heard takes one, however many they are.

    A parameter is missed if others hide it each time, such as a switch that turns its part off, or if two changes
    cancel. What was not heard is therefore moved again without the ones that were, to other values, in the other order
    and in other presets.

    Args:
        trial: Plays.
        kinds: Of all parameters.
        fresh: Their values in a fresh preset.
        rng: Draws the others.
        progress: Called after every render that decides something, with the parameters that are decided.
        twins: Parts that are the same, of which only the first is measured.

    Returns:
        An entry for each parameter.
    """
    firsts = (twins or Twins()).firsts
    listener = _Listener(trial, kinds, progress, firsts)
    for number in range(_PRESETS):
        # A parameter of a part that is off, or of another algorithm, is silent in one preset and heard in another.
        listener.presets = number
        if number == 0:
            # as loaded: setting the same values could change something
            listener.try_preset({}, fresh, _FRESH_TURNS)
        else:
            values = random_preset(kinds, rng)
            listener.try_preset(values, list(values.values()), _RANDOM_TURNS)
        if not listener.unheard():
            break
    progress(Progress("moving parameters", len(kinds), len(kinds), "parameters"))
    for index, first in firsts.items():
        listener.found[index] = listener.found[first]
    return listener.found


def random_preset(kinds: Sequence[ParameterKind], rng: np.random.Generator) -> dict[int, float]:
    """Returns a random preset: the values of all parameters, by index."""
    preset: dict[int, float] = {}
    for index, kind in enumerate(kinds):
        preset[index] = float(rng.choice(kind.values)) if kind.values else float(np.float32(rng.random()))
    return preset


@dataclass(frozen=True)
class _Preset:
    """A preset and its sound."""

    values: Mapping[int, float]
    sound: np.ndarray


class _Listener:
    """What is known of all parameters so far.

    Args:
        trial: Plays.
        kinds: Of all parameters.
        progress: Called with the parameters that are decided.
        skipped: Parameters that are not measured, by index.

    Attributes:
        found: An entry for each parameter.
        presets: How many presets were tried.
    """

    def __init__(
        self, trial: Trial, kinds: Sequence[ParameterKind], progress: ProgressCallback, skipped: Container[int]
    ) -> None:
        self.found = [Audibility() for _ in kinds]
        self.presets = 0
        self._trial = trial
        self._kinds = kinds
        self._progress = progress
        self._measured = [index for index in range(len(kinds)) if index not in skipped]
        self._shown = 0

    def unheard(self) -> list[int]:
        """Returns the parameters that are to be moved again."""
        found = self.found
        return [index for index in self._measured if not found[index].audible and len(found[index].faults) < _CRASHES]

    def try_preset(self, values: Mapping[int, float], now: Sequence[float], turns: int) -> None:
        """Moves what was not heard yet, several times.

        Args:
            values: A preset; what is not in it is as the plug-in has it when it is loaded.
            now: The values of all parameters in it.
            turns: How often.
        """
        base = self._trial.tried(values)
        self._show()
        if base is None or is_silent(base):
            return
        end = _Preset(values, base)
        for turn in range(turns):
            # From where the turn before has ended, with all switches on the other side; then from the preset again.
            start = end if turn == 1 else _Preset(values, base)
            moves = self._moves({**dict(enumerate(now)), **start.values}, turn)
            # Switches after the knobs of their parts, as they may turn these off; or before, as they may turn them on.
            end = self._walk(start, moves if turn % 2 == 0 else moves[::-1])
            for index in self.unheard():
                # Those that crashed are moved alone: to bisect a crash again would take long.
                tries = self._kinds[index].tries(now[index])
                if self.found[index].faults and turn < len(tries) and tries[turn] not in self.found[index].faults:
                    self._walk(_Preset(values, base), [(index, tries[turn])])

    def _moves(self, now: Mapping[int, float], turn: int) -> list[tuple[int, float]]:
        """Returns where each parameter is moved that is not decided, and never crashed; knobs first."""
        moves = []
        for index in sorted(self.unheard(), key=lambda index: bool(self._kinds[index].values)):
            tries = self._kinds[index].tries(now[index])
            if turn < len(tries) and not self.found[index].faults:
                moves.append((index, tries[turn]))
        return moves

    def _walk(self, start: _Preset, moves: Sequence[tuple[int, float]]) -> _Preset:
        """Moves parameters of a preset one after the other, and notes those at which the sound changes.

        Returns:
            The preset with all changes that were heard and left a sound.
        """
        values = dict(start.values)
        base = start.sound
        moves = list(moves)
        # By how many of the moves are made. A crash is None, and differs from every sound.
        sounds: dict[int, np.ndarray | None] = {}
        while moves and self._differs(self._sound(sounds, values, moves, len(moves)), base):
            # what was played in an earlier bisection narrows this one
            changed = min(count for count, sound in sounds.items() if self._differs(sound, base))
            same = max((count for count in sounds if count < changed), default=0)
            before = sounds.get(same)
            if before is None:
                before = base
            while changed - same > 1:
                middle = (same + changed) // 2
                sound = self._sound(sounds, values, moves, middle)
                if sound is None or self._trial.differ(sound, base):
                    changed = middle
                else:
                    same = middle
                    before = sound
            values.update(moves[:same])
            after = sounds[changed]
            self._note(values, moves[same], before, after)
            if after is None or is_silent(after):
                # From a silent preset nothing is heard any more, so this move is not made.
                sounds = {}
                base = before
            else:
                values.update([moves[same]])
                sounds = {count - changed: sound for count, sound in sounds.items() if count > changed}
                base = after
            moves = moves[changed:]
            self._show()
        return _Preset(values, base)

    def _sound(
        self,
        sounds: dict[int, np.ndarray | None],
        values: Mapping[int, float],
        moves: Sequence[tuple[int, float]],
        count: int,
    ) -> np.ndarray | None:
        """The sound after so many moves, played if it was not yet; None if the plug-in cannot play it."""
        if count not in sounds:
            sounds[count] = self._play({**values, **dict(moves[:count])})
        return sounds[count]

    def _play(self, values: Mapping[int, float]) -> np.ndarray | None:
        try:
            return self._trial.play(values)
        except RenderError:
            self._trial.tried({})  # the next question may have to start the plug-in again
            return None

    def _differs(self, sound: np.ndarray | None, base: np.ndarray) -> bool:
        return sound is None or self._trial.differ(sound, base)

    def _note(
        self,
        values: Mapping[int, float],
        move: tuple[int, float],
        before: np.ndarray,
        after: np.ndarray | None,
    ) -> None:
        """Notes what one move did.

        Args:
            values: The preset before it.
            move: The parameter and its new value.
            before: The sound before it.
            after: The sound after it; None if there was a crash.
        """
        index, value = move
        found = self.found[index]
        if after is None:
            found.faults = (*found.faults, value)
            return
        # Many changes, each too small to be heard, may add up to one that is, and the last of them is not its cause.
        found.audible = self._trial.differ(after, before)
        if found.audible and self._kinds[index].values:
            low, high = self._kinds[index].twins
            one = after if value == low else self._play({**values, index: low})
            two = after if value == high else self._play({**values, index: high})
            found.rounded = one is None or two is None or not self._trial.differ(one, two)

    def _show(self) -> None:
        """Shows how many parameters are decided: heard, given up or, by its share of the presets, inaudible."""
        unheard = len(self.unheard())
        decided = len(self.found) - unheard + unheard * self.presets // _PRESETS
        self._shown = max(self._shown, decided)
        self._progress(Progress("moving parameters", self._shown, len(self.found), "parameters"))
