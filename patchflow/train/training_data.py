"""What a run learns from and is checked on: items rendered from a bank, or a folder of examples."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from ..data.bank import Bank
from ..data.cache import Cache, fill_cache
from ..data.examples import Examples
from ..data.sampler import Sampler
from ..data.stream import Stream
from ..engines import Engine, engines
from ..errors import StorageError
from ..features.inputs import inputs
from ..models import Batch
from ..presets import ParamSpace
from ..progress import ProgressCallback
from ..threads import one_torch_thread
from .distributed import Team
from .recipe import Recipe

__all__ = ["Items", "Material", "Selection", "Source", "load", "moments", "open_material", "open_source", "streamed"]

_COUNTED = 4096  # items of a cache that statistics are taken of


@runtime_checkable
class Items(Protocol):
    """Anything that batches are taken from: a cache, a stream, examples."""

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns mels, points, notes, and maybe tags."""
        ...


@dataclass(frozen=True)
class Selection:
    """Some of the items.

    Args:
        items: All of them.
        rows: Numbers of those that belong to it.
    """

    items: Items
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns mels, points, notes, and maybe tags."""
        return self.items.take(self.rows[rows])


@dataclass(frozen=True)
class Material:
    """The items of a run.

    Args:
        train: To learn from.
        valid: To check on.
        hears: What was made of the sounds, see `features.inputs`.
        mean: Mean of `train`, shape `(F, 1)`.
        std: Standard deviation of `train`, shape `(F, 1)`.
    """

    train: Items
    valid: Items
    hears: str
    mean: torch.Tensor
    std: torch.Tensor


def load(items: Items, rows: np.ndarray, hears: str) -> Batch:
    """Returns a batch of some items; what was stored as bytes is in [0, 1] again.

    Args:
        items: What to take them from.
        rows: Their numbers.
        hears: What was made of the sounds.
    """
    mels, points, notes, *more = (torch.from_numpy(np.asarray(values)) for values in items.take(rows))
    bytes_ = mels.dtype == torch.uint8 and inputs[hears].bounded
    tags = more[0].float() if more else points.new_zeros(len(points), 0)
    return Batch(points, mels.float() / 255 if bytes_ else mels.float(), notes, tags)


def moments(items: Items, hears: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns mean and standard deviation of every band, each of shape `(F, 1)`, over evenly spaced items."""
    rows = np.unique(np.linspace(0, len(items) - 1, min(len(items), _COUNTED)).round().astype(int))
    mels = load(items, rows, hears).mel.double()
    mean = mels.mean((0, 2))[:, None].float()
    return mean, mels.std((0, 2), correction=0)[:, None].float().clamp_min(1e-3)


_CHECKED = 1024  # validation items that are rendered
_HEARD = "levels"  # what caches hold


@dataclass(frozen=True)
class Source:
    """What a recipe learns from, before anything is rendered.

    Args:
        hears: What is made of the sounds, see `features.inputs`.
        pairs: Number of tag pairs.
        place: Where it lies, for errors.
        bank: The presets, if there are no examples.
        examples: The examples, if there is no bank.
    """

    hears: str
    pairs: int
    place: Path
    bank: Bank | None = None
    examples: Examples | None = None


def open_source(settings: Recipe) -> Source:
    """Opens bank or examples.

    Raises:
        StorageError: If they are missing, damaged or of another synth.
    """
    space = engines[settings.synth].space
    if not settings.data:
        return Source(_HEARD, 0, Path(settings.bank), bank=_read_bank(settings, space))
    folder = Path(settings.data)
    examples = Examples(folder, settings.fold, synth=settings.synth)
    if examples.hears not in inputs:
        raise StorageError(f"{folder}: has what this patchflow does not know, hears={examples.hears!r}")
    shape = inputs[examples.hears].shape
    if examples.parameters != space.names or examples.mels.shape[1:] != shape:
        found = f"{len(examples.parameters)} parameters and spectrograms of {examples.mels.shape[1:]}"
        raise StorageError(f"{folder}: has {found}, synth {settings.synth!r} others or {shape}. Make it again.")
    return Source(examples.hears, len(examples.pairs), folder, examples=examples)


def open_material(settings: Recipe, source: Source, team: Team, progress: ProgressCallback) -> Material:
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
    team.wait()
    train, valid = (Cache(_cache_folder(settings) / part) for part in ("train", "valid"))
    return Material(train, valid, _HEARD, *moments(train, _HEARD))


@contextmanager
def streamed(settings: Recipe, source: Source, material: Material, step: int) -> Iterator[Items]:
    """Gives the items to learn from, renewed all the time if the recipe says so.

    Args:
        settings: The recipe.
        source: What it learns from.
        material: Its items.
        step: Where the run begins, so that a resumed one hears new items.
    """
    if not (settings.stream and isinstance(material.train, Cache)):
        yield material.train
        return
    make = engines[settings.synth]
    sampler = _sampler(make, source, "train", settings)
    with Stream(material.train, make, sampler, seed=(settings.seed, step)) as items:
        yield items


def _of_examples(settings: Recipe, examples: Examples) -> Material:
    parts = {part: examples.rows(part) for part in ("train", "valid")}
    for part, rows in parts.items():
        if not len(rows):
            raise StorageError(f"{settings.data}: has no examples for {part!r} in fold {settings.fold}")
    mean, std = (torch.from_numpy(found) for found in examples.statistics(parts["train"]))
    train, valid = (Selection(examples, rows) for rows in parts.values())
    return Material(train, valid, examples.hears, mean, std)


def _read_bank(settings: Recipe, space: ParamSpace) -> Bank:
    bank = Bank.load(settings.bank)
    if bank.points.shape[1] != len(space):
        found, wanted = bank.points.shape[1], len(space)
        raise StorageError(f"{settings.bank}: has {found} parameters, not the {wanted} of synth {settings.synth!r}")
    for split in ("train", "valid"):
        if split not in bank.split:
            raise StorageError(f"{settings.bank}: has no presets for {split!r}. Make it again.")
    return bank


def _cache_folder(settings: Recipe) -> Path:
    return Path(settings.cache or Path(settings.out) / "cache")


def _render(settings: Recipe, source: Source, progress: ProgressCallback) -> None:
    """Fills the caches of training and validation items."""
    make = engines[settings.synth]
    with one_torch_thread():
        for split, items in (("train", settings.items), ("valid", min(_CHECKED, settings.items))):
            fill_cache(
                _cache_folder(settings) / split, make, _sampler(make, source, split, settings), items,
                seed=settings.seed, progress=progress,
            )  # fmt: skip


def _sampler(make: type[Engine], source: Source, split: str, settings: Recipe) -> Sampler:
    """Draws around the presets of a split; for validation only those themselves."""
    if source.bank is None:
        raise ValueError("there is no bank to draw from")
    part = source.bank.part(split)
    size = np.bincount(part.family)[part.family]
    weights = size**-0.5 / np.sum(size**-0.5)  # large families are seen often enough
    shares = (settings.plain, settings.crossed, settings.jittered) if split == "train" else (1.0, 0.0, 0.0)
    engine = make()
    return Sampler(make.space, engine.arranged(engine.canonical(part.points)), weights, *shares)
