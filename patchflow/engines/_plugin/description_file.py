"""Descriptions of plug-ins on disk: one TOML file per synth, to be read and edited by hand."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...errors import EngineError, OptionError, StorageError
from ...hosts import WAYS
from ...parsing import toml_table
from ...settings import check_table, quoted
from ...storage import read_bytes, reason, user_folder
from .description import CONTROL_KINDS, Control, Description

__all__ = [
    "described",
    "description_file",
    "parse_description",
    "read_description",
    "read_synth_file",
    "synth_files",
    "synths_folder",
    "to_text",
]

T = TypeVar("T")

_LARGEST = 4 * 2**20  # bytes; 4,000 parameters with 16 options take 2 MB
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_MOST = 256  # options of a parameter
_MOST_CENTS = 12_000  # ten octaves

_SYNTH_KEYS: dict[str, type] = {
    "plugin": str,
    "id": str,
    "presets": str,
    "fresh": str,
    "latency": int,
    "noise_floor_db": float,
    "renders_per_second": float,
    "parameter": list,
}
_CONTROL_KEYS: dict[str, type] = {
    "index": int,
    "name": str,
    "label": str,
    "kind": str,
    "group": str,
    "default": float,
    "low": float,
    "high": float,
    "options": list,
    "values": list,
    "cents": list,
    "needs": dict,
}


def synths_folder() -> Path:
    """Returns where descriptions lie: `$PATCHFLOW_SYNTHS` or a folder in the user's data folder.

    Raises:
        StorageError: If there is no such folder, see `user_folder`.
    """
    chosen = os.environ.get("PATCHFLOW_SYNTHS")
    return Path(chosen) if chosen else user_folder() / "synths"


def described() -> tuple[str, ...]:
    """Returns the names of all described synths, without reading a description.

    Raises:
        StorageError: If the folder cannot be read.
    """
    try:
        folder = synths_folder()
    except StorageError:
        return ()  # who has no folder has no synths of their own
    return tuple(synth_files(folder))


def synth_files(folder: Path) -> dict[str, Path]:
    """Returns the TOML files of a folder whose name can be that of a synth, by these names in order.

    Raises:
        StorageError: If the folder cannot be read.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.stem) if folder.is_dir() else []
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {reason(error)}") from error
    return {path.stem: path for path in paths if path.suffix == ".toml" and _NAME.fullmatch(path.stem)}


def description_file(name: str) -> Path:
    """Returns where the description of a synth lies or will lie.

    Raises:
        OptionError: If this cannot be a synth's name.

    Example:
        >>> description_file("amsynth").name
        'amsynth.toml'
    """
    if not _NAME.fullmatch(name):
        raise OptionError(f"name={name!r}: not 1 to 40 small letters, digits, - and _, such as my-synth")
    return synths_folder() / f"{name}.toml"


def read_description(path: Path) -> Description:
    """Reads a description.

    Raises:
        StorageError: If the file cannot be read.
        EngineError: If it is not a description: an unknown or missing key, a value that is not allowed,
            parameters that contradict each other. One line names file, key and value.
    """
    return read_synth_file(path, parse_description, _LARGEST)


def read_synth_file(path: Path, parse: Callable[[str, str], T], limit: int) -> T:
    """Reads a TOML file that says what a synth is.

    Args:
        path: The file; it has the name of the synth.
        parse: Called with its text and the name of the synth.
        limit: Largest size accepted, in bytes.

    Raises:
        StorageError: If the file cannot be read.
        EngineError: If it is not TOML, or `parse` raises one; the message begins with the file.
    """
    try:
        return parse(read_bytes(path, limit=limit).decode("utf-8"), path.stem)
    except UnicodeDecodeError as error:
        raise EngineError(f"{path}: byte {error.start} is not UTF-8 text") from error
    except (ValueError, EngineError) as error:
        raise EngineError(f"{path}: {error}") from error


