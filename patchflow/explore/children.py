"""Children of presets: what each is, and which of many are given back: those far from each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..audio.loudness import loudness
from ..audio.pitch import Pitch, estimate_pitch
from ..engines import Engine, Note
from ..match.verdict import CLOSENESS, Judge, interval_between
from ..presets import ParamSpace, Preset, Value
from .player import IN_TUNE, RATE, Heard
from .trajectories import HeardPoint, Origin

__all__ = [
    "Child",
    "Goal",
    "Move",
    "Prospect",
    "Variations",
    "choose_apart",
    "moves_between",
    "sort_out",
    "twin_distance",
]

_OUT_OF_TUNE = 20.0  # cents beyond which a child is left out
_LOUDER = 6.0  # LU beside the parent beyond which another child is better
_CATEGORY = 0.5  # of the range: what another option of a choice counts as


@dataclass(frozen=True)
class Move:
    """A parameter that a child has otherwise than its parent.

    Args:
        name: Of the parameter.
        before: Its value in the parent.
        after: Its value in the child.
        size: How far it moved, as a share of its range; another option of a choice counts as half.
    """

    name: str
    before: Value
    after: Value
    size: float


@dataclass(frozen=True)
class Child:
    """A preset made of others.

    Args:
        preset: The preset, with what its parent has beyond parameters.
        point: The same, encoded, shape `(P,)`.
        sound: Mono samples at `RATE`, as the synth plays it, shape `(T,)`.
        distances: From each parent, in dB of `metrics.perceptual`.
        cents: How far it sounds above its (first) parent; None if that has no meaning.
        louder: How much louder it is than the (first) parent, in LU.
        sources: Where its parts come from; what is not named is as in the (first) parent.
        moves: The parameters that differ from the (first) parent and can be heard, what moved most first.
        tuned: Whether parameters were moved to put it in tune.
        levelled: Whether the level parameter was moved to make it as loud.
    """

    preset: Preset
    point: np.ndarray
    sound: np.ndarray
    distances: tuple[float, ...]
    cents: float | None
    louder: float
    sources: tuple[Origin, ...]
    moves: tuple[Move, ...]
    tuned: bool = False
    levelled: bool = False


@dataclass(frozen=True)
class Variations:
    """Children of a preset, or of two.

    Args:
        parents: One, or two for children of two; the first with the values of locks.
        sounds: What the parents sound like, mono at `RATE`; the second in tune with the first; shape `(1 or 2, T)`.
        children: The children, at most as many as were asked for.
        asked: The amount.
        goal: What the amount stands for: dB from the parent or, of two parents, the share of the way to the second.
        note: What was played.
        renders: How many notes were played to find them.
        models: Names of the models that helped; none where there are no weights.
        remarks: What the user should know, such as why there are fewer children than asked for.
    """

    parents: tuple[Preset, ...]
    sounds: np.ndarray
    children: tuple[Child, ...]
    asked: float
    goal: float
    note: Note
    renders: int
    models: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def twin_distance(asked: float) -> float:
    """Returns how far apart two children must be, in dB: half as far as from the parent, and heard at all.

    Example:
        >>> twin_distance(12.0), twin_distance(2.0)
        (6.0, 2.0)
    """
    return max(asked / 2, min(asked, CLOSENESS["the same"]))


@dataclass(frozen=True)
class Goal:
    """What children should be like.

    Args:
        value: What is steered to.
        tolerance: How far beside it nothing speaks against one.
        of: What is steered by, of what was heard, shape `(N,)`.
        apart: How far from all others each must be, in dB.
        fits: Whether a trial may be a child at all.
    """

    value: float
    tolerance: float
    of: Callable[[Heard], np.ndarray]
    apart: float
    fits: Callable[[HeardPoint], bool] = lambda trial: True

    def off(self, trial: HeardPoint) -> float:
        """Returns how far beside the goal a trial is, in tolerances."""
        return abs(trial.value - self.value) / self.tolerance


@dataclass(frozen=True)
class Prospect:
    """A trial that may become a child.

    Args:
        trial: What was tried.
        cents: See `Child`.
        louder: See `Child`.
        reserves: What speaks against it: the number of things.
    """

    trial: HeardPoint
    cents: float | None
    louder: float
    reserves: int

    @property
    def sound(self) -> np.ndarray:
        """Mono samples, shape `(T,)`."""
        return self.trial.heard.sounds[0]


def sort_out(
    trials: Sequence[HeardPoint], goal: Goal, judge: Judge, parent_loudness: float, parent_pitch: Pitch
) -> list[Prospect]:
    """Returns the trials that may become children; those that are out of tune may not.

    It speaks against one to be off the goal, to be a little out of tune, to be much louder or softer than the parent,
    to have a pitch that cannot be compared with that of the parent where this has one, and to have another pitch when
    it is heard alone: partials may agree while the octave is another.

    Args:
        trials: What was tried.
        goal: What children should be like.
        judge: Compares with the parent.
        parent_loudness: In LUFS.
        parent_pitch: Of its sound alone.
    """
    found = []
    for trial in trials:
        known = float(trial.heard.cents[0])
        cents = judge.cents(trial.heard.sounds[0]) if np.isnan(known) else known
        if cents is None or abs(cents) <= _OUT_OF_TUNE:
            louder = loudness(trial.heard.sounds[0], RATE) - parent_loudness
            found.append((trial, cents, louder))
    pitched = any(cents is not None for _, cents, _ in found)
    candidates = []
    for trial, cents, louder in found:
        alone = interval_between(estimate_pitch(trial.heard.sounds[0], RATE), parent_pitch)
        against = [
            alone is not None and abs(alone.cents) > _OUT_OF_TUNE,
            goal.off(trial) > 1,
            abs(louder) > _LOUDER,
            pitched if cents is None else abs(cents) > IN_TUNE,
        ]
        candidates.append(Prospect(trial, cents, louder, sum(against)))
    return candidates


def choose_apart(
    candidates: Sequence[Prospect],
    count: int,
    apart: float,
    distances: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> list[Prospect]:
    """Returns candidates that are as far from each other as possible, taken one by one.

    Those with fewer reserves go first, as long as there is one that is far enough from all that were taken.

    Args:
        candidates: To choose from.
        count: How many are wanted.
        apart: How far from all others each must be, in dB.
        distances: From sounds, shape `(N, T)`, to one sound, in dB.
    """
    if not candidates:
        return []
    sounds = np.stack([candidate.sound for candidate in candidates])
    reserves = np.array([candidate.reserves for candidate in candidates])
    nearest = np.full(len(candidates), np.inf)
    chosen: list[int] = []
    while len(chosen) < count:
        far_enough = nearest >= apart
        if not far_enough.any():
            break
        best = far_enough & (reserves == reserves[far_enough].min())
        farthest = int(np.argmax(np.where(best, nearest, -1)))
        chosen.append(farthest)
        nearest = np.minimum(nearest, distances(sounds, sounds[farthest]))
        nearest[farthest] = -1
    return [candidates[row] for row in chosen]


def moves_between(engine: Engine, parent: np.ndarray, child: np.ndarray) -> tuple[Move, ...]:
    """Returns the parameters that differ and can be heard in the child, what moved most first.

    Args:
        engine: Knows which parameters of a preset cannot be heard.
        parent: A preset, encoded, shape `(P,)`.
        child: Another, shape `(P,)`.
    """
    space: ParamSpace = engine.space
    before = space.decode(parent)
    after = space.decode(child)
    heard = np.isclose(engine.canonical(child[None])[0], child)
    size = np.where(space.categorical, _CATEGORY * (np.abs(child - parent) > 0), np.abs(child - parent))
    moves = []
    for place in np.argsort(-size, kind="stable").tolist():
        name = space.names[place]
        if before[name] != after[name] and heard[place]:
            moves.append(Move(name, before[name], after[name], round(float(size[place]), 4)))
    return tuple(moves)
