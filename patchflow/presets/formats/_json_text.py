"""Parsing of JSON: our own strictly (no key twice, no NaN, no text that cannot be shown), others' as they read it."""

import codecs
import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...errors import PresetError
from ...parsing import shown

__all__ = ["LARGEST", "Loose", "check_text", "in_utf8", "parse_json", "parse_loose"]

LARGEST = 2**53
"""Whole numbers beyond it are not exact in other programs."""

_LONGEST = 1_000  # letters of any text
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_A_PRESET = "not a preset file: "


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
