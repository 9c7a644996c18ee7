"""The command line: one subcommand, one file."""

import sys
from collections.abc import Sequence

__all__ = ["run"]


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line, see `main.run`; Ctrl-C ends it in one line from the first moment on."""
    try:
        from .main import run as run_main
    except KeyboardInterrupt:
        sys.stderr.write("patchflow: interrupted\n")
        return 130
    return run_main(arguments)
