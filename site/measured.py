"""What was measured of turns, morphs, variations and sketches as tables, where its result files are there."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from snippets import table

from patchflow.errors import StorageError
from patchflow.parsing import read_object

__all__ = ["Measured"]

_WAYS = {
    "turn": "turn, the engine in the loop",
    "instant": "instant, the learned map alone",
    "regression": "regression of the attribute",
    "pca": "principal directions",
    "parameter": "the best single parameter",
    "latent": "coordinate of flow_joint",
    "parameters": "straight through the parameters",
    "space": "straight through the latent of flow_joint",
    "even": "the same, in steps that sound even",
    "heard": "morph, by listening",
    "random": "random presets between",
    "vary": "vary, by listening",
    "perturb": "all parameters moved a little",
    "swap": "groups of another preset",
    "nearest": "the nearest of 200 presets of a bank",
    "patchflow": "patchflow",
    "SwiftF0": "SwiftF0, its own notes",
    "pYIN": "pYIN, frames rounded",
}
"""What the rows of result files are called on the pages."""


class Measured:
    """Tables of what was measured.

    Args:
        folder: `benchmarks/results`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def macros(self) -> str:
        """Returns monotonicity, span, leakage and time of every way to turn, a table a synth."""
        return self._each("*-macros.jsonl", _macros, "macros.py")

    def morphs(self) -> str:
        """Returns how much smoother and more linear morphs are than the straight way, a table a synth."""
        return self._each("morphs.json", _morphs, "morphs.py")

    def variations(self) -> str:
        """Returns how near variations are to the distance that was asked for, a table a synth."""
        return self._each("variations.json", _variations, "variations.py")

    def sketches(self) -> str:
        """Returns how well notes are found, and how near what is played is to the voice."""
        return self._each("sketches.json", _sketches, "sketches.py")

    def _each(self, pattern: str, draw: Callable[[Path], list[str]], script: str) -> str:
        parts = []
        for path in sorted(self.folder.glob(pattern)):
            try:
                parts += draw(path)
            except (KeyError, TypeError, ValueError) as error:
                raise StorageError(f"{path}: lacks {error}, so it is of another version of {script}.") from error
            parts.append(f"From `benchmarks/results/{path.name}`, made by `benchmarks/{script}`.")
        if not parts:
            return f"```{{note}}\nNothing was measured yet: `benchmarks/{script}` does it.\n```"
        return "\n\n".join(parts)


def _macros(path: Path) -> list[str]:
    read = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines = [line for line in read if "facts" not in line]  # the first line says how the others were made
    synth = path.name.removesuffix("-macros.jsonl")
    presets = len({line["preset"] for line in lines})
    columns = ("monotonicity", "span", "leakage", "cents", "turned")
    ways = dict.fromkeys(line["row"] for line in lines)
    first = table(
        ("Way", *columns),
        [(str(_WAYS.get(way, way)), *_turns(lines, row=way)) for way in ways],
        f"{synth}: {presets} held-out presets, turned from -2 to +2 standard deviations",
    )
    names = dict.fromkeys(line["attribute"] for line in lines)
    rows = [(name, *_turns(lines, row="turn", attribute=name)) for name in names]
    second = table(("Attribute", *columns), rows, f"{synth}: turned with the engine in the loop, by attribute")
    words = (
        "Monotonicity is the mean sign of the steps, 1 where all rise; span is in standard deviations over presets of "
        "the synth; leakage is the largest change of another attribute over that of its own. Means of the first two, "
        "in which what stands still, falls silent or is refused counts as 0, and medians of the others."
    )
    return [words, first, second]


def _turns(lines: Sequence[Mapping[str, Any]], **wanted: str) -> tuple[str, ...]:
    """Monotonicity, span, leakage, change of pitch, and share of those that could be turned."""
    some = [line for line in lines if wanted.items() <= line.items()]
    turned = [line for line in some if "span" in line]
    if not turned:
        return ("", "", "", "", f"0 of {len(some)}")
    cents = [line["cents"] for line in turned if line["cents"] is not None]
    leakage = [line["leakage"] for line in turned if line["leakage"] is not None]
    return (
        f"{mean(line.get('monotonicity') or 0.0 for line in some):.3f}",
        f"{mean(line.get('span', 0.0) for line in some):.2f}",
        f"{median(leakage):.2f}" if leakage else "",
        f"{median(cents):.0f}" if cents else "",
        f"{len(turned)} of {len(some)}",
    )


def _morphs(path: Path) -> list[str]:
    found = read_object(path)
    words = (
        f"Of {found['features']} features, how many change more smoothly, and more linearly, than straight through the "
        "parameters, and by how much on average. Heard steps are in dB."
    )
    parts = [words]
    columns = ("Way", "smoother", "roughness of the way", "more linear", "bend of the way", "heard step", "largest")
    for synth, ways in found["synths"].items():
        rows = []
        for way, entry in ways.items():
            cells = []
            for measure in ("nonsmoothness", "nonlinearity"):
                one = entry[measure]
                cells += [str(one["better"]), f"{one['change_percent']:+.1f} ± {one['spread_percent']:.1f} %"]
            cells += [f"{entry['heard_mean_db']:.1f}", f"{entry['heard_largest_db']:.1f}"]
            rows.append((_WAYS.get(way, way), *cells))
        pairs = min(entry["pairs"] for entry in ways.values())
        parts.append(table(columns, rows, f"{synth}: {pairs} pairs of presets"))
    return parts


def _variations(path: Path) -> list[str]:
    parts = ["Correlation is that of the heard distance with the amount that was asked for."]
    columns = ("Way", "found", "audible", "correlation", "mean error", "off pitch", "louder or softer")
    for synth, found in read_object(path).items():
        rows = []
        for way in ("vary", "perturb", "swap", "nearest"):
            one = found[way]
            cents = one["mean_absolute_cents"]
            rows.append(
                (
                    _WAYS[way],
                    f"{one['found']:.0%}",
                    f"{one['audible']:.0%}",
                    f"{one['correlation']:.3f}",
                    f"{one['mean_absolute_error_db']:.1f} dB",
                    "" if cents is None else f"{cents:.1f} cents",
                    f"{one['mean_louder_lu']:.1f} LU",
                )
            )
        parts.append(table(columns, rows, f"{synth}: {found['presets']} presets, five amounts"))
    return parts


def _sketches(path: Path) -> list[str]:
    found = read_object(path)
    rows = []
    for way, one in found["notes"].items():
        scores = one["mean"]
        cells = [f"{score:.3f}" for score in (scores["F1"], one["least F1"], scores["precision"], scores["recall"])]
        rows.append((_WAYS.get(way, way), *cells, f"{scores['cents']:.1f} cents", f"{scores['onset, ms']:.0f} ms"))
    count = len(found["notes"]["patchflow"]["melodies"])
    columns = ("Way", "F1", "least F1", "precision", "recall", "off pitch", "off onset")
    notes = table(columns, rows, f"Notes of {count} generated melodies, within 50 ms and 50 cents")
    played = []
    for key, voices in (("played", "generated"), ("hums played", "recorded hums")):
        for synth, one in found[key].items():
            middle = one["median"]
            if middle:
                cents = f"{middle['pitch, median absolute cents']:.0f} cents"
                cells = (f"{middle['distance, dB']:.1f} dB", cents, f"{middle['level correlation']:.2f}")
                played.append((f"{synth}, {len(one['voices'])} {voices}", *cells))
    columns = ("Synth and voices", "preset from the voice", "off pitch", "correlation of levels")
    return [notes, table(columns, played, f"What is played beside the voice: medians, {found['renders']} renders")]
