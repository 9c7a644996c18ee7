"""How well words find presets: the ten best hits of each of the phrases in `phrases.toml`, over voices of a bank.

Usage: python benchmarks/words.py BANK.npz MEASURES.npz [--learn] [--part test] [--fill]

BANK.npz is what `prepare_bank.py` makes. MEASURES.npz is made by the first call: all test and validation presets, and
of the training part one of each family, played on C4. `--learn` first writes the
profiles of categories, `patchflow/browse/profiles.json`, from the names of the training part.

A hit counts for each attribute that the phrase names and that lies in the right fifth of the library, and for the
category, which is that of its name: a preset whose name says nothing never counts. A hit that is missing is wrong.
Presets that are alike, such as the many with the shortest attack, are all in the outermost of their places.

Rows beside: random; names only, presets whose names have most of the words; tags only, presets whose tags and
categories have most of the words, as `presets tag` writes them; and the search for presets that have all of the words.
Writes benchmarks/results/words.json and, with `--fill`, the tables of docs/words.md.
"""

import argparse
import json
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from marked import filled
from scipy.special import ndtri

from patchflow.browse import find, understand
from patchflow.browse.shelf import Shelf
from patchflow.browse.standing import COLUMNS, ranks_within
from patchflow.data.bank import Bank
from patchflow.data.label_library import words_of
from patchflow.engines import engines
from patchflow.explore.player import RATE, Player
from patchflow.features.descriptors import describe
from patchflow.presets import Entry, Label, Library, Preset
from patchflow.presets.preset import CATEGORIES, category_from_name
from patchflow.version import commit

__all__ = ["learn", "main", "measured", "scored"]

HERE = Path(__file__).parent
PROFILES = HERE.parent / "patchflow" / "browse" / "profiles.json"
RESULTS = HERE / "results" / "words.json"
PAGE = HERE.parent / "docs" / "words.md"
SYNTH = "dexed"
HITS = 10
FIFTH = 0.2
OTHERS = 2_500  # training presets whose names say nothing
SHRUNK = 0.2  # share of the common covariance in that of each category
DRAWS = 2_000
SEEDS = 20
BLOCK = 100
LANGUAGES = {"en": "English", "de": "German", "ja": "Japanese", "fr": "French", "es": "Spanish"}
ROWS = {
    "words": "words, by rank and category",
    "names": "names only",
    "tags": "tags only",
    "all words": "all words in names, tags or categories",
    "random": "random",
}

Ranked = Callable[[str], np.ndarray]
"""Returns the rows of the hits for a text, at most `HITS`."""


def main() -> None:
    """Measures, learns where asked, and writes results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("measures", type=Path)
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--part", default="test", choices=("test", "valid"))
    parser.add_argument("--fill", action="store_true")
    options = parser.parse_args()
    bank = Bank.load(options.bank)
    rows, measures = measured(bank, options.measures)
    if options.learn:
        train = bank.split[rows] == "train"
        PROFILES.write_text(json.dumps(learn(bank.names[rows[train]], measures[train]), indent=None) + "\n")
    part = bank.split[rows] == options.part
    tags = tagged(bank.points[rows[part]], options.measures, options.part)
    report = scored(bank, rows[part], measures[part], tags)
    report = {"made": f"words.py --part {options.part}", "commit": commit(), **report}
    print(json.dumps({name: row["all"] for name, row in report["rows"].items()}, indent=1))
    if options.part == "test":
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    if options.fill:
        report = json.loads(RESULTS.read_text())
        PAGE.write_text(filled(PAGE, {"rows": table(report), "languages": languages(report)}), "utf-8")


def measured(bank: Bank, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows of the bank and their measures, which are read from a file or made.

    Args:
        bank: The presets.
        path: The file; each block of presets is written, and the next call goes on there.
    """
    rows = chosen(bank)
    held = kept(path)
    measures = held.get("measures", np.zeros((0, len(COLUMNS))))
    with Player(engines[SYNTH]) as player:
        while len(measures) < len(rows):
            played = player.play(bank.points[rows[len(measures) : len(measures) + BLOCK]])
            measures = np.concatenate((measures, played.measures[:, 0]))
            np.savez(path, allow_pickle=False, **{**held, "measures": measures})
            print(f"measured {len(measures)} of {len(rows)}", flush=True)
    return rows, measures


