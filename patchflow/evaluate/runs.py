"""Evaluates a training run, or the baselines beside it: test part and out-of-domain sounds into result files."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..data.examples import Examples
from ..engines import engines
from ..errors import ModelError, StorageError
from ..models import Model, default_sizes, load_model, models, read_header
from ..progress import Progress, ProgressCallback, ignore
from ..storage import locked, read_object, write_atomically
from .disentanglement import latent_separation, tag_accuracy
from .predict import TRIVIAL, Guesses, Known, capacity, one_shot, one_shot_ms
from .results import Lines, begin
from .score import measure
from .testset import Material, foreign, held_out, read_recordings, recordings_print
from .traversal import turned_words

__all__ = ["RESULTS", "SOUNDS", "SUMMARY", "TAGS", "Run", "evaluate_run", "evaluate_trivial", "read_run"]

_NEEDED = {"data": str, "fold": int, "synth": str, "model": str, "seed": int}


@dataclass(frozen=True)
class Run:
    """A model and where it comes from.

    Args:
        folder: Of the run.
        recipe: Its settings as resolved.
        model: With its weights, ready for inference.
        weights: What tells its weights from others: the first digits of their SHA-256.
        about: What training wrote beside the weights: steps, minutes, losses.
        examples: What it learned from.
    """

    folder: Path
    recipe: dict[str, Any]
    model: Model
    weights: str
    about: dict[str, Any]
    examples: Examples


def read_run(folder: str | Path, data: str | Path | None = None) -> Run:
    """Reads the folder of a finished run.

    Args:
        folder: What `patchflow train` wrote.
        data: Folder of the examples; the one its recipe names if not given.

    Raises:
        OptionError: If the examples have no such fold.
        StorageError: If the recipe or the examples are missing, damaged, or do not belong together.
        ModelError: If the weights are missing, damaged, or of another synth or model.
        UnknownName: If the synth is not there.
    """
    folder = Path(folder)
    recipe = _read_recipe(folder / "recipe.json")
    path = folder / f"{recipe['synth']}.safetensors"
    if not path.exists():
        raise ModelError(f"{folder}: has no weights ({path.name}). Train it to its end: patchflow train RECIPE")
    model = load_model(path, engines[recipe["synth"]].space, models)
    header = read_header(path)
    if header["model"] != recipe["model"]:
        raise ModelError(f"{path}: is a {header['model']}, not the {recipe['model']} of recipe.json")
    examples = Examples(data or recipe["data"], recipe["fold"])
    _check_examples(examples, recipe, model, str(data or recipe["data"]))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    about = json.loads(header.get("about", "{}"))
    if about.get("data", examples.fingerprint) != examples.fingerprint:
        other = f"learned from other examples than those of {data or recipe['data']}, or from other folds of them"
        raise StorageError(f"{path}: {other}, so it may know the test part. Train it again.")
    return Run(folder, recipe, model, digest, about, examples)


def _read_recipe(path: Path) -> dict[str, Any]:
    recipe = read_object(path)
    for key, kind in _NEEDED.items():
        if not isinstance(recipe.get(key), kind):
            raise StorageError(f"{path}: {key}={recipe.get(key)!r}: not {'a text' if kind is str else 'a number'}")
    if not recipe["data"]:
        raise StorageError(f"{path}: was not trained on examples (data is empty), so it has no test set")
    return recipe


def _check_examples(examples: Examples, recipe: dict[str, Any], model: Model, folder: str) -> None:
    if examples.synth != recipe["synth"]:
        raise StorageError(f"{folder}: examples of synth {examples.synth!r}, not of {recipe['synth']!r}")
    if examples.hears != model.hears:
        raise StorageError(f"{folder}: examples as {examples.hears!r} hears them, not as {model.hears!r} does")


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
