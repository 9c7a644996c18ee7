"""A result file: one line that says what was measured, then one line an item; it may be cut off and gone on with."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..storage import make_folder, reason, write_atomically

__all__ = ["FORMAT", "Lines", "begin", "read_lines"]

FORMAT = "patchflow results 1"


class Lines:
    """The lines of a result file that are known, and a way to add others.

    Lines are added whole; what an interrupted process left of its last one is dropped by the next.

    Args:
        path: The file.
        head: Its first line: what was measured.
        items: The other lines.
    """

    def __init__(self, path: Path, head: dict[str, Any], items: list[dict[str, Any]]) -> None:
        self.path, self.head, self.items = path, head, items

    @property
    def done(self) -> set[Any]:
        """The items that are there."""
        return {line["item"] for line in self.items}

    def append(self, lines: Sequence[dict[str, Any]]) -> None:
        """Adds lines and waits until they are on the disk.

        Raises:
            StorageError: If the file cannot be written.
        """
        block = "".join(_text(line) for line in lines)
        try:
            with self.path.open("ab") as file:
                file.write(block.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {reason(error)}") from error
        self.items.extend(lines)


def begin(path: str | Path, head: Mapping[str, Any], *, again: bool = False) -> Lines:
    """Opens a result file to go on with, or begins one.

    Args:
        path: The file; its folder is made if it is missing.
        head: What is measured.
        again: Whether to begin anew, whatever is there.

    Returns:
        What is there, without what is left of a line that was cut off.

    Raises:
        StorageError: If the file is damaged, is of something else than `head`, or cannot be written.
    """
    path, wanted = Path(path), {"format": FORMAT, **head}
    make_folder(path.parent)
    if again or not path.exists() or not path.read_bytes().partition(b"\n")[1]:
        write_atomically(path, _text(wanted).encode())
        return Lines(path, wanted, [])
    found = read_lines(path)
    for key in sorted({*wanted, *found.head}):
        if found.head.get(key) != wanted.get(key):
            there, here = (json.dumps(head.get(key)) for head in (found.head, wanted))
            raise StorageError(f"{path}: was made with {key}={there}, not {here}. Remove it, or give --again.")
    whole = path.read_bytes()
    if not whole.endswith(b"\n"):
        write_atomically(path, whole[: whole.rindex(b"\n") + 1])
    return found


def read_lines(path: str | Path) -> Lines:
    """Reads a result file; what is left of a last line that was cut off is no line.

    Raises:
        StorageError: If it is missing, damaged, or no result file.
    """
    path = Path(path)
    try:
        whole = path.read_bytes()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {reason(error)}") from error
    texts = whole.split(b"\n")[:-1]  # after the last line's end there is nothing, or what was cut off
    lines = [_parsed(path, number, text) for number, text in enumerate(texts, 1)]
    if not lines or lines[0].get("format") != FORMAT:
        raise StorageError(f"{path}: not a result file ({FORMAT})")
    for number, line in enumerate(lines[1:], 2):
        if "item" not in line:
            raise StorageError(f"{path}: line {number} is damaged (no item). Remove the file and evaluate again.")
    return Lines(path, lines[0], lines[1:])


def _parsed(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise StorageError(f"{path}: line {number} is damaged. Remove the file and evaluate again.")
    return line


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, allow_nan=False) + "\n"
