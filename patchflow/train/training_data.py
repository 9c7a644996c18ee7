"""What a run learns from and is checked on: items rendered from a bank, or a folder of examples."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from ..data.bank import Bank
from ..data.cache import Cache, Stream, fill_cache
from ..data.examples import Examples
from ..data.sampler import Sampler
from ..engines import Engine, engines, one_torch_thread
from ..errors import StorageError
from ..features.inputs import inputs
from ..models import Batch
from ..presets import ParamSpace
from ..progress import ProgressCallback
from .distributed import Team
from .recipe import Recipe

__all__ = [
    "Items",
    "SelectedItems",
    "Source",
    "TrainingData",
    "load_batch",
    "moments",
    "open_data",
    "open_source",
    "streamed",
]

_BANK_INPUT = "levels"  # the input that items of a bank are rendered into
_STATISTICS_OF = 4096  # items of a cache that mean and deviation are taken of
_VALIDATED = 1024  # validation items that are rendered from a bank


@runtime_checkable
class Items(Protocol):
    """Anything that batches are taken from: a cache, a stream, examples."""

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns mels, points, notes, and maybe tags."""
        ...


@dataclass(frozen=True)
class SelectedItems:
    """Some of the items.

    Args:
        items: All items.
        rows: Numbers of those that are selected.
    """

    items: Items
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns mels, points, notes, and maybe tags."""
        return self.items.take(self.rows[rows])


@dataclass(frozen=True)
class TrainingData:
    """The items of a run.

    Args:
        train: Items to learn from.
        valid: Items to validate on.
        input: The input that the sounds were made into, see `features.inputs`.
        mean: Mean of `train`, shape `(F, 1)`.
        std: Standard deviation of `train`, shape `(F, 1)`.
    """

    train: Items
    valid: Items
    input: str
    mean: torch.Tensor
    std: torch.Tensor


def load_batch(items: Items, rows: np.ndarray, input: str) -> Batch:
    """Returns a batch of some items; what was stored as bytes is in [0, 1] again.

    Args:
        items: What to take them from.
        rows: Their numbers.
        input: The input that the sounds were made into.
    """
    arrays = [torch.from_numpy(np.asarray(values)) for values in items.take(rows)]
    mels, points, notes = arrays[:3]
    tags = arrays[3].float() if len(arrays) > 3 else points.new_zeros(len(points), 0)
    stored_as_bytes = mels.dtype == torch.uint8 and inputs[input].bounded
    mels = mels.float() / 255 if stored_as_bytes else mels.float()
    return Batch(points, mels, notes, tags)


def moments(items: Items, input: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns mean and standard deviation of every band, each of shape `(F, 1)`, over evenly spaced items.

    Args:
        items: What to take them of; at most 4,096 items are looked at.
        input: The input that the sounds were made into.
    """
    count = min(len(items), _STATISTICS_OF)
    rows = np.unique(np.linspace(0, len(items) - 1, count).round().astype(int))
    mels = load_batch(items, rows, input).mel.double()  # thousands of spectrograms would round off in float32
    mean = mels.mean((0, 2))[:, None].float()
    deviation = mels.std((0, 2), correction=0)[:, None].float()
    return mean, deviation.clamp_min(1e-3)  # a band that never sounds has no deviation


@dataclass(frozen=True)
class Source:
    """What a recipe learns from, before anything is rendered.

    Args:
        input: The input that the sounds are made into, see `features.inputs`.
        attributes: Number of attributes that have tags.
        place: Where it lies, for error messages.
        bank: The presets, if there are no examples.
        examples: The examples, if there is no bank.
    """

    input: str
    attributes: int
    place: Path
    bank: Bank | None = None
    examples: Examples | None = None


def open_source(settings: Recipe) -> Source:
    """Opens bank or examples.

    Args:
        settings: The recipe.

    Raises:
        StorageError: If they are missing, damaged or of another synth.
    """
    space = engines[settings.synth].space
    if not settings.data:
        return Source(_BANK_INPUT, 0, Path(settings.bank), bank=_read_bank(settings, space))
    folder = Path(settings.data)
    examples = Examples(folder, settings.fold, synth=settings.synth)
    if examples.input not in inputs:
        raise StorageError(f"{folder}: has what this patchflow does not know, input={examples.input!r}")
    shape = inputs[examples.input].shape
    if examples.parameters != space.names or examples.mels.shape[1:] != shape:
        found = f"{len(examples.parameters)} parameters and spectrograms of {examples.mels.shape[1:]}"
        raise StorageError(f"{folder}: has {found}, synth {settings.synth!r} others or {shape}. Make it again.")
    return Source(examples.input, len(examples.attributes), folder, examples=examples)


