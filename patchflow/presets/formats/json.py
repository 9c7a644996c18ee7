"""Presets of any synth as text: patchflow's own `.json` files."""

import base64
import binascii
import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

from ...errors import PresetError
from ...old_names import with_new_names
from ...parsing import shown
from ..preset import Preset
from ._format import PresetFormat, ReadReport, Rejected
from ._json_text import LARGEST, check_text, in_utf8, parse_json

__all__ = ["Json"]

FORMAT_NAME = "patchflow-presets"
FORMAT_VERSION = 1
_FIELDS = ("synth", "name", "category", "author", "tags", "values")
_STATE = "state"  # left out where it is empty


class Json(PresetFormat):
    """One or many presets with their names, categories, authors and tags.

    A file is an object with `"format": "patchflow-presets"`, `"version": 1` and a list
    `"presets"`; each of these has `synth` and `values`, and may have `name`, `category`, `author`,
    `tags` and `state`, which is in base 64. Whether the values fit the synth is not checked here, see `check`: the
    format knows no synth.

    Example:
        >>> data = Json().write([Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, tags=("short",))])
        >>> Json().read(data).presets[0].values["decay"]
        0.5
    """

    synth: ClassVar[str] = ""
    extensions: ClassVar[tuple[str, ...]] = (".json",)

    def recognises(self, data: bytes) -> bool:
        """Returns whether it is an object that names this format; see `PresetFormat`."""
        data = in_utf8(data)
        return data.lstrip()[:1] == b"{" and FORMAT_NAME.encode() in data

    def read(self, data: bytes) -> ReadReport:
        """Reads all presets of a file; see `PresetFormat`."""
        presets: list[Preset] = []
        places: list[int] = []
        rejected: list[Rejected] = []
        for number, item in enumerate(_items(parse_json(data)), 1):
            try:
                presets.append(_preset(item))
            except PresetError as error:
                rejected.append(Rejected(number, str(error), _name(item)))
            else:
                places.append(number)
        return ReadReport(tuple(presets), tuple(rejected), places=tuple(places))

    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns the text of a file that this and no stricter reader accepts; see `PresetFormat`."""
        if not presets:
            raise PresetError(f"{self.extensions[0]}: no preset to write")
        document = {"format": FORMAT_NAME, "version": FORMAT_VERSION, "presets": [_item(preset) for preset in presets]}
        return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _item(preset: Preset) -> dict[str, Any]:
    fields = {field: getattr(preset, field) for field in _FIELDS}
    item = {**fields, "tags": list(preset.tags), "values": dict(preset.values)}
    if preset.state:
        item[_STATE] = base64.b64encode(preset.state).decode()
    _preset(item)  # raises what reading the file would raise
    return item


def _items(document: Any) -> list[Any]:
    if isinstance(document, dict) and "candidates" in document:
        raise PresetError("the result of a match, not a preset: its presets are in the files that it names")
    if not isinstance(document, dict) or document.get("format") != FORMAT_NAME:
        raise PresetError(f'not a preset file: it has no "format": "{FORMAT_NAME}"')
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise PresetError(
            f"version={shown(version)}: this patchflow reads version {FORMAT_VERSION}. Update it for newer files."
        )
    _refuse_unknown(document, ("format", "version", "presets"))
    if not isinstance(document.get("presets"), list):
        raise PresetError(f"presets={shown(document.get('presets'))}: not a list")
    return document["presets"]


def _preset(item: Any) -> Preset:
    if not isinstance(item, dict):
        raise PresetError(f"{shown(item)}: not an object")
    item = with_new_names("preset", item)
    _refuse_unknown(item, (*_FIELDS, _STATE))
    texts = {field: check_text(field, item.get(field, "")) for field in ("synth", "name", "category", "author")}
    if not texts["synth"]:
        raise PresetError(f"synth={texts['synth']!r}: names no synth")
    tags = item.get("tags", [])
    values = item.get("values")
    if not isinstance(tags, list):
        raise PresetError(f"tags={shown(tags)}: not a list")
    if not isinstance(values, dict):
        raise PresetError(f"values={shown(values)}: not an object")
    for name, value in values.items():
        _check_value(check_text("values", name), value)
    tags = tuple(check_text("tags", tag) for tag in tags)
    return Preset(**texts, values=values, tags=tags, state=_state(item.get(_STATE, "")))


def _state(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise PresetError(f"{_STATE}={shown(text)}: not a text in base 64") from error


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, str):
        check_text(name, value)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise PresetError(f"{name}={shown(value)}: neither a number nor a text")
    elif not (abs(value) <= LARGEST if isinstance(value, int) else math.isfinite(value)):
        raise PresetError(f"{name}={shown(value)}: not a finite number, or not in [-2^53, 2^53]")


def _refuse_unknown(found: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise PresetError(f"{shown(key)}: unknown key. Known: {', '.join(known)}.")


def _name(item: Any) -> str:
    """The name for the report, if there is one that can be shown."""
    name = item.get("name") if isinstance(item, dict) else ""
    return name[:40] if isinstance(name, str) and name.isprintable() else ""
