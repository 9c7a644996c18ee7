"""Reads TOML files and checks their keys and values.

A recipe is a TOML file whose keys are those of a frozen dataclass; `key=value` on the command line overrides them.
Files of other shapes, such as descriptions of plug-ins, are checked against a table of types.
"""

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar

from .errors import OptionError, PatchflowError, UnknownName
from .old_names import kind_of_old_recipe, with_new_names
from .parsing import MOST_TEXT, toml_table
from .storage import read_bytes

__all__ = [
    "RECIPE_KINDS",
    "check_ranges",
    "check_shares",
    "check_table",
    "make_settings",
    "quoted",
    "read_settings",
    "read_toml",
    "recipe_kind",
    "with_overrides",
]

RECIPE_KINDS = ("dataset", "examples", "bank")
"""What a recipe of `patchflow dataset` may make, as its key `kind` says."""

T = TypeVar("T")


def read_settings(path: str | Path, cls: type[T], overrides: Mapping[str, str] | None = None, *, kind: str = "") -> T:
    """Reads a TOML file of the keys of a frozen dataclass and applies overrides.

    Args:
        path: The recipe.
        cls: The dataclass, which checks its own ranges, see `make_settings`.
        overrides: Texts by key, see `with_overrides`; old keys of a kind of recipe are taken, see `old_names`.
        kind: The kind of recipe it has to be, one of `RECIPE_KINDS`; a file that names no kind if not given.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML or of another kind, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of the recipe.
    """
    values = read_toml(path)
    changes = overrides or {}
    if kind:
        values = with_new_names(kind, _of_kind(kind, values, path))
        changes = with_new_names(kind, changes)
    return make_settings(with_overrides(values, cls, changes), cls, path)


def recipe_kind(path: str | Path) -> str:
    """Returns what a recipe of `patchflow dataset` makes, one of `RECIPE_KINDS`.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML.
        UnknownName: If there is no such kind.
    """
    return _kind(read_toml(path), path)


def read_toml(path: str | Path) -> dict[str, Any]:
    """Reads a TOML file as it is.

    Raises:
        StorageError: If the file cannot be read, or is larger than any recipe.
        OptionError: If it is not TOML.
    """
    try:
        return toml_table(read_bytes(path, MOST_TEXT), paths=True)
    except ValueError as error:
        raise OptionError(f"{path}: not a TOML file ({error})") from error


def with_overrides(values: Mapping[str, Any], kind: type, overrides: Mapping[str, str]) -> dict[str, Any]:
    """Returns values with others in their place, given as texts.

    Args:
        values: Of a recipe.
        kind: The dataclass whose keys they are.
        overrides: Texts by key; `sizes.width` reaches into a table.

    Raises:
        OptionError: If a text is not a value of the right type.
    """
    found = dict(values)
    types = typing.get_type_hints(kind)
    for key, text in overrides.items():
        table, _, inner = key.partition(".")
        if inner and _origin(types.get(table)) is Mapping:
            entries = found.get(table, {})
            if not isinstance(entries, dict):
                entries = {}
            found[table] = {**entries, inner: _parse(key, text, typing.get_args(types[table])[1])}
        elif key in types:
            found[key] = _parse(key, text, types[key])
        else:
            found[key] = text  # an unknown key, which `make_settings` refuses
    return found


def make_settings(values: Mapping[str, Any], kind: type[T], path: str | Path) -> T:
    """Makes a frozen dataclass of values.

    Keys are numbers, texts, true or false, lists (`tuple[str, ...]`, `tuple[int, int]`, `tuple[float, float]`) or
    tables of numbers (`Mapping[str, float]`) or of numbers and texts (`Mapping[str, int | float | str]`).

    Args:
        values: By key.
        kind: The dataclass, which checks its own ranges.
        path: Where they are from, for errors.

    Raises:
        OptionError: If a key is missing, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of the recipe.
    """
    types = typing.get_type_hints(kind)
    values = {key: _checked(key, value, types) for key, value in values.items()}
    fields = dataclasses.fields(kind)  # pyright: ignore[reportArgumentType]
    missing = [field.name for field in fields if _required(field) and field.name not in values]
    if missing:
        raise OptionError(f"{path}: needs {', '.join(missing)}")
    return kind(**values)


def check_ranges(settings: object, ranges: Sequence[tuple[str, float, float]]) -> None:
    """Makes sure that numbers, and the numbers of lists, are in their ranges.

    Args:
        settings: What has the numbers.
        ranges: Name, smallest and largest value of each.

    Raises:
        OptionError: If one is not.
    """
    for name, low, high in ranges:
        value = getattr(settings, name)
        numbers = value if isinstance(value, tuple) else (value,)
        for number in numbers:
            if not low <= number <= high:
                raise OptionError(f"{name}={_shown(value)}: not in [{low:g}, {high:g}]")


def check_shares(**shares: float) -> None:
    """Makes sure that shares are no more than the whole.

    Raises:
        OptionError: If they are.
    """
    if sum(shares.values()) > 1 + 1e-9:  # shares such as 0.7 + 0.2 + 0.1 need not add up to 1 exactly
        named = ", ".join(f"{name}={share:g}" for name, share in shares.items())
        raise OptionError(f"{named}: more than 1 in sum")


