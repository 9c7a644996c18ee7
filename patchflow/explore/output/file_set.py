"""Writes all files of one call, with the file of numbers that describes them; what an earlier call left goes."""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ...errors import StorageError
from ...parsing import read_object
from ...storage import json_text, locked, writable_folder, write_together

__all__ = ["write_set"]

_LARGEST = 2**26  # bytes of a file of numbers


def write_set(
    folder: Path,
    files: Mapping[str, bytes],
    numbers: str,
    content: Mapping[str, Any],
    *,
    exact: bool = False,
    kept: Collection[str] = (),
) -> dict[str, Any]:
    """Writes files and the numbers that describe them: all of them or, whatever happens, none.

    Calls of the same name write the same file of numbers, and it holds a checksum of every other file. So what an
    earlier call wrote and this one does not, such as a fifth child where there are four now, goes: it would look like a
    part of this one. What anybody has changed since stays, and so does everything that no numbers name.

    Args:
        folder: Where to write; made if it is not there.
        files: The content of each file by its name, but for the numbers.
        numbers: Name of the file of numbers.
        content: What it holds; its `format` says of which command, and `files` is added.
        exact: Whether all numbers keep all digits, see `json_text`.
        kept: Names of files of earlier calls that never go, such as what was recorded.

    Returns:
        What the file of numbers holds.

    Raises:
        StorageError: If a file cannot be written; then what was there before still is.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     folder = Path(name)
        ...     _ = write_set(folder, {"a-1.syx": b"one", "a-2.syx": b"two"}, "a.json", {"format": "children"})
        ...     _ = write_set(folder, {"a-1.syx": b"three"}, "a.json", {"format": "children"})
        ...     sorted(path.name for path in folder.glob("a*"))
        ['a-1.syx', 'a.json']
    """
    whole = {**content, "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    text = json.dumps(whole, indent=1, allow_nan=False) if exact else json_text(whole, indent=1, ascii_only=True)
    with writable_folder(folder), locked(folder):
        gone = [name for name in _earlier(folder, numbers, str(content["format"])) if name not in kept]
        write_together(folder, {**files, numbers: f"{text}\n".encode()}, gone=gone)
    return whole


def _earlier(folder: Path, numbers: str, kind: str) -> list[str]:
    """Files that an earlier call wrote, as its numbers say, unless somebody has changed them."""
    try:
        content = read_object(folder / numbers, _LARGEST)
        if content.get("format") != kind:
            return []
        checksums = {str(name): str(digest) for name, digest in content["files"].items()}
    except (StorageError, AttributeError, KeyError):
        return []
    # Numbers may come from anybody: none name a file of another folder.
    return [name for name, digest in checksums.items() if Path(name).name == name and _holds(folder / name, digest)]


def _holds(path: Path, digest: str) -> bool:
    """Whether a file has a checksum; what is no file, or cannot be read, has none."""
    if not path.is_file() or path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
