"""Trajectories from a preset to others: crossovers of sections or walks in a latent space; how far to go on each."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..presets import ParamSpace
from .good_presets import Donors, LatentWalk
from .player import Heard

__all__ = ["Crossover", "HeardPoint", "LatentTrajectory", "Origin", "Trajectory", "crossovers", "points_at", "steer"]

_ELSEWHERE = 0.25  # of the sections that are borrowed, those that land in another place of the same shape
_CLOSEST = 1e-3  # shares of a trajectory that are not told apart


@dataclass(frozen=True)
class Origin:
    """Where a part of a child comes from.

    Args:
        section: Which part, such as `"op3"`.
        origin: Of which preset, such as `"draw 7"`, or which trajectory through the space, such as `"walk 2"`.
        share: How much of it was taken over, 0 to 1.
    """

    section: str
    origin: str
    share: float


class Trajectory(abc.ABC):
    """A trajectory from a preset, which it is at share 0, to another, which it is at 1."""

    stops: tuple[float, ...] = ()
    """Shares between 0 and 1 at which whole sections are borrowed, ascending."""

    @abc.abstractmethod
    def sources(self, share: float) -> tuple[Origin, ...]:
        """Returns where the parts of the preset at a share of it come from, but for what is as at its start."""


@dataclass(frozen=True)
class _Part:
    section: str
    places: np.ndarray
    values: np.ndarray
    origin: str


class Crossover(Trajectory):
    """Sections of other presets that take the place of those of a preset, one after another.

    A section that is borrowed in part has its ordered parameters between the two, and of the others some of each.

    Args:
        space: The synth's parameters.
        start: The preset, encoded, shape `(P,)`.
        parts: What is borrowed, in order.
        switches: At which share of a section each parameter in no order changes, 0 to 1, shape `(P,)`.
    """

    def __init__(self, space: ParamSpace, start: np.ndarray, parts: Sequence[_Part], switches: np.ndarray) -> None:
        self.space = space
        self.start = start
        self.parts = tuple(parts)
        self.switches = switches
        self.stops = tuple(number / len(parts) for number in range(1, len(parts)))

    def at(self, share: float) -> np.ndarray:
        """Returns the preset at a share of the trajectory, encoded, shape `(P,)`."""
        point = self.start.copy()
        for part, taken in zip(self.parts, self._taken(share), strict=True):
            places = part.places
            between = self.start[places] + taken * (part.values - self.start[places])
            switched = np.where(taken > self.switches[places], part.values, self.start[places])
            point[places] = np.where(self.space.categorical[places], switched, between)
        return point

    def sources(self, share: float) -> tuple[Origin, ...]:
        """See `Trajectory.sources`."""
        taken = self._taken(share)
        return tuple(
            Origin(part.section, part.origin, round(float(much), 3))
            for part, much in zip(self.parts, taken, strict=True)
            if much > 0
        )

    def _taken(self, share: float) -> np.ndarray:
        """How much of each part is borrowed, 0 to 1."""
        # rounding must not leave a whole section a hair short
        return np.clip(np.round(share * len(self.parts), 9) - np.arange(len(self.parts)), 0, 1)


class LatentTrajectory(Trajectory):
    """A walk through the space of a model, on which only some parameters go along.

    Args:
        walk: The trajectory of the latent.
        section: What it moves, for people.
    """

    def __init__(self, walk: LatentWalk, section: str) -> None:
        self.walk = walk
        self.section = section

    def sources(self, share: float) -> tuple[Origin, ...]:
        """See `Trajectory.sources`."""
        return (Origin(self.section, self.walk.name, round(share, 3)),)


def crossovers(
    space: ParamSpace,
    start: np.ndarray,
    blocks: Mapping[str, np.ndarray],
    donors: Donors,
    count: int,
    *,
    rng: np.random.Generator,
    elsewhere: float = _ELSEWHERE,
) -> list[Crossover]:
    """Returns random crossovers with one or two presets each; those that change nothing are left out.

    Args:
        space: The synth's parameters.
        start: The preset that borrows, encoded and snapped, shape `(P,)`.
        blocks: Places of the parameters of each section that may be borrowed.
        donors: Presets to borrow of.
        count: How many trajectories.
        rng: Random generator.
        elsewhere: Chance that a section comes from another one with the same parameters, such as another oscillator.
    """
    alike = _alike(space, blocks)
    trajectories = []
    for _ in range(count):
        few = rng.integers(len(donors), size=2)
        parts = []
        for section in rng.permutation(list(blocks)).tolist():
            donor = int(rng.choice(few))
            source = section if rng.random() >= elsewhere else str(rng.choice(alike[section]))
            values = donors.points[donor][blocks[source]]
            if np.array_equal(values, start[blocks[section]]):
                continue
            origin = donors.names[donor] if source == section else f"{source} of {donors.names[donor]}"
            parts.append(_Part(section, blocks[section], values, origin))
        if parts:
            trajectories.append(Crossover(space, start, parts, rng.random(len(space))))
    return trajectories


def points_at(
    trajectories: Sequence[Trajectory], shares: np.ndarray, space: ParamSpace, start: np.ndarray, movable: np.ndarray
) -> np.ndarray:
    """Returns the presets at shares of trajectories, snapped, shape `(N, P)`.

    Args:
        trajectories: All from the same preset.
        shares: One for each trajectory, 0 to 1, shape `(N,)`.
        space: The synth's parameters.
        start: Where the trajectories begin, encoded and snapped, shape `(P,)`.
        movable: Which parameters may change, boolean, shape `(P,)`.
    """
    points = np.tile(start, (len(trajectories), 1))
    walking = []
    for row, trajectory in enumerate(trajectories):
        if isinstance(trajectory, Crossover):
            points[row] = trajectory.at(float(shares[row]))
        elif isinstance(trajectory, LatentTrajectory):
            walking.append(row)
    if walking:
        # one pass of the model for all
        walks = [trajectory.walk for trajectory in trajectories if isinstance(trajectory, LatentTrajectory)]
        decode = walks[0].decode
        here = np.stack([walk.latent(share) for walk, share in zip(walks, shares[walking], strict=True)])
        there = space.snap(decode(np.concatenate([walks[0].start[None], here])))
        # Where the walk has not left the value that it began with, the preset keeps its own: at share 0 it is itself.
        points[walking] = np.where((there[1:] != there[0]) & movable, there[1:], start)
    return space.snap(points)


@dataclass(frozen=True)
class HeardPoint:
    """A preset on a trajectory, as it was heard.

    Args:
        trajectory: Which trajectory.
        share: How far on it, 0 to 1.
        value: Of what was steered towards a goal.
        heard: The preset and its sound, alone: `N` is 1.
    """

    trajectory: Trajectory
    share: float
    value: float
    heard: Heard


def steer(
    trajectories: Sequence[Trajectory],
    goal: float,
    tolerance: float,
    play: Callable[[Sequence[Trajectory], np.ndarray], Heard],
    value: Callable[[Heard], np.ndarray],
    *,
    rounds: int = 8,
) -> list[HeardPoint]:
    """Goes on each trajectory as far as what is heard has a value, found by halving with a guess of the place.

    Whole sections are tried first. What cannot be heard counts as too far.

    Args:
        trajectories: Where to go; the value is 0 at the beginning of each.
        goal: The value to reach.
        tolerance: How far beside it a preset may lie.
        play: Plays the presets at shares of some trajectories.
        value: What is steered by, of what was heard, shape `(N,)`.
        rounds: How many presets are played on a trajectory, at most.

    Returns:
        The preset nearest to the goal on each trajectory on which something is heard, in the order of the trajectories.
    """
    best: dict[int, HeardPoint] = {}
    low = np.zeros((len(trajectories), 2))  # share, value
    high = np.array([[1.0, np.inf]] * len(trajectories)).reshape(-1, 2)
    shares = np.ones(len(trajectories))
    active = np.arange(len(trajectories))
    for number in range(rounds):
        if not len(active):
            break
        heard = play([trajectories[row] for row in active.tolist()], shares[active])
        values = np.where(heard.audible, value(heard), np.inf)
        for place, row in enumerate(active.tolist()):
            trial = HeardPoint(trajectories[row], float(shares[row]), float(values[place]), heard.row(place))
            if np.isfinite(trial.value) and (row not in best or _off(trial, goal) < _off(best[row], goal)):
                best[row] = trial
            (low if trial.value < goal else high)[row] = trial.share, trial.value
        landed = np.abs(values - goal) <= tolerance
        out_of_reach = (number == 0) & (values < goal)  # the whole trajectory is too short
        narrow = high[active, 0] - low[active, 0] < _CLOSEST
        active = active[~(landed | out_of_reach | narrow)]
        for row in active.tolist():
            shares[row] = _between(trajectories[row], low[row], high[row], goal, halve=number % 3 == 2)
    return [best[row] for row in sorted(best)]


def _off(trial: HeardPoint, goal: float) -> float:
    return abs(trial.value - goal)


def _between(trajectory: Trajectory, low: np.ndarray, high: np.ndarray, goal: float, *, halve: bool) -> float:
    """The share to try next: at the end of a section, if there is one between the two, else anywhere."""
    if halve or not np.isfinite(high[1]):
        part = 0.5
    else:
        part = float(np.clip((goal - low[1]) / max(high[1] - low[1], 1e-9), 0.1, 0.9))
    guess = float(low[0] + part * (high[0] - low[0]))
    stops = [stop for stop in trajectory.stops if low[0] + _CLOSEST < stop < high[0] - _CLOSEST]
    return min(stops, key=lambda stop: abs(stop - guess)) if stops else guess


def _alike(space: ParamSpace, blocks: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """For every section those with the same parameters by last name, itself among them."""
    same: dict[tuple[str, ...], list[str]] = {}
    kinds = {}
    for section, places in blocks.items():
        kind = tuple(space.names[place].split(".")[-1] for place in places)
        cells = tuple(str(space.cells[place]) for place in places)
        kinds[section] = kind + cells
        same.setdefault(kinds[section], []).append(section)
    return {section: same[kind] for section, kind in kinds.items()}
