"""`patchflow evaluate`: measures trained models, and the baselines they have to beat."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..storage import json_text
from ._parse import whole

__all__ = ["evaluate"]

_PARTS = {"test": "test sounds", "sounds": "out-of-domain sounds"}


def evaluate(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN", help="Folders that `patchflow train` wrote.")
    ] = None,
    *,
    sounds: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Recordings to evaluate as well (sounds that are not of this synth), each on its own note.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="EXAMPLES", help="The folder of the examples, if it is not where the recipe of the run says."
        ),
    ] = None,
    baselines: Annotated[
        Path | None,
        typer.Option(
            metavar="EXAMPLES",
            help="Evaluate what needs no model (oracle, nearest, mean, random) on these examples, instead of runs.",
        ),
    ] = None,
    fold: Annotated[
        int, typer.Option(metavar="K", parser=whole, help="With --baselines: which fold of the examples, from 0.")
    ] = 0,
    seed: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="With --baselines: seed of the random baseline.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="With --baselines: where to write.")
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(metavar="N", parser=whole, help="Use at most N test sounds.  [default: all]"),
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="Where models run: cpu or cuda.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="Threads that render.  [default: all cores]")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Discard results that exist and start again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per run or baseline.")] = False,
) -> None:
    """Measure how near the predictions of trained models come to sounds that they never learned from.

    The sounds are the test part of the examples of each run; each gets one prediction, without a search. Each run
    gets results.jsonl, a line a sound, and summary.json; `patchflow tables` makes tables of them.
    An interrupted call goes on where it stopped.

    \b
    Example: patchflow evaluate runs/vae --sounds recordings
    Example: patchflow evaluate --baselines cache/examples/dexed-16 --fold 0 -o runs/beside-0
    """
    from ..evaluate import evaluate_baselines, evaluate_run
    from ._console import ProgressBar, say
    from ._parse import check_device, check_least

    if bool(runs) == (baselines is not None):
        raise typer.BadParameter("give run folders or --baselines, and not both")
    if (out is None) != (baselines is None):
        raise typer.BadParameter("--out goes with --baselines, and --baselines needs it")
    check_device(device)
    check_least(1, most=most, workers=workers)
    check_least(0, fold=fold, seed=seed)
    shared: dict[str, Any] = {"sounds": sounds, "most": most, "workers": workers, "again": again}
    with ProgressBar("loading", every=60.0) as bar:
        if baselines is not None and out is not None:
            rows = evaluate_baselines(baselines, out, fold=fold, seed=seed, progress=bar.show, **shared)
            done = {str(out / name): row for name, row in rows.items()}
        else:
            done = {}
            for run in runs or []:
                done[str(run)] = evaluate_run(run, data=data, device=device, progress=bar.show, **shared)
    for folder, summary in done.items():
        say(_line(folder, summary, as_json=as_json))


def _line(folder: str, summary: Mapping[str, Any], *, as_json: bool) -> str:
    if as_json:
        return json_text({"folder": folder, **summary})
    counts = []
    faults = 0
    for part, name in _PARTS.items():
        if part in summary:
            counts.append(f"{summary[part]['items']:,} {name}")
            faults += summary[part]["faults"]
    evaluated = " and ".join(counts) or "nothing to evaluate"
    return f"{folder}: {summary['row']}, {evaluated}, {faults} faults"
