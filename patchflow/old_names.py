"""Names that older versions wrote into files: read through the tables of this module, never written again.

One old name stays: the SQL table `rest` of a preset library holds what is called a preset's `state` today. Under
another name older versions could not read the library, and nobody sees it.
"""

from collections.abc import Mapping
from typing import Any

__all__ = [
    "OLD_FILES",
    "OLD_NAMES",
    "OLD_VALUES",
    "kind_of_old_recipe",
    "with_new_name",
    "with_new_names",
    "with_new_value",
]

OLD_NAMES: dict[str, dict[str, str]] = {
    "recipe": {
        "average": "ema",
        "rate": "learning_rate",
        "rise": "warmup_steps",
        "stall": "plateau_patience",
        "warm_up": "loss_warmup",
        "watch": "monitor",
    },
    "sizes": {
        "conditional": "regression_context",
        "hears": "input",
        "pairs": "attributes",
        "told": "posterior_context",
    },
    "bank": {},
    "checkpoint": {"watch": "early_stopping"},
    "claim": {
        "Words cost accuracy: Flow_joint matches sounds better without": (
            "Attributes cost accuracy: Flow_joint matches sounds better without"
        ),
    },
    "dataset": {},
    "examples": {"hears": "input", "pairs": "attributes"},
    "preset": {"rest": "state"},
    "result": {},
    "summary": {"one_shot_ms": "prediction_ms", "turning": "traversal"},
    "tags": {"pairs": "attributes"},
}
"""Today's name for each old one, by kind of file or of table in a file."""

OLD_VALUES: dict[str, dict[str, str]] = {"kind": {"trivial": "baseline"}}
"""Today's text for each old one, by the name it stands under: `kind` of a row of results."""

OLD_FILES: dict[str, str] = {"states.json": "rests.json"}
"""The old name of each file that has a new one: readers look for the new name first."""


def with_new_names(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a file says under today's names, in the same order.

    A table `sizes` inside, as recipes and results have, is translated too. An old name beside its new one stays as it
    is: whoever checks the names will refuse it.

    Args:
        kind: What was read, a key of `OLD_NAMES`.
        values: Its content by name; old and new names may be mixed.

    Example:
        >>> with_new_names("recipe", {"rate": 1e-3, "steps": 5, "sizes": {"told": 64}})
        {'learning_rate': 0.001, 'steps': 5, 'sizes': {'posterior_context': 64}}
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        new = OLD_NAMES[kind].get(name, name)
        if name == "sizes" and isinstance(value, Mapping):
            found[name] = with_new_names("sizes", value)
        elif new in values:
            found[name] = value  # today's name, or an old one beside it
        else:
            found[new] = value
    return found


def with_new_value(name: str, value: Any) -> Any:
    """Returns today's text for an old one; anything else as it is.

    Args:
        name: Name it stands under, a key of `OLD_VALUES`.
        value: What was read there.

    Example:
        >>> with_new_value("kind", "trivial"), with_new_value("kind", "model")
        ('baseline', 'model')
    """
    if not isinstance(value, str):
        return value
    return OLD_VALUES[name].get(value, value)


def with_new_name(kind: str, key: str) -> str:
    """Returns a key of `key=value` under today's name.

    Args:
        kind: See `with_new_names`.
        key: A name, or that of a table and a name in it.

    Example:
        >>> with_new_name("recipe", "sizes.told"), with_new_name("recipe", "warm_up.latent")
        ('sizes.posterior_context', 'loss_warmup.latent')
    """
    table, dot, name = key.partition(".")
    if table == "sizes":
        return table + dot + OLD_NAMES["sizes"].get(name, name)
    return OLD_NAMES[kind].get(table, table) + dot + name


def kind_of_old_recipe(values: Mapping[str, Any]) -> str:
    """Returns the kind of a recipe of `patchflow dataset` from before recipes named theirs.

    Args:
        values: What it says, by key.

    Example:
        >>> kind_of_old_recipe({"synth": "tone", "bank": "bank.npz"}), kind_of_old_recipe({"synth": "tone"})
        ('examples', 'dataset')
    """
    return "examples" if "bank" in values else "dataset"
