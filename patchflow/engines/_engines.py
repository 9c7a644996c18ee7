"""All synths by name: the shipped ones, the subsets, and the plug-ins the user has described."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import EngineError, MissingDependency, PatchflowError, PresetError, UnknownName
from ..presets import ParamSpace
from ..registry import Registry
from ._engine import Engine
from ._plugin.description_file import described, description_file, read_description
from ._plugin.plugin import engine_of
from ._subset import read_selection, subset_files, subset_of

__all__ = ["Engines", "engines"]


class Engines(Mapping[str, type[Engine]]):
    """The synths; a description is read when its synth is first asked for, and again when its file has changed.

    Args:
        own: The shipped ones.

    Raises:
        UnknownName: On a look-up of a name that is none of these.
        EngineError: On a look-up of a plug-in whose description, or of a subset whose selection, is not right.
        MissingDependency: On a look-up of a synth whose optional package is not installed, or of a subset of a
            plug-in that was not described.

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
            raise UnknownName(self.own.kind, name, list(self))
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
