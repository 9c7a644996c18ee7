"""Whether a text tower of our own beats the lexicon: hashed words and letter groups, learned from names and captions.

Usage: python benchmarks/text_tower.py BANK.npz MEASURES.npz  (writes benchmarks/results/text_tower.json)

MEASURES.npz is that of `words.py`. The tower takes the mean of rows of a table, one for the hash of each word and of
each group of three to five letters, and maps it onto normal scores of the measured attributes: 2^15 rows of 32 numbers
and a small head, 2 MB in half precision. It learns on training voices, from the name of each and from captions: words
of the lexicon for what lies in an outer fifth, and a word of the role of its category.

Held out are validation voices, one of each family: each is looked for by its name, and by a caption. Half of the words
of every entry of the lexicon are in no caption for training; captions to look for are made of that half, or of the
other one. The score is the share of other voices that rank behind the one that is meant, 0.5 by chance, with a 95 %
interval by bootstrap over voices. Nobody reads an answer off a label: the lexicon ranks voices without names, too. The
sixty phrases have no part in this.
"""

import json
import re
import sys
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import rankdata
from words import SYNTH, measured

import patchflow.browse
from patchflow.browse import Shelf, understand
from patchflow.browse.lexicon import fold
from patchflow.browse.standing import COLUMNS, ranks_within
from patchflow.data.bank import Bank
from patchflow.presets import Entry, Label
from patchflow.presets.preset import category_from_name
from patchflow.version import commit

__all__ = ["Tower", "main"]

RESULTS = Path(__file__).parent / "results" / "text_tower.json"
LEXICON = Path(patchflow.browse.__file__).with_name("lexicon.toml")
ROWS = 2**15
WIDTH = 32
HIDDEN = 64
LETTERS = (3, 4, 5)
EPOCHS = 25
BATCH = 256
FIFTH = 0.2
DRAWS = 2_000
LANGUAGES = ("en", "de", "fr", "es", "ja")

Words = Mapping[tuple[str, float] | str, Sequence[str]]
"""Words by attribute and sign, and by category."""


