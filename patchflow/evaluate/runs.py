"""Evaluates a training run, or the baselines of a fold, into result files."""

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
from ..metrics import metrics
from ..metrics._metric import units_of
from ..models import Model, default_sizes, load_model, models, read_header
from ..old_names import with_new_names
from ..parsing import damage_named, json_value, read_object
from ..progress import Progress, ProgressCallback, ignore
from ..storage import locked, read_bytes, write_atomically
from .disentanglement import latent_separation, measure_traversal, tag_accuracy
from .predictions import BASELINES, Known, Predictions, capacity, predict, prediction_ms, score_predictions
from .results import open_results
from .testset import TestSet, held_out, out_of_domain, read_recordings, recordings_fingerprint

__all__ = ["RESULTS", "SOUNDS", "SUMMARY", "TAGS", "Run", "evaluate_baselines", "evaluate_run", "read_run"]

_NEEDED = {"data": str, "fold": int, "synth": str, "model": str, "seed": int}


@dataclass(frozen=True)
class Run:
    """A trained model and where it comes from.

    Args:
        folder: Folder of the run.
        recipe: Its settings as resolved.
        model: With its weights, ready for inference.
        weights: Fingerprint of its weights: the first digits of their SHA-256.
        about: What training wrote into the header of the weights: steps, minutes, losses.
        examples: The examples it was trained on.
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
    digest = hashlib.sha256(read_bytes(path)).hexdigest()[:16]
    with damage_named(path, ModelError):
        about = dict(json_value(header.get("about", "{}")))
    # The fingerprint covers the folds too: after a new deal, sounds of the training part may be in the test part.
    if about.get("data", examples.fingerprint) != examples.fingerprint:
        other = f"learned from other examples than those of {data or recipe['data']}, or from other folds of them"
        raise StorageError(f"{path}: {other}, so it may know the test part. Train it again.")
    return Run(folder, recipe, model, digest, about, examples)


def _read_recipe(path: Path) -> dict[str, Any]:
    recipe = with_new_names("recipe", read_object(path))
    for key, kind in _NEEDED.items():
        if not isinstance(recipe.get(key), kind):
            wanted = "a text" if kind is str else "a number"
            raise StorageError(f"{path}: {key}={recipe.get(key)!r}: not {wanted}")
    if not recipe["data"]:
        raise StorageError(f"{path}: was not trained on examples (data is empty), so it has no test set")
    return recipe


def _check_examples(examples: Examples, recipe: dict[str, Any], model: Model, folder: str) -> None:
    if examples.synth != recipe["synth"]:
        raise StorageError(f"{folder}: examples of synth {examples.synth!r}, not of {recipe['synth']!r}")
    if examples.input != model.input:
        raise StorageError(f"{folder}: examples with input {examples.input!r}, not with {model.input!r}")


RESULTS = "results.jsonl"
"""File of the lines of the test part."""

SOUNDS = "sounds.jsonl"
"""File of the lines of out-of-domain sounds."""

SUMMARY = "summary.json"
"""File of costs and counts."""

TAGS = "tags.json"
"""File of the accuracies of the tag classifiers."""

_BASELINE_ROWS = ("oracle", *BASELINES)


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
    """Scores the single best predictions of a trained model; goes on where an interrupted call stopped.

    Args:
        folder: Of a finished run; the results are written beside its weights.
        data: Folder of the examples; the one its recipe names if not given.
        sounds: Folder of out-of-domain sounds to evaluate as well.
        most: The most test sounds to take, the same ones for every model; all if not given.
        device: Where the model runs, `"cpu"` or `"cuda"`.
        workers: Threads that render and measure; all cores if not given.
        again: Whether to begin anew.
        progress: Gets called with how far it is.

    Returns:
        The content of `summary.json`: capacity, training, time of a prediction, items, faults, separation of attributes
        in the latent space, traversals of the macro-controls, units of the metrics.

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
    row = {
        "row": run.recipe["model"],
        "kind": "model",
        "fold": run.recipe["fold"],
        "seed": run.recipe["seed"],
        "weights": run.weights,
        "size": _size(run.model),
        "sizes": run.recipe.get("sizes", {}),
    }
    test_sets = _test_sets(run.examples, most, sounds)
    progress(Progress("timing", 0.0, subject=str(run.folder)))
    model = run.model.to(device)
    costs = {"capacity": capacity(model), "prediction_ms": prediction_ms(model, device), "device": device}
    costs["trained"] = _trained(run)

    def predictions(test_set: TestSet) -> Predictions:
        return predict(model, test_set.mels, test_set.notes, device)

    counts = {}
    for test_set in test_sets:
        counts[test_set.about["part"]] = _score_into(
            run.folder, row, run.examples, test_set, predictions, workers=workers, again=again, progress=progress
        )
    # Both take minutes and depend on the weights alone, so a second call takes them from the first one's summary.
    known = {} if again else _known_summary(run)
    progress(Progress("attributes", 0.0, subject=str(run.folder)))
    separation = known.get("separation") or latent_separation(model, run.examples, device)
    traversal = known.get("traversal") or measure_traversal(model, run.examples, device, workers)
    summary = row | {"synth": run.examples.synth, **costs, **counts, "separation": separation, "traversal": traversal}
    summary["units"] = units_of(metrics)
    write_atomically(run.folder / SUMMARY, json.dumps(summary, indent=1).encode())
    return summary


