"""Trains the ear by contrast: two views of a preset belong together, those of other presets do not."""

import io
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..storage import write_atomically
from ..train.distributed import Team
from ..train.loader import augment
from .network import BANDS, FRAMES, EarNetwork

__all__ = ["BLOCK", "EarRecipe", "Views", "load_views", "recall", "train_ear"]

BLOCK = 512
"""Presets in a file of views."""

_HARD = 8  # presets of a hard group: one and those that are nearest to it
_SEEN = 0.5  # share of presets that a vector is known of, before neighbours are looked for
_APART = -1e4  # logit of a pair that is neither one thing nor the other
_AVERAGE = 0.998  # of the moving average of weights, a step


@dataclass(frozen=True)
class Views:
    """Sounds of presets in several views: the first plain, the others on other keys or changed.

    Args:
        parts: For each view the levels in blocks of `BLOCK` presets, uint8 from 0 for the floor to 255 for the peak.
        family: Family of each preset, shape `(N,)`.
    """

    parts: Sequence[Sequence[np.ndarray]]
    family: np.ndarray

    def __len__(self) -> int:
        return len(self.family)

    def take(self, rows: np.ndarray, views: np.ndarray) -> Tensor:
        """Returns levels from 0 to 1, shape `(B, BANDS, FRAMES)`; 0 everywhere where a sound was silent."""
        found = np.empty((len(rows), BANDS, FRAMES), np.uint8)
        for place, (row, view) in enumerate(zip(rows.tolist(), views.tolist(), strict=True)):
            found[place] = self.parts[view][row // BLOCK][row % BLOCK]
        return torch.from_numpy(found).float() / 255


@dataclass(frozen=True)
class EarRecipe:
    """How the ear is trained.

    Args:
        steps: Steps in all.
        presets: Presets of a batch, on each process; each has two views.
        hard: Share of these that come in groups of neighbours, which are the hardest to tell apart.
        plain: Share whose first view is the plain one.
        learning_rate: The largest.
        temperature: Of the contrast, first and last.
        geometry: Weight of the term that keeps distances of plain views in the order of spectral distances.
        augmented: Share of views that are changed once more.
        width: Channels of the stem.
        depth: Layers of each stage.
        compiled: Whether torch compiles the network, which takes a C++ compiler and saves a third of the time.
        check: Steps from one check and checkpoint to the next.
        seed: Of everything random.
    """

    steps: int = 4_000
    presets: int = 256
    hard: float = 0.5
    plain: float = 0.35
    learning_rate: float = 2e-3
    temperature: tuple[float, float] = (0.1, 0.05)
    geometry: float = 0.3
    augmented: float = 0.35
    width: int = 32
    depth: int = 2
    compiled: bool = False
    check: int = 200
    seed: int = 0


def load_views(folder: Path, family: np.ndarray) -> Views:
    """Returns the views in a folder whose blocks are all there.

    Args:
        folder: With a file `vVIEW-BLOCK.npy` for each view and block.
        family: Family of each preset, shape `(N,)`.
    """
    blocks = math.ceil(len(family) / BLOCK)
    parts = []
    for view in range(100):
        paths = [folder / f"v{view:02}-{block:04}.npy" for block in range(blocks)]
        if all(path.exists() for path in paths):
            parts.append([np.load(path, mmap_mode="r") for path in paths])
    return Views(parts, family)


def train_ear(
    sources: Callable[[], Sequence[Views]],
    recipe: EarRecipe,
    folder: Path,
    team: Team,
    *,
    judge: Callable[[EarNetwork, Mapping[str, float]], dict[str, float]],
    tell: Callable[[str], None],
    start: EarNetwork | None = None,
) -> EarNetwork:
    """Trains the ear, or goes on where it stopped, and returns the moving average of its weights.

    Args:
        sources: Gives what is learned from, of each synth; asked again at every check, as views may still be made.
        recipe: How.
        folder: For the checkpoint.
        team: The processes that train together, each on batches of its own; gradients are averaged.
        judge: Measures a network on what it does not learn from, given `step` and `seconds` so far as well, and keeps
            it if it likes; only the first process asks it.
        tell: Gets a line at every check.
        start: An ear of the recipe's sizes to begin with; it is measured as step 0. By default weights are random.
    """
    run = _Run(recipe, folder / "checkpoint.pt", team, start)
    data = list(sources())
    if start is not None and run.step == 0 and team.leads:
        tell(json.dumps({"step": 0, "seconds": 0, **judge(run.average, {"step": 0, "seconds": 0})}))
    while run.step < recipe.steps:
        run.take_step(data)
        if run.step % recipe.check == 0 or run.step == recipe.steps:
            data = list(sources())
            if team.leads:
                so_far = {"step": run.step, "seconds": round(run.seconds)}
                scores = judge(run.average, so_far)
                run.save()
                told = {key: round(value, 4) for key, value in {**run.means(), **scores}.items()}
                tell(json.dumps({**so_far, **told}))
            team.wait()
    return run.average


class _Run:
    """The state of a training."""

    def __init__(self, recipe: EarRecipe, path: Path, team: Team, start: EarNetwork | None) -> None:
        self.recipe = recipe
        self.path = path
        self.team = team
        torch.manual_seed(recipe.seed)
        self.network = EarNetwork(width=recipe.width, depth=recipe.depth)
        if start is not None:
            self.network.load_state_dict(start.state_dict())
        self.average = EarNetwork(width=recipe.width, depth=recipe.depth)
        decayed = [weight for weight in self.network.parameters() if weight.ndim > 1]
        others = [weight for weight in self.network.parameters() if weight.ndim == 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, recipe.learning_rate, betas=(0.9, 0.98))
        self.step = 0
        self.seconds = 0.0
        # Of each source the vectors of its presets, as they were when they were in a batch last.
        self.last_seen: dict[int, Tensor] = {}
        self.sums: dict[str, float] = {}
        self.counted = 0
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]
            self.seconds = state["seconds"]
            self.last_seen = state["last_seen"]
        else:
            self.average.load_state_dict(self.network.state_dict())
        self.average.eval()
        self.forward = torch.compile(self.network, dynamic=True) if recipe.compiled else self.network

    def take_step(self, data: Sequence[Views]) -> None:
        """Learns from one batch."""
        began = time.monotonic()
        rng = np.random.default_rng((self.recipe.seed, self.step, self.team.rank))
        share = self.step / self.recipe.steps
        first, second, family, keys, plain = self._batch(data, rng)
        self.network.train()
        with torch.autocast("cpu", torch.bfloat16):
            vectors = self.forward(torch.cat([first, second])).float()
        hot, cold = self.recipe.temperature
        temperature = hot * (cold / hot) ** share
        contrast = _contrast(vectors, family, temperature)
        shape = _geometry(vectors[: len(first)][plain], first[plain])
        loss = contrast + self.recipe.geometry * shape
        self.optimizer.zero_grad()
        loss.backward()
        self._share_gradients()
        warm = min(1.0, (self.step + 1) / 150)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        self.optimizer.step()
        self.step += 1
        self._remember(keys, vectors.detach())
        self._move_average()
        for name, value in (("contrast", contrast), ("geometry", shape)):
            self.sums[name] = self.sums.get(name, 0.0) + float(value.detach())
        self.counted += 1
        self.seconds += time.monotonic() - began

    def means(self) -> dict[str, float]:
        """Returns the mean of each term since it was asked last."""
        means = {name: value / max(1, self.counted) for name, value in self.sums.items()}
        self.sums = {}
        self.counted = 0
        return means

    def save(self) -> None:
        """Writes the checkpoint."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "last_seen": self.last_seen,
        }
        data = io.BytesIO()
        torch.save(state, data)
        write_atomically(self.path, data.getvalue())

    def _batch(
        self, data: Sequence[Views], rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, np.ndarray, list[tuple[int, np.ndarray]], np.ndarray]:
        """Two views of each of some presets, their families, where they come from, and which first ones are plain."""
        sizes = np.array([len(views) for views in data])
        shares = sizes**0.75 / (sizes**0.75).sum()  # a small source counts more than its size
        counts = np.round(shares * self.recipe.presets).astype(int)
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        firsts: list[Tensor] = []
        seconds: list[Tensor] = []
        families: list[np.ndarray] = []
        plains: list[np.ndarray] = []
        keys = []
        for source, (views, count) in enumerate(zip(data, counts.tolist(), strict=True)):
            rows = self._rows(source, views, count, rng)
            order = np.argsort(rng.random((len(rows), len(views.parts))), 1)
            is_plain = rng.random(len(rows)) < self.recipe.plain
            one = np.where(is_plain, 0, order[:, 0])
            two = np.where(one == order[:, 1], order[:, 0], order[:, 1])
            first = views.take(rows, one)
            second = views.take(rows, two)
            # A silent view belongs to nobody.
            heard = ((first.amax((1, 2)) > 0) & (second.amax((1, 2)) > 0)).numpy()
            rows = rows[heard]
            firsts.append(first[heard])
            seconds.append(second[heard])
            families.append(views.family[rows] + source * 10_000_000)
            plains.append(is_plain[heard])
            keys.append((source, rows))
        plain = np.concatenate(plains)
        first = torch.cat(firsts)
        changed = augment(first, generator, share=self.recipe.augmented)
        changed[plain] = first[plain]
        second = augment(torch.cat(seconds), generator, share=self.recipe.augmented)
        return changed, second, np.concatenate(families), keys, plain

    def _rows(self, source: int, views: Views, count: int, rng: np.random.Generator) -> np.ndarray:
        """Presets of a batch: some in groups of neighbours, as far as the vectors seen last can tell; others any."""
        groups = int(count * self.recipe.hard) // _HARD
        chosen = [rng.integers(len(views), size=count - groups * _HARD)]
        table = self.last_seen.setdefault(source, torch.zeros(len(views), self.network.sizes.out))
        seen = table.any(1).numpy()
        if seen.mean() < _SEEN:
            chosen.append(rng.integers(len(views), size=groups * _HARD))
        else:
            seeds = rng.choice(np.flatnonzero(seen), groups)
            near = (table[seeds] @ table.T).topk(min(4 * _HARD, len(views))).indices.numpy()
            for seed, others in zip(seeds.tolist(), near, strict=True):
                found = np.concatenate([[seed], others[others != seed]])
                _, first = np.unique(views.family[found], return_index=True)
                chosen.append(found[np.sort(first)[:_HARD]])
        return np.unique(np.concatenate(chosen))

    def _remember(self, keys: list[tuple[int, np.ndarray]], vectors: Tensor) -> None:
        place = 0
        for source, rows in keys:
            self.last_seen[source][rows] = vectors[place : place + len(rows)]
            place += len(rows)

    def _share_gradients(self) -> None:
        if self.team.size == 1:
            return
        weights = [weight for weight in self.network.parameters() if weight.grad is not None]
        flat = torch.cat([weight.grad.flatten() for weight in weights if weight.grad is not None])
        torch.distributed.all_reduce(flat)
        parts = (flat / self.team.size).split([weight.numel() for weight in weights])
        for weight, part in zip(weights, parts, strict=True):
            weight.grad = part.view_as(weight)

    @torch.no_grad()
    def _move_average(self) -> None:
        kept = min(_AVERAGE, (self.step + 1) / (self.step + 10))
        for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - kept)
            else:
                mean.copy_(value)


def _contrast(vectors: Tensor, family: np.ndarray, temperature: float) -> Tensor:
    """Cross-entropy of finding the other view of a preset among all views of a batch, twins left out.

    References:
        Chen et al., A Simple Framework for Contrastive Learning of Visual Representations (2020),
        https://arxiv.org/abs/2002.05709
    """
    count = len(family)
    logits = vectors @ vectors.T / temperature
    known = torch.from_numpy(family)
    same = (known[:, None] == known[None]).repeat(2, 2)
    partner = torch.arange(2 * count).roll(count)
    same[torch.arange(2 * count), partner] = False
    return nn.functional.cross_entropy(logits.masked_fill(same, _APART), partner)


def _geometry(vectors: Tensor, levels: Tensor) -> Tensor:
    """1 less the mean correlation of distances of vectors with spectral distances, over all sounds as anchors.

    The spectral distance is a sum of the L1 distance of levels and the angle of loudness, which agrees better with
    listening studies than either.
    """
    count = len(vectors)
    if count < 8:
        return vectors.new_zeros(())
    flat = levels.flatten(1)
    gap = torch.cdist(flat, flat, p=1) / flat.shape[1] * 4  # in parts of 20 dB
    loud = nn.functional.normalize(10 ** (4 / 3 * (flat - 1)) * (flat > 0), dim=1)
    wanted = gap + 2 * (1 - loud @ loud.T)
    found = 1 - vectors @ vectors.T
    others = ~torch.eye(count, dtype=torch.bool)
    return 1 - _correlations(wanted[others].view(count, -1), found[others].view(count, -1)).mean()


def _correlations(first: Tensor, second: Tensor) -> Tensor:
    first = nn.functional.normalize(first - first.mean(1, keepdim=True), dim=1)
    second = nn.functional.normalize(second - second.mean(1, keepdim=True), dim=1)
    return (first * second).sum(1)


def recall(
    queries: np.ndarray, gallery: np.ndarray, of_queries: np.ndarray, of_gallery: np.ndarray, most: int = 1
) -> float:
    """Returns the share of queries among whose nearest in a gallery one is of their own family.

    Args:
        queries: Vectors, shape `(Q, D)`.
        gallery: Vectors, shape `(G, D)`.
        of_queries: Family of each, shape `(Q,)`.
        of_gallery: Family of each, shape `(G,)`.
        most: How many of the nearest count.
    """
    nearness = queries @ gallery.T
    nearest = np.argsort(-nearness, 1, kind="stable")[:, :most]
    return float((of_gallery[nearest] == of_queries[:, None]).any(1).mean())
