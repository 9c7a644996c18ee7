"""The recipe of a training run: all settings that decide what it makes; small files over a base."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..old_names import with_new_name, with_new_names
from ..settings import check_ranges, check_shares, make_settings, read_toml, with_overrides

__all__ = ["Recipe", "laid_over", "read_layers", "read_recipe"]


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; a TOML file of these keys, each of which `key=value` overrides.

    An epoch is as many steps as it takes to see every item once. Either `bank` or `data` says what to learn from;
    how long is said by either `steps` or `epochs`.

    Args:
        bank: Path of the bank to learn from, see `data.bank_recipe`; items are rendered from it.
        out: Folder for checkpoints, log and weights.
        base: A recipe whose keys hold where this one says nothing; relative to this one's folder.
        data: Folder of examples to learn from, in place of a bank.
        fold: Of the families of `data`, which are the test set; those are never trained on.
        synth: Name of the engine.
        model: Name of the model.
        start: Weights to begin with, of the same synth and sizes; random ones if empty.
        sizes: Keyword arguments of the model; its defaults if empty.
        cache: With `bank`: folder for rendered items; `out`/cache if empty.
        items: With `bank`: number of items to render before training.
        plain: With `bank`: share of items that are presets of the bank as they are.
        crossed: With `bank`: share of crossovers of two presets.
        jittered: With `bank`: share of presets with some parameters moved; the rest are shuffled over the bank.
        stream: With `bank`: whether to go on rendering while training, so that items are seen only a few times.
        steps: Optimizer steps, each on a random choice of items.
        epochs: Times to see every item, in random order; in place of `steps`.
        minutes: Stop after this many minutes of training and cool down; 0 for no limit.
        batch: Items a step, over all processes and workers.
        workers: Threads that share the batch; on a few cores better than threads within operations.
        weights: Weight of a term of the loss, by its name; 1 for those not named.
        loss_warmup: Epochs over which the weight of a term grows from 0, by its name; 0 for those not named. With
            `minutes` all grow faster if need be, see `Schedule.warmed`.
        learning_rate: Largest learning rate.
        warmup_steps: Steps until the learning rate is at its largest.
        schedule: `"cosine"`: the rate falls to nearly nothing until the end; `"plateau"`: it is halved when the
            validation loss stalls.
        plateau_patience: Epochs without a better validation after which `"plateau"` halves the rate.
        patience: Epochs without a better validation after which the run ends; 0 for never.
        monitor: Term of the loss whose validation decides what is better, or `"error"`: the mean squared error of the
            parameters of the single best prediction, which means the same for every model; the weighted sum of all
            terms if empty.
        keep: `"best"`: the weights with the best validation once warm-ups are over; `"last"`: those at the end;
            `"auto"`: the best if the run is by `"plateau"` or `patience`, else the last.
        ema: Decay of the moving average of the weights, which is what is validated and kept; 0 for none.
        weight_decay: Of AdamW; 0 makes it Adam.
        clip: Largest norm of the gradient; 0 for no limit.
        augmented: Share of items that are made to sound recorded rather than rendered, 0 to 1; with `data` 0 if not
            given.
        every: Steps from one validation to the next; 0 for an epoch, or 250 if the run is by `steps`.
        save_every: Steps from one checkpoint to the next.
        device: `"cpu"` or `"cuda"`.
        precision: `"float32"`; `"bfloat16"` for products where that is safe; `"auto"`: bfloat16 on CUDA only.
        compile: Whether to compile the model, which costs minutes first and may save time later.
        tensorboard: Whether to log for TensorBoard too, in `out`/tensorboard.
        seed: Seed of all random numbers.
    """

    bank: str = ""
    out: str = ""
    base: str = ""
    data: str = ""
    fold: int = 0
    synth: str = "dexed"
    model: str = "posterior"
    start: str = ""
    sizes: Mapping[str, int | float | str] = field(default_factory=dict)
    cache: str = ""
    items: int = 200_000
    plain: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25
    stream: bool = False
    steps: int = 10_000
    epochs: int = 0
    minutes: float = 0.0
    batch: int = 128
    workers: int = 1
    weights: Mapping[str, float] = field(default_factory=dict)
    loss_warmup: Mapping[str, float] = field(default_factory=dict)
    learning_rate: float = 6e-4
    warmup_steps: int = 200
    schedule: str = "cosine"
    plateau_patience: float = 20.0
    patience: float = 0.0
    monitor: str = ""
    keep: str = "auto"
    ema: float = 0.999
    weight_decay: float = 0.01
    clip: float = 1.0
    augmented: float = 0.5
    every: int = 0
    save_every: int = 250
    device: str = "cpu"
    precision: str = "auto"
    compile: bool = False
    tensorboard: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_system_folder(self.out)
        check_ranges(self, _RANGES)
        check_ranges(self, [("steps", 0 if self.epochs else 1, 1e9)])
        check_shares(plain=self.plain, crossed=self.crossed, jittered=self.jittered)
        for key, allowed in _ALLOWED.items():
            if getattr(self, key) not in allowed:
                raise OptionError(f"{key}={getattr(self, key)!r}: not {' or '.join(allowed)}")
        for table in ("weights", "loss_warmup"):
            for name, value in getattr(self, table).items():
                if not 0 <= value < math.inf:
                    raise OptionError(f"{table}.{name}={value}: not a number of at least 0")
        longest = max(self.loss_warmup.values(), default=0)
        # where the clock ends the run, warm-ups are shortened (see `Schedule.warmed`)
        if self.epochs and not self.minutes and longest > self.epochs:
            raise OptionError(f"loss_warmup={longest:g}, epochs={self.epochs}: it would never end. Give more epochs.")
        if self.compile and self.workers > 1:
            raise OptionError(f"compile=true, workers={self.workers}: threads cannot compile. Give workers=1.")

    @property
    def keeps_best(self) -> bool:
        """Whether the weights with the best validation are those that are kept."""
        return self.keep == "best" or (self.keep == "auto" and (self.schedule == "plateau" or self.patience > 0))

    @property
    def is_mixed(self) -> bool:
        """Whether products are in bfloat16; on a CPU without matrix units that would be slower."""
        return self.precision == "bfloat16" or (self.precision == "auto" and self.device == "cuda")