def parse_description(text: str, name: str) -> Description:
    r"""Returns the description in a text; see `read_description`.

    Example:
        >>> text = 'plugin = "a.so"\n[[parameter]]\nindex = 0\nname = "Cut"\nkind = "nob"\ndefault = 0.5'
        >>> parse_description(text, "a")
        Traceback (most recent call last):
        patchflow.errors.EngineError: parameter 'Cut': kind='nob': not one of knob, steps, choice, fixed
    """
    table = toml_table(text)
    check_table(table, _SYNTH_KEYS, ("plugin", "parameter"), EngineError)
    if "\0" in table["plugin"]:
        raise EngineError(f"plugin={table['plugin']!r}: not a name that a file can have")
    fresh = table.get("fresh", "fork")
    if fresh not in WAYS:
        raise EngineError(f"fresh={fresh!r}: not one of {', '.join(WAYS)}")
    for key in ("latency", "noise_floor_db", "renders_per_second"):
        if not 0 <= table.get(key, 0) < 1e9:
            raise EngineError(f"{key}={table[key]!r}: not 0 or above")
    controls = tuple(_control(item) for item in table["parameter"])
    _refuse_doubles(controls)
    _check_needs(controls)
    if all(control.kind == "fixed" for control in controls):
        raise EngineError("every parameter is fixed: there is nothing to search")
    return Description(
        name=name,
        plugin=table["plugin"],
        id=table.get("id", ""),
        native=table.get("presets", "json"),
        controls=controls,
        fresh=fresh,
        latency=table.get("latency", 0),
        noise_floor_db=float(table.get("noise_floor_db", 0.0)),
        renders_per_second=float(table.get("renders_per_second", 0.0)),
    )


def _control(item: Any) -> Control:
    if not isinstance(item, dict):
        raise EngineError(f"parameter={item!r}: not a table")
    named = item.get("name", item.get("index", "?"))
    try:
        check_table(item, _CONTROL_KEYS, ("index", "name", "kind", "default"), EngineError)
        _check_lists(item)
        options = tuple(item.get("options", ()))
        values = tuple(item.get("values", ()))
        cents = tuple(item.get("cents", ()))
        needs = tuple(item.get("needs", {}).items())
        control = Control(**{**item, "options": options, "values": values, "cents": cents, "needs": needs})
        _check(control)
        if control.kind != "fixed":
            control.parameter  # noqa: B018 - refuses what is left
    except (EngineError, ValueError) as error:
        raise EngineError(f"parameter {named!r}: {error}") from error
    return control


