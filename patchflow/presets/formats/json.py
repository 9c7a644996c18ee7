"""Presets of any synth as text: patchflow's own `.json` files; and how JSON is parsed, our own and that of others.

Our own is read strictly: no key twice, no NaN, no text that cannot be shown. That of other programs is read as they
read it.
"""

import base64
import binascii
import codecs
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ...errors import PresetError
from ...old_names import with_new_names
from ...parsing import shown
from ..preset import Preset
from ._format import PresetFormat, ReadReport, Rejected

__all__ = ["LARGEST", "Json", "Loose", "check_text", "in_utf8", "parse_json", "parse_loose"]

FORMAT_NAME = "patchflow-presets"
FORMAT_VERSION = 1
_FIELDS = ("synth", "name", "category", "author", "tags", "values")
_STATE = "state"  # left out where it is empty

LARGEST = 2**53
"""Whole numbers beyond it are not exact in other programs."""

_LONGEST = 1_000  # letters of any text
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_A_PRESET = "not a preset file: "


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


@dataclass(frozen=True)
class Loose:
    """The content of a JSON file from another program.

    Args:
        content: Numbers may be infinite or not a number.
        mended: What was wrong with it and was put right.
    """

    content: Any
    mended: tuple[str, ...]


def parse_json(data: bytes) -> Any:
    """Returns the content of a JSON file of our own.

    Raises:
        PresetError: If it is damaged, nested too deep, or has a key twice or a number that is not finite.
    """
    # Python's parser takes NaN, huge numbers and repeated keys, other programs do not: all three are refused.
    return _parsed(
        _text(data).rstrip("\0"),
        object_pairs_hook=_object,
        parse_constant=_number,
        parse_float=_number,
        parse_int=_whole,
    )


def parse_loose(data: bytes) -> Loose:
    """Returns the content of a JSON file as Vital reads it, in what text editors make of it too.

    It may be UTF-8, UTF-16 with a mark or Latin-1, ends at the first zero, and of a key given twice the last counts.

    Raises:
        PresetError: If it is damaged or nested too deep.
    """
    faults = []
    try:
        text = _text(data)
    except PresetError as error:
        faults.append(f"{str(error).removeprefix(_NOT_A_PRESET)}: taken for Latin-1")
        text = data.decode("latin-1")
    text, zero, rest = text.partition("\0")
    if zero:
        faults.append(f"{len(rest) + 1:,} letters from the first zero on are left out")
    twice: list[str] = []

    def last_counts(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice.extend(key for key in found if counts[key] > 1)
        return found

    content = _parsed(text.rstrip("\x1a"), object_pairs_hook=last_counts, parse_int=_any_whole)
    faults += [f"{shown(key)} is given twice in one object, and the last one counts" for key in twice]
    return Loose(content, tuple(faults))


def in_utf8(data: bytes) -> bytes:
    """Returns a text of which it is not known yet what it is, in UTF-8 without a mark."""
    if data.startswith(_UTF16):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data.removeprefix(codecs.BOM_UTF8)


def _text(data: bytes) -> str:
    code = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    try:
        return data.decode(code)
    except UnicodeDecodeError as error:
        raise PresetError(
            f"{_NOT_A_PRESET}byte {error.start} is not {code.removesuffix('-sig').upper()} text"
        ) from error


def _parsed(text: str, **hooks: Any) -> Any:
    try:
        return json.loads(text, **hooks)
    except json.JSONDecodeError as error:
        raise PresetError(f"{_NOT_A_PRESET}{error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise PresetError(f"{_NOT_A_PRESET}lists or objects nested too deep") from error


def check_text(field: str, value: Any) -> str:
    """Returns a value that is a short text without control characters.

    Raises:
        PresetError: If it is not.
    """
    if not isinstance(value, str):
        raise PresetError(f"{field}={shown(value)}: not a text")
    if len(value) > _LONGEST:
        raise PresetError(f"{field}={shown(value)}: {len(value):,} letters, more than {_LONGEST:,}")
    if any(c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c < "\ue000" for c in value):
        raise PresetError(f"{field}={shown(value)}: has control characters")
    return value


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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise PresetError(f"{shown(key)} occurs twice in one object")
        found[key] = value
    return found


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise PresetError(f"{text[:30]}: not a finite number")
    return number


def _any_whole(text: str) -> float | int:
    return int(text) if len(text) <= 17 else float(text)


def _whole(text: str) -> int:
    # by length first: to make a number of a million digits takes minutes
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise PresetError(f"{text[:30]}: not in [-2^53, 2^53]")
    return int(text)
