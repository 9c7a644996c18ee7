"""Entries found by file name: one file in a folder is one entry."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from .errors import MissingDependency, UnknownName

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """The entries of a package, by name; imported on first use, listed without importing.

    There is one for each module of the package whose name has no leading underscore. Its entry is the
    public object called like the file: `tone.py` holds `Tone`, `log_mel_l1.py` holds `log_mel_l1`.

    Args:
        package: Dotted name of the package, e.g. `"patchflow.metrics"`.
        kind: What an entry is, for error messages, e.g. `"metric"`.

    Raises:
        UnknownName: On a look-up of a name that has no file.
        MissingDependency: On a look-up of an entry whose optional package is not installed.

    Example:
        >>> [name for name in Registry("patchflow.engines", "synth") if name in ("tone", "oboe")]
        ['tone']
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package = package
        self.kind = kind

    def __getitem__(self, name: str) -> T:
        # Names are checked before anything is imported, so a look-up never runs a module outside of the folder.
        if name not in self._names:
            raise UnknownName(self.kind, name, self._names)
        try:
            module = importlib.import_module(f"{self.package}.{name}")
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing.split(".")[0] == self.package.split(".")[0]:
                raise  # a module of our own is missing: no package to install would help
            raise MissingDependency(
                f"{self.kind} {name!r} needs the package {missing!r}: pip install {missing}"
            ) from error
        for key in module.__all__:
            if _flat(key) == _flat(name):
                return getattr(module, key)
        raise AttributeError(f"{module.__name__}: nothing in __all__ is called like the file")

    def __contains__(self, name: object) -> bool:
        return name in self._names  # Mapping's own would import the entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(self.package)
        folders = [str(Path(folder)) for folder in spec.submodule_search_locations]
        names = [module.name for module in pkgutil.iter_modules(folders)]
        return tuple(sorted(name for name in names if not name.startswith("_")))


def _flat(name: str) -> str:
    """A name without case and underscores: the same for `log_mel_l1`, `LogMelL1` and `logmell1`."""
    return name.lower().replace("_", "")
