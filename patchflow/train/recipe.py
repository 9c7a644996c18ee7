"""A recipe: everything that decides what a training run makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..data.recipes import check_ranges, check_shares, read_settings
from ..errors import OptionError

__all__ = ["Recipe", "read_recipe"]


@dataclass(frozen=True)
class Recipe:
    """The settings of a run; a TOML file of these keys, each of which `key=value` overrides.

    Args:
        bank: Path of the bank to learn from, see `benchmarks/prepare_bank.py`.
        out: Folder for checkpoints, log and weights.
        synth: Name of the engine.
        model: Name of the model.
        start: Weights to begin with, of the same synth and sizes; chance if empty.
        sizes: Keyword arguments of the model; its defaults if empty.
        cache: Folder for rendered items; `out`/cache if empty.
        items: Number of items to render before training.
        plain: Share of items that are presets of the bank as they are.
        crossed: Share of crossovers of two presets.
        jittered: Share of presets with some parameters moved; the rest are shuffled over the bank.
        stream: Whether to go on rendering while training, so that items are seen only a few times.
        steps: Optimizer steps.
        minutes: Stop after this many minutes of training and cool down; 0 for no limit.
        batch: Items a step.
        workers: Threads that share the batch; on a few cores better than threads within operations.
        rate: Largest learning rate.
        augmented: Share of items that sound recorded rather than rendered, 0 to 1.
        device: `"cpu"` or `"cuda"`.
        seed: Of all chance.
    """

    bank: str
    out: str
    synth: str = "dexed"
    model: str = "posterior"
    start: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    cache: str = ""
    items: int = 200_000
    plain: float = 0.4
    crossed: float = 0.3
    jittered: float = 0.25
    stream: bool = False
    steps: int = 10_000
    minutes: float = 0.0
    batch: int = 128
    workers: int = 1
    rate: float = 6e-4
    augmented: float = 0.5
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_shares(plain=self.plain, crossed=self.crossed, jittered=self.jittered)
        if self.device not in ("cpu", "cuda"):
            raise OptionError(f"device={self.device!r}: not cpu or cuda")


_RANGES = (
    ("items", 1, 1e9),
    ("plain", 0, 1),
    ("crossed", 0, 1),
    ("jittered", 0, 1),
    ("steps", 1, 1e9),
    ("minutes", 0, 1e6),
    ("batch", 2, 1e6),
    ("workers", 1, 1024),
    ("rate", 0, 1),
    ("augmented", 0, 1),
    ("seed", 0, 2**32 - 1),
)


def read_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Reads a TOML recipe and applies overrides.

    Args:
        path: The recipe.
        overrides: Texts by key; `sizes.width` reaches into a table.

    Raises:
        StorageError: If the file cannot be read.
        OptionError: If it is not TOML, or a value has the wrong type or is not allowed.
        UnknownName: If a key is not one of a recipe.
    """
    return read_settings(path, Recipe, overrides)