def _check_lists(item: Mapping[str, Any]) -> None:
    for option in item.get("options", ()):
        if not isinstance(option, str):
            raise EngineError(f"options={option!r}: not a text")
    for value in item.get("values", ()):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise EngineError(f"values={value!r}: not a number")
    for value in item.get("cents", ()):
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST_CENTS:
            raise EngineError(f"cents={value!r}: not a number from -{_MOST_CENTS:,} to {_MOST_CENTS:,}")
    for name, value in item.get("needs", {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise EngineError(f"needs: {name!r} = {value!r}: not a number in [0, 1], the plug-in's own scale")


def _check(control: Control) -> None:
    if control.kind not in CONTROL_KINDS:
        raise EngineError(f"kind={control.kind!r}: not one of {', '.join(CONTROL_KINDS)}")
    if control.index < 0:
        raise EngineError(f"index={control.index}: below 0")
    if not control.name:
        raise EngineError("name='': empty")
    _check_number("default", control.default)
    _check_number("low", control.low)
    _check_number("high", control.high)
    for value in control.values:
        _check_number("values", value)
    if control.cents:
        _check_cents(control)
    if control.kind == "knob":
        _check_knob(control)
    elif control.kind in ("steps", "choice"):
        _check_options(control)


def _check_number(key: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise EngineError(f"{key}={value!r}: not in [0, 1], the plug-in's own scale")


def _check_knob(control: Control) -> None:
    if not control.low <= control.default <= control.high:
        raise EngineError(f"default={control.default:g}: not in [low, high] = [{control.low:g}, {control.high:g}]")
    if control.options or control.values:
        raise EngineError('options and values: a knob has none. Make it kind = "choice" or "steps", or remove them.')


def _check_cents(control: Control) -> None:
    cents = np.array(control.cents)
    if control.values and len(cents) != len(control.values):
        raise EngineError(f"cents and values: there are {len(cents)} cents and {len(control.values)} values")
    steps = np.diff(cents)
    if not (control.values or (steps >= 0).all() or (steps <= 0).all()) or not steps.any():
        raise EngineError("cents: not two or more numbers that differ, and of a knob rise or fall")


def _check_options(control: Control) -> None:
    options = control.options
    values = control.values
    if not 1 <= len(options) <= _MOST:
        raise EngineError(f"options: there are {len(options)}, not 1 to {_MOST}")
    if len(options) != len(values):
        raise EngineError(f"options and values: there are {len(options)} options and {len(values)} values")
    if not all(options):
        raise EngineError("options: one is empty")
    if len(set(values)) < len(values):
        raise EngineError("values: one comes twice")
    if min(abs(value - control.default) for value in values) > 1e-3:
        raise EngineError(f"default={control.default:g}: not one of values")


def _check_needs(controls: tuple[Control, ...]) -> None:
    named = {control.name: control for control in controls}
    for control in controls:
        if control.needs and not control.cents:
            raise EngineError(f"parameter {control.name!r}: needs: it has no cents, so nothing needs it")
        for name, value in control.needs:
            about = f"parameter {control.name!r}: needs: {name!r} = {value!r}"
            if name not in named or name == control.name:
                raise EngineError(f"{about}: not the name of another parameter")
            values = named[name].values
            if values and min(abs(known - value) for known in values) > 1e-3:
                raise EngineError(f"{about}: not one of its values")


def _refuse_doubles(controls: tuple[Control, ...]) -> None:
    for key in ("index", "name"):
        seen: set[Any] = set()
        for control in controls:
            value = getattr(control, key)
            if value in seen:
                raise EngineError(f"parameter {control.name!r}: {key}={value!r}: another parameter has it too")
            seen.add(value)


_HEADER = """\
# How patchflow plays the plug-in {name}. Made by `patchflow synth add`; yours to edit.
#
# kind    knob: any value from low to high.  steps: values in order.  choice: options without an order.
#         fixed: always at its default; change the word to have it searched (what else it needs is there).
# group   parameters of one group are kept together when presets are recombined, and locked together.
# cents   of what transposes the whole sound: how high each value is, of a knob the ends of its scale or places between.
# needs   values that other parameters need, or it moves a part of the sound only; they are set when a preset is tuned.
# Every number but cents is on the plug-in's own scale, from 0 to 1. What the plug-in shows for it stands beside it.
"""

_FRESH = (
    "fork: a copy plays each note; reload: it is loaded anew, slow; reuse: fastest, but it remembers what it played"
)
_NOISE = "between two renders of one preset; 0 is the same to the last bit"


def to_text(description: Description) -> str:
    """Returns the text of a description's file, from which the same description is read.

    Example:
        >>> print(to_text(Description("a", "a.so", (Control(0, "Cut", "knob", 0.5),))).splitlines()[9])
        plugin = "a.so"
    """
    lines = [
        _HEADER.format(name=description.name),
        f"plugin = {quoted(description.plugin)}",
        f"id = {quoted(description.id)}  # of the presets that it takes",
        f"presets = {quoted(description.native)}  # the format they are written in",
        f'fresh = "{description.fresh}"  # {_FRESH}',
        f"latency = {description.latency}  # samples",
        f"noise_floor_db = {description.noise_floor_db:g}  # {_NOISE}",
        f"renders_per_second = {description.renders_per_second:g}  # notes of four seconds",
    ]
    for control in description.controls:
        lines += _control_text(control)
    return "\n".join([*lines, ""])


def _control_text(control: Control) -> Iterator[str]:
    yield ""
    for note in control.notes:
        yield f"# {note}"
    yield "[[parameter]]"
    yield f"index = {control.index}"
    yield f"name = {quoted(control.name)}"
    if control.label is not None:
        yield f"label = {quoted(control.label)}  # what the plug-in calls it"
    yield f"kind = {quoted(control.kind)}"
    if control.group:
        yield f"group = {quoted(control.group)}"
    yield f"default = {_number(control.default)}"
    if control.options:
        yield f"options = [{', '.join(map(quoted, control.options))}]"
        yield f"values = [{', '.join(map(_number, control.values))}]"
    elif control.kind in ("knob", "fixed"):
        yield f"low = {_number(control.low)}"
        yield f"high = {_number(control.high)}"
    if control.cents:
        yield f"cents = [{', '.join(f'{cents:g}' for cents in control.cents)}]"
    if control.needs:
        needs = ", ".join(f"{quoted(name)} = {_number(value)}" for name, value in control.needs)
        yield f"needs = {{ {needs} }}"


def _number(value: float) -> str:
    """The shortest decimal of the plug-in's 24-bit number."""
    return np.format_float_positional(np.float32(value), trim="0")
