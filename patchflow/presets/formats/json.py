"""Presets of any synth as text: patchflow's own `.json` files."""

import json
import math
import reprlib
from collections.abc import Sequence
from typing import Any, ClassVar

from ...errors import PresetError
from ..preset import Preset
from ._format import PresetFormat, ReadReport, Rejected

__all__ = ["Json"]

NAME = "patchflow-presets"
VERSION = 1
_LONGEST = 1_000  # letters of any text
_LARGEST = 2**53  # whole numbers beyond it are not exact in other programs
_FIELDS = ("synth", "name", "category", "author", "tags", "values")


class Json(PresetFormat):
    """One or many presets with their names, categories, authors and tags.

    A file is an object with `"format": "patchflow-presets"`, `"version": 1` and a list
    `"presets"`; each of these has `synth` and `values`, and may have `name`, `category`, `author`
    and `tags`. Whether the values fit the synth is for `check` to say: the format knows no synth.

    Example:
        >>> data = Json().write([Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, tags=("short",))])
        >>> Json().read(data).presets[0].values["decay"]
        0.5
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".json",)

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is an object that names this format; see `PresetFormat`."""
        return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" and NAME.encode() in data

    def read(self, data: bytes) -> ReadReport:
        """Reads all presets of a file; see `PresetFormat`."""
        presets, rejected = [], []
        for number, item in enumerate(_items(_parse(data)), 1):
            try:
                presets.append(_preset(item))
            except PresetError as error:
                rejected.append(Rejected(number, str(error), _name(item)))
        return ReadReport(tuple(presets), tuple(rejected))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns the text of a file that this and no stricter reader accepts; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        document = {"format": NAME, "version": VERSION, "presets": [_item(preset) for preset in presets]}
        return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _item(preset: Preset) -> dict[str, Any]:
    fields = {field: getattr(preset, field) for field in _FIELDS}
    item = {**fields, "tags": list(preset.tags), "values": dict(preset.values)}
    _preset(item)  # what could not be read is not written
    return item


def _parse(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_number,
            parse_float=_number,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise PresetError(f"not a preset file: byte {error.start} is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise PresetError(f"not a preset file: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise PresetError("not a preset file: lists or objects nested too deep") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise PresetError(f"{_short(key)} occurs twice in one object")
        found[key] = value
    return found


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise PresetError(f"{text[:30]}: not a finite number")
    return number


def _whole(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _LARGEST:
        raise PresetError(f"{text[:30]}: not in [-2^53, 2^53]")
    return int(text)


def _items(document: Any) -> list[Any]:
    if not isinstance(document, dict) or document.get("format") != NAME:
        raise PresetError(f'not a preset file: it has no "format": "{NAME}"')
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise PresetError(
            f"version={_short(version)}: this patchflow reads version {VERSION}. Update it for newer files."
        )
    _refuse_unknown(document, ("format", "version", "presets"))
    if not isinstance(document.get("presets"), list):
        raise PresetError(f"presets={_short(document.get('presets'))}: not a list")
    return document["presets"]


def _preset(item: Any) -> Preset:
    if not isinstance(item, dict):
        raise PresetError(f"{_short(item)}: not an object")
    _refuse_unknown(item, _FIELDS)
    texts = {field: _text(field, item.get(field, "")) for field in ("synth", "name", "category", "author")}
    if not texts["synth"]:
        raise PresetError(f"synth={texts['synth']!r}: names no synth")
    tags, values = item.get("tags", []), item.get("values")
    if not isinstance(tags, list):
        raise PresetError(f"tags={_short(tags)}: not a list")
    if not isinstance(values, dict):
        raise PresetError(f"values={_short(values)}: not an object")
    for name, value in values.items():
        _check_value(_text("values", name), value)
    return Preset(**texts, values=values, tags=tuple(_text("tags", tag) for tag in tags))


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, str):
        _text(name, value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise PresetError(f"{name}={_short(value)}: neither a number nor a text")
    elif not (abs(value) <= _LARGEST if isinstance(value, int) else math.isfinite(value)):
        raise PresetError(f"{name}={_short(value)}: not a finite number, or not in [-2^53, 2^53]")


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise PresetError(f"{field}={_short(value)}: not a text")
    if len(value) > _LONGEST:
        raise PresetError(f"{field}={_short(value)}: {len(value):,} letters, more than {_LONGEST:,}")
    if any(c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c < "\ue000" for c in value):
        raise PresetError(f"{field}={_short(value)}: has control characters")
    return value


def _refuse_unknown(found: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise PresetError(f"{_short(key)}: unknown key. Known: {', '.join(known)}.")


def _name(item: Any) -> str:
    """The name for the report, if there is one that can be shown."""
    name = item.get("name") if isinstance(item, dict) else ""
    return name[:40] if isinstance(name, str) and name.isprintable() else ""


def _short(value: Any) -> str:
    """The value for a message: a few words of it, without control characters."""
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a huge number"  # Python refuses to print the largest
    return reprlib.repr(value).encode("ascii", "replace").decode()
