"""How well every metric and every embedding agrees with people, over published listening studies.

Usage: python benchmarks/listening.py FOLDER  (writes benchmarks/results/listening.json)

FOLDER has one folder of sounds a study, and `ratings.csv`: study, a, b, dissimilarity. Sounds are compared at the
same peak, the shorter padded with silence. For each sound of a study the metric's distances to the others are ranked
beside people's: the score is the mean rank correlation over all sounds, with an interval over studies. `random` is
what chance scores.

Embeddings are those of `embeddings.py`, and of each inner layer of the ear and of the posterior's encoder the mean and
deviation of its channels. They are compared by cosine; where their numbers have different units, in deviations from
the mean over the sounds of all studies.
"""

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from embeddings import EMBEDDINGS, cosines, inner_layers, learned
from scipy.stats import rankdata
from soundfile import read

from patchflow.audio.conditioning import resample
from patchflow.metrics import metrics

RESULTS = Path(__file__).parent / "results" / "listening.json"
RATE = 22_050
LEAST = 3  # ratings of a sound, to be ranked
DRAWS = 10_000  # studies drawn again, for the interval


@dataclass(frozen=True)
class Study:
    """A listening study.

    Args:
        sounds: Its sounds, shape `(N, T)`.
        ratings: How unlike each two are, from 0 to 1, shape `(N, N)`; not a number where nobody rated them.
    """

    sounds: torch.Tensor
    ratings: np.ndarray


def main(folder: str) -> None:
    """Prints and writes the scores."""
    studies = load(Path(folder))
    table = {}
    for name in ("random", *metrics):
        table[name] = scored(name, {key: distances(name, study.sounds) for key, study in studies.items()}, studies)
    embedded = {}
    for name, found in embedding_distances(studies).items():
        embedded[name] = scored(name, found, studies)
    counts = {"studies": len(studies), "sounds": sum(len(study.sounds) for study in studies.values())}
    versions = {"ear": learned().version}
    found = {**counts, "versions": versions, "scores": table, "embeddings": embedded}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def scored(name: str, found: dict[str, np.ndarray], studies: dict[str, Study]) -> dict[str, object]:
    """Prints and returns how well distances agree with people; they are given by study."""
    row = summary({key: agreement(found[key], study.ratings) for key, study in studies.items()})
    print(f"{name:32} {row['mean']:.3f}  {row['interval']}", flush=True)
    return row


def embedding_distances(studies: dict[str, Study]) -> dict[str, dict[str, np.ndarray]]:
    """Returns distances by every embedding, and by the channels of every inner layer; by name and study."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, embedding in EMBEDDINGS.items():
        if name == "random":
            continue
        vectors = {key: embedding.of(study.sounds) for key, study in studies.items()}
        if embedding.scaled:
            whole = np.concatenate(list(vectors.values()))
            vectors = {key: (part - whole.mean(0)) / whole.std(0).clip(1e-6) for key, part in vectors.items()}
        found[name] = {key: cosines(part) for key, part in vectors.items()}
    for key, study in studies.items():
        of_ear = learned().statistics(list(study.sounds.numpy()), RATE)
        of_encoder = [channels(layer) for layer in inner_layers(study.sounds)]
        for network, layers in {"ear": of_ear, "encoder": of_encoder}.items():
            for number, layer in enumerate(layers, 1):
                found.setdefault(f"{network}, layer {number}", {})[key] = cosines(layer)
    return found


def channels(layer: torch.Tensor) -> np.ndarray:
    """Returns the mean and deviation of the channels of a layer, `(B, C, F, N)`, shape `(B, 2 C)`."""
    return torch.cat([layer.mean((2, 3)), layer.std((2, 3))], 1).numpy()


def load(folder: Path) -> dict[str, Study]:
    """Returns the studies of a folder by name."""
    pairs: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    with (folder / "ratings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pairs[row["study"]].append((row["a"], row["b"], float(row["dissimilarity"])))
    studies = {}
    for study, rated in pairs.items():
        names = sorted({name for first, second, _ in rated for name in (first, second)})
        sounds = [sound(folder / study / name) for name in names]
        longest = max(map(len, sounds))
        padded = np.stack([np.pad(samples, (0, longest - len(samples))) for samples in sounds])
        ratings = np.full((len(names), len(names)), np.nan)
        for first, second, value in rated:
            row, column = names.index(first), names.index(second)
            ratings[row, column] = ratings[column, row] = value
        studies[study] = Study(torch.from_numpy(padded), ratings)
    return studies


def sound(file: Path) -> np.ndarray:
    """Returns a sound as one channel at the common rate, with its peak at 1."""
    samples, rate = read(file, dtype="float32", always_2d=True)
    mono = resample(samples.mean(1), rate, RATE)
    return mono / np.abs(mono).max()


def distances(name: str, sounds: torch.Tensor) -> np.ndarray:
    """Returns a metric's distance of each two sounds, larger for worse; shape `(N, N)`."""
    count = len(sounds)
    if name == "random":
        return np.random.default_rng(0).random((count, count))
    metric = metrics[name]
    sign = 1 if metric.better == "lower" else -1
    rows = [metric(sounds, sounds[i].expand(count, -1), RATE) for i in range(count)]
    return sign * torch.stack(rows, 1).numpy()


def agreement(found: np.ndarray, ratings: np.ndarray) -> list[float]:
    """Returns the rank correlation of each sound's distances with its ratings."""
    correlations = []
    for anchor, rated in enumerate(ratings):
        known = ~np.isnan(rated)
        known[anchor] = False
        if known.sum() >= LEAST:
            ranked = rankdata(found[known, anchor]), rankdata(rated[known])
            correlations.append(float(np.nan_to_num(np.corrcoef(*ranked)[0, 1])))
    return correlations


def summary(scores: dict[str, list[float]]) -> dict[str, object]:
    """Returns the mean over all sounds, a 95 % interval over studies, and each study's mean."""
    values = list(scores.values())
    sums = np.array([sum(part) for part in values])
    counts = np.array([len(part) for part in values])
    drawn = np.random.default_rng(0).integers(len(values), size=(DRAWS, len(values)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    return {
        "mean": round(float(sums.sum() / counts.sum()), 4),
        "interval": [round(float(edge), 4) for edge in np.quantile(means, (0.025, 0.975))],
        "studies": {key: round(float(np.mean(part)), 4) for key, part in scores.items()},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
