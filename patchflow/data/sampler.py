"""Draws presets and notes for training: of a bank, crossed, moved, random, or as people make them, by their roles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..engines import Note
from ..errors import OptionError, PresetError, UnknownName
from ..presets import Knob, ParamSpace
from ..settings import check_table, read_toml

__all__ = [
    "SAMPLE_KINDS",
    "RolePresets",
    "Roles",
    "SampledPresets",
    "Sampler",
    "crossover",
    "jitter",
    "random_presets",
    "read_roles",
    "shuffle",
]

SAMPLE_KINDS = ("plain", "crossed", "jittered", "random")
"""Kinds of drawn presets: from the bank, crossed from two of it, moved from one, or shuffled over the bank."""

_NONE = "none"  # the block that sets nothing
_DRAWS = "{even = [low, high]}, {log = [low, high]} or {one_of = [...]}"

_Draw = Callable[[np.random.Generator], float]
"""Draws an encoded value."""


@dataclass(frozen=True)
class SampledPresets:
    """Drawn presets and where they come from.

    Args:
        points: Encoded presets, shape `(N, P)`.
        kinds: Place in `SAMPLE_KINDS` of each, shape `(N,)`.
        sources: Rows of the bank that each was made of, -1 for none, shape `(N, 2)`.
    """

    points: np.ndarray
    kinds: np.ndarray
    sources: np.ndarray


@dataclass(frozen=True)
class Sampler:
    """Draws encoded presets around a bank, and notes to play them on.

    Presets made by people show what users look for, the others fill the space between and around them.

    Args:
        space: The synth's parameters.
        points: The bank, shape `(N, P)`.
        weights: How often each is used, shape `(N,)`, sum 1.
        bank: Share of unchanged bank presets.
        crossed: Share of crossovers of two presets by whole groups.
        jittered: Share of presets with some parameters moved; the rest are shuffled over the bank.
    """

    space: ParamSpace
    points: np.ndarray
    weights: np.ndarray
    bank: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25

    @property
    def shares(self) -> tuple[float, float, float]:
        """The shares of bank presets, crossovers and jittered ones."""
        return self.bank, self.crossed, self.jittered

    @cached_property
    def _edges(self) -> np.ndarray:
        edges = np.cumsum(self.weights)
        return edges / edges[-1]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Returns `count` encoded presets, shape `(count, P)`."""
        return self.deal(count, rng).points

    def deal(self, count: int, rng: np.random.Generator) -> SampledPresets:
        """Returns the presets that `draw` would return, and where they come from."""
        # All four kinds are drawn for every row and one is chosen, so that the number of random numbers never depends
        # on the shares: with the same seed, other shares change the kinds alone. The order of draws is part of every
        # data set and cache.
        kind = rng.random(count)
        first = self._pick(count, rng)
        second = self._pick(count, rng)
        chosen = self.points[first]
        crossed = crossover(self.space, chosen, self.points[second], rng)
        jittered = jitter(self.space, chosen, rng)
        shuffled = shuffle(self.points, count, rng)
        kinds = np.searchsorted(np.cumsum([self.bank, self.crossed, self.jittered]), kind)
        points = np.choose(kinds[:, None], [chosen, crossed, jittered, shuffled])
        of_first = kinds != SAMPLE_KINDS.index("random")
        of_second = kinds == SAMPLE_KINDS.index("crossed")
        sources = np.stack([np.where(of_first, first, -1), np.where(of_second, second, -1)], 1)
        return SampledPresets(points, kinds, sources)

    def notes(self, count: int, rng: np.random.Generator, length: float = 4.0) -> list[Note]:
        """Returns `count` notes of `length` seconds: pitch 24 to 96, velocity 20 to 127, held 0.2 to 3.5 s.

        The commonest values (middle C, velocity 100, 3 s) are drawn more often.
        """
        pitch = np.where(rng.random(count) < 0.25, 60, rng.integers(24, 97, count))
        velocity = np.where(rng.random(count) < 0.6, 100, rng.integers(20, 128, count))
        hold = np.where(rng.random(count) < 0.3, 3.0, np.exp(rng.uniform(np.log(0.2), np.log(3.5), count)))
        return [Note(int(p), int(v), float(h), length) for p, v, h in zip(pitch, velocity, hold, strict=True)]

    def _pick(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Draws rows of the bank by weight."""
        # The same as rng.choice(p=weights), which would sum up the weights of the whole bank again for every item.
        return np.searchsorted(self._edges, rng.random(count), side="right")


def crossover(space: ParamSpace, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns `a` with some whole groups (operators, envelopes) taken from `b`.

    Args:
        space: The synth's parameters; its groups are the blocks.
        a: Encoded presets, shape `(N, P)`.
        b: Encoded presets, shape `(N, P)`.
        rng: Random generator.
    """
    child = a.copy()
    for members in space.groups.values():
        taken = rng.random(len(a)) < 0.35
        child[:, members] = np.where(taken[:, None], b[:, members], a[:, members])
    return child


def jitter(
    space: ParamSpace, points: np.ndarray, rng: np.random.Generator, *, share: float = 0.15, size: float = 0.08
) -> np.ndarray:
    """Returns points with about `share` of their parameters moved.

    Ordered parameters move by a normal step of deviation `size` of their range; categories are
    redrawn with a tenth of that chance.
    """
    moved = np.clip(points + rng.normal(0, size, points.shape), 0, 1)
    chance = np.where(space.categorical, share / 10, share)
    moved = np.where(space.categorical, rng.random(points.shape), moved)
    return space.snap(np.where(rng.random(points.shape) < chance, moved, points))


def shuffle(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns presets with every parameter drawn from another row: the bank's marginals, no structure."""
    rows = rng.integers(len(points), size=(count, points.shape[1]))
    return np.take_along_axis(points, rows, axis=0)


def random_presets(
    space: ParamSpace, count: int, rng: np.random.Generator, *, fresh: np.ndarray | None = None
) -> np.ndarray:
    """Returns random presets around the fresh one: some groups change, and in each of these some parameters.

    Most presets drawn evenly from the whole space of a large synth are noise or silence. So each preset keeps a random
    share of the groups, and in the others a random share of the parameters, as they are in the fresh preset. The rest
    is drawn evenly. On average at least two groups change, and in each at least two parameters; a space of two groups
    of two is drawn evenly as a whole. See `benchmarks/draws.py`.

    Args:
        space: The synth's parameters; one without a group is a group of its own.
        count: Number of presets to draw.
        rng: Random generator.
        fresh: Preset to draw around, encoded, shape `(P,)`; the synth's fresh preset if not given.

    Returns:
        Points of the unit cube, not yet snapped, shape `(count, P)`.

    Example:
        >>> from patchflow.engines import engines
        >>> random_presets(engines["tone"].space, 4, np.random.default_rng(0)).shape
        (4, 3)
    """
    block = np.arange(len(space)) + len(space.groups)
    for number, members in enumerate(space.groups.values()):
        block[list(members)] = number
    blocks, block, sizes = np.unique(block, return_inverse=True, return_counts=True)

    # Chances of a change, drawn for each preset: from "two of them on average" to 1. Of parameters, two of its group.
    group_chance = np.maximum(rng.random((count, 1)), 2 / len(blocks))
    parameter_chance = np.maximum(rng.random((count, 1)), (2 / sizes)[block])
    groups = rng.random((count, len(blocks))) < group_chance
    parameters = rng.random((count, len(space))) < parameter_chance
    changed = groups[:, block] & parameters
    values = rng.random((count, len(space)))
    return np.where(changed, values, space.default() if fresh is None else fresh)


@dataclass(frozen=True)
class RolePresets:
    """Drawn presets and the role of each.

    Args:
        points: Encoded presets, shape `(N, P)`.
        roles: Place in `Roles.names` of each, shape `(N,)`.
    """

    points: np.ndarray
    roles: np.ndarray


@dataclass(frozen=True)
class _Step:
    """Some blocks, how often each is chosen, and what each sets: positions of parameters with what draws them."""

    chances: np.ndarray
    settings: list[dict[int, _Draw]]


class Roles:
    """The roles that presets of a synth play in music, and how presets of each are usually made.

    The file has a table `blocks` and a table `roles`. A block is a few parameters with their values. A role has a
    `weight`, which says how often it is drawn, and `steps`. Each step chooses one of some blocks and sets its
    parameters; of two steps that set one parameter the later one wins. What no step sets stays as in the fresh preset.

    A value is a number or a text, or one of these tables: `{even = [low, high]}` and `{log = [low, high]}` draw evenly
    on a linear and on a logarithmic scale, `{one_of = [value, ...]}` chooses.

    Args:
        space: The synth's parameters.
        table: The content of the file.

    Raises:
        OptionError: If a table is not as described, or a value is not allowed.
        UnknownName: If a block or parameter is unknown.

    Example:
        >>> from patchflow.engines import engines
        >>> saw = {"wave": "saw", "decay": {"log": [0.1, 1.0]}}
        >>> steps = [{"one_of": {"bright": 1}}]
        >>> table = {"synth": "tone", "blocks": {"bright": saw}, "roles": {"lead": {"weight": 1, "steps": steps}}}
        >>> roles = Roles(engines["tone"].space, table)
        >>> points = roles.draw(8, np.random.default_rng(0)).points
        >>> {engines["tone"].space.decode(point)["wave"] for point in points}
        {'saw'}
    """

    def __init__(self, space: ParamSpace, table: Mapping[str, Any]) -> None:
        check_table(table, {"synth": str, "blocks": dict, "roles": dict}, ("synth", "blocks", "roles"))
        self.synth: str = table["synth"]
        self.space = space
        self._blocks: Mapping[str, Any] = table["blocks"]
        for name, block in self._blocks.items():
            if not isinstance(block, dict):
                raise OptionError(f"blocks.{name}={block!r}: not a table")
        weights: dict[str, float] = {}
        self._steps: list[list[_Step]] = []
        for name, role in table["roles"].items():
            _check_role(name, role)
            weights[name] = role["weight"]
            self._steps.append([self._step(step, f"roles.{name}") for step in role["steps"]])
        self.names = tuple(weights)
        self._chances = _chances(weights, "roles")

    def draw(self, count: int, rng: np.random.Generator) -> RolePresets:
        """Returns `count` presets, not yet canonical, and their roles."""
        roles = rng.choice(len(self.names), count, p=self._chances)
        points = np.tile(self.space.default(), (count, 1))
        for point, role in zip(points, roles.tolist(), strict=True):
            for step in self._steps[role]:
                chosen = step.settings[rng.choice(len(step.chances), p=step.chances)]
                for place, drawn in chosen.items():
                    point[place] = drawn(rng)
        return RolePresets(self.space.snap(points), roles)

    def _step(self, step: Any, where: str) -> _Step:
        if not isinstance(step, dict):
            raise OptionError(f"{where}: step {step!r}: not a table")
        check_table(step, {"group": str, "one_of": dict}, ("one_of",))
        group = step.get("group", "")
        settings = []
        for name in step["one_of"]:
            if name != _NONE and name not in self._blocks:
                raise UnknownName("block", name, (_NONE, *self._blocks))
            block = {} if name == _NONE else self._blocks[name]
            chosen: dict[int, _Draw] = {}
            for key, value in block.items():
                chosen[self._place(key, group)] = self._drawn(key, group, value)
            settings.append(chosen)
        return _Step(_chances(step["one_of"], where), settings)

    def _place(self, key: str, group: str) -> int:
        name = f"{group}.{key}" if group else key
        if name not in self.space.index:
            raise UnknownName("parameter", name, self.space.names)
        return self.space.index[name]

    def _drawn(self, key: str, group: str, value: Any) -> _Draw:
        """What draws a value, as a function of the random generator."""
        place = self._place(key, group)
        if not isinstance(value, dict):
            fixed = self._unit(place, value)
            return lambda rng: fixed
        kind = next(iter(value), "")
        given = value.get(kind)
        if len(value) != 1 or kind not in ("even", "log", "one_of") or not isinstance(given, list) or not given:
            raise OptionError(
                f"{key}={value!r}: not {{even = [low, high]}}, {{log = [low, high]}} or {{one_of = [...]}}"
            )
        # Whatever is drawn later lies between values that are checked here.
        units = [self._unit(place, one) for one in given]
        if kind == "one_of":
            return lambda rng: units[rng.integers(len(units))]
        if not isinstance(self.space.parameters[place], Knob):
            raise OptionError(f"{key}={value!r}: not a continuous parameter. Give {{one_of = [...]}}.")
        if len(given) != 2 or not given[0] < given[1] or (kind == "log" and given[0] <= 0):
            raise OptionError(f"{key}={value!r}: not two rising numbers" + (" above 0" if kind == "log" else ""))
        low, high = given
        if kind == "log":
            return lambda rng: self._unit(place, float(np.exp(rng.uniform(np.log(low), np.log(high)))))
        return lambda rng: self._unit(place, float(rng.uniform(low, high)))

    def _unit(self, place: int, value: Any) -> float:
        parameter = self.space.parameters[place]
        try:
            return float(parameter.unit_value(parameter.number(value)))
        except PresetError as error:
            raise OptionError(str(error)) from error


def read_roles(path: str | Path, space: ParamSpace, synth: str) -> Roles:
    """Reads the roles of a synth.

    Args:
        path: A TOML file, see `Roles`.
        space: The synth's parameters.
        synth: Its name.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not as `Roles` describes, or of another synth.
        UnknownName: If a block or parameter is unknown.
    """
    roles = Roles(space, read_toml(path))
    if roles.synth != synth:
        raise OptionError(f"{path}: synth={roles.synth!r}: not the roles of {synth!r}")
    return roles


def _check_role(name: str, role: Any) -> None:
    if not isinstance(role, dict):
        raise OptionError(f"roles.{name}={role!r}: not a table")
    check_table(role, {"weight": float, "steps": list}, ("weight", "steps"))


def _chances(weights: Mapping[str, Any], where: str) -> np.ndarray:
    """Weights as shares of their sum."""
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < np.inf:
            raise OptionError(f"{where}: {name}={weight!r}: not a number of at least 0")
    total = float(sum(weights.values()))
    if total <= 0:
        raise OptionError(f"{where}: no weight above 0")
    return np.array(list(weights.values()), float) / total
