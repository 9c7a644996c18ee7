"""Trains the last layers of the ear further, on what its convolutions make of every view: a tenth of the time a preset.

Usage: python benchmarks/learn_ear_head.py FOLDER SYNTH=BANK.npz[:MOST] ... --start EAR.safetensors [--recipe JSON]

FOLDER has the views of learn_ear.py. What the convolutions make of each, and of each once more filtered, cut, covered
by noise or put into a room, is kept in FOLDER/pooled-VERSION. Batches are large and mostly neighbours that are hard to
tell apart. Whatever is best on the validation voices is kept as FOLDER/best.safetensors, if it is better than what is
there, for `learn_ear.py FOLDER ... --stage ship`; measured at every check, told in FOLDER/log.jsonl.
"""

import argparse
import copy
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from learn_ear import Exam, merit, parts_of, read_log, views_folder
from torch import Tensor

from patchflow.data import Bank
from patchflow.ear.ear import Ear, save_ear
from patchflow.ear.learn_ear import BLOCK, Views, _contrast, _geometry, load_views
from patchflow.ear.network import EarNetwork
from patchflow.train.loader import augment

GROUP = 8  # presets of a hard group
NEIGHBOURS = 15  # of which the others are drawn
COMPARED = 96  # plain sounds whose distances are to keep their order, every other step
AVERAGE = 0.995  # of the moving average of weights, a step
FORGOTTEN = 10_000_000  # between the families of two synths


@dataclass(frozen=True)
class HeadRecipe:
    """How the last layers are trained; see `EarRecipe` for what is not said here.

    Args:
        hidden: Width of the layer before the vector; what is wider than that of the start adds nothing at first.
        dropped: Share of statistics that are left out by chance.
        decay: Of weights.
    """

    hidden: int = 512
    steps: int = 900
    presets: int = 512
    hard: float = 0.75
    plain: float = 0.5
    learning_rate: float = 1e-3
    temperature: tuple[float, float] = (0.06, 0.04)
    geometry: float = 0.3
    augmented: float = 0.35
    dropped: float = 0.1
    decay: float = 0.05
    check: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Pooled:
    """What the convolutions make of the presets of a synth.

    Args:
        views: The levels.
        as_they_are: Statistics for each view, shape `(N, S)`; zeros where a sound was silent.
        augmented: Those of the sounds changed once more.
    """

    views: Views
    as_they_are: Sequence[np.ndarray]
    augmented: Sequence[np.ndarray]


def main() -> None:
    """Trains, and keeps the best."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("banks", nargs="+", metavar="SYNTH=BANK.npz[:MOST]")
    parser.add_argument("--start", type=Path, required=True, metavar="EAR.safetensors")
    parser.add_argument("--valid", default="dexed", metavar="SYNTH")
    parser.add_argument("--recipe", type=json.loads, default={}, help="fields of HeadRecipe, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = parts_of(options.banks, options.valid)
    start = Ear.load(options.start)
    recipe = HeadRecipe(**options.recipe)
    kept = options.folder / f"pooled-{start.version}"
    found: dict[tuple[str, str], Pooled] = {}
    for (synth, split), bank in parts.items():
        again = split == "train" and recipe.augmented > 0
        pooled = pooled_views(start.network, options.folder, synth, split, bank, kept, again=again)
        if len(pooled.as_they_are) >= 2:
            found[synth, split] = pooled
    exam = Exam(parts, options.folder, options.valid)
    learn(found, exam, recipe, options.folder, start, options.valid)


def pooled_views(
    network: EarNetwork, folder: Path, synth: str, split: str, bank: Bank, kept: Path, *, again: bool
) -> Pooled:
    """Returns what the convolutions make of all views of presets, from files where they are there."""
    place = views_folder(folder, synth, split)
    views = load_views(place, bank.family)
    whole: list[list[np.ndarray]] = [[], []]
    blocks = math.ceil(len(bank.family) / BLOCK)
    numbers = [view for view in range(100) if all((place / name).exists() for name in names(view, blocks))]
    for view in numbers:
        for changed in (False, True)[: 1 + again]:
            parts = []
            for name in names(view, blocks):
                file = kept / place.name / ("changed" if changed else "plain") / name
                if not file.exists():
                    rng = torch.Generator().manual_seed(int.from_bytes(name.encode()[:8], "big") % 2**31)
                    keep(file, pooled_block(network, np.load(place / name), rng if changed else None))
                parts.append(np.load(file))
            whole[changed].append(np.concatenate(parts))
        print(f"{synth} {split}: view {view}", flush=True)
    return Pooled(views, whole[0], whole[1])


def names(view: int, blocks: int) -> list[str]:
    """Returns the names of the files of a view."""
    return [f"v{view:02}-{block:04}.npy" for block in range(blocks)]


def keep(file: Path, values: np.ndarray) -> None:
    """Writes an array, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    with unfinished.open("wb") as out:
        np.save(out, values)
    unfinished.replace(file)


