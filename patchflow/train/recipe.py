"""A recipe: everything that decides what a training run makes."""

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OptionError, StorageError, UnknownName

__all__ = ["Recipe", "read_recipe"]


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; a TOML file of these keys, each of which `key=value` overrides.

    Args:
        bank: Path of the bank to learn from, see `benchmarks/prepare_bank.py`.
        out: Folder for checkpoints, log and weights.
        synth: Name of the engine.
        model: Name of the model.
        sizes: Keyword arguments of the model; its defaults if empty.
        cache: Folder for rendered items; `out`/cache if empty.
        items: Number of items to render.
        steps: Optimizer steps.
        minutes: Stop after this many minutes of training and cool down; 0 for no limit.
        batch: Items a step.
        rate: Largest learning rate.
        augmented: Share of items that sound recorded rather than rendered, 0 to 1.
        device: `"cpu"` or `"cuda"`.
        seed: Of all chance.
    """

    bank: str
    out: str
    synth: str = "dexed"
    model: str = "posterior"
    sizes: Mapping[str, int] = field(default_factory=dict)
    cache: str = ""
    items: int = 200_000
    steps: int = 10_000
    minutes: float = 0.0
    batch: int = 128
    rate: float = 6e-4
    augmented: float = 0.5
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in (("items", 1), ("steps", 1), ("batch", 2), ("minutes", 0), ("rate", 0), ("augmented", 0)):
            if getattr(self, name) < low:
                raise OptionError(f"{name}={getattr(self, name)}: must be at least {low}")
        if self.augmented > 1:
            raise OptionError(f"augmented={self.augmented}: not in [0, 1]")
        if self.device not in ("cpu", "cuda"):
            raise OptionError(f"device={self.device!r}: not cpu or cuda")


def read_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Reads a TOML recipe and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key; `sizes.width` reaches into a table.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of a recipe.
    """
    try:
        values: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: not a TOML file ({error})") from error
    types = typing.get_type_hints(Recipe)
    for key, text in (overrides or {}).items():
        table, _, inner = key.partition(".")
        if inner and table == "sizes":
            values["sizes"] = {**values.get("sizes", {}), inner: _parse(key, text, int)}
        else:
            values[key] = _parse(key, text, types[key]) if key in types else text
    for key, value in values.items():
        if key not in types:
            raise UnknownName("recipe key", key, types)
        wanted = (int, float) if types[key] is float else typing.get_origin(types[key]) or types[key]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise OptionError(f"{key}={value!r}: not a {getattr(types[key], '__name__', types[key])}")
    missing = [f.name for f in dataclasses.fields(Recipe) if _required(f) and f.name not in values]
    if missing:
        raise OptionError(f"{path}: needs {', '.join(missing)}")
    return Recipe(**values)


def _required(entry: dataclasses.Field[Any]) -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _parse(key: str, text: str, kind: Any) -> Any:
    try:
        return kind(text) if kind in (int, float, str) else tomllib.loads(f"value = {text}")["value"]
    except ValueError as error:
        raise OptionError(f"{key}={text!r}: not a {getattr(kind, '__name__', kind)}") from error
