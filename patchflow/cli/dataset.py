"""`patchflow dataset`: makes a data set from a recipe, verifies or repairs one."""

from pathlib import Path
from typing import Annotated

import typer

from ._parse import whole

__all__ = ["dataset"]


def dataset(
    path: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="A .toml file; with --verify or --repair a finished folder.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Values that replace those of the recipe.")
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write; made if it is not there.")
    ] = None,
    executor: Annotated[
        str, typer.Option(metavar="NAME", help="Where to render; see `patchflow list executors`.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Ray cluster to use; auto finds one.  [default: this machine's cores]"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="Parallel workers.  [default: all cores]")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Name the damaged files of a finished folder.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Make the damaged shards of it again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but one JSON object.")] = False,
) -> None:
    """Make a data set of sounds, presets and notes as RECIPE says.

    It is a folder of Parquet files that the Hugging Face `datasets` package reads.
    A recipe that names a bank makes examples: what models of one note learn from and are tested on.
    If it is interrupted, run the same command again to continue: the finished folder is the same to the byte.

    \b
    Example: patchflow dataset recipes/datasets/dexed.toml -o sounds items=2000
    Example: patchflow dataset recipes/datasets/dexed.toml -o sounds --executor ray --address auto
    Example: patchflow dataset sounds --verify
    Example: patchflow dataset recipes/examples/dexed-16.toml -o cache/examples/dexed-16
    """
    from ..data.dataset.executors import Executor, executors
    from ..data.examples import is_examples_recipe
    from ..errors import OptionError
    from ._dataset_output import DatasetOutput
    from ._dataset_work import make, repair_set, verify_set

    with DatasetOutput(as_json=as_json) as output:
        if verify and not repair:
            raise typer.Exit(verify_set(path, output))
        if not repair and is_examples_recipe(path):
            from ._dataset_work import make_from_bank

            if (executor, address) != ("local", None):
                raise OptionError("--executor and --address: examples are made on this machine")
            make_from_bank(path, out, overrides or [], output, workers)
            return

        def engage() -> Executor:
            return executors[executor](workers, address)

        work = repair_set if repair else make
        work(path, out, overrides or [], engage, output)