def evaluate_baselines(
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
    """Scores the baselines that every model has to beat, and classifiers of the examples' tags.

    The oracle plays the true preset once more, so it shows the noise of the synth. The others use the training part
    alone: its mean preset, a random one, and the one whose sound is nearest.

    Args:
        folder: Folder of the examples.
        out: Where a folder is written for each baseline.
        fold: Number of the fold.
        seed: Seed of the random presets.
        sounds: Folder of out-of-domain sounds to evaluate as well; the oracle has no preset for those.
        most: The most test sounds to take, the same ones for every baseline; all if not given.
        workers: Threads that render and measure; all cores if not given.
        again: Whether to begin anew.
        progress: Gets called with how far it is.

    Returns:
        For each baseline the numbers of items and of faults.

    Raises:
        PatchflowError: If the examples or the sounds are missing or damaged, or a file cannot be written.
    """
    examples = Examples(folder, fold)
    out = Path(out)
    known = Known(examples, engines[examples.synth].space, examples.rows("train"), seed)
    summaries: dict[str, Any] = {}
    with locked(out):
        test_sets = _test_sets(examples, most, sounds)
        for name in _BASELINE_ROWS:
            row = {"row": name, "kind": "baseline", "fold": fold, "seed": seed, "weights": "", "size": "", "sizes": {}}
            predictions = _true_presets if name == "oracle" else partial(_baseline_presets, name, known)
            counts = {}
            for test_set in test_sets:
                if name == "oracle" and test_set.about["part"] != "test":
                    continue
                counts[test_set.about["part"]] = _score_into(
                    out / name, row, examples, test_set, predictions, workers=workers, again=again, progress=progress
                )
            summaries[name] = row | {"synth": examples.synth, **counts, "units": units_of(metrics)}
            write_atomically(out / name / SUMMARY, json.dumps(summaries[name], indent=1).encode())
        tags = tag_accuracy(examples) | {"data": examples.fingerprint}
        write_atomically(out / TAGS, json.dumps(tags, indent=1).encode())
    return summaries


def _true_presets(test_set: TestSet) -> Predictions:
    points = [item.point for item in test_set.items if item.point is not None]
    return Predictions(np.stack(points), np.array([item.key for item in test_set.items]))


def _baseline_presets(name: str, known: Known, test_set: TestSet) -> Predictions:
    return BASELINES[name](known, test_set.mels)


def _score_into(
    folder: Path, row: dict[str, Any], examples: Examples, test_set: TestSet,
    predictions: Callable[[TestSet], Predictions], *, workers: int | None, again: bool, progress: ProgressCallback,
) -> dict[str, int]:  # fmt: skip
    """Scores the predictions for a test set into a result file of a folder; returns its numbers of items and faults."""
    make = engines[examples.synth]
    name = RESULTS if test_set.about["part"] == "test" else SOUNDS
    about = {"synth": examples.synth, "parameters": len(make.space), "data": examples.fingerprint}
    lines = open_results(folder / name, row | about | test_set.about, again=again)
    if len(lines.items) < len(test_set.items):
        score_predictions(lines, test_set.items, predictions(test_set), make, workers=workers, progress=progress)
    return {"items": len(lines.items), "faults": sum(bool(line["fault"]) for line in lines.items)}


def _test_sets(examples: Examples, most: int | None, sounds: str | Path | None) -> list[TestSet]:
    """The test part, and out-of-domain sounds if a folder is given; all is read before anything is scored."""
    test_sets = [held_out(examples, most)]
    if sounds is not None:
        recordings = read_recordings(sounds)
        engine = engines[examples.synth]()
        test_sets.append(out_of_domain(examples, recordings, engine, recordings_fingerprint(recordings)))
    return test_sets


def _trained(run: Run) -> dict[str, float]:
    """How long it was trained: steps, minutes, and epochs where the batch size is known."""
    trained = {key: run.about[key] for key in ("steps", "minutes") if key in run.about}
    if "steps" in trained and run.recipe.get("batch"):
        trained["epochs"] = round(trained["steps"] * run.recipe["batch"] / len(run.examples.rows("train")), 1)
    return trained


def _known_summary(run: Run) -> dict[str, Any]:
    """What an earlier evaluation of the same weights found; nothing if there was none."""
    try:
        summary = with_new_names("summary", read_object(run.folder / SUMMARY))
        return summary if summary["weights"] == run.weights else {}
    except (StorageError, KeyError, TypeError):
        return {}


def _size(model: Model) -> str:
    """`"small"` where a size is below the default, which is the paper's."""
    defaults = default_sizes(type(model))
    for key, value in model.config().items():
        default = defaults.get(key)
        if isinstance(value, int) and isinstance(default, int) and value < default:
            return "small"
    return "paper"
