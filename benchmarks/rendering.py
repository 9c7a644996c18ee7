"""How fast the renderer plays against the bare engine: one thread, and two against one.

Usage: python benchmarks/rendering.py  (writes benchmarks/results/rendering.json)

The same voices are rendered by the bare dexed-py synth in a loop and by `Renderer`, in turn, many times; the
figures are medians of the ratios of neighbouring runs, so that a drift of the machine's speed cancels.
"""

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from dexed._dexed import DexedSynth
from timing import seconds, spread

from patchflow.engines import Note, Renderer, engines
from patchflow.presets import dx7

RATE, VOICES, ROUNDS = 22_050, 600, 9
NOTE = Note()


def main() -> None:
    """Prints and writes the ratios."""
    rng = np.random.default_rng(0)
    points = dx7.SPACE.snap(np.clip(dx7.SPACE.default() + rng.normal(0, 0.15, (VOICES, len(dx7.SPACE))), 0, 1))
    raw = [dx7.bytes_from_points(point).tobytes() + b" " * 10 + b"\x3f" for point in points]
    notes = [NOTE] * VOICES
    Dexed = engines["dexed"]
    with Renderer(Dexed, threads=1) as one, Renderer(Dexed, threads=2) as two, ThreadPoolExecutor(2) as pool:
        ways = {
            "bare": lambda: bare(raw),
            "one": lambda: ours(one, points, notes),
            "two": lambda: ours(two, points, notes),
            "bare_two": lambda: list(pool.map(bare, (raw[::2], raw[1::2]))),
        }
        for run in ways.values():
            run()
        times = []
        for _ in range(ROUNDS):
            took = {name: seconds(run) for name, run in ways.items()}
            times.append(took)
    found = {
        "renders_per_second_bare": round(VOICES / statistics.median(t["bare"] for t in times), 1),
        "one_thread_over_bare": ratio(times, "bare", "one"),
        "two_threads_over_one": ratio(times, "one", "two"),
        "two_bare_threads_over_one": ratio(times, "bare", "bare_two"),
        "note": "4 s at 22,050 Hz",
    }
    text = json.dumps(found, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "rendering.json").write_text(text + "\n")


def bare(raw: list[bytes]) -> None:
    """Renders with the engine alone."""
    synth = DexedSynth(float(RATE))
    for voice in raw:
        synth.load_sysex(voice)
        synth.render(NOTE.pitch, NOTE.velocity, NOTE.hold, NOTE.length)


def ours(renderer: Renderer, points: np.ndarray, notes: list[Note]) -> None:
    """Renders with the renderer; like the bare engine's, no sound is kept."""
    for _ in renderer.stream(zip(points, notes, strict=True), RATE):
        pass


def ratio(times: list[dict[str, float]], slow: str, fast: str) -> dict[str, float]:
    """Returns the median and the quartiles of time `slow` over time `fast`."""
    return spread([t[slow] / t[fast] for t in times])


if __name__ == "__main__":
    main()