def pooled_block(network: EarNetwork, levels: np.ndarray, rng: torch.Generator | None) -> np.ndarray:
    """Returns the statistics of sounds in half precision, changed once more if there is a generator."""
    given = torch.from_numpy(levels).float() / 255
    silent = (given.amax((1, 2)) == 0).numpy()
    if rng is not None:
        given = augment(given, rng, share=1.0)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        parts = [network.pooled(given[place : place + 128]).float().numpy() for place in range(0, len(given), 128)]
    found = np.concatenate(parts).astype(np.float16)
    found[silent] = 0
    return found


@torch.inference_mode()
def ended(network: EarNetwork, pooled: Pooled, rows: np.ndarray, views: np.ndarray) -> np.ndarray:
    """Returns vectors of views of presets, shape `(B, width)`."""
    found = taken(pooled.as_they_are, rows, views)
    return torch.cat([network.ended(part) for part in found.split(1024)]).numpy()


def taken(statistics: Sequence[np.ndarray], rows: np.ndarray, views: np.ndarray) -> Tensor:
    """Returns statistics of views of presets, shape `(B, S)`."""
    found = [statistics[view][row] for row, view in zip(rows.tolist(), views.tolist(), strict=True)]
    return torch.from_numpy(np.stack(found)).float()


def learn(
    found: Mapping[tuple[str, str], Pooled], exam: Exam, recipe: HeadRecipe, folder: Path, start: Ear, valid: str
) -> None:
    """Trains the last layers, and writes the log and the best."""
    sources = [pooled for (_, split), pooled in found.items() if split == "train"]
    trainer = Trainer(sources, recipe, start.network)
    log = folder / "log.jsonl"
    best = max(map(merit, read_log(log)), default=0.0)
    began = time.monotonic()
    while True:
        if trainer.step % recipe.check == 0:
            asked = partial(ended, trainer.average, found[valid, "valid"])
            others = partial(ended, trainer.average, found[valid, "train"])
            scores = exam.scores_of(asked, others)
            so_far: dict[str, Any] = {"step": trainer.step, "seconds": round(time.monotonic() - began)}
            line = json.dumps({"last layers": True, **so_far, "contrast": round(trainer.contrast, 4), **scores})
            print(line, flush=True)
            with log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            if trainer.step and merit(scores) > best:
                best = merit(scores)
                about = {"recipe": asdict(recipe), "batches": f"{recipe.presets}, last layers", "scores": scores}
                about["start"] = {"version": start.version, **start.about}
                save_ear(folder / "best.safetensors", trainer.average, {**about, **so_far})
        if trainer.step == recipe.steps:
            break
        trainer.take_step()


@torch.no_grad()
def widened(network: EarNetwork, hidden: int) -> EarNetwork:
    """Returns a network that makes the same vectors, with more hidden units before them.

    Args:
        network: The network.
        hidden: How many, at least as many as it has.
    """
    found = EarNetwork(**{**network.config(), "hidden": hidden})
    had = network.sizes.hidden
    given = network.state_dict()
    for name, value in found.state_dict().items():
        if value.shape == given[name].shape:
            value.copy_(given[name])
        elif name == "head.4.weight":  # what is new is not heard yet
            value[:, :had] = given[name]
            value[:, had:] = 0
        else:
            value[:had] = given[name]
    return found.eval()


