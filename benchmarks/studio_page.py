"""How long the studio's page takes: to be ready, from a knob to its sound, and for a note that was played before.

A real Chromium opens the page of a studio of its own. In the Shape view a key is pressed at one knob after another,
first at parameters, then at macros; the time goes from that event to the moment for which the page schedules the new
sound, a note of one second. Nothing is waited for between two but pauses of 300 to 900 ms, in which notes of other keys
are rendered ahead as they are for everybody. Of slow synths the page plays the first part of a note before the whole
is there: `late` is how often it was over before that. First turns are those of presets that nobody has turned: right
after an edit, and some seconds after they were loaded. A cached note is one whose render is there: the time is the
page's own, from the event to the start it schedules. The page is ready when its keys can be played; bytes are those of
all its files, without a cache, for the first view and once all of them were opened.

Usage: python benchmarks/studio_page.py [--steps 60] [--synths dexed,vital]

It writes benchmarks/results/studio_page.json. An idle machine is needed: a busy one is in the numbers (`load`).
"""

import argparse
import json
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from studio_latency import SEED, running_studio, summary
from timing import facts

__all__ = ["ASKED", "cached_notes", "knob_times", "opened", "ready_times", "shaped", "synth_times"]

OUT = Path(__file__).parent / "results" / "studio_page.json"
ASKED = {
    "knob_to_sound_ms": {"median": 60, "p95": 120},
    "cached_note_ms": {"p95": 15},
    "ready_s": 2,
    "megabytes": 1.5,
}
"""What the page is to reach."""

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required")
VIEWS = ("match", "shape", "explore", "library")
WARM = 6  # steps before any is measured
PAUSES = (300, 900)  # ms between two steps
REST = 6_000  # ms from loading a preset to its first turn
FIRST_TURNS = 3
VISITS = 7
PATIENCE = 20_000  # ms
WATCH = """(() => {
  const start = AudioBufferSourceNode.prototype.start;
  window.starts = [];
  AudioBufferSourceNode.prototype.start = function (when = 0, offset = 0) {
    const wait = 1000 * Math.max(0, when - this.context.currentTime);
    window.starts.push({at: performance.now() + wait, offset, seconds: this.buffer.duration});
    return start.call(this, when, offset);
  };
})();"""
LATE = """() => {
  const pairs = starts.slice(1).map((one, i) => [starts[i], one]).filter(([first, one]) => !first.offset && one.offset);
  return {parts: pairs.length, late: pairs.filter(([first, one]) => one.offset > first.seconds - 0.03).length};
}"""
"""First parts that were heard, and after how many of them the whole came late: a sound that begins in its middle."""
LOAD = """async ([synth, seed]) => {
  const {session, api} = patchflowStudio;
  const preset = await api.post("/presets/random", {synth, seed});
  session.set({view: "shape", note: {pitch: 60, velocity: 100, hold: 1, length: 1}});
  session.load(preset, "Load");
}"""
STEP = """async ([part, index, patience]) => {
  const shape = document.querySelector("pf-studio").shadowRoot.querySelector("pf-shape").shadowRoot;
  const knobs = shape.querySelector(part).shadowRoot.querySelectorAll("pf-knob");
  const knob = knobs[index % knobs.length];
  const key = knob.value < knob.parameter.high ? "ArrowUp" : "ArrowDown";
  const count = starts.length;
  const from = performance.now();
  const dial = knob.shadowRoot.querySelector(".dial");
  dial.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, composed: true}));
  while (starts.length === count) {
    if (performance.now() - from > patience) throw new Error(`${part} ${knob.parameter.name}: no sound came`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return starts[count].at - from;
}"""
STRIKE = """async (pitch) => {
  const {session, engine} = patchflowStudio;
  const preset = session.state.preset;
  await engine.note(preset, {pitch, velocity: 105, hold: 0.5, length: 2.5}); // rendered now, if it was not
  const isCached = await engine.playNote(preset, {pitch, hold: 0.5, at: performance.now()});
  if (!isCached) throw new Error(`${pitch}: was not cached`);
  const {own} = engine.latencies;
  engine.stopNote(pitch);
  return own;
}"""
SIZE = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((one) => !one.name.includes("/api/")).reduce((sum, one) => sum + one.encodedBodySize, 0)"""


def opened(browser: Any, address: str) -> tuple[Any, float]:
    """Opens the page in a browser context of its own; returns it and the seconds until its keys can be played."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_function("() => window.patchflowStudio !== undefined", polling=5)
    page.wait_for_selector("pf-keys .keys")
    return page, page.evaluate("performance.now()") / 1000


