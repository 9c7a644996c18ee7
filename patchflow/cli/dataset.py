"""`patchflow dataset`: makes a data set, examples or a bank from a recipe; verifies or repairs a data set."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Interrupted, OptionError
from ..progress import Progress
from ._console import ProgressBar, note, print_json, say
from ._parse import check_least, key_values, whole

if TYPE_CHECKING:
    from ..data.dataset.executors import Executor

__all__ = ["DatasetOutput", "dataset", "make", "make_bank_file", "make_from_bank", "repair_set", "verify_set"]

_EVERY = 60.0  # seconds between two lines where there is no terminal to draw a bar on

Engage = Callable[[], "Executor"]
"""Starts what renders, e.g. finds a cluster; called once the work is known to be possible."""


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
    from ..data.dataset.executors import executors
    from ..settings import recipe_kind

    with DatasetOutput(as_json=as_json) as output:
        if verify and not repair:
            raise typer.Exit(verify_set(path, output))

        def engage() -> "Executor":
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


class DatasetOutput:
    """Shows how far a data set is and what came of it.

    Args:
        as_json: Whether to print one JSON object and nothing else to stdout.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bar = ProgressBar("reading presets", every=_EVERY)

    def __enter__(self) -> "DatasetOutput":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted("interrupted; what is done is kept, and the same command goes on from there") from error

    def progress(self, state: Progress) -> None:
        """Shows how much is done, how fast, and how long is left."""
        self._bar.show(state)

    def show(self, facts: Mapping[str, Any], line: str) -> None:
        """Prints the facts as JSON, or else a line."""
        self._bar.stop()
        if self._as_json:
            print_json(facts)
        else:
            say(line)

    def note(self, line: str) -> None:
        """Prints a line to stderr."""
        self._bar.stop()
        note(line)


def make(path: Path, out: Path | None, overrides: Sequence[str], engage: Engage, output: DatasetOutput) -> None:
    """Makes what a recipe says; an executor, which may be a cluster, is engaged once that is known to be right.

    Raises:
        OptionError: If there is no folder to write to.
    """
    if out is None:
        raise OptionError("-o FOLDER is missing: where should the data set go?")
    from ..data.dataset import read_dataset_recipe
    from ..data.dataset.make_dataset import make_dataset

    recipe = read_dataset_recipe(path, key_values(overrides))
    with engage() as executor:
        made = make_dataset(recipe, out, executor, output.progress)
    counts = made.counts
    left_out = counts["drawn"] - counts["kept"]
    facts = {"folder": str(made.folder), **counts, "shards": made.shards, "bytes": made.bytes}
    output.show(
        {**facts, "rendered": made.rendered, "seconds": round(made.seconds, 2)},
        f"{made.folder}  {counts['kept']:,} sounds in {counts['families']:,} families, {made.shards:,} files, "
        f"{made.bytes / 1e6:,.1f} MB; {left_out:,} left out",
    )


def repair_set(folder: Path, out: Path | None, overrides: Sequence[str], engage: Engage, output: DatasetOutput) -> None:
    """Makes the damaged shards of a folder again.

    Raises:
        OptionError: If something is given that only a recipe has.
    """
    if out is not None or overrides:
        raise OptionError("--repair takes a finished folder only: no -o and no KEY=VALUE")
    from ..data.dataset.make_dataset import repair_shards

    with engage() as executor:
        mended = repair_shards(folder, executor, output.progress)
    output.show({"folder": str(folder), "repaired": list(mended)}, f"{folder}  files made again: {len(mended)}")


def verify_set(folder: Path, output: DatasetOutput) -> int:
    """Names the damaged files of a folder; returns the exit code."""
    from ..data.dataset.make_dataset import damaged_files

    damaged = damaged_files(folder, output.progress)
    for name, what in damaged.items():
        output.note(f"{folder / name}: {what}" if name not in what else what)
    output.show({"folder": str(folder), "damaged": damaged}, f"{folder}  damaged files: {len(damaged)}")
    return 1 if damaged else 0


def make_from_bank(
    path: Path, out: Path | None, overrides: Sequence[str], output: DatasetOutput, workers: int | None
) -> None:
    """Makes the examples of a recipe.

    Raises:
        OptionError: If there is no folder to write to, or a value is not allowed.
    """
    if out is None:
        raise OptionError("-o FOLDER is missing: where should the examples go?")
    check_least(1, workers=workers)
    from ..data.examples import read_examples_recipe
    from ..data.examples.make_examples import make_examples

    made = make_examples(read_examples_recipe(path, key_values(overrides)), out, output.progress, workers)
    counts = made.counts
    output.show(
        {"folder": str(made.folder), **counts, "rendered": made.rendered, "seconds": round(made.seconds, 2)},
        f"{made.folder}  {counts['items']:,} examples in {counts['families']:,} families; "
        f"{counts['silent']:,} silent ones left out",
    )


def make_bank_file(
    path: Path, out: Path | None, overrides: Sequence[str], output: DatasetOutput, workers: int | None
) -> None:
    """Makes the bank of a recipe.

    Raises:
        OptionError: If there is no file to write to, or a value is not allowed.
    """
    if out is None:
        raise OptionError("-o FILE.npz is missing: where should the bank go?")
    check_least(1, workers=workers)
    from ..data.bank_recipe import bank_of_recipe, read_bank_recipe

    made = bank_of_recipe(read_bank_recipe(path, key_values(overrides)), out, output.progress, workers)
    counts = made.counts
    left_out = ", ".join(f"{counts[what]:,} {what}" for what in ("silent", "rejected") if counts[what])
    output.show(
        {"file": str(made.file), **counts},
        f"{made.file}  {counts['presets']:,} presets in {counts['families']:,} families; {counts['train']:,} to learn "
        f"from, {counts['valid']:,} for validation, {counts['test']:,} for test; left out: {left_out or 'none'}",
    )
