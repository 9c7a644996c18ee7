"""Whether variations lie where they were asked for: heard distance, tuning, loudness, time; beside simple ways to vary.

Usage: python benchmarks/variations.py BANK.npz [--synth dexed] [--split test] [--presets 60] [--children 4]
       (writes benchmarks/results/variations.json, a part for each synth; other splits and sizes are printed alone)
       python benchmarks/variations.py --tables
       (writes the tables of docs/variations.md from that file)

BANK.npz is what `prepare_bank.py` makes; of its split, presets of as many families are taken, one of each, that can be
heard. Each is varied by five amounts. Simple rows make as many children without listening: `perturb` moves all
parameters by a normal step of deviation amount / 4, and redraws options with a chance of amount; `swap` replaces a
share of the groups, as large as the amount, with those of a training preset; `nearest` takes the presets out of 200 of
the training part of the bank that happen to lie nearest to the distance. Distances are in dB of `perceptual` at 22,050
Hz, and errors too; cents are by `Judge` and its own estimate of the pitch where partials do not agree, of children that
it can compare with a parent that has a pitch.

What `vary` steers by and leaves out, `Judge` says. So two more things are measured of its children that it never saw:
`own_cents`, between pitches that are estimated of each sound alone, where both are sure; and how far child and parent
are apart on another note, C3.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from marked import filled
from timing import facts

from patchflow.audio.loudness import loudness
from patchflow.audio.pitch import estimate_pitch
from patchflow.data.bank import Bank
from patchflow.engines import engines
from patchflow.errors import OptionError
from patchflow.explore.good_presets import GoodPresets
from patchflow.explore.player import NOTE, RATE, Audition
from patchflow.explore.vary import DB_PER_AMOUNT, vary
from patchflow.match.verdict import Judge, interval_between
from patchflow.metrics.perceptual import Reference, perceptual
from patchflow.presets import Preset

RESULTS = Path(__file__).parent / "results" / "variations.json"
PAGE = Path(__file__).parents[1] / "docs" / "variations.md"
NAMES = {
    "vary": "`patchflow vary`",
    "perturb": "all parameters moved",
    "swap": "sections swapped",
    "nearest": "nearest of 200 presets",
}
AMOUNTS = (0.1, 0.2, 0.3, 0.5, 0.8)
POOL = 200
OTHER_NOTE = replace(NOTE, pitch=48)
QUIET = 1e-3
SEED = 0
DRAWS = 1_000  # of the bootstrap
Row = dict[str, float | str | None]


def chosen(bank: Bank, synth: str, count: int) -> list[int]:
    """Rows of presets of different families that can be heard."""
    rng = np.random.default_rng(SEED)
    rows: list[int] = []
    families: set[int] = set()
    with Audition(engines[synth]) as audition:
        for row in rng.permutation(len(bank.points)).tolist():
            family = int(bank.family[row])
            if family in families or np.abs(audition.sounds(bank.points[row][None])).max() < QUIET:
                continue
            families.add(family)
            rows.append(row)
            if len(rows) == count:
                break
    return rows


def measured(parent: np.ndarray, child: np.ndarray, judge: Judge, reference: Reference, method: str) -> Row:
    """What is measured of a child, alike for every method."""
    audible = np.abs(child).max() >= QUIET
    cents = judge.cents(child) if audible else None
    distance = float(reference.distance(torch.from_numpy(child[None]))[0])
    gap = loudness(child, RATE) - loudness(parent, RATE) if audible else None
    return {"method": method, "distance": distance, "audible": bool(audible), "cents": cents, "louder": gap}


def unseen(parents: list[np.ndarray], children: list[np.ndarray]) -> Row:
    """What is measured of a child that its makers never looked at: alone, and on another note.

    Args:
        parents: On the note, and on another one.
        children: The same.
    """
    interval = interval_between(estimate_pitch(children[0], RATE), estimate_pitch(parents[0], RATE))
    elsewhere = perceptual(torch.from_numpy(children[1][None]), torch.from_numpy(parents[1][None]), RATE).item()
    own = None if interval is None else interval.cents  # an octave that is not sure does not count, see `Interval`
    return {"own_cents": own, "distance_on_c3": elsewhere}


class Simple:
    """The ways to vary that do not listen, and the one that only listens to a bank."""

    def __init__(self, train: np.ndarray, synth: str) -> None:
        self.space = engines[synth].space
        self.rng = np.random.default_rng(SEED)
        self.train = train
        rows = self.rng.choice(len(train), min(POOL, len(train)), replace=False)
        self.pool = train[rows]
        self.groups = [np.array(places) for places in self.space.groups.values()]

    def perturb(self, point: np.ndarray, amount: float) -> np.ndarray:
        """All parameters moved a little."""
        moved = point + self.rng.normal(0, amount / 4, len(point))
        redrawn = self.space.categorical & (self.rng.random(len(point)) < amount)
        kept = np.where(self.space.categorical, point, moved)
        return self.space.snap(np.where(redrawn, self.rng.random(len(point)), kept))

    def swap(self, point: np.ndarray, amount: float) -> np.ndarray:
        """Some groups of another preset."""
        child = point.copy()
        donor = self.train[self.rng.integers(len(self.train))]
        share = max(1, round(amount * len(self.groups)))
        for place in self.rng.choice(len(self.groups), share, replace=False).tolist():
            child[self.groups[place]] = donor[self.groups[place]]
        return self.space.snap(child)


def of_preset(
    preset: Preset,
    good: GoodPresets,
    simple: Simple,
    pool: np.ndarray,
    audition: Audition,
    *,
    lower: Audition,
    children: int,
) -> list[Row]:
    """All rows of one preset."""
    point = simple.space.snap(simple.space.encode(preset.values))
    parent = audition.sound(point)
    reference = Reference(torch.from_numpy(parent))
    judge = Judge(parent, RATE, hold=NOTE.hold)
    near = audition.distances(pool, parent)
    rows = []
    for amount in AMOUNTS:
        begun = time.perf_counter()
        sounds = {"vary": np.zeros((0, len(parent)), np.float32)}
        renders = 0
        points = np.zeros((0, len(point)))
        try:
            found = vary(good, preset, amount, count=children, seed=SEED)
            sounds["vary"] = np.stack([child.sound for child in found.children])
            points = np.stack([child.point for child in found.children])
            renders = found.renders
        except OptionError as error:
            print(f"{preset.name}: {error}", flush=True)
        seconds = time.perf_counter() - begun
        makers: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {"perturb": simple.perturb, "swap": simple.swap}
        for name, make in makers.items():
            sounds[name] = audition.sounds(np.stack([make(point, amount) for _ in range(children)]))
        sounds["nearest"] = pool[np.argsort(np.abs(near - amount * DB_PER_AMOUNT))[:children]]
        on_c3 = lower.sounds(np.concatenate([point[None], points]))
        for name, played in sounds.items():
            for number, sound in enumerate(played):
                row = measured(parent, sound, judge, reference, name)
                row |= {"preset": preset.name, "amount": amount}
                if name == "vary":
                    row |= {"seconds": seconds / len(played), "renders": renders / len(played)}
                    row |= unseen([parent, on_c3[0]], [sound, on_c3[number + 1]])
                rows.append(row)
    return rows


def summary(rows: list[Row], wanted: int) -> dict[str, float | int | None]:
    """The numbers of one method."""
    heard = [row for row in rows if row["audible"]]
    asked = np.array([row["amount"] for row in heard], float) * DB_PER_AMOUNT
    distance = np.array([row["distance"] for row in heard], float)
    cents = np.abs(np.array([row["cents"] for row in heard if row["cents"] is not None], float))
    louder = np.abs(np.array([row["louder"] for row in heard], float))
    result = {
        "children": len(rows),
        "found": round(len(rows) / wanted, 4),
        "audible": round(len(heard) / max(len(rows), 1), 4),
        "correlation": round(float(np.corrcoef(asked, distance)[0, 1]), 4),
        "correlation_interval": correlation_interval(heard, asked, distance),
        "mean_absolute_error_db": round(float(np.abs(distance - asked).mean()), 2),
        "absolute_error_quartiles_db": quartiles(np.abs(distance - asked)),
        "mean_absolute_cents": round(float(cents.mean()), 2) if len(cents) else None,
        "absolute_cents_quartiles": quartiles(cents),
        "cents_above_20": round(float((cents > 20).mean()), 4) if len(cents) else None,
        "pitch_compared": round(len(cents) / max(len(heard), 1), 4),
        "mean_louder_lu": round(float(louder.mean()), 2),
    }
    own = np.abs(np.array([row["own_cents"] for row in heard if row.get("own_cents") is not None], float))
    if len(own):
        result["own_pitch_compared"] = round(len(own) / len(heard), 4)
        result["own_mean_absolute_cents"] = round(float(own.mean()), 2)
        result["own_median_absolute_cents"] = round(float(np.median(own)), 2)
        elsewhere = np.array([row["distance_on_c3"] for row in heard], float)
        result["correlation_on_c3"] = round(float(np.corrcoef(asked, elsewhere)[0, 1]), 4)
    for name in ("seconds", "renders"):
        values = [float(row[name] or 0) for row in rows if name in row]
        if values:
            result[f"{name}_a_child"] = round(float(np.mean(values)), 2)
    return result


def quartiles(values: np.ndarray) -> list[float] | None:
    """The first quartile, the median and the third; None of no values."""
    return np.percentile(values, [25, 50, 75]).round(2).tolist() if len(values) else None


def correlation_interval(rows: list[Row], asked: np.ndarray, distance: np.ndarray) -> list[float]:
    """A 95 % interval of the correlation by bootstrap over presets; children of one preset stay together."""
    rng = np.random.default_rng(SEED)
    names = np.array([str(row["preset"]) for row in rows])
    members = [np.flatnonzero(names == name) for name in np.unique(names)]
    found = []
    for _ in range(DRAWS):
        chosen = rng.integers(len(members), size=len(members)).tolist()
        places = np.concatenate([members[place] for place in chosen])
        found.append(np.corrcoef(asked[places], distance[places])[0, 1])
    return np.quantile(found, [0.025, 0.975]).round(4).tolist()


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bank", nargs="?")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--split", default="test")
    parser.add_argument("--presets", type=int, default=60)
    parser.add_argument("--children", type=int, default=4)
    asked = parser.parse_args()
    if asked.tables:
        PAGE.write_text(page(), "utf-8")
        return
    if asked.bank is None:
        parser.error("BANK.npz is missing")
    about = facts(SEED)
    torch.set_num_threads(1)
    whole = Bank.load(asked.bank)
    bank = whole.part(asked.split)
    space = engines[asked.synth].space
    good = GoodPresets.load(asked.synth)
    simple = Simple(whole.part("train").points, asked.synth)
    rows: list[Row] = []
    result: dict[str, object] = {}
    numbers = chosen(bank, asked.synth, asked.presets)
    with Audition(engines[asked.synth]) as audition, Audition(engines[asked.synth], OTHER_NOTE) as lower:
        pool = audition.sounds(simple.pool)
        pool = pool[np.abs(pool).max(1) >= QUIET]
        for number, row in enumerate(numbers, 1):
            preset = Preset(asked.synth, space.decode(bank.points[row]), name=str(bank.names[row]))
            rows += of_preset(preset, good, simple, pool, audition, lower=lower, children=asked.children)
            print(f"{number} of {len(numbers)}", flush=True)
            result = {
                **about,
                "split": asked.split,
                "presets": number,
                "children": asked.children,
                "models": good.models,
            }
            result |= {"amounts": AMOUNTS, "db_per_amount": DB_PER_AMOUNT, **methods(rows, number * asked.children)}
            if asked.split == "test":  # after each preset, so that what there is stays when it is stopped
                known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
                RESULTS.write_text(f"{json.dumps({**known, asked.synth: result}, indent=1)}\n")
    print(json.dumps(result, indent=1))


def page() -> str:
    """Returns the document with a table of each synth.

    Raises:
        ValueError: If it has no place for them.
    """
    lines: list[str] = []
    for synth, found in json.loads(RESULTS.read_text("utf-8")).items():
        lines += ["", *table(synth, found)]
    return filled(PAGE, {"measured": lines[1:]})


def table(synth: str, found: dict) -> list[str]:
    """Returns the lines of the table of a synth: of each method the means, with intervals or quartiles."""
    lines = [
        f"| `{synth}`, {found['presets']} presets | found | audible | correlation | off by | out of tune by |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for method, name in NAMES.items():
        one = found[method]
        low, high = one["correlation_interval"]
        error = one["absolute_error_quartiles_db"]
        cents = one["absolute_cents_quartiles"]
        tuning = f"{one['mean_absolute_cents']:.0f} cents ({cents[0]:.0f} to {cents[2]:.0f})" if cents else "unknown"
        cells = [
            f"{one['found']:.0%}",
            f"{one['audible']:.1%}",
            f"{one['correlation']:.3f} ({low:.3f} to {high:.3f})",
            f"{one['mean_absolute_error_db']:.1f} dB ({error[0]:.1f} to {error[2]:.1f})",
            tuning,
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def methods(rows: list[Row], wanted: int) -> dict[str, object]:
    """All numbers of all methods.

    Args:
        rows: Of all children.
        wanted: How many of each method and amount there should be.
    """
    result: dict[str, object] = {}
    for method in ("vary", "perturb", "swap", "nearest"):
        own = [row for row in rows if row["method"] == method]
        result[method] = summary(own, wanted * len(AMOUNTS))
        by_amount = {}
        for amount in AMOUNTS:
            distances = [float(row["distance"] or 0) for row in own if row["amount"] == amount and row["audible"]]
            spread = quartiles(np.array(distances))
            by_amount[str(amount)] = {"found": round(len(distances) / wanted, 4), "quartiles_db": spread}
        result[f"{method}_by_amount"] = by_amount
    return result


if __name__ == "__main__":
    main()
