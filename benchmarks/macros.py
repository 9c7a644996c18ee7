"""Whether macro-controls turn: monotonicity, span and leakage on rendered sounds, beside simple ways to turn.

Usage: python benchmarks/macros.py BANK.npz [--synth dexed] [--split test] [--presets 200] [--rows turn,instant]
       (writes benchmarks/results/SYNTH-macros.jsonl, a line a preset, attribute and row; goes on where it stopped)
       python benchmarks/macros.py BANK.npz --times
       (writes benchmarks/results/SYNTH-macro_times.json: seconds of a turn, of ten presets, on a quiet machine)
       python benchmarks/macros.py --tables
       (writes the tables of docs/turning.md from these files)

BANK.npz is what `prepare_bank.py` makes; of its split, presets of as many families are taken, one of each, that can be
heard on C3, C4 and C5. Three attributes of each, other ones of the next (`--every`), are turned from -2 to +2 standard
deviations over the bank in eight steps, and every step is played on the three keys. Rows:

* `turn`: as `patchflow turn` does it, the synth has the last word; `instant`: by the learned map alone.
* `regression`: along the direction of a ridge regression from presets to the attribute, over the training presets.
* `pca`: along that of ten principal directions of the training presets whose scores follow the attribute best.
* `parameter`: the single parameter that follows the attribute best over the training presets.
* `latent`: the macro-coordinate of `flow_joint`, of attributes that it has.

Steps of the simple rows are as large as the regression of the attribute on the direction says.

Per preset, after https://github.com/karnwatcharasupat/latte and Pati & Lerch (2021): `monotonicity` is the mean sign of
the slopes from step to step that are more than 0.001 standard deviations a standard deviation, mean over keys, None
where nothing changes; `span` the change from the first step to the last in standard deviations; `leakage` the largest
such change of another attribute, or of loudness, over its own; `cents` the largest change of pitch along the path, None
where partials never agree; `seconds` of one turn, all steps of the path together over their number. The row `turn`
chooses by what it hears on the three keys, so monotonicity, span and leakage are measured once more on two keys and a
velocity that no row ever hears: `unseen`. In the summary, what stands still, falls silent or was refused counts as 0.

The file begins with a line of facts; a file that was begun by other code, or with another map, is not gone on with.
"""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from marked import filled
from timing import facts

from patchflow.data.bank import Bank
from patchflow.engines import Engine, Note, engines, one_torch_thread
from patchflow.errors import ModelError, OptionError
from patchflow.explore.attribute_map import MAP, load_map
from patchflow.explore.audio_space import AudioSpace
from patchflow.explore.player import Player
from patchflow.explore.turn import Turner
from patchflow.features.log_spectrum import PARTIALS
from patchflow.features.measures import ATTRIBUTES, MEASURES
from patchflow.metrics.perceptual import Reference
from patchflow.models import weights_of

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "turning.md"
SHARES = np.linspace(-2, 2, 9)
ORIGINAL = len(SHARES) // 2
KEYS = tuple(Note(pitch, 100, 1.5, 2.0) for pitch in (48, 60, 72))
UNSEEN = tuple(Note(pitch, 70, 1.5, 2.0) for pitch in (53, 65))
STEP = SHARES[1] - SHARES[0]
LEAST = 1e-3
FEW = 60  # presets of which attributes are not told one by one
TRAINING = 3_000  # presets that directions are fitted to
COMPONENTS = 10
LATENT = {"brightness": 0, "noisiness": 1, "weight": 2, "roughness": 3, "movement": 4, "harmonicity": 5, "dynamics": 6}

Way = Callable[[np.ndarray, int], np.ndarray]
"""From a preset, shape `(P,)`, and an attribute to the path, shape `(S, P)`."""


