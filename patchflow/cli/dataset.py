"""`patchflow dataset`: makes a data set, examples or a bank from a recipe; verifies or repairs a data set."""

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
        Path | None, typer.Option("--out", "-o", metavar="PATH", help="Folder to write to; of a bank the .npz file.")
    ] = None,
    executor: Annotated[
        str, typer.Option(metavar="NAME", help="What renders a data set: local (this machine) or ray (a cluster).")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="With --executor ray: the cluster to use; auto finds one.  [default: this machine's cores]",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole, help="How many sounds are rendered at a time.  [default: all cores]"),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Name the damaged files of a finished folder.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make the damaged files of a finished folder again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but one JSON object.")] = False,
) -> None:
    """Make a data set, or what training needs, as RECIPE says.

    The key `kind` of the recipe says what is made:

    \b
    * dataset: sounds, presets and notes, in Parquet files
    * examples: what models of one note learn from, made from a bank
    * bank: one .npz file of presets, made from files of yours

    If it is interrupted, run the same command again to continue: a finished folder is the same to the byte.

    \b
    Example: patchflow dataset recipes/banks/dexed.toml -o cache/dx7-bank.npz presets=voices
    Example: patchflow dataset recipes/datasets/dexed.toml -o sounds items=2000
    Example: patchflow dataset recipes/datasets/dexed.toml -o sounds --executor ray --address auto
    Example: patchflow dataset sounds --verify
    Example: patchflow dataset recipes/examples/dexed-16.toml -o cache/examples/dexed-16
    """
    from ..data.dataset.executors import Executor, executors
    from ..errors import OptionError
    from ..settings import recipe_kind
    from ._dataset_work import DatasetOutput, make, make_bank_file, make_from_bank, repair_set, verify_set

    with DatasetOutput(as_json=as_json) as output:
        if verify and not repair:
            raise typer.Exit(verify_set(path, output))

        def engage() -> Executor:
            return executors[executor](workers, address)

        if repair:
            repair_set(path, out, overrides or [], engage, output)
            return
        kind = recipe_kind(path)
        if kind == "dataset":
            make(path, out, overrides or [], engage, output)
            return
        if (executor, address) != ("local", None):
            raise OptionError(f"--executor and --address: a recipe of kind {kind!r} is made on this machine")
        work = make_from_bank if kind == "examples" else make_bank_file
        work(path, out, overrides or [], output, workers)
