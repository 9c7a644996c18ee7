"""The rows of the quality tables: every way to get a preset for a sound, with what it may spend."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cma
import numpy as np
import torch

from patchflow.audio.conditioning import resample
from patchflow.engines import Engine, Note, Renderer, engines
from patchflow.features.log_spectrum import AUDIBLE_GAIN, best_shift, fine_spectrum
from patchflow.features.mel import mel_spectrogram, power_to_db
from patchflow.match import Matcher
from patchflow.match.arms import Arm
from patchflow.match.limits import Budget
from patchflow.match.proposals import FromModel, FromSpace, Proposer
from patchflow.match.scorer import Scorer
from patchflow.match.target import Target
from patchflow.match.verdict import Judge
from patchflow.metrics import metrics
from patchflow.models import load_model, models, shipped

__all__ = [
    "BUDGETS",
    "FULL_RATE",
    "NEAREST",
    "RATE",
    "Evenly",
    "Found",
    "Nearest",
    "cents_off",
    "cma_from",
    "draw_best",
    "in_tune",
    "matcher",
    "measure",
    "play",
    "posterior",
    "score_best",
    "search",
]

RATE = 22_050
FULL_RATE = 44_100
BUDGETS = (1, 16, 256, 1000, 4000)
NEAREST = 200
"""Presets of a bank that log-mel L1 says are nearest, of which the search's own distance takes the best."""

_CENTS = 20  # a difference in pitch that still counts as in tune
_TILE = (8, 16)  # bands and frames that are summed for a first look at a bank


@dataclass(frozen=True)
class Found:
    """A preset for a target.

    Args:
        point: The preset, encoded, shape `(P,)`.
        note: How it is played.
        renders: Renders that it cost.
        seconds: Seconds that it took.
        true: Whether it is the target itself, with all that it holds beside parameters.
        start: Seconds of the target before the note begins, where its beginning was cut as silent.
    """

    point: np.ndarray
    note: Note
    renders: int
    seconds: float
    true: bool = False
    start: float = 0.0


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


def matcher(synth: str, proposers: list[Proposer]) -> Callable[[], Matcher]:
    """Returns what makes a matcher, when it is first called, and returns that one from then on."""

    @cache
    def make() -> Matcher:
        made = Matcher([Arm(synth, engines[synth], Renderer(engines[synth]), proposers)])
        # The first match pays for imports and for the start of the synth.
        made.match(np.sin(np.arange(RATE) * 0.1).astype(np.float32), RATE, renders=1)
        return made

    return make


def search(matcher: Callable[[], Matcher], target: Target, budget: Budget, seed: int) -> Found:
    """Returns the first candidate that a user gets."""
    made = matcher()
    start = time.monotonic()
    result = made.match_target(target, budget, seed=seed)
    seconds = time.monotonic() - start
    best = result.candidates[0]
    return Found(best.point, best.note, result.renders, seconds, start=target.trim_offset)


def draw_best(target: Target, renderer: Renderer, proposer: Proposer, count: int, seed: int) -> Found:
    """Returns the best of `count` proposals on the target's likeliest note."""
    start = time.monotonic()
    pitch = target.guesses[0].pitch
    points = renderer.make().space.snap(proposer.propose(target, pitch, count, np.random.default_rng(seed)))
    found = score_best(target, renderer, points)
    return replace(found, seconds=time.monotonic() - start)


def score_best(target: Target, renderer: Renderer, points: np.ndarray) -> Found:
    """Returns the best of some presets on the target's likeliest note."""
    start = time.monotonic()
    scorer = Scorer(renderer, target)
    pitch = target.guesses[0].pitch
    best = int(np.argmin(scorer.score(points, np.full(len(points), pitch)).distance))
    seconds = time.monotonic() - start
    return Found(points[best], scorer.note(pitch), len(points), seconds, start=target.trim_offset)


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