def open_data(settings: Recipe, source: Source, team: Team, progress: ProgressCallback) -> TrainingData:
    """Returns the items of a run, rendered first if they are of a bank.

    Args:
        settings: The recipe.
        source: What it learns from.
        team: The processes that learn from them; the first renders.
        progress: Called after every block of renders.

    Raises:
        StorageError: If the cache is damaged or of other settings, or there are no examples for a part.
        PresetError: If hardly any preset can be heard.
    """
    if source.examples is not None:
        return _of_examples(settings, source.examples)
    if team.leads:
        _render(settings, source, progress)
    team.wait()  # the others read what the first process has rendered
    folder = _cache_folder(settings)
    train = Cache(folder / "train")
    valid = Cache(folder / "valid")
    mean, std = moments(train, _BANK_INPUT)
    return TrainingData(train, valid, _BANK_INPUT, mean, std)


@contextmanager
def streamed(settings: Recipe, source: Source, data: TrainingData, step: int) -> Iterator[Items]:
    """Gives the items to learn from, renewed all the time if the recipe says so.

    Args:
        settings: The recipe.
        source: What it learns from.
        data: Its items.
        step: Where the run begins, so that a resumed one renders other items than it had before.
    """
    if not (settings.stream and isinstance(data.train, Cache)):
        yield data.train
        return
    make = engines[settings.synth]
    sampler = _sampler(make, source, "train", settings)
    with Stream(data.train, make, sampler, seed=(settings.seed, step)) as items:
        yield items


def _of_examples(settings: Recipe, examples: Examples) -> TrainingData:
    train = examples.rows("train")
    valid = examples.rows("valid")
    for part, rows in (("train", train), ("valid", valid)):
        if not len(rows):
            raise StorageError(f"{settings.data}: has no examples for {part!r} in fold {settings.fold}")
    mean, std = examples.statistics(train)
    return TrainingData(
        SelectedItems(examples, train),
        SelectedItems(examples, valid),
        examples.input,
        torch.from_numpy(mean),
        torch.from_numpy(std),
    )


def _read_bank(settings: Recipe, space: ParamSpace) -> Bank:
    bank = Bank.load(settings.bank)
    found = bank.points.shape[1]
    if found != len(space):
        raise StorageError(f"{settings.bank}: has {found} parameters, not the {len(space)} of synth {settings.synth!r}")
    for split in ("train", "valid"):
        if split not in bank.split:
            raise StorageError(f"{settings.bank}: has no presets for {split!r}. Make it again.")
    return bank


def _cache_folder(settings: Recipe) -> Path:
    return Path(settings.cache or Path(settings.out) / "cache")


def _render(settings: Recipe, source: Source, progress: ProgressCallback) -> None:
    """Fills the caches of training and validation items."""
    make = engines[settings.synth]
    counts = {"train": settings.items, "valid": min(_VALIDATED, settings.items)}
    with one_torch_thread():
        for split, count in counts.items():
            sampler = _sampler(make, source, split, settings)
            folder = _cache_folder(settings) / split
            fill_cache(folder, make, sampler, count, seed=settings.seed, progress=progress)


def _sampler(make: type[Engine], source: Source, split: str, settings: Recipe) -> Sampler:
    """Draws around the presets of a split; for validation only those themselves."""
    if source.bank is None:
        raise ValueError("there is no bank to draw from")
    part = source.bank.part(split)
    # A preset weighs 1 / sqrt(size of its family), so a family weighs sqrt(size): large ones, which are mostly copies
    # of a few presets, come more often than small ones, but not by as much as they are larger.
    size = np.bincount(part.family)[part.family]
    weights = size**-0.5 / np.sum(size**-0.5)
    shares = (settings.plain, settings.crossed, settings.jittered) if split == "train" else (1.0, 0.0, 0.0)
    # of parts that may change places, such as operators, the model has to learn one order only
    engine = make()
    points = engine.sorted_parts(engine.canonical(part.points))
    return Sampler(make.space, points, weights, *shares)
