"""Compares settings of the search on validation voices, never on test voices.

Usage: python benchmarks/tune_search.py BANK.npz [--proposer bank|posterior|space] [--renders 1000] [--items 20]
       [--length 4.0] [--seed 5] [NAME=VALUE ...]

NAME is a constant of patchflow.match.search, e.g. _PARENTS=48. Prints the mean and median distance after
16, 64, 256, 512, 1,000, 2,000 and 4,000 renders. A `--length` of 1.5 (held 1 s) makes it 2.7 times as fast.
"""

import argparse

import numpy as np
import rows
import torch

import patchflow.match.search as settings
from patchflow.data.bank import Bank
from patchflow.engines import Note, Renderer, engines
from patchflow.match.proposals import FromLibrary, FromSpace
from patchflow.match.scorer import Scorer
from patchflow.match.search import Budget, Search
from patchflow.match.target import NoteGuess, Target

MARKS = (16, 64, 256, 512, 1000, 2000, 4000)


def main() -> None:
    """Prints the curve of one setting."""
    options = _options()
    torch.set_num_threads(1)
    for change in options.changes:
        name, value = change.split("=")
        setattr(settings, name, type(getattr(settings, name))(float(value)))
    bank = Bank.load(options.bank)
    engine = engines["dexed"]()
    valid = bank.part("valid")
    _, first = np.unique(valid.family, return_index=True)
    chosen = np.random.default_rng(options.seed).permutation(first)[: options.items]
    proposers = {
        "bank": lambda: FromLibrary(engine.canonical(bank.part("train").points)),
        "space": lambda: FromSpace(engine.space),
        "posterior": lambda: rows.posterior(options.model),
    }
    note = Note(hold=0.75 * options.length if options.length == 4 else 1.0, length=options.length)
    curves = []
    with Renderer(engines["dexed"]) as renderer:
        for seed, item in enumerate(chosen):
            target = Target(
                engine.render(valid.points[item], note, rows.RATE), rows.RATE, (NoteGuess(60, 1.0),), note.hold
            )
            search = Search(Scorer(renderer, target), engine, [proposers[options.proposer]()], seed=seed)
            history = np.array(search.run(Budget(renders=options.renders)).history)
            curves.append([history[max(0, np.sum(history[:, 0] <= mark) - 1), 2] for mark in MARKS])
    print("renders", *MARKS)
    print("mean   ", *np.mean(curves, 0).round(2))
    print("median ", *np.median(curves, 0).round(2))
    print("last   ", *np.array(curves)[:, -1].round(1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("changes", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--proposer", choices=("bank", "posterior", "space"), default="bank")
    parser.add_argument("--renders", type=int, default=1000)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--length", type=float, default=4.0)
    parser.add_argument("--model")
    parser.add_argument("--seed", type=int, default=5, help="of the choice of voices")
    return parser.parse_args()


if __name__ == "__main__":
    main()
