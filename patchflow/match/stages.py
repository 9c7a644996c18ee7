"""The stages of a search: what a stage is, to draw proposals, to tune good presets, to breed children of the best."""

import abc
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch

from ..engines import Engine
from ..features.log_spectrum import heard_cents
from ..presets import ParamSpace
from .proposals import Move, Proposer
from .scorer import Outcome, Scored, Scorer
from .target import Target

__all__ = ["Draw", "Recombine", "Stage", "Tune", "Variation", "favoured"]

_LEAST_CONFIDENCE = 0.02

_KEYS = range(128)

_RESTS = 2  # batches for each move of a model, in one of which it is used


class Stage(abc.ABC):
    """Asks for presets to be tried, and then learns how good they were.

    The search loop is: `points, pitch = stage.ask(found, count)`, render, `stage.tell(outcome)`.

    Attributes:
        name: As the progress of the search shows it.
        screened: Whether to ask for several times as many presets as can be rendered, and to render those
            whose beginnings are promising.
    """

    name: str
    screened: bool

    @abc.abstractmethod
    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns at most `count` presets `(N, P)` and the MIDI notes `(N,)` to try them on.

        Args:
            found: The best presets so far, best first; None before the first render.
            count: How many to return at most; with `screened`, several times as many as will be rendered.
        """

    def tell(self, outcome: Outcome) -> None:  # noqa: B027 - not every stage learns
        """Learns from what became of the presets of the last `ask`; does nothing unless a stage says otherwise."""

    @staticmethod
    def parents(found: Scored | None) -> Scored:
        """Returns `found`, for stages that begin from it.

        Raises:
            ValueError: If nothing was rendered yet.
        """
        if found is None:
            raise ValueError("nothing was rendered yet")
        return found


class Draw(Stage):
    """Takes candidates from the proposers in turn, for every note the target may be.

    Args:
        target: The sound to match.
        proposers: Where candidates come from.
        rng: Random generator.

    Attributes:
        pool: All presets that were proposed, encoded, whatever became of them: variety for the next stage.
    """

    name = "draw"
    screened = True

    def __init__(self, target: Target, proposers: Sequence[Proposer], rng: np.random.Generator) -> None:
        self.target = target
        self.proposers = proposers
        self.rng = rng
        for proposer in proposers:
            proposer.restart()
        self.pool: list[np.ndarray] = []
        # The estimate of the note may be sure and yet wrong: even an unlikely note is tried now and then.
        weights = np.array([max(guess.confidence, _LEAST_CONFIDENCE) for guess in target.guesses])
        self._weights = weights / weights.sum()

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        shares = self.rng.multinomial(count, self._weights)
        if found is None:  # every note is tried at least once, the likeliest first
            shares = np.maximum(shares, 1)
        points = []
        pitch = []
        for guess, share in zip(self.target.guesses, shares.tolist(), strict=True):
            each, remaining = divmod(share, len(self.proposers))
            for k, proposer in enumerate(self.proposers):
                part = each + 1 if k < remaining else each
                if part:
                    points.append(proposer.propose(self.target, guess.pitch, part, self.rng))
                    pitch += [guess.pitch] * len(points[-1])
        drawn = np.concatenate(points)[:count]
        self.pool.extend(drawn)
        return drawn, np.array(pitch[:count])


class Tune(Stage):
    """Plays the best presets again as many cents higher or lower as they are off.

    How far a preset is off is the shift at which its fine spectrum agrees best with that of the target. The engine
    knows which parameters transpose it; if the note may change, whole semitones are moved by the key instead, too.

    Args:
        engine: Transposes presets.
        scorer: Knows the target; one without a pitch leaves nothing to tune.
        free: Positions of parameters that may change, shape `(L,)`.
        any_key: Whether the note that is played may change.
        first: How many of the best presets are kept in tune.
    """

    name = "tune"
    screened = False

    def __init__(self, engine: Engine, scorer: Scorer, free: np.ndarray, *, any_key: bool, first: int = 4) -> None:
        self.engine = engine
        self.scorer = scorer
        self.any_key = any_key
        self.first = first
        self._free = np.isin(np.arange(len(engine.space)), free)
        self._measured: set[bytes] = set()
        self._points: list[np.ndarray] = []
        self._pitch: list[int] = []

    def ready(self, *kinds: Scored) -> bool:
        """Returns whether one of the best presets is new and out of tune, so that there is something to ask for.

        Args:
            kinds: Presets, best first: the best of all, and the best of which no two sound alike.
        """
        if not self.scorer.target.pitched:
            return False
        for found in kinds:
            self._measure(found.take(np.arange(min(self.first, len(found)))))
        return bool(self._points)

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`; what `ready` found."""
        points = np.stack(self._points[:count])
        pitch = np.array(self._pitch[:count])
        self._points = self._points[count:]
        self._pitch = self._pitch[count:]
        return points, pitch

    def _measure(self, found: Scored) -> None:
        """Queues the presets in tune that are made of new ones that are not."""
        keys = [point.tobytes() + bytes([note]) for point, note in zip(found.points, found.pitch, strict=True)]
        new = [row for row, key in enumerate(keys) if key not in self._measured and found.sounds[row] is not None]
        if not new:
            return
        self._measured.update(keys[row] for row in new)
        sounds = torch.from_numpy(np.stack([found.sounds[row] for row in new]))
        shift = self.scorer.reference.shift(sounds)
        for row, *told in zip(new, shift.cents.tolist(), shift.gain.tolist(), shift.agreement.tolist(), strict=True):
            cents = heard_cents(*told)
            if cents:  # neither in tune nor without a pitch in common
                self._queue(found.points[row], int(found.pitch[row]), -cents)

    def _queue(self, point: np.ndarray, pitch: int, cents: float) -> None:
        """Queues a preset that sounds so many cents higher, on the same key and on another."""
        self._add(self._transposed(point, cents), pitch)
        semitones = round(cents / 100)
        if self.any_key and semitones and pitch + semitones in _KEYS:
            self._add(self._transposed(point, cents - 100 * semitones), pitch + semitones)

    def _add(self, point: np.ndarray, pitch: int) -> None:
        self._points.append(point)
        self._pitch.append(pitch)

    def _transposed(self, point: np.ndarray, cents: float) -> np.ndarray:
        return self.engine.transposed(point[None], np.array([cents]), self._free)[0]


