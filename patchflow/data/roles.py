"""Draws presets as people make them: roles such as bass or pad, each a list of usual choices, read from a TOML file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OptionError, PresetError, UnknownName
from ..presets import Knob, ParamSpace
from ..settings import check_table, read_toml

__all__ = ["RolePresets", "Roles", "read_roles"]

_NONE = "none"  # the block that sets nothing
_DRAWS = "{even = [low, high]}, {log = [low, high]} or {one_of = [...]}"

_Draw = Callable[[np.random.Generator], float]
"""Draws an encoded value."""


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