def check_table(
    table: Mapping[str, Any],
    kinds: Mapping[str, type],
    needed: Sequence[str] = (),
    error: type[PatchflowError] = OptionError,
) -> None:
    """Makes sure that a table has no keys but known ones, has all that it needs, and values of the right types.

    Args:
        table: Of a TOML file.
        kinds: Type of the value of every key there may be: text, whole number, number, list or table.
        needed: Keys that must be there.
        error: What to raise, with a message alone.

    Raises:
        PatchflowError: If it is not so; of the type `error`.

    Example:
        >>> check_table({"pitch": "high"}, {"pitch": int})
        Traceback (most recent call last):
        patchflow.errors.OptionError: pitch='high': not a whole number
    """
    for key, value in table.items():
        if key not in kinds:
            raise error(f"{key}={value!r}: unknown key. Known: {', '.join(kinds)}.")
        if not _fits(value, kinds[key]):
            raise error(f"{key}={value!r}: not {_called(kinds[key])}")
    for key in needed:
        if key not in table:
            raise error(f"{key}: missing")


def quoted(text: str) -> str:
    r"""Returns a text as TOML writes it.

    Example:
        >>> quoted('a "b"')
        '"a \\"b\\""'
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML wants this escaped, too


def _of_kind(kind: str, values: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """The values of a recipe of a kind, without its key `kind`."""
    found = _kind(values, path)
    if found != kind:
        raise OptionError(f"{path}: a recipe of kind {found!r}, not {kind!r}")
    return {key: value for key, value in values.items() if key != "kind"}


def _kind(values: Mapping[str, Any], path: str | Path) -> str:
    kind = values.get("kind", kind_of_old_recipe(values))
    if not isinstance(kind, str):
        raise OptionError(f"{path}: kind={kind!r}: not a text in quotes")
    if kind not in RECIPE_KINDS:
        raise UnknownName("kind of recipe", kind, RECIPE_KINDS)
    return kind


def _origin(kind: Any) -> Any:
    return typing.get_origin(kind) or kind


def _checked(key: str, value: Any, types: Mapping[str, Any]) -> Any:
    """Makes sure that a key exists and that its value has the right type."""
    if key not in types:
        raise UnknownName("recipe key", key, types)
    kind = types[key]
    wanted = _origin(kind)
    if wanted is tuple:
        return _checked_list(key, value, typing.get_args(kind), _called(kind))
    if not _fits(value, wanted):
        raise OptionError(f"{key}={value!r}: not {_called(kind)}")
    if isinstance(value, dict):
        for name, entry in value.items():
            _check_entry(f"{key}.{name}", entry, typing.get_args(kind)[1])
    return value


def _checked_list(key: str, value: Any, kinds: tuple[Any, ...], called: str) -> tuple[Any, ...]:
    texts = kinds[-1] is Ellipsis  # `tuple[str, ...]`; all other lists have a fixed length
    if texts and isinstance(value, str):
        return (value,)  # one path needs no brackets
    right_length = isinstance(value, list) and (texts or len(value) == len(kinds))
    if not right_length or not all(_fits(entry, kinds[0]) for entry in value):
        raise OptionError(f"{key}={value!r}: not {called}")
    return tuple(value)


def _fits(value: Any, kind: Any) -> bool:
    # A whole number is a number too. True and False are whole numbers to Python, but never to a reader of TOML.
    wanted = (int, float) if kind is float else kind
    return isinstance(value, wanted) and (kind is bool or not isinstance(value, bool))


def _check_entry(name: str, entry: Any, kind: Any) -> None:
    kinds = typing.get_args(kind) or (kind,)
    if not any(_fits(entry, one) for one in kinds):
        allowed = "a number" if kind is float else "a number or a text"
        raise OptionError(f"{name}={entry!r}: not {allowed}")


def _required(entry: "dataclasses.Field[Any]") -> bool:
    return entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING


def _parse(key: str, text: str, kind: Any) -> Any:
    """The value of a text of the command line.

    A single word needs no quotes there: a shell would take them away. So texts are taken as they are, and everything
    else is read as TOML.
    """
    if kind == tuple[str, ...] and not text.lstrip().startswith("["):
        return text
    try:
        if kind in (int, float, str):
            return kind(text)
        return toml_table(f"value = {text}")["value"]
    except ValueError as error:
        if isinstance(kind, UnionType):
            return text  # not a number: a word in a table of numbers and texts
        raise OptionError(f"{key}={text!r}: not {_called(kind)}") from error


def _shown(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _called(kind: Any) -> str:
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
        list: "a list",
        dict: "a table",
        tuple[str, ...]: 'a list of texts such as ["a", "b"]',
        tuple[int, int]: "two whole numbers such as [24, 96]",
        tuple[float, float]: "two numbers such as [0.2, 3.5]",
    }
    return names.get(kind, "a table such as {width = 48}")
