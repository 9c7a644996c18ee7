"""The rows of the quality tables: every way to get a preset for a sound, with what it may spend."""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import cma
import numpy as np
import torch

from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.features.mel import mel_spectrogram, power_to_db
from patchflow.match.proposals import FromModel, FromSpace, Proposer
from patchflow.match.scorer import Scorer
from patchflow.match.search import Budget, Search
from patchflow.match.target import Target
from patchflow.metrics import metrics
from patchflow.models import load_model, models, shipped

__all__ = [
    "Evenly",
    "Found",
    "bank_mels",
    "cma_from",
    "draw_best",
    "levels",
    "measure",
    "nearest",
    "posterior",
    "search",
]

RATE = 22_050
FULL_RATE = 44_100
BUDGETS = (1, 16, 256, 1000, 4000)


@dataclass(frozen=True)
class Found:
    """A preset for a target: encoded `(P,)`, how it is played, what it cost, and whether it is the target itself."""

    point: np.ndarray
    note: Note
    renders: int
    seconds: float
    true: bool = False


def posterior(path: str | None, synth: str = "dexed") -> FromModel:
    """Returns the proposer on given weights, or on those shipped."""
    weights = path or shipped(synth)
    if weights is None:
        raise SystemExit(f"no weights for {synth}: train a model, or name one with --model")
    return FromModel(load_model(weights, engines[synth].space, models))


class Evenly(FromSpace):
    """Presets drawn evenly from the whole space: a proposer without any knowledge."""

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`."""
        return rng.random((count, len(self.space)))


def search(target: Target, renderer: Renderer, proposers: list[Proposer], budget: Budget, seed: int) -> Found:
    """Returns the best of a whole search."""
    scorer = Scorer(renderer, target)
    run = Search(scorer, renderer.make(), proposers, seed=seed)
    start = time.monotonic()
    trace = run.run(budget)
    seconds = time.monotonic() - start
    return Found(trace.found.points[0], scorer.note(trace.found.pitch[0]), trace.history[-1][0], seconds)


def draw_best(target: Target, renderer: Renderer, proposer: Proposer, count: int, seed: int) -> Found:
    """Returns the best of `count` proposals on the target's likeliest note."""
    start = time.monotonic()
    pitch = target.guesses[0].pitch
    points = renderer.make().space.snap(proposer.propose(target, pitch, count, np.random.default_rng(seed)))
    scorer = Scorer(renderer, target)
    best = int(np.argmin(scorer.score(points, np.full(count, pitch)).distance))
    return Found(points[best], scorer.note(pitch), count, time.monotonic() - start)


def cma_from(target: Target, renderer: Renderer, point: np.ndarray, renders: int, seed: int) -> Found:
    """Returns the best of CMA-ES with a diagonal covariance over all parameters from one point."""
    scorer = Scorer(renderer, target)
    start = time.monotonic()
    pitch = target.guesses[0].pitch
    best = (np.inf, point)
    spent = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"CMA_diagonal": True, "bounds": [0, 1], "verbose": -9, "seed": seed + 1}
        strategy = cma.CMAEvolutionStrategy(np.clip(point, 0.01, 0.99), 0.2, options)
        while spent < renders:
            asked = np.array(strategy.ask(min(strategy.popsize, renders - spent)))
            points = renderer.make().space.snap(asked)
            distance = scorer.score(points, np.full(len(points), pitch)).distance
            spent += len(points)
            if distance.min() < best[0]:
                best = (distance.min(), points[np.argmin(distance)])
            # The last batch may be cut to the budget, and CMA-ES takes whole ones only.
            if len(points) == strategy.popsize:
                strategy.tell(list(asked), list(distance))
    return Found(best[1], scorer.note(pitch), spent, time.monotonic() - start)


def bank_mels(points: np.ndarray, note: Note, cache: Path, renderer: Renderer) -> np.ndarray:
    """Returns log-mel spectrograms of a bank played on one note, in 1/3 dB steps below the peak, uint8 `(N, F, N')`."""
    if cache.exists():
        return np.load(cache, mmap_mode="r")
    jobs = [points[i : i + 8] for i in range(0, len(points), 8)]

    def work(engine: Engine, job: np.ndarray) -> np.ndarray:
        return np.stack([levels(engine.render(point, note, RATE)) for point in job])

    mels = list(renderer.map(work, jobs))
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, np.concatenate(mels))
    return np.load(cache, mmap_mode="r")


def levels(sound: np.ndarray) -> np.ndarray:
    """Returns the log-mel spectrogram of a sound at `RATE`, in 1/3 dB steps below the peak, uint8 `(F, N)`."""
    mel = power_to_db(mel_spectrogram(torch.from_numpy(sound)[None], RATE))
    return (mel[0] * -3).round().to(torch.uint8).numpy()


def nearest(mel: np.ndarray, mels: np.ndarray, allowed: np.ndarray) -> tuple[int, float]:
    """Returns the row of `mels` with the smallest log-mel L1 among those `allowed`, and that distance in dB."""
    query = torch.from_numpy(mel.astype(np.int16))
    distances = []
    for first in range(0, len(mels), 2048):
        block = torch.from_numpy(np.asarray(mels[first : first + 2048]).astype(np.int16))
        distances.append((block - query).abs().float().mean((1, 2)).numpy())
    distance = np.concatenate(distances)
    distance[~allowed] = np.inf
    row = int(np.argmin(distance))
    return row, float(distance[row]) / 3


def measure(estimate: np.ndarray, target: np.ndarray, rate: int) -> dict[str, float]:
    """Returns every metric of the registry between two sounds."""
    a, b = (torch.from_numpy(np.ascontiguousarray(x, np.float32))[None] for x in (estimate, target))
    return {name: round(float(metrics[name](a, b, rate)), 6) for name in metrics}