def tagged(points: np.ndarray, path: Path, part: str) -> np.ndarray:
    """Returns the words that `presets tag` gives to presets, divided by commas, read from a file or made."""
    held = kept(path)
    tags = held.get(f"tags_{part}", np.zeros(0, str))
    with Player(engines[SYNTH]) as player:
        while len(tags) < len(points):
            sounds = player.play(points[len(tags) : len(tags) + BLOCK]).sounds[:, 0]
            values = describe(torch.from_numpy(sounds), RATE)
            found = []
            for row, sound in enumerate(sounds):
                of_row = {name: float(column[row]) for name, column in values.items()}
                found.append(", ".join(words_of(of_row)) if sound.any() else "silent")
            tags = np.concatenate((tags, found))
            np.savez(path, allow_pickle=False, **{**held, f"tags_{part}": tags})
            print(f"tagged {len(tags)} of {len(points)}", flush=True)
    return tags


def kept(path: Path) -> dict[str, np.ndarray]:
    """Returns what a file holds; nothing if there is none."""
    if not path.exists():
        return {}
    with np.load(path) as held:
        return dict(held)


def chosen(bank: Bank) -> np.ndarray:
    """Returns the rows that are measured: test, validation, and some of the training part, all by chance but alike."""
    rng = np.random.default_rng(0)
    train = rng.permutation(np.flatnonzero(bank.split == "train"))
    one_each = train[np.unique(bank.family[train], return_index=True)[1]]
    says = np.array([bool(category_from_name(str(name))) for name in bank.names[one_each]])
    others = rng.permutation(one_each[~says])[:OTHERS]
    parts = [np.flatnonzero(bank.split == part) for part in ("test", "valid")]
    return np.concatenate((*parts, rng.permutation(np.concatenate((one_each[says], others)))))


def learn(names: Sequence[str] | np.ndarray, measures: np.ndarray) -> dict[str, Any]:
    """Returns profiles of categories: the mean and covariance of normal scores of ranks.

    Args:
        names: Of training presets.
        measures: Of the same.
    """
    scores = ndtri(ranks_within(measures, [SYNTH] * len(names)))
    heard = np.isfinite(scores).all(1)
    category = np.array([category_from_name(str(name)) for name in names])
    members = {name: scores[heard & (category == name)] for name in CATEGORIES}
    common = np.mean([np.cov(member.T) for member in members.values()], axis=0)
    profiles = {}
    for name, member in members.items():
        covariance = (1 - SHRUNK) * np.cov(member.T) + SHRUNK * common
        profiles[name] = {
            "presets": len(member),
            "mean": member.mean(0).round(3).tolist(),
            "covariance": covariance.round(3).tolist(),
        }
    return {"made": "words.py --learn", "synth": SYNTH, "attributes": list(COLUMNS), "categories": profiles}


def scored(bank: Bank, rows: np.ndarray, measures: np.ndarray, tags: np.ndarray) -> dict[str, Any]:
    """Returns the shares of right attributes and categories of every way to search, over all phrases and by language.

    Args:
        bank: The presets.
        rows: The library: rows of the bank.
        measures: Of each.
        tags: Of each, divided by commas.
    """
    names = [str(name) for name in bank.names[rows]]
    truth = np.array([category_from_name(name) for name in names])
    synths = [SYNTH] * len(rows)
    ranks = {"low": ranks_within(measures, synths, "min"), "high": ranks_within(measures, synths, "max")}
    phrases = tomllib.loads((HERE / "phrases.toml").read_text("utf-8"))["phrase"]
    ways = searches(bank.points[rows], names, measures, tags)
    report: dict[str, Any] = {"library": len(rows), "named": int((truth != "").sum()), "rows": {}}
    for way in ROWS:
        attributes: list[float] = []
        categories: list[float] = []
        each = []
        for phrase in phrases:
            found = [_counts(hits, phrase, ranks, truth) for hits in ways[way](phrase["text"])]
            attribute = float(np.mean([one[0] for one in found]))
            category = float(np.mean([one[1] for one in found]))
            attributes.append(attribute)
            categories.append(category)
            each.append({"text": phrase["text"], "attributes": round(attribute, 3), "category": round(category, 3)})
        spoken = np.array([phrase["language"] for phrase in phrases])
        row = {"all": _summary(np.array(attributes), np.array(categories))}
        for language in LANGUAGES:
            here = spoken == language
            row[language] = _summary(np.array(attributes)[here], np.array(categories)[here])
        report["rows"][way] = {**row, "phrases": each} if way == "words" else row
    return report