class Tower(torch.nn.Module):
    """Texts to normal scores of the attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.EmbeddingBag(ROWS, WIDTH, mode="mean", padding_idx=0)
        self.head = torch.nn.Sequential(
            torch.nn.Linear(WIDTH, HIDDEN),
            torch.nn.GELU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(HIDDEN, len(COLUMNS)),
        )

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        """Returns scores, shape `(B, M)`, for hashes that end in zeros, shape `(B, L)`."""
        return self.head(self.table(pieces))


def main(bank_file: str, measures_file: str) -> None:
    """Trains, compares, prints and writes."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bank = Bank.load(bank_file)
    rows, measures = measured(bank, Path(measures_file))
    heard = np.isfinite(measures).all(1)
    train = np.flatnonzero(heard & (bank.split[rows] == "train"))
    valid = np.flatnonzero(heard & (bank.split[rows] == "valid"))
    valid = valid[np.unique(bank.family[rows[valid]], return_index=True)[1]]
    seen, unseen = halves(tomllib.loads(LEXICON.read_text("utf-8")), rng)

    train_ranks = ranks_within(measures[train], [SYNTH] * len(train))
    names = [str(name) for name in bank.names[rows]]
    scores = torch.from_numpy(ndtri(train_ranks)).float()
    tower = learned([names[row] for row in train], train_ranks, scores, seen, rng)

    ranks = ranks_within(measures[valid], [SYNTH] * len(valid))
    shelf = Shelf(
        [Entry(place, SYNTH, (Label(),)) for place in range(len(valid))],
        np.zeros((len(valid), 1), np.float32),
        measures[valid],
    )
    own = [names[row] for row in valid]
    texts = {
        "names": own,
        "captions of words that were learned": [caption(*pair, seen, rng) for pair in zip(own, ranks, strict=True)],
        "captions of other words": [caption(*pair, unseen, rng) for pair in zip(own, ranks, strict=True)],
    }
    report: dict[str, Any] = {"made": "text_tower.py", "commit": commit(), "training": len(train), "voices": len(valid)}
    report["bytes"] = 2 * sum(part.numel() for part in tower.parameters())
    wanted = ndtri(ranks)
    for kind, some in texts.items():
        by_tower = [-np.square(one - wanted).sum(1) for one in said(tower, some)]
        by_lexicon = [understand(text).fit(shelf) for text in some]
        both = [rankdata(one) + rankdata(other) for one, other in zip(by_tower, by_lexicon, strict=True)]
        report[kind] = {
            "tower": summary(by_tower),
            "lexicon": summary(by_lexicon),
            "both": summary(both),
            "understood": round(float(np.mean([bool(understand(text).text()) for text in some])), 3),
        }
        print(kind, json.dumps(report[kind]), flush=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def halves(table: Mapping[str, Any], rng: np.random.Generator) -> tuple[Words, Words]:
    """Returns the words of the lexicon in two halves, of each entry and language one word more in the first."""
    found: tuple[dict, dict] = ({}, {})
    for kind in ("quality", "role"):
        for entry in table[kind].values():
            keys = list(entry.get("categories", ()))
            if kind == "quality":
                keys = [(name, float(np.sign(weight))) for name, weight in entry["means"].items() if abs(weight) == 1]
            for language in LANGUAGES:
                words = [word.strip() for word in rng.permutation(entry[language].split(","))]
                for key in keys:
                    found[0].setdefault(key, []).extend(words[::2])
                    found[1].setdefault(key, []).extend(words[1::2])
    return found


def caption(name: str, ranks: np.ndarray, words: Words, rng: np.random.Generator) -> str:
    """Returns up to three words for what lies in an outer fifth, and one for the category, by chance."""
    found: list[str] = []
    outer = np.flatnonzero((ranks <= FIFTH) | (ranks >= 1 - FIFTH))
    for column in rng.permutation(outer)[:3]:
        key = (list(COLUMNS)[column], 1.0 if ranks[column] > 0.5 else -1.0)
        found.append(str(rng.choice(words[key])))
    category = category_from_name(name)
    if category:
        found.append(str(rng.choice(words[category])))
    return " ".join(found)


def learned(
    names: Sequence[str], ranks: np.ndarray, scores: torch.Tensor, words: Words, rng: np.random.Generator
) -> Tower:
    """Returns a tower that learned from names and, in every epoch, from new captions."""
    tower = Tower()
    optimizer = torch.optim.AdamW(tower.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    own = hashed(names)
    for _ in range(EPOCHS):
        captions = hashed([caption(*pair, words, rng) for pair in zip(names, ranks, strict=True)])
        width = max(own.shape[1], captions.shape[1])
        pieces = torch.cat([torch.nn.functional.pad(one, (0, width - one.shape[1])) for one in (own, captions)])
        for batch in torch.from_numpy(rng.permutation(len(pieces))).split(BATCH):
            # some pieces are left out, so that a word is also known by parts of it
            given = pieces[batch] * (torch.rand(len(batch), width) > 0.2)
            loss = torch.nn.functional.huber_loss(tower(given), scores[batch % len(scores)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return tower.eval()


def hashed(texts: Sequence[str]) -> torch.Tensor:
    """Returns hashes of the words and letter groups of texts, ending in zeros, shape `(B, L)`."""
    rows = [[zlib.crc32(piece.encode()) % (ROWS - 1) + 1 for piece in pieces(text)] for text in texts]
    found = torch.zeros(len(rows), max(1, *map(len, rows)), dtype=torch.long)
    for place, row in enumerate(rows):
        found[place, : len(row)] = torch.tensor(row, dtype=torch.long)
    return found


def pieces(text: str) -> list[str]:
    """Returns the words of a text, and their groups of letters with their edges."""
    found: list[str] = []
    for word in re.findall(r"[^\W\d_]+", fold(text)):
        found.append(word)
        edged = f"<{word}>"
        for length in LETTERS:
            found += [edged[first : first + length] for first in range(len(edged) - length + 1)]
    return found


def said(tower: Tower, texts: Sequence[str]) -> np.ndarray:
    """Returns what a tower says of texts."""
    with torch.no_grad():
        return tower(hashed(texts)).double().numpy()


def summary(ranked: Sequence[np.ndarray]) -> list[float]:
    """Returns the mean share of others behind the one that is meant, and its interval."""
    shares = np.array([(rankdata(fits)[place] - 1) / (len(fits) - 1) for place, fits in enumerate(ranked)])
    drawn = np.random.default_rng(0).choice(shares, (DRAWS, len(shares))).mean(1)
    return [round(float(value), 3) for value in (shares.mean(), *np.percentile(drawn, (2.5, 97.5)))]


if __name__ == "__main__":
    main(*sys.argv[1:])