def main() -> None:
    """Turns presets in every way, writes a line for each path, and prints means."""
    options = _options()
    if options.tables:
        PAGE.write_text(page())
        return
    bank = Bank.load(options.bank)
    make = engines[options.synth]
    path = RESULTS / f"{options.synth}-macros.jsonl"
    if options.split != "test":
        path = Path(f"{options.synth}-macros-{options.split}.jsonl")
    done = _done(path)
    with one_torch_thread(), Player(make, KEYS) as player:
        learned = load_map(options.synth, make.space, options.map)
        turner = Turner(make, player, learned)
        presets = chosen_presets(bank, options.split, options.presets, player)
        ways = _ways(options.synth, make, bank, turner, player)
        if options.times:
            _time(options.synth, ways, bank, player)
            return
        rows = options.rows.split(",") if options.rows else list(ways)
        _begin(path, options)
        with path.open("a") as file:
            for number, (name, point) in list(enumerate(presets))[options.first :]:
                for column, attribute in enumerate(ATTRIBUTES):
                    if (number + column) % options.every:
                        continue
                    for row in rows:
                        if (row, name, attribute.name) in done or (row == "latent" and attribute.name not in LATENT):
                            continue
                        line = {"row": row, "preset": name, "attribute": attribute.name}
                        line |= _measured(ways[row], point, column, turner)
                        file.write(json.dumps(line) + "\n")
                        file.flush()
                print(f"{number + 1}/{len(presets)}", flush=True)
    for row in dict.fromkeys(line["row"] for line in _lines(path)):
        print(_cells(row, [line for line in _lines(path) if line["row"] == row]))


def _measured(way: Way, point: np.ndarray, column: int, turner: Turner) -> dict[str, Any]:
    """What one path does to the sounds."""
    began = time.perf_counter()
    try:
        points = way(point, column)
    except OptionError as error:
        return {"refused": str(error)}
    seconds = (time.perf_counter() - began) / (len(SHARES) - 1)
    played = turner.player.play(points)
    changes = turner.standardised(played.measures - played.measures[ORIGINAL])
    if np.isnan(changes).any():
        return {"silent": True, "seconds": round(seconds, 4)}
    unseen = turner.player.play(points, UNSEEN).measures
    effects = np.abs(changes[-1] - changes[0]).mean(0)
    return {
        **_course(changes, column),
        "leaks": MEASURES[int(np.argmax(np.where(np.arange(len(effects)) == column, -1, effects)))].name,
        "cents": _cents(played.sounds),
        "effects": [round(float(change), 3) for change in (changes[-1] - changes[0]).mean(0)],
        "unseen": _course(turner.standardised(unseen - unseen[ORIGINAL]), column),
        "seconds": round(seconds, 4),
    }


def _course(changes: np.ndarray, column: int) -> dict[str, float | None]:
    """How an attribute goes along a path, of the changes (S, K, M) from the original."""
    if np.isnan(changes).any():
        return {"monotonicity": None, "span": 0.0, "leakage": None}
    own = changes[:, :, column]
    slopes = np.diff(own, axis=0) / STEP
    signs = []
    for slope in slopes.T:
        moving = np.abs(slope) > LEAST
        if moving.any():
            signs.append(np.sign(slope[moving]).mean())
    effects = np.abs(changes[-1] - changes[0]).mean(0)
    others = np.delete(effects, column)
    return {
        "monotonicity": round(float(np.mean(signs)), 4) if signs else None,
        "span": round(float((own[-1] - own[0]).mean()), 4),
        "leakage": round(float(others.max() / max(effects[column], 0.01)), 4),
    }


def _cents(sounds: np.ndarray) -> float | None:
    """The largest change of pitch along a path, where partials agree."""
    found = []
    for key in range(sounds.shape[1]):
        shift = Reference(torch.from_numpy(sounds[ORIGINAL, key])).shift(torch.from_numpy(sounds[:, key]))
        agreed = shift.agreement >= PARTIALS
        agreed[ORIGINAL] = False
        found += shift.cents[agreed].abs().tolist()
    return round(max(found), 1) if found else None


def _ways(synth: str, make: type[Engine], bank: Bank, turner: Turner, player: Player) -> dict[str, Way]:
    """Every way to turn, by name of its row."""

    def wish(column: int) -> np.ndarray:
        return np.eye(len(MEASURES))[column]

    def turn(point: np.ndarray, column: int) -> np.ndarray:
        return turner.turn(point, wish(column), shares=SHARES).points

    def instant(point: np.ndarray, column: int) -> np.ndarray:
        return turner.instant(point, wish(column), shares=SHARES)

    ways: dict[str, Way] = {"turn": turn}
    if turner.learned is not None:
        ways["instant"] = instant
    ways |= _along_directions(make, bank, turner, player)
    try:
        space = AudioSpace.load(synth, "flow_joint")
    except ModelError:
        return ways

    def latent(point: np.ndarray, column: int) -> np.ndarray:
        moved = np.repeat(space.encode(point[None]), len(SHARES), 0)
        moved[:, LATENT[ATTRIBUTES[column].name]] += SHARES
        return make.space.snap(space.presets(moved))

    return ways | {"latent": latent}