class Nearest:
    """Finds the presets of a bank that are nearest to a sound, all played on one note.

    Exact: summed over tiles, absolute differences only shrink (triangle inequality), so few have to be compared in
    full.

    Args:
        points: The presets, encoded, shape `(N, P)`.
        note: The note.
        cache: File of their spectrograms; made if it is not there.
        renderer: Plays them.
    """

    def __init__(self, points: np.ndarray, note: Note, cache: Path, renderer: Renderer) -> None:
        self.points = points
        self.renderer = renderer
        if not cache.exists():
            cache.parent.mkdir(parents=True, exist_ok=True)
            np.save(cache, _bank_levels(points, note, renderer))
        self._levels = np.load(cache, mmap_mode="r")
        self._tiles = _tiles(self._levels)

    def find(self, target: Target, allowed: np.ndarray) -> Found:
        """Returns the best of the `NEAREST` nearest presets by the search's own distance.

        Args:
            target: The sound, on the note of the bank and as long as it.
            allowed: Which presets may be taken, shape `(N,)`.
        """
        start = time.monotonic()
        found = score_best(target, self.renderer, self.points[self.rows(_levels_of(target.samples), allowed)])
        return replace(found, seconds=time.monotonic() - start)

    def rows(self, levels: np.ndarray, allowed: np.ndarray, count: int = NEAREST) -> np.ndarray:
        """Returns which presets have the smallest log-mel L1, nearest first.

        Args:
            levels: What the sound is, in the steps of the bank, uint8 `(F, N')`.
            allowed: Which presets may be taken, shape `(N,)`.
            count: How many are wanted.
        """
        least = np.abs(self._tiles - _tiles(levels[None])).sum(1)
        least[~allowed] = np.inf
        order = np.argsort(least, kind="stable")[: int(allowed.sum())]
        first = self._gap(order[:count], levels)
        # Nothing whose lower bound is above the worst of these can be nearer.
        rows = order[least[order] <= np.sort(first)[-1]]
        gap = np.concatenate([first, self._gap(rows[len(first) :], levels)])
        return rows[np.argsort(gap, kind="stable")[:count]]

    def _gap(self, rows: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Sums of absolute differences, shape `(len(rows),)`."""
        gaps = [np.abs(self._levels[row].astype(np.int16) - levels).sum() for row in rows]
        return np.array(gaps, float)


def play(engine: Engine, found: Found, length: float) -> np.ndarray:
    """Returns what was found at `FULL_RATE`, beside a target of `length` seconds, `(T,)`."""
    note = replace(found.note, length=max(length - found.start, found.note.hold, 0.01))
    silence = np.zeros(round(found.start * FULL_RATE), np.float32)
    return np.concatenate([silence, engine.render(found.point, note, FULL_RATE)])


def measure(estimate: np.ndarray, target: np.ndarray, rate: int) -> dict[str, float | None]:
    """Returns every metric of the registry between two sounds, and how they are tuned; see `in_tune`.

    `cents` is how far the estimate is above the target, by the shift of fine spectra at which they agree best, `gain`
    how much better they agree there, and `agreement` how well. `told` is what `patchflow match` says instead, None for
    a pitch that is unlike.
    """
    pair = [np.ascontiguousarray(sound, np.float32) for sound in (estimate, target)]
    a, b = (torch.from_numpy(sound)[None] for sound in pair)
    found: dict[str, float | None] = {name: round(float(metrics[name](a, b, rate)), 6) for name in metrics}
    a, b = (torch.from_numpy(resample(sound, rate, RATE))[None] for sound in pair)
    shift = best_shift(fine_spectrum(a, RATE), fine_spectrum(b, RATE))
    told = Judge(pair[1], rate).cents(pair[0])
    found["cents"] = round(float(shift.cents), 1)
    found["gain"] = round(float(shift.gain), 4)
    found["agreement"] = round(float(shift.agreement), 4)
    return found | {"told": None if told is None else round(told, 1)}


def cents_off(cents: float, gain: float, told: float | None = None) -> float:
    """Returns how far a sound is out of tune with its target, in cents.

    It is what `patchflow match` tells. Where that is nothing, it is 0 if no shift makes the two agree any better.
    """
    if told is not None:
        return abs(told)
    return abs(cents) if gain >= AUDIBLE_GAIN else 0.0


def in_tune(cents: float, gain: float, told: float | None = None) -> bool:
    """Returns whether a sound is within 20 cents of a pitched target, or would agree no better at another shift."""
    return cents_off(cents, gain, told) <= _CENTS


def _bank_levels(points: np.ndarray, note: Note, renderer: Renderer) -> np.ndarray:
    """Spectrograms of presets, uint8 `(N, F, N')`."""
    jobs = [points[i : i + 8] for i in range(0, len(points), 8)]

    def work(engine: Engine, job: np.ndarray) -> np.ndarray:
        return np.stack([_levels_of(engine.render(point, note, RATE)) for point in job])

    return np.concatenate(list(renderer.map(work, jobs)))


def _levels_of(sound: np.ndarray) -> np.ndarray:
    """The log-mel spectrogram of a sound at `RATE`, in 1/3 dB steps below the peak, uint8 `(F, N)`."""
    mel = power_to_db(mel_spectrogram(torch.from_numpy(sound)[None], RATE))
    return (mel[0] * -3).round().to(torch.uint8).numpy()


def _tiles(levels: np.ndarray) -> np.ndarray:
    """Sums over tiles of spectrograms, float32 `(N, tiles)`; whole numbers, so exact."""
    _, bands, frames = levels.shape
    found = []
    for first in range(0, len(levels), 2048):
        block = np.add.reduceat(levels[first : first + 2048], range(0, bands, _TILE[0]), 1, np.int32)
        sums = np.add.reduceat(block, range(0, frames, _TILE[1]), 2)
        found.append(sums.reshape(len(sums), -1).astype(np.float32))
    return np.concatenate(found)
