"""Learns a word of sounds, natural or synthetic, from the names of presets, and says how far it can be trusted.

Usage: python benchmarks/name_words.py BANK.npz OUT.json REPORT.json [--synth dexed] [--turns 10]

BANK.npz is what `prepare_bank.py` makes. A preset is of one end if its name holds a word of that end and none of the
other. One preset of each family is taken, and at most 200 of one word, or pianos alone would decide. They are played on
C4 and measured. A linear discriminant of the training part, with shrinkage, is the score; how the presets of the bank
change with it is the direction. `voice` is not among the words, since any preset of a DX7 is called one.

The report has the shares of pairs told apart in all parts of the bank, the mean score of each word, how the standard
deviations of the attributes over the bank on C4 compare with those of the learned map, and how far the score comes when
validation presets are turned to either end by 1, with the words that are installed. OUT.json is written only if the
interval of the test part is above chance.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from patchflow.data.bank import Bank
from patchflow.engines import engines
from patchflow.explore.attribute_map import load_map
from patchflow.explore.player import Player
from patchflow.explore.turned_path import turn_preset
from patchflow.features.measures import ATTRIBUTES, MEASURES
from patchflow.presets import Preset
from patchflow.version import commit

__all__ = ["direction", "end_of", "learn", "main", "told_apart"]

# fmt: off
NATURAL = (
    "piano", "steinway", "violin", "viola", "cello", "guitar", "banjo", "lute", "koto", "sitar", "harp", "flute",
    "piccolo", "recorder", "oboe", "clarinet", "bassoon", "sax", "trumpet", "trombone", "tuba", "horn", "harmonica",
    "accordion", "marimba", "xylo", "timpani", "choir",
)
SYNTHETIC = (
    "syn", "moog", "oberheim", "prophet", "ppg", "fairlight", "analog", "anlg", "digi", "computer", "robot", "laser",
    "lazer", "space", "alien", "ufo", "sci-fi", "cosmic", "electro",
)
# fmt: on
NEITHER = re.compile(r"(^|[^a-z])(e|el|ele)([^a-z]|$)|elec|elep|rhod|wurl|dist|fuzz|sharp")
"""Of names with a word of an instrument: electric and distorted ones."""

ENDS = ("natural", "synthetic")
MOST = 200  # names of one word
BANK = 1_500  # presets that the standard deviation of the score is over
SHRINKAGE = 0.1
PART = 1 / 3  # of the largest change of an attribute with the score: below, the attribute is not turned
DRAWS = 2_000
COLUMNS = len(ATTRIBUTES)


def main() -> None:
    """Plays, learns, and writes what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("out", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--source", default="DX7 voices")
    parser.add_argument("--turns", type=int, default=10)
    options = parser.parse_args()
    bank = Bank.load(options.bank)
    about = {"made": f"name_words.py --synth {options.synth}", "commit": commit()}
    word, report = learn(bank, options.synth)
    parts = report["parts"]
    print(json.dumps(parts))
    if parts["test"]["told_apart"][1] <= 0.5:
        raise SystemExit("near chance on held-out families: the word is not offered")
    content = {"format": 1, "synth": options.synth, **about, "words": [{**word, "source": options.source}]}
    options.out.write_text(json.dumps(content, indent=1) + "\n")
    report["turns"] = turns(bank, options.synth, options.turns)
    options.report.write_text(json.dumps({**about, **report}, indent=1) + "\n")


def learn(bank: Bank, synth: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the word as a file holds it, and the report without turns."""
    rows, ends, words = chosen(bank)
    train = np.nonzero(bank.split == "train")[0]
    families = train[np.unique(bank.family[train], return_index=True)[1]]
    everyday = np.random.default_rng(0).choice(families, min(BANK, len(families)), replace=False)
    with Player(engines[synth]) as player:
        measures = player.play(bank.points[np.concatenate((rows, everyday))]).measures[:, 0]
    usual = measures[len(rows) :]
    usual = usual[np.isfinite(usual).all(1)]
    heard = np.nonzero(np.isfinite(measures[: len(rows)]).all(1))[0]
    rows, ends, words, named = rows[heard], ends[heard], words[heard], measures[heard]
    split = bank.split[rows]
    found = direction(named[split == "train"], ends[split == "train"], usual)
    scores = named[:, :COLUMNS] @ found["weights"] - found["centre"]
    parts = {}
    for part in ("train", "valid", "test"):
        here = split == part
        parts[part] = {
            "told_apart": told_apart(scores[here], ends[here], bank.family[rows[here]]),
            "names": counts(ends[here]),
        }
    word = {
        "name": "naturalness",
        "low": ENDS[1],
        "high": ENDS[0],
        "weights": by_attribute(found["weights"]),
        "centre": round(found["centre"], 5),
        "step": by_attribute(found["step"]),
        "names": parts["train"]["names"],
        "words": {"natural": NATURAL, "synthetic": SYNTHETIC},
        "told_apart": parts["test"]["told_apart"],
        "held_out": parts["test"]["names"],
    }
    report = {
        "parts": parts,
        "mean_score": by_word(scores, words, split),
        "attributes": spreads(synth, usual),
    }
    return word, report


def turns(bank: Bank, synth: str, count: int) -> dict[str, Any]:
    """Returns how far the score of validation presets comes when they are turned by +1 and by -1, with all changes."""
    points = bank.points[bank.split == "valid"]
    rows = np.random.default_rng(1).choice(len(points), count, replace=False)
    changes = []
    for point in points[rows]:
        preset = Preset(synth, engines[synth].space.decode(point), name="turned")
        for end in ENDS:
            changes.append(round(turn_preset(preset, {end: 1.0}, steps=2).words[0].changed, 3))
            print(end, changes[-1], flush=True)
    drawn = np.random.default_rng(0).choice(changes, (DRAWS, len(changes))).mean(1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "asked": 1.0,
        "mean": round(float(np.mean(changes)), 3),
        "interval": [round(float(low), 3), round(float(high), 3)],
        "changes": changes,
    }


def end_of(name: str) -> tuple[int, str] | None:
    """Returns 1 for a natural name or -1 for a synthetic one, and the longest word that says so; None for any other.

    Example:
        >>> end_of("FLUTE 1"), end_of("SYNBRASS"), end_of("E.PIANO 3"), end_of("SYN-FLUTE"), end_of("BRASS 1")
        ((1, 'flute'), (-1, 'syn'), None, None, None)
    """
    text = name.lower()
    natural = [word for word in NATURAL if word in text]
    synthetic = [word for word in SYNTHETIC if word in text]
    if natural and not synthetic and not NEITHER.search(text):
        return 1, max(natural, key=len)
    if synthetic and not natural:
        return -1, max(synthetic, key=len)
    return None


def chosen(bank: Bank) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the rows of the presets whose names say something, their ends and their words, in an order by chance."""
    found: list[tuple[int, int, str]] = []
    seen: set[tuple[int, int]] = set()
    taken: dict[str, int] = {}
    for row in np.random.default_rng(0).permutation(len(bank.names)):
        end = end_of(str(bank.names[row]))
        if end is None:
            continue
        relatives = int(bank.family[row]), end[0]
        if relatives in seen:
            continue
        if bank.split[row] == "train":
            if taken.get(end[1], 0) >= MOST:
                continue
            taken[end[1]] = taken.get(end[1], 0) + 1
        seen.add(relatives)
        found.append((int(row), *end))
    rows, ends, words = zip(*found, strict=True)
    return np.array(rows), np.array(ends), np.array(words)


def direction(named: np.ndarray, ends: np.ndarray, usual: np.ndarray) -> dict[str, Any]:
    """Returns the score as weights and centre, and the step that raises it by 1, all in the units of `ATTRIBUTES`.

    Args:
        named: Measures of presets of both ends, shape `(N, M)`.
        ends: 1 or -1 for each, shape `(N,)`.
        usual: Measures of presets of the bank, over which a score has mean 0 and deviation 1, shape `(B, M)`.
    """
    std = usual[:, :COLUMNS].std(0)
    x = named[:, :COLUMNS] / std
    high = x[ends > 0]
    low = x[ends < 0]
    centred = np.concatenate((high - high.mean(0), low - low.mean(0)))
    within = centred.T @ centred / len(centred)
    shrunk = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / COLUMNS * np.eye(COLUMNS)
    weights = np.linalg.solve(shrunk, high.mean(0) - low.mean(0))
    spread = np.cov((usual[:, :COLUMNS] / std).T)
    weights /= np.sqrt(weights @ spread @ weights)
    # How the presets of the bank change with the score; the weights themselves also hold what only cancels something.
    step = spread @ weights
    step[np.abs(step) < PART * np.abs(step).max()] = 0.0
    step /= weights @ step
    return {
        "weights": weights / std,
        "centre": float(usual[:, :COLUMNS].mean(0) @ (weights / std)),
        "step": step * std,
    }


def told_apart(scores: np.ndarray, ends: np.ndarray, families: np.ndarray) -> list[float]:
    """Returns the area under the curve, and its 95 % interval by drawing families again and again."""
    whole = area(scores, ends)
    rng = np.random.default_rng(0)
    places = [np.nonzero(families == family)[0] for family in np.unique(families)]
    drawn = []
    for _ in range(DRAWS):
        some = np.concatenate([places[one] for one in rng.integers(len(places), size=len(places))])
        drawn.append(area(scores[some], ends[some]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return [round(float(value), 3) for value in (whole, low, high)]


def area(scores: np.ndarray, ends: np.ndarray) -> float:
    """Returns the share of pairs of either end in which the higher score is that of the high end."""
    high = int((ends > 0).sum())
    low = len(ends) - high
    return float((rankdata(scores)[ends > 0].sum() - high * (high + 1) / 2) / (high * low))


def counts(ends: np.ndarray) -> dict[str, int]:
    """Returns how many there are of each end."""
    return {ENDS[0]: int((ends > 0).sum()), ENDS[1]: int((ends < 0).sum())}


def by_word(scores: np.ndarray, words: np.ndarray, split: np.ndarray) -> dict[str, dict[str, float]]:
    """Returns how many training presets each word has, their mean score and its standard error."""
    found = {}
    for word in (*NATURAL, *SYNTHETIC):
        here = scores[(words == word) & (split == "train")]
        if len(here) > 1:
            error = float(here.std(ddof=1) / np.sqrt(len(here)))
            found[word] = {"names": len(here), "mean": round(float(here.mean()), 2), "error": round(error, 2)}
    return found


def spreads(synth: str, usual: np.ndarray) -> dict[str, dict[str, float]]:
    """Returns the deviations over the bank on C4 and those of the map, and how many presets are below +1.5 of it."""
    learned = load_map(synth, engines[synth].space)
    found = {}
    for column, attribute in enumerate(MEASURES):
        values = usual[:, column]
        std = attribute.spread if learned is None else float(learned.std[column])
        below = float((values < values.mean() + 1.5 * std).mean())
        found[attribute.name] = {
            "bank": round(float(values.std()), 3),
            "map": round(std, 3),
            "below": round(below, 3),
        }
    return found


def by_attribute(values: np.ndarray) -> dict[str, float]:
    """Returns the values that are not 0 by the names of attributes."""
    pairs = zip(ATTRIBUTES, values, strict=True)
    return {attribute.name: round(float(value), 6) for attribute, value in pairs if value}


if __name__ == "__main__":
    main()