def _along_directions(make: type[Engine], bank: Bank, turner: Turner, player: Player) -> dict[str, Way]:
    """The rows that move a preset in a straight line, fitted to the training presets of the bank."""
    rng = np.random.default_rng(0)
    training = np.nonzero(bank.split == "train")[0]
    points = bank.points[np.sort(rng.choice(training, min(TRAINING, len(training)), replace=False))]
    values = turner.standardised(player.play(points).measures).mean(1)
    heard = np.isfinite(values).all(1)
    scale = points.std(0).clip(0.02)
    centred = ((points - points.mean(0)) / scale)[heard] * turner.movable
    values = values[heard] - values[heard].mean(0)
    gram = centred.T @ centred + 0.1 * len(centred) * np.eye(centred.shape[1])
    regression = np.linalg.solve(gram, centred.T @ values)  # (P, M)
    components = np.linalg.svd(centred, full_matrices=False)[2][:COMPONENTS]

    def straight(direction: np.ndarray, column: int, point: np.ndarray) -> np.ndarray:
        score = centred @ direction
        slope = float(score @ values[:, column] / (score @ score))  # standard deviations of the attribute a unit
        step = direction / slope
        return make.space.snap(point + SHARES[:, None] * step * scale)

    def by_regression(point: np.ndarray, column: int) -> np.ndarray:
        return straight(regression[:, column], column, point)

    def by_pca(point: np.ndarray, column: int) -> np.ndarray:
        follows = [abs(np.corrcoef(centred @ one, values[:, column])[0, 1]) for one in components]
        return straight(components[int(np.argmax(follows))], column, point)

    def by_parameter(point: np.ndarray, column: int) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            follows = np.abs(np.nan_to_num(centred.T @ values[:, column] / np.sqrt(np.square(centred).sum(0))))
        return straight(np.eye(centred.shape[1])[int(np.argmax(follows))], column, point)

    return {"regression": by_regression, "pca": by_pca, "parameter": by_parameter}


def chosen_presets(bank: Bank, split: str, count: int, player: Player) -> list[tuple[str, np.ndarray]]:
    """Returns presets of the bank, one a family, that can be heard on every key."""
    rows = np.nonzero(bank.split == split)[0]
    rows = np.random.default_rng(0).permutation(rows)
    _, first = np.unique(bank.family[rows], return_index=True)
    found: list[tuple[str, np.ndarray]] = []
    for row in rows[np.sort(first)]:
        if len(found) == count:
            break
        if np.isfinite(player.play(bank.points[[row]]).measures).all():
            found.append((f"{row}", bank.points[row]))
    return found


def _begin(path: Path, options: argparse.Namespace) -> None:
    """Writes the line of facts of a new file; goes on with one that the same map was used for.

    Raises:
        SystemExit: If the file is of another map.
    """
    weights = options.map or weights_of(options.synth, engines[options.synth].space, MAP)
    hashed = hashlib.sha256(Path(weights).read_bytes()).hexdigest()[:16] if weights else "none"
    head = {"facts": facts(0), "map": hashed, "split": options.split}
    if not path.exists():
        path.write_text(json.dumps(head) + "\n")
    begun = json.loads(path.read_text().splitlines()[0])
    if begun.get("map") != hashed:
        raise SystemExit(f"{path}: was begun with another map. Remove it, and it is made anew.")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def _done(path: Path) -> set[tuple[str, str, str]]:
    if not path.exists():
        return set()
    lines = _lines(path)
    return {(line["row"], line["preset"], line["attribute"]) for line in lines}


