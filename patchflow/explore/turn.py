"""Turns attributes of a preset and leaves the others as they are: a path of presets, each played and measured."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ..engines import Engine
from ..errors import OptionError
from ..features.measures import MEASURES
from ..progress import Progress, ProgressCallback, ignore
from .attribute_map import AttributeMap, Slopes, probe_steps
from .player import Player, Renders, SamePitch

__all__ = ["Turn", "Turner"]

_ROUNDS = 5  # of playing candidates and correcting the map
_CANDIDATES = 5  # for each step of the path and round
_OWN = 1.5  # what a standard deviation of what is turned weighs in the least squares
_RIDGE = (0.1, 0.5, 2.0)  # what a standard deviation of one parameter weighs
_KEPT = (0.9, 0.6, 0.3)  # share of the parameters that a candidate may move
_FARTHEST_STEP = 1.5  # standard deviations that a parameter may move at once: beyond, slopes say nothing
_ITERATIONS = 5
_BLIND_RIDGE = 6.0  # of a turn that nobody plays: small slopes of the map are not to be believed
_BLIND_OTHERS = 0.1
_DONORS = 6
_AROUND = 40  # presets that were played and correct the slopes
_DOUBT = 0.3  # variance of a change that slopes do not explain, in moves of a parameter by a standard deviation
_ALLOWED = 0.2  # share of the change of what is turned by which others may change at no cost
_LEAK = 0.5  # what the square of a change that nobody asked for costs
_EFFORT = 0.003  # what it costs to move one parameter by a standard deviation
_BACKWARD = 4.0  # what a step against the direction costs, for each standard deviation
_LEAST = 0.02  # standard deviations by which an attribute rises from step to step, where it can
_HOW_TO_LEARN = "learn one with `patchflow macros SYNTH --learn`"


@dataclass(frozen=True)
class Turn:
    """A path of presets along which some attributes change and the others stay.

    Args:
        shares: Which part of the wished change each step is asked for, ascending, 0 among them, shape `(S,)`.
        points: Encoded presets, shape `(S, P)`.
        changes: What changed from the original, in standard deviations over the presets of the synth: the columns of
            `MEASURES`, shape `(S, K, M)`.
        measures: The same in the units of `MEASURES`, shape `(S, K, M)`.
        sounds: Mono samples at `RATE`, shape `(S, K, T)`.
        renders: How many sounds were played for it.
    """

    shares: np.ndarray
    points: np.ndarray
    changes: np.ndarray
    measures: np.ndarray
    sounds: np.ndarray
    renders: int


class Turner:
    """Turns the attributes of presets of one synth.

    The learned map says which way; each step is played in some variants, and what is measured corrects the map. A
    synth without a map has its slopes measured, by playing every parameter a little moved.

    Args:
        engine: Of the synth, for what it says of its parameters.
        player: Plays presets on the keys on which the attributes are to change.
        learned: The map of the synth; None for one that has none.
        measured: Of a synth without a map: what was measured around one preset, and this, encoded, shape `(P,)`.
    """

    def __init__(
        self,
        engine: type[Engine],
        player: Player,
        learned: AttributeMap | None,
        measured: tuple[Slopes, np.ndarray] | None = None,
    ) -> None:
        self.engine = engine
        self.player = player
        self.learned = learned
        self._measured = measured
        self._pitches = np.array([note.pitch for note in player.notes], float)
        space = engine.space
        if learned is None:
            self.scale = np.full(len(space), 0.3)
            self._std = np.array([attribute.spread for attribute in MEASURES])
            self._offset = np.zeros(len(MEASURES))
        else:
            self.scale = learned.scale.double().numpy()
            self._std = learned.std.double().numpy()
            self._offset = learned.mean.double().numpy() / self._std
        self.movable = ~space.categorical
        for names in engine.tuning:
            for name in names:
                self.movable[list(space.select(name))] = False

    def instant(
        self, point: np.ndarray, wish: np.ndarray, *, shares: np.ndarray, free: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns a path along which attributes change as the map predicts, without playing anything.

        The map is asked for the preset at either end of the path; between these and the original all parameters move in
        straight lines. So a knob that is turned back and forth never stands still or turns round where the map does.

        Args:
            point: Encoded preset, shape `(P,)`.
            wish: Change of each of `MEASURES` at share 1, in standard deviations, see `features.measures.wishes`,
                shape `(M,)`.
            shares: Places of the path, ascending, 0 among them; see `turn`.
            free: Which parameters may move, boolean, shape `(P,)`; all if None.

        Returns:
            Encoded presets, shape `(S, P)`.

        Raises:
            OptionError: If the synth has no map, or nothing may move.
        """
        slopes = self.slopes(point, self._pitches)
        # nobody listens whether it stays in tune, so what might change the pitch does not move
        steady = ~self.learned.detunes.numpy() if self.learned is not None else self.movable
        free = self._check_free(steady if free is None else free & steady)
        path = np.repeat(np.array(point, float)[None], len(shares), 0)
        for side in (shares < 0, shares > 0):
            if side.any():
                farthest = shares[np.abs(shares * side).argmax()]
                end = self._predicted(point, slopes, farthest * wish, free=free)
                path[side] += shares[side, None] / farthest * (end - point)
        return self.engine.space.snap(path)

    def _predicted(self, point: np.ndarray, around: Slopes, change: np.ndarray, *, free: np.ndarray) -> np.ndarray:
        """The preset near another, with its slopes, that the map says comes nearest to a change, (P,)."""
        moved = np.array(point, float)
        for number in range(_ITERATIONS):
            slopes = self.slopes(moved, self._pitches) if number else around
            step = self.step(
                slopes, slopes.values - around.values - change, moved - point,
                turned=change != 0, free=free, ridge=_BLIND_RIDGE, others=_BLIND_OTHERS,
            )  # fmt: skip
            moved = np.clip(moved + step, 0.0, 1.0)
        return moved

    def turn(
        self,
        point: np.ndarray,
        wish: np.ndarray,
        *,
        shares: np.ndarray,
        free: np.ndarray | None = None,
        seed: int = 0,
        progress: ProgressCallback = ignore,
    ) -> Turn:
        """Returns a path along which attributes change as wished, as far as the synth can.

        Args:
            point: Encoded preset, shape `(P,)`.
            wish: Change of each of `MEASURES` at the end of the path, in standard deviations, shape `(M,)`.
            shares: Places of the path, ascending, 0 among them; 1 is the whole wish, negative ones go the other way.
            free: Which parameters may move, boolean, shape `(P,)`; all if None.
            seed: Of the random generator.
            progress: Called after every round of candidates.

        Raises:
            OptionError: If nothing may move, or the preset is silent.
        """
        movable = self._check_free(free)
        rng = np.random.default_rng(seed)
        points = self.engine.space.snap(np.array(point, float))[None]
        played = self.player.play(points)
        if np.isnan(played.measures).any():
            raise OptionError("the preset is silent on a key that is played; there is nothing to turn")
        pool = _Pool(points, played.measures, list(played.sounds), self)
        measured = self._measured_slopes(pool, movable) if self.learned is None else None
        task = _Task(wish != 0, movable, measured, rng)
        targets = [share * wish for share in shares]
        for done in range(_ROUNDS):
            progress(Progress("turn", done, _ROUNDS, "rounds"))
            found = []
            for target in targets:
                if target.any():
                    found += self._candidates(pool, target, task)
            fresh = pool.unknown(np.array(found))
            if len(fresh):
                pool = pool.join(fresh, self.player.play(fresh))
        rows = self._path(pool, np.asarray(shares, float), wish)
        return Turn(
            shares=np.asarray(shares, float),
            points=pool.points[rows],
            changes=pool.changes[rows],
            measures=pool.measures[rows],
            sounds=np.stack([pool.sounds[row] for row in rows]),
            renders=len(pool.points) * len(self._pitches),
        )

    def _check_free(self, free: np.ndarray | None) -> np.ndarray:
        movable = self.movable if free is None else self.movable & free
        if not movable.any():
            raise OptionError("lock: nothing is left to move. Leave some parameter that is neither a choice nor tuning")
        return movable

    def _candidates(self, pool: "_Pool", target: np.ndarray, task: "_Task") -> list[np.ndarray]:
        """Variants of the next step from the preset that comes nearest to one target."""
        order = np.argsort(_cost(pool, target, task.turned), kind="stable")
        nearest = int(order[0])
        point = pool.points[nearest]
        original = pool.points[0]
        slopes = self._corrected(task.measured or self.slopes(point, self._pitches), pool, nearest)
        gap = pool.changes[nearest] - target
        found = []
        for number in range(_CANDIDATES):
            kept = task.rng.random(len(point)) < task.rng.choice(_KEPT)
            if number == _CANDIDATES - 1:
                # fewer parameters may do as well
                step = (original - point) * kept
            elif number % 2 and len(pool.points) > 1:
                # what helped another preset of the path, on top of what helped this one
                donor = pool.points[task.rng.choice(order[:_DONORS])]
                step = task.rng.uniform(0.3, 1.0) * (donor - original) * kept
            else:
                ridge = _RIDGE[(number // 2) % len(_RIDGE)]
                free = task.movable & (kept if number else True)
                step = self.step(slopes, gap, point - original, turned=task.turned, free=free, ridge=ridge)
            found.append(self.engine.space.snap(point + step))
        return found

    def _corrected(self, slopes: Slopes, pool: "_Pool", row: int) -> Slopes:
        """Slopes at a preset as what was played around it says: ridge regression, with the map as what is expected."""
        away = pool.moved - pool.moved[row]
        around = np.argsort(np.abs(away).sum(1), kind="stable")[1 : _AROUND + 1]
        around = around[np.isfinite(pool.changes[around]).all((1, 2))]
        if not len(around):
            return slopes
        away = away[around]
        expected = np.einsum("kmp,np->nkm", slopes.by_parameter * self.scale, away)
        surprise = (pool.changes[around] - pool.changes[row] - expected).reshape(len(around), -1)
        weights = np.linalg.solve(away @ away.T + _DOUBT * np.eye(len(around)), surprise)
        correction = (away.T @ weights).T.reshape(slopes.by_parameter.shape) / self.scale
        return Slopes(slopes.values, slopes.by_parameter + correction)

    def _measured_slopes(self, pool: "_Pool", movable: np.ndarray) -> Slopes:
        """The slopes at the original, by playing it with every parameter moved towards the middle of its range."""
        point = pool.points[0]
        columns = np.nonzero(movable)[0]
        moved = np.repeat(point[None], len(columns), 0)
        steps = probe_steps(self.engine.space, point)[columns]
        moved[np.arange(len(columns)), columns] += steps
        moved = self.engine.space.snap(moved)
        steps = moved[np.arange(len(columns)), columns] - point[columns]
        probes = pool.join(moved, self.player.play(moved))
        by_parameter = np.zeros((*pool.changes.shape[1:], len(point)))
        safe = np.where(steps == 0, np.inf, steps)  # a step that is rounded away says nothing
        by_parameter[:, :, columns] = np.nan_to_num(probes.changes[1:] / safe[:, None, None]).transpose(1, 2, 0)
        return Slopes(pool.changes[0], by_parameter)

    def standardised(self, measures: np.ndarray) -> np.ndarray:
        """Returns measures, shape `(..., M)`, in standard deviations over the presets of the synth."""
        return measures / self._std

    def slopes(self, point: np.ndarray, pitches: np.ndarray) -> Slopes:
        """Returns what the map predicts for a preset, see `AttributeMap.slopes`.

        Raises:
            OptionError: If the synth has no map, and nothing was measured.
        """
        if self._measured:
            around, start = self._measured
            return Slopes(around.values + around.by_parameter @ (point - start), around.by_parameter)
        if self.learned is None:
            raise OptionError(f"this synth has no learned map: {_HOW_TO_LEARN}")
        found = self.learned.slopes(point, pitches)
        return Slopes(found.values + self._offset, found.by_parameter)

    def step(
        self,
        slopes: Slopes,
        gap: np.ndarray,
        moved: np.ndarray,
        *,
        turned: np.ndarray,
        free: np.ndarray | None = None,
        ridge: float = 0.3,
        others: float = 0.8,
    ) -> np.ndarray:
        """Returns the change of all parameters that closes a gap best and moves least from the original, `(P,)`.

        Ridge regression, linear in the slopes.

        Args:
            slopes: At the preset.
            gap: What is measured there less what is wanted, in standard deviations, shape `(K, M)`.
            moved: How far the preset was moved already, shape `(P,)`.
            turned: Which attributes are turned; the others weigh less, shape `(M,)`.
            free: Which parameters may move, shape `(P,)`; all if None.
            ridge: What it costs to move a parameter by a standard deviation.
            others: What a standard deviation of an attribute that is not turned weighs; of one that is, 1.5.
        """
        movable = self.movable if free is None else self.movable & free
        weights = np.where(turned, _OWN, others)
        columns = np.nonzero(movable)[0]
        step = np.zeros(len(moved))
        if not len(columns):
            return step
        scale = self.scale[columns]
        matrix = (slopes.by_parameter[:, :, columns] * scale * weights[:, None]).reshape(-1, len(columns))
        wanted = (-gap * weights).ravel()
        already = moved[columns] / scale
        # min |matrix s - wanted|^2 + ridge |already + s|^2, solved in the space of the few measures
        gram = matrix @ matrix.T + ridge * np.eye(len(matrix))
        solution = matrix.T @ np.linalg.solve(gram, wanted + matrix @ already) - already
        largest = np.abs(solution).max()
        solution *= min(1.0, _FARTHEST_STEP / max(largest, 1e-9))
        step[columns] = solution * scale
        return step

    def _path(self, pool: "_Pool", shares: np.ndarray, wish: np.ndarray) -> list[int]:
        """The rows of the path: each near its target, each beyond the one before, all in tune."""
        usable = np.ones(len(pool.points), bool)
        same_pitch = SamePitch(pool.sounds[0])
        while True:
            rows = _chain(pool, shares, wish, usable)
            wrong = [row for row in set(rows) if row and not same_pitch(pool.sounds[row])]
            if not wrong:
                return rows
            usable[wrong] = False


@dataclass(frozen=True)
class _Task:
    """What is turned, which parameters may move, the slopes of a synth without a map, and chance."""

    turned: np.ndarray
    movable: np.ndarray
    measured: Slopes | None
    rng: np.random.Generator


class _Pool:
    """Presets that were played for one turn, the original first, and what changed in their sounds."""

    def __init__(self, points: np.ndarray, measures: np.ndarray, sounds: list[np.ndarray], turner: Turner) -> None:
        self.points = points
        self.measures = measures
        self.sounds = sounds  # a list, since an array of hundreds would be copied whenever some are added
        self.changes = turner.standardised(measures - measures[:1])
        self.moved = (points - points[0]) / turner.scale
        self._turner = turner
        self._known = {point.tobytes() for point in points}

    def unknown(self, points: np.ndarray) -> np.ndarray:
        """Presets that were not played yet, each once, in order."""
        found = {point.tobytes(): point for point in points if point.tobytes() not in self._known}
        return np.array(list(found.values())).reshape(-1, self.points.shape[1])

    def join(self, points: np.ndarray, played: Renders) -> "_Pool":
        """Both together."""
        return _Pool(
            np.concatenate((self.points, points)),
            np.concatenate((self.measures, played.measures)),
            [*self.sounds, *played.sounds],
            self._turner,
        )


def _cost(pool: _Pool, target: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """How far presets are from a target (M,), and how much they were moved for it: (N,), infinite for silence."""
    changes = pool.changes
    gap = np.abs(changes - target)
    allowed = _ALLOWED * np.abs(changes[:, :, turned]).max(2, keepdims=True)  # what goes along with so large a change
    excess = np.where(turned, gap, np.clip(gap - allowed, 0, None))
    cost = (np.square(excess) * np.where(turned, 1.0, _LEAK)).sum(2).mean(1)
    cost += _EFFORT * np.abs(pool.moved).sum(1)
    return np.where(np.isfinite(cost), cost, np.inf)


def _chain(pool: _Pool, shares: np.ndarray, wish: np.ndarray, usable: np.ndarray) -> list[int]:
    """The cheapest chain of rows, one a share, in which what is turned rises from step to step on every key.

    Dynamic programming; the row of share 0 is the original.
    """
    turned = wish != 0
    along = (pool.changes[:, :, turned] * np.sign(wish[turned])).min(2)  # (N, K): how far every key is along the way
    costs = np.stack([_cost(pool, share * wish, turned) for share in shares])
    costs[:, ~usable] = np.inf
    original = int(np.argmin(np.abs(shares)))
    costs[original, 1:] = np.inf
    # A step back on any key is bad; where nothing more can be had, the path may stay where it is.
    back = np.clip(along[:, None] - along[None] + _LEAST, 0, None).max(2)  # (from, to)
    back[np.arange(len(back)), np.arange(len(back))] = 0.0
    jumps = cdist(pool.moved, pool.moved, "cityblock")
    backward = _BACKWARD * np.nan_to_num(back, nan=np.inf) + _EFFORT * jumps
    best = costs[0]
    came = []
    for cost in costs[1:]:
        total = best[:, None] + backward
        came.append(total.argmin(0))
        best = total.min(0) + cost
    rows = [int(best.argmin())]
    for before in reversed(came):
        rows.append(int(before[rows[-1]]))
    return rows[::-1]
