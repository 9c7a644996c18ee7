"""All synths by name: the shipped ones, the subsets, and the plug-ins the user has described."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import EngineError, MissingDependency, OptionError, PatchflowError, PresetError, UnknownName
from ..hosts import found_by_name
from ..presets import ParamSpace
from ..registry import Registry
from ._engine import Engine
from ._plugin.description_file import described, description_file, read_description
from ._plugin.plugin import engine_of
from ._subset import read_selection, subset_files, subset_of

__all__ = ["EMBEDDED", "ChosenSynths", "Engines", "choose_synths", "engines"]

EMBEDDED = ("dexed", "vital")
"""Synths that are installed with patchflow and that people own: these search where none is asked for."""

_OTHER_NAMES = {"dx7": "dexed"}  # what people call a synth, in lower case


class Engines(Mapping[str, type[Engine]]):
    """The synths; a description is read when its synth is first asked for, and again when its file has changed.

    Args:
        own: The shipped ones.

    Raises:
        UnknownName: On a look-up of a name that is none of these.
        EngineError: On a look-up of a plug-in whose description, or of a subset whose selection, is not right.
        MissingDependency: On a look-up of a synth whose optional package is not installed, or of a plug-in, or a subset
            of one, that was not described.

    Example:
        >>> from patchflow.engines import engines
        >>> "tone" in engines, engines["tone"].native
        (True, 'json')
    """

    def __init__(self, own: Registry[type[Engine]]) -> None:
        self.own = own
        self._made: dict[tuple[Path, int, type[Engine] | None], type[Engine]] = {}

    def __getitem__(self, name: str) -> type[Engine]:
        if name in self.own:
            return self.own[name]
        if name not in self:
            raise self.missing(name)
        if name in subset_files():
            return self._subset(subset_files()[name])
        path = description_file(name)
        # With the time in the key, a description that the user has edited is read again.
        key = (path, path.stat().st_mtime_ns, None)
        if key not in self._made:
            self._made[key] = engine_of(read_description(path))
        return self._made[key]

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in subset_files() or name in described()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.own, *subset_files(), *described()}))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def known_as(self, name: str) -> str:
        """Returns the name here of a synth that people may call otherwise.

        Example:
            >>> from patchflow.engines import engines
            >>> engines.known_as("DX7"), engines.known_as("oboe")
            ('dexed', 'oboe')
        """
        return name if name in self else _OTHER_NAMES.get(name.lower(), name)

    def missing(self, name: str) -> PatchflowError:
        """Returns the error for a name that is none of these: it may be that of a plug-in which is installed."""
        if isinstance(name, str) and found_by_name(name, closely=False):
            return MissingDependency(f"{name} is installed but not added: patchflow synth add {name}")
        return UnknownName(self.own.kind, name, list(self))

    def spaces(self) -> Iterator[tuple[str, ParamSpace]]:
        """Yields the names and parameters of all synths that can be looked up."""
        for name in self:
            with suppress(PatchflowError):  # a package may not be installed, a description not be right
                yield name, self[name].space

    def _subset(self, path: Path) -> type[Engine]:
        selection = read_selection(path)
        if selection.engine not in self:
            how = "Add its plug-in: patchflow synth add PATH"
            raise MissingDependency(f"{selection.name} needs the synth {selection.engine!r}, which is not there. {how}")
        if selection.engine in subset_files():
            raise EngineError(f"{path}: engine={selection.engine!r}: has fewer parameters itself")
        # The base is part of the key: a subset of a plug-in changes with the plug-in's description.
        key = (path, path.stat().st_mtime_ns, self[selection.engine])
        if key not in self._made:
            try:
                self._made[key] = subset_of(selection, self[selection.engine])
            except (PresetError, UnknownName) as error:
                raise EngineError(f"{path}: {error}") from error
        return self._made[key]


engines: Engines = Engines(Registry("patchflow.engines", "synth"))


@dataclass(frozen=True)
class ChosenSynths:
    """Which synths search.

    Args:
        names: Of the engines.
        optional: Those of them that nobody asked for by name: one that cannot be started is left out.
        left_out: Synths that would have searched, and why they do not, one plain line each.
    """

    names: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def without(self, name: str, reason: str) -> "ChosenSynths":
        """Returns the choice with one synth left out."""
        names = tuple(each for each in self.names if each != name)
        return ChosenSynths(names, self.optional - {name}, {**self.left_out, name: reason})

    def who_has(self, part: str) -> tuple[str, ...]:
        """Returns the synths that have a parameter or a group of a name.

        Example:
            >>> ChosenSynths(("dexed", "tone")).who_has("algorithm")
            ('dexed',)
        """
        return tuple(name for name in self.names if part in {*engines[name].space.names, *engines[name].space.groups})


def choose_synths(asked: Sequence[str] = (), lock: Iterable[str] = ()) -> ChosenSynths:
    """Returns the synths that search.

    Args:
        asked: Names of engines; `"all"` stands for the embedded ones and for all plug-ins that were added. Those of
            `EMBEDDED` if there are none.
        lock: Names of parameters and groups, each of which one synth has to have. Who was not asked for by name and
            lacks one is left out; who was is searched without that lock.

    Raises:
        PatchflowError: If one that was asked for by name is not there, no synth has a parameter, or none is left.

    Example:
        >>> from patchflow.engines import choose_synths
        >>> choose_synths(["tone"]).names
        ('tone',)
        >>> choose_synths(lock=["algorithm"]).left_out
        {'vital': "it has no parameter or group named 'algorithm'"}
    """
    named = [name for name in asked if name != "all"]
    wanted = [*EMBEDDED, *sorted(described())] if "all" in asked else []
    names = tuple(dict.fromkeys([*named, *wanted])) or EMBEDDED
    chosen = ChosenSynths(names, frozenset(names) - frozenset(named))
    spaces: dict[str, ParamSpace] = {}
    for name in names:
        try:
            spaces[name] = engines[name].space
        except PatchflowError as error:
            if name in named:
                raise
            chosen = chosen.without(name, str(error))
    for part in lock:
        chosen = _with_part(chosen, spaces, part)
    if not chosen.names:
        raise OptionError("; ".join(f"without {name}: {why}" for name, why in chosen.left_out.items()))
    return chosen


def _with_part(chosen: ChosenSynths, spaces: Mapping[str, ParamSpace], part: str) -> ChosenSynths:
    """The synths that have a parameter or a group of this name, and those that were asked for by name.

    Raises:
        UnknownName: If none has it.
    """
    known = {name: {*space.names, *space.groups} for name, space in spaces.items()}
    if not any(part in names for names in known.values()):
        raise UnknownName("parameter or group", part, set().union(*known.values()))
    for name in chosen.names:
        if name in chosen.optional and part not in known[name]:
            chosen = chosen.without(name, f"it has no parameter or group named {part!r}")
    return chosen
