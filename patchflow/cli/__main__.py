"""Where the command line begins: before anything heavy is imported, so that Ctrl-C always ends it in one line."""

import sys
from collections.abc import Sequence

__all__ = ["run"]


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line, see `main.run`."""
    try:
        from .main import run as run_main
    except KeyboardInterrupt:
        sys.stderr.write("patchflow: interrupted\n")
        return 130
    return run_main(arguments)
