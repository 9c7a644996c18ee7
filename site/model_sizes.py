"""How large each model is, by making it as its recipe says, and what is written in the weights that are shipped."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snippets import SYNTHS, table

from patchflow.engines import engines
from patchflow.models import default_sizes, models
from patchflow.train.recipe import read_layers

__all__ = ["cards", "recipe_table", "settings_table", "shipped_words", "weights_table"]

_SYNTH = "dexed"


def recipe_table(recipes: Path) -> str:
    """Returns the number of weights and the sizes of every row of the paper's tables.

    Args:
        recipes: A folder of recipes, such as `recipes/paper`.
    """
    space = engines[_SYNTH].space
    rows = []
    for path in sorted(recipes.glob("*.toml")):
        recipe = read_layers(path)
        if "model" in recipe:
            kind = models[recipe["model"]]
            sizes = dict(recipe.get("sizes", {}))
            count = sum(weight.numel() for weight in kind(space, **sizes).parameters())
            whole = {**default_sizes(kind), **sizes}
            words = ", ".join(f"{key} {value}" for key, value in whole.items() if value not in (0, ""))
            rows.append((path.stem, recipe["model"], f"{count / 1e6:.2f} million", words))
    caption = f"Models of {recipes.parent.name}/{recipes.name} for the {len(space)} parameters of {_SYNTH}"
    return table(("Recipe", "Model", "Weights", "Sizes"), rows, caption)


def settings_table(recipe: Path) -> str:
    """Returns how the models of a folder of recipes are trained.

    Args:
        recipe: The one that the others are laid over.
    """
    values = read_layers(recipe)
    rows = [(key, str(value)) for key, value in values.items() if not isinstance(value, Mapping)]
    return table(("Setting", "Value"), rows, f"Training, {recipe.parent.name}/{recipe.name}")


def weights_table(folder: Path) -> str:
    """Returns what the weights in a folder are of, and how many, as their headers say."""
    rows = []
    for path in sorted(folder.glob("*.safetensors")):
        header = _header(path)
        about = header.pop("__metadata__", {})
        count = 0
        for tensor in header.values():
            size = 1
            for length in tensor["shape"]:
                size *= length
            count += size
        name = str(about.get("model", ""))
        rows.append((path.name, name, f"{count / 1e6:.2f} million", f"{path.stat().st_size / 1e6:.1f} MB"))
    return table(("File", "Model", "Numbers", "Size"), rows, "Files of weights")


def shipped_words(folder: Path) -> str:
    """Returns which models have weights in a folder, and of which synths, in Markdown."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        model = str(_header(path).get("__metadata__", {}).get("model", ""))
        if model in models:
            synth = path.stem.partition("-")[0]
            found.setdefault(model, []).append(SYNTHS.get(synth, synth))
    return "; ".join(f"`{model}` for {', '.join(names)}" for model, names in found.items())


def cards(folder: Path) -> list[str]:
    """Returns the names of weights in a folder, each of which has a card."""
    return [path.stem for path in sorted(folder.glob("*.md"))]


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length))