_RANGES = (
    ("fold", 0, 1e6),
    ("items", 1, 1e9),
    ("plain", 0, 1),
    ("crossed", 0, 1),
    ("jittered", 0, 1),
    ("epochs", 0, 1e6),
    ("minutes", 0, 1e6),
    ("batch", 2, 1e6),
    ("workers", 1, 1024),
    ("learning_rate", 0, 1),
    ("warmup_steps", 0, 1e9),
    ("plateau_patience", 0, 1e6),
    ("patience", 0, 1e6),
    ("ema", 0, 0.999999),
    ("weight_decay", 0, 10),
    ("clip", 0, 1e9),
    ("augmented", 0, 1),
    ("every", 0, 1e9),
    ("save_every", 1, 1e9),
    ("seed", 0, 2**32 - 1),
)
_ALLOWED = {
    "schedule": ("cosine", "plateau"),
    "keep": ("auto", "best", "last"),
    "device": ("cpu", "cuda"),
    "precision": ("auto", "float32", "bfloat16"),
}
_OF_SYSTEM = {"bin", "boot", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr"}
_OF_A_BANK = ("cache", "items", "plain", "crossed", "jittered", "stream")
_RIVALS = (("bank", "data"), ("steps", "epochs"))  # each is given in place of the other
_CONTRADICTIONS = (*_RIVALS, *(("data", key) for key in _OF_A_BANK), ("bank", "fold"))


def _refuse_system_folder(out: str) -> None:
    """Makes sure that a run does not write among the files of the operating system, where root could."""
    folder = Path(os.path.realpath(out)) if out else Path("out")
    inner = folder.parts[1:2]
    is_of_system = folder.parent == folder or (folder.parts[0] == "/" and inner and inner[0] in _OF_SYSTEM)
    if is_of_system and not folder.is_relative_to("/dev/shm"):
        raise OptionError(f"out={out!r}: a folder of the operating system. Give one of your own.")


def read_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Reads a TOML recipe, what it is based on, and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key; `sizes.width` reaches into a table.

    Raises:
        StorageError: If a file cannot be read.
        OptionError: If one is not TOML, a value has the wrong type or is not allowed, or keys contradict each other.
        UnknownName: If a key is not one of a recipe.
    """
    values = with_new_names("recipe", _overridden(read_layers(path), _with_new_names(overrides or {})))
    _check_together(values, path)
    if values.get("epochs"):
        values["steps"] = 0  # or it would have its default
    if values.get("data"):
        values.setdefault("augmented", 0.0)
    return make_settings(values, Recipe, path)


def _with_new_names(overrides: Mapping[str, str]) -> dict[str, str]:
    """Overrides under today's names; one setting under both of its names is refused."""
    renamed: dict[str, str] = {}
    for key, text in overrides.items():
        name = with_new_name("recipe", key)
        if name != key and name in overrides:
            raise OptionError(f"{key}={text}, {name}={overrides[name]}: two names of one setting. Remove {key}.")
        renamed[name] = text
    return renamed


def _overridden(values: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, Any]:
    """The values with overrides, which are a layer of their own: `epochs=5` takes away the recipe's `steps`."""
    changed = with_overrides(values, Recipe, overrides)
    lower: dict[str, Any] = {}
    upper: dict[str, Any] = {}
    for key, value in changed.items():
        # the very same object was not overridden; what was overridden by an equal value is in the upper layer
        if key in values and value is values[key]:
            lower[key] = value
        else:
            upper[key] = value
    return laid_over(lower, upper)


def _check_together(values: Mapping[str, Any], path: str | Path) -> None:
    """Makes sure that the keys that are given go together."""
    given = {key for key, value in values.items() if value not in ("", 0, False)}
    missing = []
    if not given & {"bank", "data"}:
        missing.append("bank or data")
    if "out" not in given:
        missing.append("out")
    # an unknown key may be one of these, misspelt: then the error that names it, raised later, is of more help
    if missing and values.keys() <= Recipe.__dataclass_fields__.keys():
        raise OptionError(f"{path}: needs {', '.join(missing)}")
    for first, second in _CONTRADICTIONS:
        if {first, second} <= given:
            shown = f"{first}={values[first]!r}, {second}={values[second]!r}"
            raise OptionError(f"{shown}: contradict each other. Remove {second} or {first}.")
    if "plateau_patience" in given and values.get("schedule", "cosine") != "plateau":
        raise OptionError(f"plateau_patience={values['plateau_patience']!r}: is for schedule='plateau'")


def read_layers(path: str | Path) -> dict[str, Any]:
    """Reads a TOML file and, beneath it, the files that `base` leads to.

    Args:
        path: The recipe; its `base` is relative to its own folder.

    Returns:
        The values of all layers, `base` of the top one still among them.

    Raises:
        StorageError: If a file cannot be read.
        OptionError: If one is not TOML, `base` is not a text, or a file is its own base.
    """
    layers: list[dict[str, Any]] = []  # from the recipe down to the last base
    seen: list[Path] = []
    base = Path(path)
    while True:
        layers.append(with_new_names("recipe", read_toml(base)))
        place = base.resolve()
        if place in seen:
            raise OptionError(f"{path}: base leads in a circle, back to {base.name}")
        seen.append(place)
        further = layers[-1].get("base", "")
        if not isinstance(further, str):
            raise OptionError(f"base={further!r}: not a text in quotes")
        if not further:
            break
        base = base.parent / further
    values = layers.pop()
    while layers:
        values = laid_over(values, layers.pop())
    return values


def laid_over(values: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values with others over them; tables are joined, and what says instead of another removes it.

    Args:
        values: The lower layer.
        upper: The layer that wins.

    Example:
        >>> laid_over({"steps": 9, "sizes": {"width": 1}}, {"epochs": 2, "sizes": {"bins": 3}})
        {'sizes': {'width': 1, 'bins': 3}, 'epochs': 2}
    """
    found = dict(values)
    # the lower layer's `steps` would contradict the upper layer's `epochs`, so it goes; both in one layer stay, for
    # whoever checks to refuse
    for first, second in _RIVALS:
        if first in upper and second not in upper:
            found.pop(second, None)
        if second in upper and first not in upper:
            found.pop(first, None)
    for key, value in upper.items():
        lower = found.get(key)
        if isinstance(lower, dict) and isinstance(value, dict):
            found[key] = {**lower, **value}
        else:
            found[key] = value
    return found
