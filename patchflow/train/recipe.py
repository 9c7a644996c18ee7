"""A recipe: everything that decides what a training run makes."""

import dataclasses
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OptionError, UnknownName
from ..storage import read_bytes

__all__ = ["Recipe", "read_recipe"]


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; a TOML file of these keys, each of which `key=value` overrides.

    Args:
        bank: Path of the bank to learn from, see `benchmarks/prepare_bank.py`.
        out: Folder for checkpoints, log and weights.
        synth: Name of the engine.
        model: Name of the model.
        start: Weights to begin with, of the same synth and sizes; chance if empty.
        sizes: Keyword arguments of the model; its defaults if empty.
        cache: Folder for rendered items; `out`/cache if empty.
        items: Number of items to render before training.
        plain: Share of items that are presets of the bank as they are.
        crossed: Share of crossovers of two presets.
        jittered: Share of presets with some parameters moved; the rest are shuffled over the bank.
        stream: Whether to go on rendering while training, so that items are seen only a few times.
        steps: Optimizer steps.
        minutes: Stop after this many minutes of training and cool down; 0 for no limit.
        batch: Items a step.
        workers: Threads that share the batch; on a few cores better than threads within operations.
        rate: Largest learning rate.
        augmented: Share of items that sound recorded rather than rendered, 0 to 1.
        device: `"cpu"` or `"cuda"`.
        seed: Of all chance.
    """

    bank: str
    out: str
    synth: str = "dexed"
    model: str = "posterior"
    start: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    cache: str = ""
    items: int = 200_000
    plain: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25
    stream: bool = False
    steps: int = 10_000
    minutes: float = 0.0
    batch: int = 128
    workers: int = 1
    rate: float = 6e-4
    augmented: float = 0.5
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            if not low <= getattr(self, name) <= high:
                raise OptionError(f"{name}={getattr(self, name)}: not in [{low}, {high:g}]")
        if self.plain + self.crossed + self.jittered > 1 + 1e-9:
            shares = f"plain={self.plain:g}, crossed={self.crossed:g}, jittered={self.jittered:g}"
            raise OptionError(f"{shares}: more than 1 in sum")
        if self.device not in ("cpu", "cuda"):
            raise OptionError(f"device={self.device!r}: not cpu or cuda")


_RANGES = (
    ("items", 1, 1e9),
    ("plain", 0, 1),
    ("crossed", 0, 1),
    ("jittered", 0, 1),
    ("steps", 1, 1e9),
    ("minutes", 0, 1e6),
    ("batch", 2, 1e6),
    ("workers", 1, 1024),
    ("rate", 0, 1),
    ("augmented", 0, 1),
    ("seed", 0, 2**32 - 1),
)


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
        values: dict[str, Any] = tomllib.loads(read_bytes(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: not a TOML file ({error})") from error
    types = typing.get_type_hints(Recipe)
    for key, text in (overrides or {}).items():
        table, _, inner = key.partition(".")
        if inner and table == "sizes":
            sizes = values.get("sizes", {})
            values["sizes"] = {**(sizes if isinstance(sizes, dict) else {}), inner: _parse(key, text, int)}
        else:
            values[key] = _parse(key, text, types[key]) if key in types else text
    for key, value in values.items():
        _check(key, value, types)
    missing = [f.name for f in dataclasses.fields(Recipe) if _required(f) and f.name not in values]
    if missing:
        raise OptionError(f"{path}: needs {', '.join(missing)}")
    return Recipe(**values)


def _check(key: str, value: Any, types: Mapping[str, Any]) -> None:
    """Makes sure that a key exists and that its value has the right type."""
    if key not in types:
        raise UnknownName("recipe key", key, types)
    wanted = (int, float) if types[key] is float else typing.get_origin(types[key]) or types[key]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise OptionError(f"{key}={value!r}: not {_called(types[key])}")
    if isinstance(value, dict):
        for name, size in value.items():
            _check_size(f"{key}.{name}", size)


def _check_size(name: str, size: Any) -> None:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise OptionError(f"{name}={size!r}: not a whole number of at least 1")


def _required(entry: dataclasses.Field[Any]) -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _parse(key: str, text: str, kind: Any) -> Any:
    try:
        return kind(text) if kind in (int, float, str) else tomllib.loads(f"value = {text}")["value"]
    except ValueError as error:
        raise OptionError(f"{key}={text!r}: not {_called(kind)}") from error


def _called(kind: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}
    return names.get(kind, "a table such as {width = 48}")
