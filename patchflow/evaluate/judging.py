"""Judges a training run, or the trivial rows beside it: test part and foreign sounds into files of results."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..data.examples import Examples
from ..engines import engines
from ..models import Model, default_sizes
from ..progress import Progress, ProgressCallback, ignore
from ..storage import locked, write_atomically
from .guesses import TRIVIAL, Guesses, Known, one_shot
from .latents import latent_separation
from .lines import Lines, begin
from .material import Material, foreign, held_out
from .measure import measure
from .run import Run, read_run
from .semantics import tag_accuracy
from .sounds import read_recordings, recordings_print
from .speed import capacity, one_shot_ms
from .turning import turned_words

__all__ = ["RESULTS", "SOUNDS", "SUMMARY", "TAGS", "evaluate_run", "evaluate_trivial"]

RESULTS = "results.jsonl"
"""File of the lines of the test part."""

SOUNDS = "sounds.jsonl"
"""File of the lines of foreign sounds."""

SUMMARY = "summary.json"
"""File of costs and counts."""

TAGS = "tags.json"
"""File of what tag classifiers reached."""

_ROWS_BESIDE = ("oracle", *TRIVIAL)


def evaluate_run(
    folder: str | Path,
    *,
    data: str | Path | None = None,
    sounds: str | Path | None = None,
    most: int | None = None,
    device: str = "cpu",
    workers: int | None = None,
    again: bool = False,
    progress: ProgressCallback = ignore,
) -> dict[str, Any]:
    """Measures the single best guesses of a trained model; goes on where an interrupted call stopped.

    Args:
        folder: Of a finished run; the results are written beside its weights.
        data: Folder of the examples; the one its recipe names if not given.
        sounds: Folder of foreign sounds to judge as well.
        most: Take no more test sounds than so many, the same for every model; all if not given.
        device: Where the model runs, `"cpu"` or `"cuda"`.
        workers: Threads that render and measure; all cores if not given.
        again: Whether to begin anew.
        progress: Told how far it is.

    Returns:
        What `summary.json` says: capacity, training, time of a guess, items, faults, latent separation, what
        macro-controls do.

    Raises:
        PatchflowError: If the run, the examples or the sounds are missing, damaged, or do not belong together.
    """
    run = read_run(folder, data)
    with locked(run.folder):
        return _evaluate_run(run, sounds, most, device, workers, again=again, progress=progress)


def _evaluate_run(
    run: Run, sounds: str | Path | None, most: int | None, device: str, workers: int | None,
    *, again: bool, progress: ProgressCallback,
) -> dict[str, Any]:  # fmt: skip
    fold, seed = run.recipe["fold"], run.recipe["seed"]
    row = {"row": run.recipe["model"], "kind": "model", "fold": fold, "seed": seed, "weights": run.weights,
           "size": _size(run.model), "sizes": run.recipe.get("sizes", {})}  # fmt: skip
    materials = _materials(run.examples, most, sounds)
    progress(Progress("timing", 0.0, subject=str(run.folder)))
    model = run.model.to(device)
    costs = {"capacity": capacity(model), "one_shot_ms": one_shot_ms(model, device), "device": device}
    costs["trained"] = _trained(run)

    def guess(material: Material) -> Guesses:
        return one_shot(model, material.mels, material.notes, device)

    judged = partial(_judge, run.examples, run.folder, row, workers=workers, again=again, progress=progress)
    counts = {material.about["part"]: judged(material, guess) for material in materials}
    known = {} if again else _known_summary(run)
    progress(Progress("words", 0.0, subject=str(run.folder)))
    separation = known.get("separation") or latent_separation(model, run.examples, device)
    turning = known.get("turning") or turned_words(model, run.examples, device, workers)
    summary = row | {"synth": run.examples.synth, **costs, **counts, "separation": separation, "turning": turning}
    write_atomically(run.folder / SUMMARY, json.dumps(summary, indent=1).encode())
    return summary


def evaluate_trivial(
    folder: str | Path,
    out: str | Path,
    *,
    fold: int = 0,
    seed: int = 0,
    sounds: str | Path | None = None,
    most: int | None = None,
    workers: int | None = None,
    again: bool = False,
    progress: ProgressCallback = ignore,
) -> dict[str, Any]:
    """Measures what every model has to beat, and what the tags of the examples can be told from.

    The oracle plays the true preset once more, so it shows the noise of the synth; the others know the training part
    alone: its mean preset, a random one, and the one whose sound is nearest.

    Args:
        folder: Of the examples.
        out: Where a folder is written for each row.
        fold: Number of the fold.
        seed: Of the random presets.
        sounds: Folder of foreign sounds to judge as well; the oracle has no preset for those.
        most: Take no more test sounds than so many, the same for every row; all if not given.
        workers: Threads that render and measure; all cores if not given.
        again: Whether to begin anew.
        progress: Told how far it is.

    Returns:
        For each row the numbers of items and of faults.

    Raises:
        PatchflowError: If the examples or the sounds are missing or damaged, or a file cannot be written.
    """
    examples, out = Examples(folder, fold), Path(out)
    known = Known(examples, engines[examples.synth].space, examples.rows("train"), seed)
    summaries: dict[str, Any] = {}
    with locked(out):
        materials = _materials(examples, most, sounds)
        for name in _ROWS_BESIDE:
            row = {"row": name, "kind": "trivial", "fold": fold, "seed": seed, "weights": "", "size": "", "sizes": {}}
            judged = partial(_judge, examples, out / name, row, workers=workers, again=again, progress=progress)
            counts = {}
            for material in materials:
                if name != "oracle":
                    trivial = TRIVIAL[name]
                    counts[material.about["part"]] = judged(
                        material, lambda found, trivial=trivial: trivial(known, found.mels)
                    )
                elif material.about["part"] == "test":
                    counts["test"] = judged(material, _true)
            summaries[name] = row | {"synth": examples.synth, **counts}
            write_atomically(out / name / SUMMARY, json.dumps(summaries[name], indent=1).encode())
        tags = tag_accuracy(examples) | {"data": examples.fingerprint}
        write_atomically(out / TAGS, json.dumps(tags, indent=1).encode())
    return summaries


def _judge(
    examples: Examples, folder: Path, row: dict[str, Any], material: Material, guess: Callable[[Material], Guesses],
    *, workers: int | None, again: bool, progress: ProgressCallback,
) -> dict[str, int]:  # fmt: skip
    make = engines[examples.synth]
    about = {"synth": examples.synth, "parameters": len(make.space), "data": examples.fingerprint}
    name = RESULTS if material.about["part"] == "test" else SOUNDS
    lines: Lines = begin(folder / name, row | about | material.about, again=again)
    if len(lines.items) < len(material.items):
        measure(lines, material.items, guess(material), make, workers=workers, progress=progress)
    return {"items": len(lines.items), "faults": sum(bool(line["fault"]) for line in lines.items)}


def _materials(examples: Examples, most: int | None, sounds: str | Path | None) -> list[Material]:
    """The test part, and foreign sounds if there are any; all is read before anything is judged."""
    materials = [held_out(examples, most)]
    if sounds is not None:
        recordings = read_recordings(sounds)
        engine = engines[examples.synth]()
        materials.append(foreign(examples, recordings, engine, recordings_print(recordings)))
    return materials


def _trained(run: Run) -> dict[str, float]:
    """How long it was trained."""
    trained = {key: run.about[key] for key in ("steps", "minutes") if key in run.about}
    if "steps" in trained and run.recipe.get("batch"):
        trained["epochs"] = round(trained["steps"] * run.recipe["batch"] / len(run.examples.rows("train")), 1)
    return trained


def _known_summary(run: Run) -> dict[str, Any]:
    """What an earlier evaluation of the same weights found; nothing if there was none."""
    try:
        summary = json.loads((run.folder / SUMMARY).read_text())
        return summary if summary["weights"] == run.weights else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _true(material: Material) -> Guesses:
    points = [item.point for item in material.items if item.point is not None]
    return Guesses(np.stack(points), np.array([item.key for item in material.items]))


def _size(model: Model) -> str:
    """`"small"` where a size is below the default, which is the paper's."""
    defaults = default_sizes(type(model))
    for key, value in model.config().items():
        default = defaults.get(key)
        if isinstance(value, int) and isinstance(default, int) and value < default:
            return "small"
    return "paper"
