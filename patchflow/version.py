"""The version of the installed package, and the commit of the code that runs.

The version is for users, in `patchflow --version` and the numbers of a match; the commit is for whoever must be able to
repeat a training. Neither is known in every case, so both have something to fall back on.
"""

import subprocess
from importlib import metadata
from pathlib import Path

__all__ = ["commit", "version"]

_ROOT = Path(__file__).parents[1]  # the folder that holds `patchflow/`; a checkout has its `.git` there


def version() -> str:
    """Returns the version, e.g. `"0.1.0"`, or `"unknown"` in a checkout that is not installed."""
    try:
        return metadata.version("patchflow")
    except metadata.PackageNotFoundError:
        return "unknown"


def commit() -> str:
    """Returns what tells exactly which code runs, to be kept beside every result.

    Git is asked only if `patchflow/` lies in a checkout of its own: an installed package may lie inside somebody
    else's, e.g. in the virtual environment of another project, and that commit would say nothing.

    Returns:
        The commit, 40 hexadecimal digits, with `-dirty` if tracked files were changed; outside a checkout, or without
        git, the version.
    """
    if not (_ROOT / ".git").exists():
        return version()
    # `--exclude=*` hides tags: the answer is a commit, never "v0.1.0-3-gabcdef"
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return version()  # no git here, or git does not trust a checkout that belongs to another user
    return answer.stdout.strip()
