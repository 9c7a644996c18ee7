"""Names of temporary files and folders: hidden, and of the machine that made them."""

import hashlib
import platform
import re
import secrets
from functools import cache
from pathlib import Path

__all__ = ["is_ours", "is_temporary", "temporary_path"]

_PREFIX = ".patchflow-"
_NAME = re.compile(r"\.patchflow-(?:(?P<machine>[0-9a-f]{8})-)?[0-9a-f]{16}")  # older versions named no machine


def temporary_path(folder: Path) -> Path:
    """Returns a path in a folder that nobody else uses.

    Beside what it will become, since a file can be renamed only within a disk.
    """
    return folder / f"{_PREFIX}{_machine()}-{secrets.token_hex(8)}"


def is_temporary(name: str) -> bool:
    """Returns whether a file of this name is one of ours that was never finished.

    Example:
        >>> is_temporary(".patchflow-lock"), is_temporary(".patchflow-0123456789abcdef")
        (False, True)
    """
    return _NAME.fullmatch(name) is not None


def is_ours(name: str) -> bool:
    """Returns whether a temporary file is of this machine."""
    found = _NAME.fullmatch(name)
    return found is not None and found["machine"] == _machine()


@cache
def _machine() -> str:
    """Eight hexadecimal digits for the machine's name."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