class Trainer:
    """The state of a training of the last layers.

    Args:
        sources: What is learned from, of each synth.
        recipe: How.
        network: What to begin with.
    """

    def __init__(self, sources: Sequence[Pooled], recipe: HeadRecipe, network: EarNetwork) -> None:
        self.sources = sources
        self.recipe = recipe
        self.network = widened(network, recipe.hidden).requires_grad_(False)
        self.network.head.requires_grad_(True)
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        weights = list(self.network.head.parameters())
        decayed = {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": recipe.decay}
        others = {"params": [weight for weight in weights if weight.ndim == 1], "weight_decay": 0.0}
        self.optimizer = torch.optim.AdamW([decayed, others], recipe.learning_rate, betas=(0.9, 0.98))
        self.rng = np.random.default_rng(recipe.seed)
        torch.manual_seed(recipe.seed)
        self.step = 0
        self.contrast = 0.0
        self.tables: list[Tensor] = []
        sizes = np.array([len(source.views) for source in sources])
        shares = sizes**0.75 / (sizes**0.75).sum()
        self.counts = np.round(shares * recipe.presets).astype(int).tolist()

    def take_step(self) -> None:
        """Learns from one batch."""
        recipe = self.recipe
        share = self.step / recipe.steps
        if self.step % recipe.check == 0:
            self.tables = []
            for source in self.sources:
                rows = np.arange(len(source.views))
                self.tables.append(torch.from_numpy(ended(self.average, source, rows, 0 * rows)))
        batch = [self._pairs(number, count) for number, count in enumerate(self.counts)]
        pooled = torch.cat([part[0] for part in batch] + [part[1] for part in batch])
        family = np.concatenate([part[2] for part in batch])
        self.network.head.train()
        vectors = self.network.ended(torch.nn.functional.dropout(pooled, recipe.dropped))
        hot, cold = recipe.temperature
        contrast = _contrast(vectors, family, hot * (cold / hot) ** share)
        loss = contrast
        if recipe.geometry and self.step % 2 == 0:
            rows, places = batch[0][3]
            levels = self.sources[0].views.take(rows[:COMPARED], 0 * rows[:COMPARED])
            loss = loss + 2 * recipe.geometry * _geometry(vectors[places[:COMPARED]], levels)
        self.optimizer.zero_grad()
        loss.backward()
        warm = min(1.0, (self.step + 1) / 50)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
        self.optimizer.step()
        self.step += 1
        self.contrast = float(contrast.detach())
        self._move_average()

    def _pairs(self, number: int, count: int) -> tuple[Tensor, Tensor, np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Two views of each of some presets, their families, and which first ones are plain, by preset and place."""
        source = self.sources[number]
        rows = self._rows(number, count)
        order = np.argsort(self.rng.random((len(rows), len(source.as_they_are))), 1)
        plain = self.rng.random(len(rows)) < self.recipe.plain
        one = np.where(plain, 0, order[:, 0])
        two = np.where(one == order[:, 1], order[:, 0], order[:, 1])
        first = self._some_changed(source, rows, one, plain)
        second = self._some_changed(source, rows, two, np.zeros(len(rows), bool))
        heard = (first.any(1) & second.any(1)).numpy()
        places = np.flatnonzero(plain[heard])
        rows = rows[heard]
        family = source.views.family[rows] + number * FORGOTTEN
        return first[heard], second[heard], family, (rows[places], places)

    def _some_changed(self, source: Pooled, rows: np.ndarray, views: np.ndarray, kept: np.ndarray) -> Tensor:
        changed = (self.rng.random(len(rows)) < self.recipe.augmented) & ~kept
        found = taken(source.as_they_are, rows, views)
        if changed.any():
            found[torch.from_numpy(changed)] = taken(source.augmented, rows[changed], views[changed])
        return found

    def _rows(self, number: int, count: int) -> np.ndarray:
        """Presets of a batch: some in groups of neighbours of other families, the others any."""
        family = self.sources[number].views.family
        table = self.tables[number]
        groups = int(count * self.recipe.hard) // GROUP
        chosen = [self.rng.integers(len(family), size=count - groups * GROUP)]
        seeds = self.rng.integers(len(family), size=groups)
        near = (table[seeds] @ table.T).topk(min(2 * NEIGHBOURS, len(family))).indices.numpy()
        for seed, others in zip(seeds.tolist(), near, strict=True):
            found = np.concatenate([[seed], others[others != seed]])
            _, first = np.unique(family[found], return_index=True)
            strangers = found[np.sort(first)][1 : 1 + NEIGHBOURS]
            chosen.append(np.concatenate([[seed], self.rng.permutation(strangers)[: GROUP - 1]]))
        return np.unique(np.concatenate(chosen))

    @torch.no_grad()
    def _move_average(self) -> None:
        kept = min(AVERAGE, (self.step + 1) / (self.step + 10))
        means = self.average.head.state_dict()
        for name, value in self.network.head.state_dict().items():
            if value.is_floating_point():
                means[name].lerp_(value, 1 - kept)
            else:
                means[name].copy_(value)


if __name__ == "__main__":
    main()
