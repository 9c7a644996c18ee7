"""How fast data sets are made, what they weigh, and what Ray costs against threads.

Usage: python benchmarks/dataset_rate.py [ITEMS [ROUNDS [BANK.npz]]]  (writes benchmarks/results/dataset_rate.json)

The same DX7 recipe is made by both executors in turn, with as many workers as there are cores, after a small one that
loads everything; the overhead of Ray is the median ratio of neighbouring runs. 10,000 items on an idle machine are
what figures should be taken from, and a bank of real voices, whose sounds weigh more than those that are made up.
`on_paper` is what 100 million sounds would take.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from timing import facts, seconds

from patchflow.data import Bank
from patchflow.data.dataset import DatasetRecipe, Job, read_pool
from patchflow.data.dataset.executors import Executor, executors
from patchflow.data.dataset.make_dataset import MadeDataset, make_dataset
from patchflow.engines import engines
from patchflow.presets import dx7
from patchflow.progress import Progress

VOICES, ALONE, SOUNDS = 200, 100, 100_000_000
CORES = os.cpu_count() or 1
SETTINGS = {"synth": "dexed", "rate": 22_050, "length": 4.0, "seed": 0}
STAGES = ("render", "relate", "write")


@dataclass(frozen=True)
class Run:
    """A making, the seconds of its stages and the processor seconds of this process."""

    made: MadeDataset
    stages: dict[str, float]
    processor: float


def main(items: str = "400", rounds: str = "3", voices: str = "") -> None:
    """Prints and writes the figures."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        shard = max(1, min(1_000, int(items) // (4 * CORES)))
        presets = (voices or made_up(Path(place)),)
        recipe = DatasetRecipe(**SETTINGS, items=int(items), shard=shard, presets=presets)
        with executors["local"](CORES) as local, executors["ray"](CORES) as ray:
            for executor in (local, ray):
                make(replace(recipe, items=8 * CORES, shard=4), Path(place), executor)
            runs = [(make(recipe, Path(place), local), make(recipe, Path(place), ray)) for _ in range(int(rounds))]
        found = {
            **about(recipe, Path(voices).name or f"{VOICES} made up", len(runs), load),
            **alone(recipe),
            **together(runs),
        }
    text = json.dumps(found, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "dataset_rate.json").write_text(text + "\n")


def made_up(place: Path) -> str:
    """Writes made-up voices near the default one, and returns where."""
    rng = np.random.default_rng(0)
    points = dx7.SPACE.snap(np.clip(dx7.SPACE.default() + rng.normal(0, 0.15, (VOICES, len(dx7.SPACE))), 0, 1))
    names = np.array([f"voice {number}" for number in range(VOICES)])
    Bank(points, np.arange(VOICES), names, np.full(VOICES, "train")).save(place / "bank.npz")
    return str(place / "bank.npz")


def make(recipe: DatasetRecipe, place: Path, executor: Executor) -> Run:
    """Makes a data set and throws it away."""
    ends: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=place) as folder:
        processor = time.process_time()
        made = make_dataset(recipe, folder, executor, lambda state: _tick(state, ends))
        spent = time.process_time() - processor
    stages = {}
    before = ends["begin"]
    for stage in STAGES:
        stages[stage] = ends[stage] - before
        before = ends[stage]
    return Run(made, stages, spent)


def _tick(state: Progress, ends: dict[str, float]) -> None:
    ends[state.stage] = time.perf_counter()
    ends.setdefault("begin", ends[state.stage])  # the presets are read


def about(recipe: DatasetRecipe, voices: str, rounds: int, load: float) -> dict[str, object]:
    """Returns what was run, and where."""
    busy = "other work kept the cores busy: rates are lower bounds, ratios uncertain"
    return {
        "sound": "dexed, 4 s at 22,050 Hz, 16 bits",
        "presets": voices,
        "items": recipe.items,
        "shard": recipe.shard,
        "rounds": rounds,
        **facts(recipe.seed),
        "cores": CORES,
        "load_before": round(load, 2),
        "machine": busy if load > 0.5 else "idle before",
    }


def alone(recipe: DatasetRecipe) -> dict[str, float]:
    """Returns rates of one thread: of the engine alone, and of whole items."""
    engine = engines[recipe.synth]()
    job = Job(recipe, read_pool(recipe, engine))
    torch.set_num_threads(1)
    items = job.items(engine, range(ALONE))
    whole = seconds(lambda: job.items(engine, range(ALONE)))
    bare = seconds(lambda: [engine.render(item.point, item.note, recipe.rate) for item in items])
    return {"renders_per_second_one_core": round(ALONE / bare, 1), "items_per_second_one_core": round(ALONE / whole, 1)}


def together(runs: list[tuple[Run, Run]]) -> dict[str, object]:
    """Returns rates, sizes and overhead, and what they come to for very many sounds."""
    local = [run for run, _ in runs]
    ray = [run for _, run in runs]
    made = local[0].made
    items = made.counts["drawn"]
    size = made.bytes / made.counts["kept"]
    core_seconds = statistics.median(run.processor for run in local) / items
    stages = {}
    for stage in STAGES:
        stages[f"{stage}_seconds"] = round(statistics.median(run.stages[stage] for run in local), 2)
    ratio = statistics.median(b.stages["render"] / a.stages["render"] for a, b in runs)
    return {
        "items_per_second_local": round(items / statistics.median(run.stages["render"] for run in local), 1),
        "items_per_second_ray": round(items / statistics.median(run.stages["render"] for run in ray), 1),
        "ray_over_local": round(ratio, 3),
        **stages,
        "core_seconds_per_item": round(core_seconds, 5),
        "bytes_per_item": round(size),
        "on_paper": {
            "sounds": SOUNDS,
            "terabytes": round(SOUNDS * size / 1e12, 1),
            "core_hours": round(SOUNDS * core_seconds / 3600),
        },
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
