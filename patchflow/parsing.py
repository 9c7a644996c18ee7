"""Values out of files that anyone may have made: JSON, TOML and arrays, with every claim checked.

The parsers of Python and NumPy are made for files of one's own. They answer damage with a dozen kinds of exception, go
as deep as the nesting goes, and make what a header asks for before they look whether it is there.
"""

import io
import json
import math
import re
import reprlib
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import PatchflowError, StorageError
from .storage import first_sentence, opened_file, read_bytes

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "MOST_TEXT",
    "damage_named",
    "json_value",
    "map_array",
    "npy_array",
    "npz_arrays",
    "read_object",
    "shown",
    "toml_table",
]

MOST_TEXT = 2**20
"""Largest size of a recipe or another text for people, in bytes."""

_LARGEST_JSON = 2**28  # bytes; of files that we write, such as the states of a data set
_DEEPEST = 64  # tables in tables; also what a message with a value can print
_LARGEST_INT = 2**63
_EXACT = 2**53  # a whole number beyond it is shown as a word
# A key of many parts, `a.b.c`: what it takes to parse one grows with the square of their number.
_LONG_KEY = re.compile(
    r"""(?:(?:(?<![\w-])[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{_DEEPEST}}}",
    re.ASCII,
)
_MOST_PACKED = 100  # times its size is what an archive may hold
_SMALL = 2**26  # bytes, which it may hold at any size


def shown(value: Any) -> str:
    r"""Returns a value for a message: a few words of it, without control characters.

    Example:
        >>> shown([1, "a\x1b"]), shown(10**5000)
        ("[1, 'a\\x1b']", 'a huge number')
    """
    if isinstance(value, int) and abs(value) > _EXACT:
        return "a huge number"  # Python refuses to print the largest
    return reprlib.repr(value).encode("ascii", "replace").decode()


@contextmanager
def damage_named(
    where: object, error: type[PatchflowError] = StorageError, hint: str = "", *, is_what: str = "damaged"
) -> Iterator[None]:
    """Turns whatever a library raises on damaged bytes into one error in one line.

    Args:
        where: The file, for the message.
        error: What to raise, with a message alone.
        hint: A sentence at its end that says what can be done.
        is_what: What the file is said to be.

    Example:
        >>> with damage_named("a.bin"):
        ...     int("x")
        Traceback (most recent call last):
        patchflow.errors.StorageError: a.bin: damaged (invalid literal for int() with base 10: 'x')
    """
    try:
        yield
    except error:
        raise
    except FileNotFoundError as fault:
        raise error(f"cannot read {where}: no such file or directory") from fault  # libraries have words of their own
    except Exception as fault:
        # blind on purpose: which exceptions a parser raises on damaged bytes is not documented, and changes
        end = f". {hint}" if hint else ""
        # what a file holds may be no text that can be written down: half of a surrogate pair
        why = first_sentence(fault)[:200].encode("utf-8", "backslashreplace").decode()
        raise error(f"{where}: {is_what} ({why}){end}") from fault


def json_value(data: bytes | str) -> Any:
    """Returns the value of a JSON text: no number beyond 64 bits, not nested deeper than a message can show.

    Raises:
        ValueError: If it is no such text.

    Example:
        >>> json_value("[" * 5000)
        Traceback (most recent call last):
        ValueError: nested too deep
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        value = json.loads(text, parse_int=_whole)
        _check_tree(value)
    except RecursionError as fault:
        raise ValueError("nested too deep") from fault
    return value


def read_object(path: str | PathLike[str], limit: int = _LARGEST_JSON) -> dict[str, Any]:
    """Returns the values by key in a JSON file.

    Args:
        path: The file.
        limit: Largest size accepted, in bytes.

    Raises:
        StorageError: If it cannot be read, is not JSON or has no keys.
    """
    data = read_bytes(path, limit)
    with damage_named(path):
        value = json_value(data)
        if not isinstance(value, dict):
            raise TypeError("not a table of keys")
        return value


def toml_table(data: bytes | str, *, paths: bool = False) -> dict[str, Any]:
    """Returns the values by key in a TOML text: no number beyond 64 bits, not nested deep.

    Args:
        data: The text, in UTF-8 if it is bytes.
        paths: Whether its texts are names of files, which cannot have a NUL.

    Raises:
        ValueError: If it is no such text.

    Example:
        >>> toml_table("a = 1")
        {'a': 1}
    """
    text = data if isinstance(data, str) else data.decode("utf-8-sig")
    if _LONG_KEY.search(text):
        raise ValueError(f"a key of more than {_DEEPEST} parts")
    try:
        table = tomllib.loads(text)
        _check_tree(table, nul=not paths)
    except RecursionError as fault:
        raise ValueError("nested too deep") from fault
    return table


def npz_arrays(data: bytes, names: Sequence[str]) -> "dict[str, np.ndarray]":
    """Returns arrays of a NumPy archive, without pickles.

    Args:
        data: The content of the file.
        names: Which are wanted.

    Raises:
        Exception: Of many kinds, if it is no such archive or holds more than its size allows; see `damage_named`.
    """
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [archive.getinfo(f"{name}.npy") for name in names]
        if sum(part.file_size for part in parts) > max(_SMALL, _MOST_PACKED * len(data)):
            raise ValueError("claims more than its size allows")
        for name, part in zip(names, parts, strict=True):
            found[name] = npy_array(archive.read(part))
    return found


def npy_array(data: bytes) -> "np.ndarray":
    """Returns the array in the content of a `.npy` file, without pickles.

    Raises:
        Exception: Of many kinds, if there is none, or one larger than the file; see `damage_named`.
    """
    import numpy as np

    file = io.BytesIO(data)
    _check_claim(file, len(data))
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def map_array(path: Path, mode: str = "r") -> "np.memmap":
    """Returns the array in a `.npy` file, mapped into memory, without pickles.

    Args:
        path: The file.
        mode: As NumPy names it: `"r"` to read, `"r+"` to write as well.

    Raises:
        StorageError: If the file cannot be read.
        Exception: Of many kinds, if there is no array in it; see `damage_named`.
    """
    import numpy as np

    with opened_file(path) as file:
        size = path.stat().st_size
        _check_claim(file, size)
    return np.load(path, mmap_mode=mode, allow_pickle=False)  # type: ignore[arg-type]


def _check_claim(file: io.BufferedIOBase, size: int) -> None:
    """Makes sure that the bytes an array's header asks for are there, no more and no less."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    if version == (1, 0):
        shape, _, kind = npy.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, kind = npy.read_array_header_2_0(file)
    else:  # 3.0 is for fields with names in other scripts, and no array of ours has fields
        raise ValueError(f"version {version} of the format")
    if kind.hasobject or any(length < 0 for length in shape):
        raise ValueError(f"an array of {kind} and the shape {shape}")
    if math.prod(shape) * kind.itemsize != size - file.tell():
        raise ValueError(f"claims an array of the shape {shape}, and has {size - file.tell():,} bytes")


def _whole(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= _LARGEST_INT:
        raise ValueError(f"{digits[:30]}: a number beyond 64 bits")
    return int(digits)


def _check_tree(value: Any, *, nul: bool = True) -> None:
    """Looks at all that is in lists and tables; in a loop, since it may be nested as deep as the parser went."""
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                if "\0" in item and not nul:
                    raise ValueError(f"a text with a NUL: {item[:30]!r}")
            elif isinstance(item, int) and abs(item) >= _LARGEST_INT:
                raise ValueError("a number beyond 64 bits")
        if not below:
            return
        level = below
    raise ValueError("nested too deep")
