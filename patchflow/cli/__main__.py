"""Where the command line begins, before anything heavy is imported."""

import atexit
import gc
import sys
from collections.abc import Sequence

__all__ = ["run"]


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line, see `main.run`."""
    # At its end Python looks through all that is alive for what could go. With torch that takes a second, and the
    # system frees all of it anyway.
    atexit.register(gc.freeze)
    # Importing the commands takes a moment. Ctrl-C in that moment, too, ends in one line and not in a traceback.
    try:
        from .main import run as run_main
    except KeyboardInterrupt:
        sys.stderr.write("patchflow: interrupted\n")
        return 130
    return run_main(arguments)