def searches(
    points: np.ndarray, names: Sequence[str], measures: np.ndarray, tags: np.ndarray
) -> Mapping[str, Callable[[str], list[np.ndarray]]]:
    """Returns all ways to search, each giving the rows of its hits; several times where chance has a part."""
    shelf = _shelf(names, measures)
    said = [f"{tag} {category_from_name(name)}" for tag, name in zip(tags, names, strict=True)]
    drawn = [np.random.default_rng(seed).permutation(len(names))[:HITS] for seed in range(SEEDS)]
    return {
        "words": lambda text: [_found(shelf, text)],
        "names": lambda text: [_most_words(text, names)],
        "tags": lambda text: [_most_words(text, said)],
        "all words": _all_words(points, names, tags),
        "random": lambda _: drawn,
    }


def _found(shelf: Shelf, text: str) -> np.ndarray:
    """The hits of `patchflow search`."""
    hits = find(shelf, words=understand(text, shelf), text=text, limit=HITS)
    return np.array([hit.entry.id for hit in hits], int)


def _shelf(names: Sequence[str], measures: np.ndarray) -> Shelf:
    entries = [Entry(row, SYNTH, (Label(name=name),)) for row, name in enumerate(names)]
    return Shelf(entries, np.zeros((len(names), 0), np.float32), measures)


def _most_words(text: str, said: Sequence[str]) -> np.ndarray:
    """The texts that have most of some words, the first of those that have as many; none that has none."""
    words = re.findall(r"\w+", text.casefold())
    counts = np.array([sum(word in one.casefold() for word in words) for one in said])
    best = np.argsort(-counts, kind="stable")[:HITS]
    return best[counts[best] > 0]


def _all_words(points: np.ndarray, names: Sequence[str], tags: np.ndarray) -> Callable[[str], list[np.ndarray]]:
    """The search of a library, whose presets are tagged."""
    space = engines[SYNTH].space
    presets = []
    for point, name, tag in zip(points, names, tags, strict=True):
        category = category_from_name(name)
        presets.append(Preset(SYNTH, space.decode(point), name, category, "", tuple(filter(None, tag.split(", ")))))
    folder = tempfile.TemporaryDirectory()
    library = Library(Path(folder.name) / "library.sqlite")
    ids = library.add(presets, lambda _: space).ids
    row_of = {number: row for row, number in enumerate(ids)}

    def search(text: str, kept: object = folder) -> list[np.ndarray]:
        del kept  # the folder goes when nobody searches any more
        return [np.array([row_of[entry.id] for entry in library.search(text, limit=HITS)], int)]

    return search


def _counts(
    hits: np.ndarray, phrase: Mapping[str, Any], ranks: Mapping[str, np.ndarray], truth: np.ndarray
) -> tuple[float, float]:
    """The shares of right attributes and of right categories among `HITS` hits; NaN where none is named."""
    right = []
    for name, side in phrase["attributes"].items():
        rank = ranks[side][hits, COLUMNS[name]]
        inside = rank >= 1 - FIFTH if side == "high" else rank <= FIFTH
        right.append(float(inside.sum()) / HITS)
    category = float((truth[hits] == phrase["category"]).sum()) / HITS if phrase["category"] else float("nan")
    return float(np.mean(right)) if right else float("nan"), category


def _summary(attributes: np.ndarray, categories: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"phrases": len(attributes)}
    for name, values in (("attributes", attributes), ("category", categories)):
        known = values[np.isfinite(values)]
        drawn = np.random.default_rng(0).choice(known, (DRAWS, len(known))).mean(1)
        low, high = np.percentile(drawn, (2.5, 97.5))
        found[name] = round(float(known.mean()), 3)
        found[f"{name}_interval"] = [round(float(low), 3), round(float(high), 3)]
    return found


def table(report: Mapping[str, Any]) -> list[str]:
    """Returns the lines of the table of ways to search."""
    lines = ["| search | named attributes in the right fifth | right category |", "|---|---|---|"]
    for way, title in ROWS.items():
        lines.append(f"| {title} | {_cell(report, way, 'attributes')} | {_cell(report, way, 'category')} |")
    return lines


def languages(report: Mapping[str, Any]) -> list[str]:
    """Returns the lines of the table of languages."""
    lines = ["| language | phrases | right fifth | right category |", "|---|---|---|---|"]
    for language, title in LANGUAGES.items():
        row = report["rows"]["words"][language]
        lines.append(f"| {title} | {row['phrases']} | {row['attributes']:.0%} | {row['category']:.0%} |")
    return lines


def _cell(report: Mapping[str, Any], way: str, name: str) -> str:
    row = report["rows"][way]["all"]
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.0%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main()