def ready_times(browser: Any, address: str) -> dict[str, Any]:
    """Returns how long visits take and what they load; every visit has an empty cache."""
    seconds: list[float] = []
    for _ in range(VISITS):
        page, ready = opened(browser, address)
        seconds.append(ready)
        page.context.close()
    page, _ = opened(browser, address)
    first = page.evaluate(SIZE)
    for view in VIEWS:
        page.evaluate(f"patchflowStudio.session.set({{view: '{view}'}})")
        page.wait_for_timeout(1500)
    whole = page.evaluate(SIZE)
    page.context.close()
    return {
        "ready_s": {"median": round(float(np.median(seconds)), 2), "longest": round(max(seconds), 2)},
        "megabytes": {"first view": round(first / 1e6, 3), "all views": round(whole / 1e6, 3)},
    }


def knob_times(page: Any, part: str, steps: int, rng: np.random.Generator) -> tuple[float, dict[str, Any]]:
    """Returns the milliseconds from a key at knobs to their sound: of the first one, and a summary.

    Args:
        page: In the Shape view.
        part: `"pf-panel"` for parameters, `"pf-macros"` for macros.
        steps: How many are measured.
        rng: Of the pauses.
    """
    times = []
    page.evaluate("starts.length = 0")
    for step in range(WARM + steps):
        page.wait_for_timeout(rng.uniform(*PAUSES))
        times.append(page.evaluate(STEP, [part, step, PATIENCE]))
    return round(times[0], 1), {**summary(times[WARM:]), **page.evaluate(LATE)}


def shaped(page: Any, synth: str, seed: int, rest: int) -> None:
    """Loads a preset in the Shape view, and leaves it alone for some milliseconds."""
    page.evaluate(LOAD, [synth, seed])
    page.wait_for_selector("pf-macros pf-knob")
    page.wait_for_selector("pf-panel pf-knob")
    page.wait_for_timeout(rest)


def synth_times(page: Any, synth: str, steps: int) -> dict[str, Any]:
    """Returns what a synth's knobs and cached notes take, in milliseconds."""
    rng = np.random.default_rng(SEED)
    shaped(page, synth, SEED, 3_000)
    _, edits = knob_times(page, "pf-panel", steps, rng)
    first, turns = knob_times(page, "pf-macros", steps, rng)
    cached = cached_notes(page, steps)
    rested = []
    for seed in range(SEED + 1, SEED + 1 + FIRST_TURNS):
        shaped(page, synth, seed, REST)
        rested.append(round(page.evaluate(STEP, ["pf-macros", 0, PATIENCE]), 1))
    firsts = {"right after an edit": first, f"{REST / 1000:g} s after it was loaded": rested}
    return {"edit_to_sound_ms": edits, "turn_to_sound_ms": turns, "first_turn_ms": firsts, "cached_note_ms": cached}


def cached_notes(page: Any, steps: int) -> dict[str, float]:
    """Returns the page's own milliseconds from an event to the start of a note that is there."""
    return summary([page.evaluate(STRIKE, 48 + step % 24) for step in range(steps)])


def main() -> None:
    """Measures, prints and writes."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="steps of each kind")
    parser.add_argument("--synths", default="dexed,vital", help="which, with commas")
    options = parser.parse_args()
    report: dict[str, Any] = {**facts(SEED), "cores": os.cpu_count(), "machine": platform.machine()}
    report |= {"steps": options.steps, "pause_ms": PAUSES, "load": round(os.getloadavg()[0], 2), "nice": os.nice(0)}
    report["asked"] = ASKED
    with (
        tempfile.TemporaryDirectory() as folder,
        running_studio(folder) as (address, _, _),
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        report["browser"] = browser.version
        report |= ready_times(browser, address)
        page, _ = opened(browser, address)
        for synth in options.synths.split(","):
            report[synth] = synth_times(page, synth, options.steps)
            print(synth, report[synth], flush=True)
        browser.close()
    OUT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
