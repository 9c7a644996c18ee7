"""All synths by name: those that come along and the plug-ins that the user has described."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import UnknownName
from ..registry import Registry
from ._description_file import described, description_file, read_description
from ._engine import Engine
from ._plugin import engine_of

__all__ = ["Engines", "engines"]


class Engines(Mapping[str, type[Engine]]):
    """The synths; a description is read when its synth is first asked for, and again when its file has changed.

    Args:
        own: Those that come along.

    Raises:
        UnknownName: On a look-up of a name that is neither.
        EngineError: On a look-up of a plug-in whose description is not right.
        MissingDependency: On a look-up of a synth whose optional package is not installed.

    Example:
        >>> from patchflow.engines import engines
        >>> "tone" in engines, engines["tone"].native
        (True, 'json')
    """

    def __init__(self, own: Registry[type[Engine]]) -> None:
        self.own = own
        self._made: dict[tuple[Path, int], type[Engine]] = {}

    def __getitem__(self, name: str) -> type[Engine]:
        if name in self.own:
            return self.own[name]
        if name not in self:
            raise UnknownName(self.own.kind, name, list(self))
        path = description_file(name)
        key = (path, path.stat().st_mtime_ns)
        if key not in self._made:
            self._made[key] = engine_of(read_description(path))
        return self._made[key]

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in described()

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self.own, *described()}))

    def __len__(self) -> int:
        return len(list(iter(self)))


engines: Engines = Engines(Registry("patchflow.engines", "synth"))
