"""A training run that is to be judged: its recipe, its weights and the examples it learned from."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.examples import Examples
from ..engines import engines
from ..errors import ModelError, StorageError
from ..models import Model, load_model, models, read_header
from ..storage import read_object

__all__ = ["Run", "read_run"]

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
