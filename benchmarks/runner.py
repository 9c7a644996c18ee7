"""Runs the rows of a quality table into a file of lines, from where it stopped the last time."""

import argparse
import functools
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rows import Found

from patchflow.metrics.perceptual import perceptual
from patchflow.models import shipped

__all__ = ["Method", "is_current", "minimised", "parser", "run", "wanted", "weights"]

Method = tuple[str, str, Callable[[Any, int], Found]]
"""Name of the row, its budget, and what finds a preset for an item with a seed."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser of the options that all quality tables have."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bank", help="made by prepare_bank.py")
    options.add_argument("--rows", default="", help="names of the rows to run, with commas; all if empty")
    options.add_argument("--budgets", default="", help="budgets to run, with commas, e.g. 256,1000; all if empty")
    options.add_argument("--part", default="1/1", help="K/N runs every Nth item from the Kth, for N processes at once")
    options.add_argument("--model", help="weights; those shipped if not given")
    options.add_argument("--synth", default="dexed", help="name of the engine")
    return options


def wanted(options: argparse.Namespace, row: str, budget: str | None = None) -> bool:
    """Returns whether a row, at a budget if one is given, was asked for."""
    named = not options.rows or row in options.rows.split(",")
    return named and (budget is None or not options.budgets or budget in options.budgets.split(","))


def run(
    path: Path,
    methods: Iterable[Method],
    items: Sequence[Any],
    options: argparse.Namespace,
    score: Callable[[Any, Found], dict[str, Any]],
    possible: Sequence[Any],
) -> None:
    """Appends one line an item, row and budget to `path`; leaves out those that are there.

    Every line names the weights that were shipped or given when it was written, and what the search minimised; see
    `weights` and `minimised`.

    Args:
        path: File of JSON lines.
        methods: The rows.
        items: The targets; item k gets seed k.
        options: What `parser` parsed.
        score: Returns the fields of a line for an item and what was found.
        possible: All items that any run may choose from.

    Raises:
        SystemExit: If the file has other items: it was made with another split or other sounds. Or if what it has
            was found by another distance.
    """
    lines = path.read_text().splitlines() if path.exists() else []
    there = [json.loads(line) for line in lines]
    done = {(line["item"], line["row"], line["budget"]) for line in there}
    others = {line["item"] for line in there} - {_name(item) for item in possible}
    if others:
        raise SystemExit(f"{path}: has {len(others)} items, e.g. {min(others)}, of another set. Move it away.")
    if any(not is_current(line) for line in there):
        raise SystemExit(f"{path}: has lines that were found by another distance. Move it away.")
    used = weights(options.synth, options.model)
    path.parent.mkdir(exist_ok=True)
    passed_over: list[str] = []
    with path.open("a") as out:
        ran = False
        for row, budget, find in methods:
            if not wanted(options, row, budget):
                passed_over.append(f"{row} {budget}")
                continue
            ran = True
            start = time.monotonic()
            part, parts = map(int, options.part.split("/"))
            for seed, item in list(enumerate(items))[part - 1 :: parts]:
                if (_name(item), row, budget) in done:
                    continue
                found = find(item, seed)
                line = {"item": _name(item), "row": row, "budget": budget, "weights": used}
                line |= {"minimised": minimised(), "renders": found.renders, "seconds": round(found.seconds, 3)}
                line |= score(item, found)
                out.write(json.dumps(line) + "\n")
                out.flush()
            print(f"{row} {budget}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    if not ran:
        print(f"nothing was asked for that there is: {', '.join(passed_over)}", file=sys.stderr, flush=True)


@functools.cache
def weights(synth: str, path: str | None = None) -> str:
    """Returns a fingerprint of weights, of those shipped if none are given; "" if there are none."""
    file = path or shipped(synth)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:8] if file else ""


@functools.cache
def minimised() -> dict[str, float]:
    """Returns what the search minimises, as what it says of sounds that differ in pitch, timbre and level."""
    time = np.arange(22_050) / 22_050
    rng = np.random.default_rng(0)
    sounds = {
        "tone": sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 9)),
        "a semitone above": sum(np.sin(2 * np.pi * 233.08 * k * time) / k for k in range(1, 9)),
        "sine": np.sin(2 * np.pi * 220 * time),
        "decay": np.exp(-5 * time) * np.sin(2 * np.pi * 220 * time),
        "noise": rng.standard_normal(22_050),
    }
    heard = {name: torch.from_numpy(sound.astype(np.float32))[None] for name, sound in sounds.items()}
    return {name: round(float(perceptual(sound, heard["tone"], 22_050)), 2) for name, sound in heard.items()}


def is_current(line: dict[str, Any]) -> bool:
    """Returns whether a line was found by the distance that the search minimises now."""
    then = line.get("minimised")
    # Not to the last digit: processors round differently.
    return then is not None and all(abs(then.get(key, 0) - value) < 0.05 for key, value in minimised().items())


def _name(item: Any) -> Any:
    return item if isinstance(item, int) else item["file"]