class Variation:
    """The structure-aware moves of the search.

    Each move takes a parent, good presets, best first, and a pool of varied ones, and returns a child of
    the parent. A group (an operator) may also move to another group of the same shape.

    Args:
        space: The synth's parameters; its groups are the blocks that are recombined.
        locked: Positions of parameters that must not change, shape `(L,)`.
    """

    def __init__(self, space: ParamSpace, locked: np.ndarray) -> None:
        self.space = space
        self.free = np.setdiff1d(np.arange(len(space)), locked)
        self.ordered = ~space.categorical
        self.moves: tuple[Callable[..., np.ndarray], ...] = (
            self.swap_groups, self.mix, self.difference, self.step, self.borrow,
        )  # fmt: skip

    @cached_property
    def blocks(self) -> list[np.ndarray]:
        """Positions of every group; every parameter is its own block in a space without groups."""
        if len(self.space.groups) > 1:
            return [np.array(members) for members in self.space.groups.values()]
        return [np.array([i]) for i in range(len(self.space))]

    @cached_property
    def alike(self) -> dict[int, list[int]]:
        """For every block, the blocks it can stand in for: those with the same parameters by last name."""
        same: dict[tuple[str, ...], list[int]] = {}
        for i, block in enumerate(self.blocks):
            same.setdefault(self._last_names(block), []).append(i)
        return {i: same[self._last_names(block)] for i, block in enumerate(self.blocks)}

    def _last_names(self, block: np.ndarray) -> tuple[str, ...]:
        """E.g. `("output", "ratio")` of the parameters `op1.output` and `op1.ratio`."""
        return tuple(self.space.names[i].split(".")[-1] for i in block)

    def swap_groups(
        self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """One parent with one to three groups of another; sometimes a group lands in another place."""
        child = parent.copy()
        for _ in range(rng.integers(1, 4)):
            from_good = rng.random() < 0.8
            donor = good[favoured(len(good), 1, rng)[0]] if from_good else pool[rng.integers(len(pool))]
            to = int(rng.integers(len(self.blocks)))
            # Two presets may have much the same operator in different places, so a group may fit in another place.
            source = to if rng.random() < 0.75 else int(rng.choice(self.alike[to]))
            child[self.blocks[to]] = donor[self.blocks[source]]
        return child

    def mix(self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One parent with single parameters of another."""
        child = parent.copy()
        donor = good[favoured(len(good), 1, rng)[0]]
        taken = rng.random(len(child)) < rng.choice([0.03, 0.1, 0.3, 0.5])
        child[taken] = donor[taken]
        return child

    def difference(
        self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """One parent moved along the difference of two others (differential evolution).

        References:
            Storn & Price, Differential Evolution (1997), https://doi.org/10.1023/A:1008202821328
        """
        child = parent.copy()
        a, b = good[rng.integers(len(good), size=2)]
        moved = (rng.random(len(child)) < rng.choice([0.05, 0.2, 0.6])) & self.ordered
        child[moved] += rng.uniform(0.3, 0.9) * (a - b)[moved]
        return child

    def step(self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One parent with one to five parameters moved a little; a category is redrawn."""
        child = parent.copy()
        chosen = rng.choice(self.free, size=min(len(self.free), int(rng.integers(1, 6))), replace=False)
        size = np.exp(rng.uniform(np.log(0.005), np.log(0.2)))
        width = np.where(self.space.cells > 0, 1 / np.maximum(self.space.cells, 1), 0)
        shift = rng.normal(0, size, len(chosen))
        # A parameter with steps moves by one of them at least: anything less is rounded away before the render.
        least = width[chosen]
        shift = np.where(np.abs(shift) < least, np.sign(shift) * least, shift)
        child[chosen] = np.where(self.ordered[chosen], child[chosen] + shift, rng.random(len(chosen)))
        return child

    def borrow(self, parent: np.ndarray, good: np.ndarray, pool: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One parent with a few values of a random member of the pool."""
        child = parent.copy()
        chosen = rng.choice(self.free, size=min(len(self.free), int(rng.integers(1, 9))), replace=False)
        child[chosen] = pool[rng.integers(len(pool))][chosen]
        return child


def favoured(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Returns `size` indices below `count` that favour the first: each the smaller of two draws."""
    return np.minimum(*rng.integers(count, size=(2, size)))


class Recombine(Stage):
    """Breeds children of the best presets; moves that succeed are used more often.

    Args:
        variation: The moves of every search; those of the proposers come after them.
        draw: The stage before, whose pool keeps variety alive.
        keep: How many presets may become parents.
        rng: Random generator.
    """

    name = "recombine"
    screened = True

    def __init__(self, variation: Variation, draw: Draw, keep: int, rng: np.random.Generator) -> None:
        self.variation = variation
        self.draw = draw
        self.keep = keep
        self.rng = rng
        self.learned: list[Move] = []
        for proposer in draw.proposers:
            self.learned.extend(proposer.moves)
        self._credit = np.ones(len(variation.moves) + len(self.learned))  # of each move, for its successes
        self._parents = np.empty(0)  # distance in dB of the parent of each child of the last `ask`
        self._in_use = np.ones(len(self._credit), bool)  # the moves that the last batch could have
        self._batch = 0  # how many were asked for
        self._used = np.empty(0, int)  # the move of each child of the last `ask`

    def ask(self, found: Scored | None, count: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Stage.ask`."""
        best = self.parents(found)
        good = best.take(np.arange(min(self.keep, len(best))))
        # A tenth of the children is shared out evenly, so that a move without success so far is still tried: what helps
        # late in a search is not what helps early.
        chance = 0.1 / len(self._credit) + 0.9 * self._credit / self._credit.sum()
        chance = self._in_turn(chance)
        self._in_use = chance > 0
        self._used = self.rng.choice(len(chance), size=count, p=chance)
        parents = good.take(favoured(len(good), count, self.rng))
        self._parents = parents.distance
        return self._breed(good, parents)

    def tell(self, outcome: Outcome) -> None:
        """See `Stage.tell`."""
        # Credit fades by a twentieth a batch in use and never ends, so it follows what worked lately.
        # A child must be better than its own parent: most changes that nobody hears keep one among the best.
        won = outcome.rows[outcome.distance[outcome.rows] < self._parents[outcome.rows]]
        self._credit[self._in_use] *= 0.95
        np.add.at(self._credit, self._used[won], 1)
        self._credit = np.maximum(self._credit, 0.05)

    def _in_turn(self, chance: np.ndarray) -> np.ndarray:
        """Gives one move of the models at a time the children of several batches: a few take as long as many."""
        turns = _RESTS * len(self.learned)
        if not turns:
            return chance
        turn, rest = divmod(self._batch % turns, _RESTS)
        self._batch += 1
        own = len(self.variation.moves)
        factor = np.ones(len(chance))
        factor[own:] = 0
        if rest == 0:
            factor[own + turn] = turns
        return chance * factor / (chance * factor).sum()

    def _breed(self, good: Scored, parents: Scored) -> tuple[np.ndarray, np.ndarray]:
        """Applies the moves in use, one to each parent."""
        children = parents.points.copy()
        pool = np.stack(self.draw.pool)
        own = len(self.variation.moves)
        for k, move in enumerate(self._used):
            if move < own:
                children[k] = self.variation.moves[move](children[k], good.points, pool, self.rng)
        # Moves of a model make all their children in one call: networks are much faster on a batch.
        for move, make in enumerate(self.learned, own):
            rows = np.nonzero(self._used == move)[0]
            if len(rows):
                children[rows] = make(self.draw.target, parents.take(rows), self.rng)
        return children, parents.pitch
