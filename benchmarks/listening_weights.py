"""What each part of the distance that the search minimises is worth, by cross-validation over listening studies.

Usage: python benchmarks/listening_weights.py FOLDER  (writes benchmarks/results/listening_weights.json)

FOLDER is that of `listening.py`. All sums of the parts with a few round weights are scored. `held_out` is the mean
over sounds where those of each study are scored by the sum that agrees best on all other studies: what choosing
by score is worth on new ones. `with` has the same for the sum that the search minimises and one embedding beside it,
see `embeddings.py`, whose weight is chosen among a few; `with_pairs` for the ear and another one. `with_chosen` is
`held_out` where the other one is chosen as well, with both weights, on all other studies. `without` and `times`
show what the chosen sum loses without a part, or with half or twice of it. Detuning keeps its weight: pitch
is the same within most studies, `tuning.py` is what tells its worth.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
from listening import Study, agreement, distances, embedding_distances, load, summary
from timing import facts

from patchflow.metrics.perceptual import WEIGHTS

RESULTS = Path(__file__).parent / "results" / "listening_weights.json"
GRID = {
    "modulation": (0, 50, 100, 150, 200),
    "timbre": (0, 10, 20, 40),
    "mean_spectrum": (0, 0.125, 0.25, 0.5),
}

BESIDE = (0, 5, 10, 20, 40, 80, 160)  # dB that a right angle counts

Parts = dict[str, dict[str, np.ndarray]]
"""By study and part."""

Distances = dict[str, dict[str, np.ndarray]]
"""By embedding and study."""


def main(folder: str) -> None:
    """Prints and writes the scores."""
    run = facts(seed=0)
    studies = load(Path(folder))
    parts = {}
    for key, study in studies.items():
        parts[key] = {name: distances(name, study.sounds) for name in WEIGHTS}
    embedded = embedding_distances(studies)
    sums = [WEIGHTS | dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    scores = [scored(weights, studies, parts) for weights in sums]
    totals = np.array([study_totals(score) for score in scores])
    counts = np.array([len(part) for part in scores[0].values()])
    best = int(totals.sum(1).argmax())
    pairs, chosen = beside_ear(embedded, studies, parts)
    report = {
        **run,
        "studies": len(studies),
        "sums": len(sums),
        "chosen": WEIGHTS,
        "score": summary(scored(WEIGHTS, studies, parts)),
        "held_out": round(held_out(totals) / int(counts.sum()), 4),
        "best": {"weights": sums[best], "mean": mean(scores[best])},
        "worst_with_all_parts": min(
            mean(score) for weights, score in zip(sums, scores, strict=True) if all(weights.values())
        ),
        "with": {name: beside({name: found}, studies, parts)[0] for name, found in embedded.items()},
        "with_pairs": pairs,
        "with_chosen": {"held_out": chosen},
        "without": {name: mean(scored(WEIGHTS | {name: 0.0}, studies, parts)) for name in WEIGHTS},
        "times": {name: times(name, studies, parts) for name in WEIGHTS},
    }
    print(json.dumps(report, indent=1))
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def scored(weights: dict[str, float], studies: dict[str, Study], parts: Parts) -> dict[str, list[float]]:
    """Returns the agreement of a weighted sum with every sound's ratings, by study."""
    scores = {}
    for key, study in studies.items():
        whole = sum(weight * parts[key][name] for name, weight in weights.items())
        scores[key] = agreement(np.asarray(whole), study.ratings)
    return scores


def beside(found: Distances, studies: dict[str, Study], parts: Parts) -> tuple[dict[str, object], np.ndarray]:
    """Returns what embeddings are worth beside the sum that the search minimises, and totals by weights and study.

    Args:
        found: Distances by each, by its name and study.
        studies: The studies.
        parts: Distances by the parts of the sum.
    """
    both = {key: parts[key] | {name: each[key] for name, each in found.items()} for key in studies}
    grid = itertools.product(BESIDE, repeat=len(found))
    tried = [dict(zip(found, map(float, weights), strict=True)) for weights in grid]
    scores = [scored(WEIGHTS | weights, studies, both) for weights in tried]
    totals = np.array([study_totals(score) for score in scores])
    best = int(totals.sum(1).argmax())
    report = {
        "alone": mean(scored(dict.fromkeys(found, 1.0), studies, both)),
        "best": {"weights": tried[best], "mean": mean(scores[best])},
        "held_out": round(held_out(totals) / rated(scores[0]), 4),
    }
    return report, totals


def beside_ear(embedded: Distances, studies: dict[str, Study], parts: Parts) -> tuple[dict[str, object], float]:
    """Returns what the ear is worth with each other embedding, and with the one that is best on other studies."""
    pairs = {}
    totals = []
    for name in [name for name in embedded if name != "ear"]:
        pairs[name], of_pair = beside({"ear": embedded["ear"], name: embedded[name]}, studies, parts)
        totals.append(of_pair)
    sounds = rated(scored(WEIGHTS, studies, parts))
    return pairs, round(held_out(np.concatenate(totals)) / sounds, 4)


def rated(scores: dict[str, list[float]]) -> int:
    """Returns of how many sounds there are scores."""
    return sum(len(part) for part in scores.values())


def study_totals(scores: dict[str, list[float]]) -> list[float]:
    """Returns the total of each study."""
    return [float(np.sum(part)) for part in scores.values()]


def held_out(totals: np.ndarray) -> float:
    """Returns the total of each study's score by the sum that is best on all others; `totals` is `(sums, studies)`."""
    found = 0.0
    for study in range(totals.shape[1]):
        others = np.delete(totals, study, 1).sum(1)
        found += float(totals[others.argmax(), study])
    return found


def times(name: str, studies: dict[str, Study], parts: Parts) -> list[float]:
    """Returns the score with half and with twice the weight of a part."""
    return [mean(scored(WEIGHTS | {name: factor * WEIGHTS[name]}, studies, parts)) for factor in (0.5, 2)]


def mean(scores: dict[str, list[float]]) -> float:
    """Returns the mean over all sounds."""
    return round(float(np.mean(list(itertools.chain(*scores.values())))), 4)


if __name__ == "__main__":
    main(*sys.argv[1:])
