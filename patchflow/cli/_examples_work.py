"""What `patchflow dataset` does with a recipe of examples."""

from collections.abc import Sequence
from pathlib import Path

from ..data.examples import read_examples_recipe
from ..data.examples.make import make_examples
from ..errors import OptionError
from ._dataset_output import DatasetOutput
from ._parse import key_values

__all__ = ["make_them"]


def make_them(
    path: Path, out: Path | None, overrides: Sequence[str], output: DatasetOutput, workers: int | None
) -> None:
    """Makes the examples of a recipe.

    Raises:
        OptionError: If there is no folder to write to, or a value is not allowed.
    """
    if out is None:
        raise OptionError("-o FOLDER is missing: where should the examples go?")
    if workers is not None and workers < 1:
        raise OptionError(f"workers={workers}: not at least 1")
    made = make_examples(read_examples_recipe(path, key_values(overrides)), out, output.progress, workers)
    counts = made.counts
    output.show(
        {"folder": str(made.folder), **counts, "rendered": made.rendered, "seconds": round(made.seconds, 2)},
        f"{made.folder}  {counts['items']:,} examples in {counts['families']:,} families; "
        f"{counts['silent']:,} silent ones left out",
    )
