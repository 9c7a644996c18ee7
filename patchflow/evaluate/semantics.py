"""How well the tags of presets can be told from their sounds, and from their parameters."""

from typing import Any

import numpy as np

from ..data.examples import Examples
from .separation import balanced_accuracy, classify

__all__ = ["FEWEST", "tag_accuracy", "tagged"]

FEWEST = 8
"""A pair of words is left out if one of them has fewer families than so many in the training or the test part."""


def tag_accuracy(examples: Examples) -> dict[str, Any]:
    """Fits a linear classifier for each pair of opposite words and measures it on other families of presets.

    Heard are the mean and the standard deviation of each band of the spectrogram over time.

    Args:
        examples: Sounds, presets and tags; the fold is theirs.

    Returns:
        For each pair the balanced accuracy from the sound and from the parameters, where chance is 0.5, and how many
        families there were; or why it was left out.
    """
    pairs = []
    for column, words in enumerate(examples.pairs):
        parts = {part: tagged(examples, column, part) for part in ("train", "test")}
        counts = {part: [int((~positive).sum()), int(positive.sum())] for part, (_, positive) in parts.items()}
        entry: dict[str, Any] = {"words": list(words), "counts": counts}
        if min(min(count) for count in counts.values()) >= FEWEST:
            for name, features in (("sound", _heard), ("parameters", _set)):
                known, unknown = ((features(examples, rows), positive) for rows, positive in parts.values())
                entry[name] = round(balanced_accuracy(classify(known, unknown[0]), unknown[1]), 4)
        pairs.append(entry)
    return {"format": "patchflow tags 1", "synth": examples.synth, "fold": examples.fold, "chance": 0.5, "pairs": pairs}


def tagged(examples: Examples, pair: int, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows of a part that have one of two words, and which of them have the second, both `(N,)`.

    Sounds of a family are alike, so each word gets one of a family; one of thousands would else be all that counts.

    Args:
        examples: Where they are.
        pair: Number of the pair of words.
        part: `"train"` or `"test"`.
    """
    rows = examples.rows(part)
    rows = rows[np.asarray(examples.tags[rows, pair]) != 0]
    tags = np.asarray(examples.tags[rows, pair])
    _, first = np.unique(np.stack([examples.family[rows], tags], 1), axis=0, return_index=True)
    kept = np.sort(first)
    return rows[kept], tags[kept] > 0


def _heard(examples: Examples, rows: np.ndarray) -> np.ndarray:
    mels = np.asarray(examples.mels[rows], np.float32)
    return np.concatenate([mels.mean(2), mels.std(2)], 1).astype(float)


def _set(examples: Examples, rows: np.ndarray) -> np.ndarray:
    return np.asarray(examples.points[rows], float)
