"""Makes a data set and kills itself, as `kill -9` does, just before it renames its Nth file."""

import os
import signal
import sys
from pathlib import Path

from patchflow.data.dataset import read_dataset_recipe
from patchflow.data.dataset.executors import executors
from patchflow.data.dataset.make_dataset import make_dataset

__all__ = ["main"]


def main(recipe: str, folder: str, renames: str) -> None:
    """Renames all files but the last."""
    rename, left = Path.replace, iter(range(int(renames) - 1))

    def replace(self: Path, target: Path) -> Path:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.replace = replace  # type: ignore[method-assign]
    with executors["local"](2) as executor:
        make_dataset(read_dataset_recipe(recipe), folder, executor)


if __name__ == "__main__":
    main(*sys.argv[1:])
