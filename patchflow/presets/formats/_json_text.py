"""Strict parsing of JSON from any source: no key twice, no NaN, no text that cannot be shown."""

import json
import math
import reprlib
from typing import Any

from ...errors import PresetError

__all__ = ["LARGEST", "check_text", "parse_json", "shown"]

LARGEST = 2**53
"""Whole numbers beyond it are not exact in other programs."""

_LONGEST = 1_000  # letters of any text


def parse_json(data: bytes) -> Any:
    """Returns the content of a JSON file.

    Raises:
        PresetError: If it is damaged, nested too deep, or has a key twice or a number that is not finite.
    """
    # Python's parser takes NaN, huge numbers and repeated keys, other programs do not: all three are refused.
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


def shown(value: Any) -> str:
    """Returns the value for a message: a few words of it, without control characters."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a huge number"  # Python refuses to print the largest
    return reprlib.repr(value).encode("ascii", "replace").decode()


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


def _whole(text: str) -> int:
    # by length first: to make a number of a million digits takes minutes
    if len(text) > 17 or abs(int(text)) > LARGEST:
        raise PresetError(f"{text[:30]}: not in [-2^53, 2^53]")
    return int(text)
