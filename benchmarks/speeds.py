"""The table of speeds: measured, and wanted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["speeds"]

RESULTS = Path(__file__).parent / "results"
HEAD = """Ratios of runs that took turns on one machine: the median, with the lowest and the highest.
`benchmarks/README.md` says which script makes which file. Wanted is the project's own goal; what falls short of it is
bold.
"""
WHY = """
* A plug-in that plays each note in an exact copy of itself pays for the memory pages that the note touches. Nothing
  that was tried makes copies cheaper (LOG.md). `--fresh reuse` plays all notes in one plug-in, which may then remember.
* Why two processes of Vital fall short has not been found.
* Data sets by threads scale worse than by the processes of Ray. Why has not been found. By its load average, the
  machine was busy.
"""


def speeds() -> list[str]:
    """Returns the chapter, as lines."""
    rows = ["| what | measured | wanted | file |", "|---|---|---|---|"]
    for what, value, wanted, file in _found():
        if isinstance(value, dict):
            middle, text = value["median"], f"{value['median']:.2f} ({value['low']:.2f} to {value['high']:.2f})"
        else:
            middle, text = value, f"{value:.2f}"
        short = wanted is not None and middle < wanted
        rows.append(f"| {what} | {f'**{text}**' if short else text} | {_wanted(wanted)} | `{file}.json` |")
    return ["## Speed", "", HEAD, *rows, WHY]


def _found() -> Iterator[tuple[str, Any, float | None, str]]:
    rendering = _read("rendering")
    hosted = _read("hosted")
    rate = _read("dataset_rate")
    yield "dexed, one thread over a bare loop", rendering["one_thread_over_bare"], 0.95, "rendering"
    yield "dexed, two threads over one", rendering["two_threads_over_one"], 1.85, "rendering"
    for name, words, wanted in (
        ("vital", "vital", 0.95),
        ("amsynth", "amsynth, exact copies", 0.9),
        ("amsynth_reused", "amsynth, `--fresh reuse`", 0.9),
    ):
        yield f"{words}, one process over a bare loop", hosted[name]["one_process_over_bare"], wanted, "hosted"
        yield f"{words}, two processes over one", hosted[name]["two_processes_over_one"], 1.85, "hosted"
    ray = rate["items_per_second_ray"] / rate["items_per_second_local"]
    yield "data set, Ray over the local executor", ray, 0.9, "dataset_rate"
    both = rate["items_per_second_local"] / rate["items_per_second_one_core"]
    yield "data set, two cores over one", both, 1.85, "dataset_rate"
    models = RESULTS / "training_models_cpu.json"
    for name, found in (json.loads(models.read_text()) if models.exists() else {}).items():
        yield f"training {name}, our loop over a bare one", found["ours_over_bare"], 1.0, models.stem
        yield f"training {name}, over products of matrices", found["flops_over_matrix_products"], None, models.stem


def _read(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def _wanted(wanted: float | None) -> str:
    return "–" if wanted is None else f"at least {wanted:.2f}"
