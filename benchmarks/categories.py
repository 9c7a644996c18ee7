"""How often the category inferred from a voice's name agrees with the one that collectors gave.

Usage: python benchmarks/categories.py VOICES.sqlite  (writes benchmarks/results/categories.json)

The collectors' categories are coarse, so each stands for several of ours.
"""

import json
import sqlite3
import sys
from pathlib import Path

from patchflow.presets.preset import category_from_name

ALIKE = {
    "Brass": {"Brass"},
    "Strings": {"Strings"},
    "Woodwind": {"Woodwind"},
    "Voice": {"Voice"},
    "Percussion": {"Drums", "Bells", "Mallets"},
    "Plucked": {"Plucked", "Bass"},
    "Effects": {"Effects", "Sequence"},
}


def main(source: str) -> None:
    """Prints and writes the shares."""
    rows = sqlite3.connect(source).execute("select name, category from voice").fetchall()
    # The keys "told" and "told_by_name" are those of older results: the share of names
    # that a category is inferred from.
    report = {"voices": len(rows), "told_by_name": share([bool(category_from_name(name)) for name, _ in rows])}
    for label, ours in ALIKE.items():
        guesses = [category_from_name(name) for name, category in rows if category == label]
        named = [guess for guess in guesses if guess]
        report[label] = {
            "voices": len(guesses),
            "told": share(map(bool, guesses)),
            "agree": share(guess in ours for guess in named),
        }
    text = json.dumps(report, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "categories.json").write_text(text + "\n")


def share(claims) -> float:
    """Returns how many of the claims are true, 0 to 1."""
    found = list(claims)
    return round(sum(found) / len(found), 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
