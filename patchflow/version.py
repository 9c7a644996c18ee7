"""The version of the installed package, and the commit of the code."""

import subprocess
from importlib import metadata
from pathlib import Path

__all__ = ["commit", "version"]


def version() -> str:
    """Returns the version, e.g. `"0.1.0"`, or `"unknown"` in a checkout that is not installed."""
    try:
        return metadata.version("patchflow")
    except metadata.PackageNotFoundError:
        return "unknown"


def commit() -> str:
    """Returns the commit of the checkout this runs from, with `-dirty` if files were changed, else the version."""
    root = Path(__file__).parents[1]
    if (root / ".git").exists():
        try:
            words = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
            return subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass  # no git here, or a checkout of someone else's
    try:
        return metadata.version("patchflow")
    except metadata.PackageNotFoundError:
        return "unknown"
