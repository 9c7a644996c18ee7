"""What the operating system is asked: why it refused something, and for names that nobody else uses."""

import hashlib
import platform
import re
import secrets
from functools import cache
from pathlib import Path

__all__ = ["first_sentence", "is_ours", "is_temporary", "reason", "temporary_path"]

_PREFIX = ".patchflow-"
_NAME = re.compile(r"\.patchflow-(?:(?P<machine>[0-9a-f]{8})-)?[0-9a-f]{16}")  # older versions named no machine


def reason(error: OSError) -> str:
    """Returns the operating system's reason in lower case, e.g. `"no space left on device"`."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def first_sentence(error: Exception) -> str:
    """Returns the first sentence of what an error says, without its full stop; its type if it says nothing."""
    text = reason(error) if isinstance(error, OSError) else str(error).strip()
    text = text or type(error).__name__
    return text.partition("\n")[0].partition(". ")[0].rstrip(".")


def temporary_path(folder: Path) -> Path:
    """Returns a hidden path in a folder that nobody else uses; its name says which machine made it.

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
