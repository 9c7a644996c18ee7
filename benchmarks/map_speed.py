"""How fast the page of a map is in a real browser: frames a second while it moves, and what else one waits for.

Presets are made up: their vectors are drawn from forty clusters, so that points lie as close together as in a library.
There is no graphics card behind the browser: WebGL is computed by the processor (SwiftShader), so a machine with one is
faster. Each frame zooms, moves the map and points at a preset. Beside the frames a second on the clock, which need an
idle machine, stands the processor time of a frame, over all processes of the browser, which does not.

Usage: python benchmarks/map_speed.py [--points 30000] [--seconds 5]

It needs Chromium with its driver, and writes benchmarks/results/map_speed.json.
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import facts, spread

from patchflow.browse.map_page import write_map
from patchflow.browse.places import find_axes
from patchflow.browse.shelf import Shelf
from patchflow.ear import MEASURES
from patchflow.engines import engines
from patchflow.presets import Entry, Label, Preset

__all__ = ["made_up", "measure_page"]

OUT = Path(__file__).parent / "results" / "map_speed.json"
SIZES = {"desktop": (1440, 900, 1.0), "tablet": (1180, 820, 2.0)}
FLAGS = (
    "headless=new", "no-sandbox", "no-first-run", "disable-dev-shm-usage", "use-angle=swiftshader",
    "enable-unsafe-swiftshader",
)  # fmt: skip
CATEGORIES = ("Bass", "Keys", "Pad", "Lead", "Bells", "Brass", "Strings", "Organ", "Drums", "Plucked", "Voice", "")
SEED = 0

MOVE = """
const done = arguments[arguments.length - 1];
const { view } = document.querySelector("pf-map");
const until = performance.now() + 1000 * arguments[0];
const times = [];
let turn = 0;
const step = (now) => {
  times.push(now);
  turn += 1;
  view.zoom(turn % 80 < 40 ? 1.06 : 1 / 1.06, 500, 400);
  view.pan(6 * Math.cos(turn / 9), 6 * Math.sin(turn / 9));
  view.calls.hover(view.data.nearest(...view.place(400, 300), 20 / view.view.scale));
  if (now < until) requestAnimationFrame(step);
  else done(times.slice(1).map((time, at) => time - times[at]));
};
requestAnimationFrame(step);
"""
WORK = """
const map = document.querySelector("pf-map");
const find = map.shadowRoot.querySelector("input[type=search]");
const timed = (work) => { const from = performance.now(); work(); return performance.now() - from; };
const typed = (text) => timed(() => { find.value = text; find.dispatchEvent(new Event("input")); });
const search = [typed("ba"), typed("bas"), typed("")];
const colour = [timed(() => map.colourBy(0)), timed(() => map.colourBy("category"))];
const lasso = timed(() => map.shadowRoot.querySelector(".all").click());
return { search_ms: Math.max(...search), colour_ms: Math.max(...colour), pick_all_ms: lasso };
"""


def main() -> None:
    """Measures both ways of drawing on two kinds of screen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=30_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    result: dict[str, Any] = {**facts(SEED), "processor": platform.processor() or platform.machine()}
    result |= {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "points": arguments.points, "runs": []}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "map.html")
        shelf, presets_of = made_up(arguments.points)
        where = find_axes(shelf.vectors, shelf.measures).place(shelf.vectors)
        begun = time.perf_counter()
        report = write_map(page, shelf, presets_of, where, sounds=0)
        text = page.read_text("utf-8")
        page.with_stem("webgl").write_text(text, "utf-8")
        page.with_stem("plain").write_text(text.replace("<pf-map>", "<pf-map plain>"), "utf-8")
        result |= {"page_MB": round(report.size / 1e6, 2), "written_s": round(time.perf_counter() - begun, 1)}
        for screen in SIZES:
            for way in ("webgl", "plain"):
                result["runs"].append(measure_page(page, screen, way, arguments.seconds))
                print(json.dumps(result["runs"][-1]), flush=True)
    OUT.write_text(json.dumps(result, indent=1) + "\n")


def made_up(count: int) -> tuple[Shelf, Any]:
    """Returns presets of the tone with vectors, categories, tags and attributes, and what gives their values."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(40, 128))
    vectors = centres[rng.integers(0, 40, count)] + 0.8 * rng.normal(size=(count, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    measures = vectors[:, : len(MEASURES)] * 5 + rng.normal(size=(count, len(MEASURES)))
    kinds = rng.integers(0, len(CATEGORIES), count)
    tags = ("bright", "dark", "moving", "noisy")
    entries = [
        Entry(i + 1, "tone", (Label(f"Sound {i:05d}", CATEGORIES[kinds[i]], "", (tags[i % 4],)),)) for i in range(count)
    ]
    space = engines["tone"].space
    values = space.decode(space.default())
    presets = {str(entry.id): Preset("tone", values, entry.name) for entry in entries}
    return Shelf(entries, vectors.astype(np.float32), measures), lambda numbers: presets


def measure_page(page: Path, screen: str, way: str, seconds: float) -> dict[str, Any]:
    """Returns what a browser needs for a page.

    Args:
        page: The file.
        screen: One of `SIZES`.
        way: `"webgl"` or `"plain"`.
        seconds: How long it moves.
    """
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(600)
        width, height, ratio = SIZES[screen]
        shown = {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shown)
        begun = time.perf_counter()
        driver.get(page.with_stem(way).as_uri())
        while not driver.execute_script("return document.querySelector('pf-map')?.view?.frames > 0"):
            time.sleep(0.01)
        loaded = time.perf_counter() - begun
        assert driver.execute_script("return document.querySelector('pf-map').view.fast") is (way == "webgl")
        before = _processor_seconds(driver.service.process.pid)
        gaps = driver.execute_async_script(MOVE, seconds)
        spent = _processor_seconds(driver.service.process.pid) - before
        work = driver.execute_script(WORK)
    finally:
        driver.quit()
    found = {"screen": screen, "drawn_by": way, "frames_a_second": round(1000 * len(gaps) / sum(gaps), 1)}
    # What a frame takes of the processor, in all processes of the browser: a bound that other load does not change.
    found |= {"processor_ms_a_frame": round(1000 * spent / len(gaps), 1)}
    found |= {"frame_ms": spread(gaps), "slowest_20th_ms": round(float(np.quantile(gaps, 0.95)), 1)}
    return {**found, "loaded_s": round(loaded, 2), **{name: round(value, 1) for name, value in work.items()}}


def _processor_seconds(root: int) -> float:
    """Processor time of a process and all below it so far, of Linux."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(folder.name)] = int(fields[1])
        spent[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    found = {root}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return sum(spent.get(one, 0.0) for one in found)


if __name__ == "__main__":
    main()