NAMES = {
    "turn": "`patchflow turn`",
    "instant": "`--instant`: the map alone",
    "regression": "regression from the parameters",
    "pca": "principal direction",
    "parameter": "best single parameter",
    "latent": "coordinate of `flow_joint`",
}
HEAD = "| {first} | turns | monotonic | unseen keys | span | leakage | cents |\n|---|---:|---:|---:|---:|---:|---:|"


def _time(synth: str, ways: dict[str, Way], bank: Bank, player: Player) -> None:
    """Measures how long one turn takes: all steps of a path together over their number."""
    times: dict[str, dict[str, float]] = {}
    presets = chosen_presets(bank, "valid", 10, player)
    for row in ("turn", "instant"):
        found = []
        for number, (_, point) in enumerate(presets):
            began = time.perf_counter()
            ways[row](point, number % len(ATTRIBUTES))
            found.append((time.perf_counter() - began) / (len(SHARES) - 1))
        low, middle, high = np.quantile(found, (0.25, 0.5, 0.75))
        times[row] = {"median": round(middle, 4), "quartile_1": round(low, 4), "quartile_3": round(high, 4)}
        print(row, times[row])
    content = {**facts(0), "synth": synth, "seconds": times}
    (RESULTS / f"{synth}-macro_times.json").write_text(json.dumps(content, indent=1) + "\n")


def page() -> str:
    """Returns the document with the tables of every synth.

    Raises:
        ValueError: If it has no place for them.
    """
    parts = []
    for path in sorted(RESULTS.glob("*-macros.jsonl"), key=lambda path: -path.stat().st_size):
        synth = path.name.removesuffix("-macros.jsonl")
        lines = _lines(path)
        presets = len({line["preset"] for line in lines})
        parts.append(HEAD.format(first=f"`{synth}`, {presets} presets"))
        for row in dict.fromkeys(line["row"] for line in lines):
            parts += [_cells(NAMES[row], [line for line in lines if line["row"] == row])]
        parts.append("")
        if (times := RESULTS / f"{synth}-macro_times.json").exists():
            seconds = json.loads(times.read_text())["seconds"]
            parts.append(
                f"On two cores that do nothing else, one step of a turn takes {seconds['turn']['median']:.2f} s "
                f"with the synth playing,\nand {1000 * seconds['instant']['median']:.1f} ms by the map alone "
                f"(medians of ten presets).\n"
            )
        if presets < FEW:
            continue
        parts.append(HEAD.format(first=f"`{synth}`, `patchflow turn`"))
        for attribute in ATTRIBUTES:
            parts += [_cells(attribute.name, _of(lines, "turn", attribute.name))]
        parts.append("")
    return filled(PAGE, {"measured": parts[:-1]})


def _of(lines: list[dict[str, Any]], row: str, attribute: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["row"] == row and line["attribute"] == attribute]


def _cells(name: str, lines: list[dict[str, Any]]) -> str:
    """A row of means with their standard errors; what stands still, falls silent or was refused counts as 0."""
    monotone = [line.get("monotonicity") or 0.0 for line in lines]
    unseen = [line.get("unseen", {}).get("monotonicity") or 0.0 for line in lines]
    span = [line.get("span", 0.0) for line in lines]
    leakage = [line["leakage"] for line in lines if "leakage" in line]
    cents = [line["cents"] for line in lines if line.get("cents") is not None]
    return (
        f"| {name} | {len(lines)} | {_mean(monotone)} | {_mean(unseen)} | {_mean(span)} | "
        f"{np.median(leakage) if leakage else math.nan:.2f} | {np.median(cents) if cents else math.nan:.0f} |"
    )


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.2f} ± {np.std(values) / math.sqrt(len(values)):.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", nargs="?")
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--synth", default="dexed")
    parser.add_argument("--split", default="test")
    parser.add_argument("--presets", type=int, default=200)
    parser.add_argument(
        "--every", type=int, default=3, help="turn every third attribute of a preset, others of the next"
    )
    parser.add_argument("--first", type=int, default=0, help="presets to leave to another process; join the lines")
    parser.add_argument("--rows", default="")
    parser.add_argument("--map", help="weights of a map; the user's own or those shipped if not given")
    options = parser.parse_args()
    if options.bank is None and not options.tables:
        parser.error("BANK.npz is missing")
    return options


if __name__ == "__main__":
    main()
