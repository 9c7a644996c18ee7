"""Result files: a head that says what was measured, then one line an item."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..old_names import with_new_names, with_new_value
from ..parsing import json_value
from ..storage import make_folder, read_bytes, reason, write_atomically

__all__ = ["FORMAT", "Lines", "open_results", "read_lines"]

FORMAT = "patchflow results 1"


class Lines:
    """The lines of a result file, and a way to add others.

    Lines are added whole; the rest of a line that an interrupted process left is dropped by the next process.

    Args:
        path: The file.
        head: Its first line: what was measured.
        items: The other lines.
    """

    def __init__(self, path: Path, head: dict[str, Any], items: list[dict[str, Any]]) -> None:
        self.path = path
        self.head = head
        self.items = items

    @property
    def done(self) -> set[Any]:
        """The keys of the items that have a line."""
        return {line["item"] for line in self.items}

    def append(self, lines: Sequence[dict[str, Any]]) -> None:
        """Adds lines and waits until they are on the disk.

        Raises:
            StorageError: If the file cannot be written.
        """
        # One write, then a sync: a process that is killed leaves whole lines, and at most one that is cut off.
        block = "".join(_text(line) for line in lines)
        try:
            with self.path.open("ab") as file:
                file.write(block.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {reason(error)}") from error
        self.items.extend(lines)


def open_results(path: str | Path, head: Mapping[str, Any], *, again: bool = False) -> Lines:
    """Opens a result file to continue it, or begins one.

    Args:
        path: The file; its folder is made if it is missing.
        head: What is measured.
        again: Whether to begin anew, whatever is there.

    Returns:
        The lines that are there, without the rest of a line that was cut off.

    Raises:
        StorageError: If the file is damaged, is of something else than `head`, or cannot be written.
    """
    path = Path(path)
    wanted = {"format": FORMAT, **head}
    make_folder(path.parent)
    # A file without a single line end has no whole head: the process was stopped before it measured anything.
    if again or not path.exists() or b"\n" not in read_bytes(path):
        write_atomically(path, _text(wanted).encode())
        return Lines(path, wanted, [])
    found = read_lines(path)
    for key in sorted({*wanted, *found.head}):
        if found.head.get(key) != wanted.get(key):
            there = json.dumps(found.head.get(key))
            here = json.dumps(wanted.get(key))
            raise StorageError(f"{path}: was made with {key}={there}, not {here}. Remove it, or give --again.")
    # Lines are appended, so the rest of a cut line must go first, or the next line would be glued to it.
    whole = read_bytes(path)
    if not whole.endswith(b"\n"):
        write_atomically(path, whole[: whole.rindex(b"\n") + 1])
    return found


def read_lines(path: str | Path) -> Lines:
    """Reads a result file; the rest of a last line that was cut off does not count.

    Raises:
        StorageError: If it is missing, damaged, or no result file.
    """
    path = Path(path)
    whole = read_bytes(path)
    texts = whole.split(b"\n")[:-1]  # after the last line's end there is nothing, or what was cut off
    lines = [_parsed(path, number, text) for number, text in enumerate(texts, 1)]
    if not lines or lines[0].get("format") != FORMAT:
        raise StorageError(f"{path}: not a result file ({FORMAT})")
    for number, line in enumerate(lines[1:], 2):
        if "item" not in line:
            raise StorageError(f"{path}: line {number} is damaged (no item). Remove the file and evaluate again.")
    return Lines(path, _head(lines[0]), lines[1:])


def _parsed(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        line = json_value(text)
    except ValueError:
        line = None
    if not isinstance(line, dict):
        raise StorageError(f"{path}: line {number} is damaged. Remove the file and evaluate again.")
    return line


def _head(line: Mapping[str, Any]) -> dict[str, Any]:
    """The first line under today's names."""
    head = with_new_names("result", line)
    if "kind" in head:
        head["kind"] = with_new_value("kind", head["kind"])
    return head


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, allow_nan=False) + "\n"
