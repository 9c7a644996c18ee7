"""How fast synths play in processes of their own, against their bare engines.

Usage: python benchmarks/host_overhead.py  (writes benchmarks/results/hosted.json)

The same presets, drawn around the fresh one, are rendered by a bare loop of vita or dawdreamer in one process, and by
`Renderer`, in turn, many times; the figures are medians of the ratios of neighbouring runs. The bare loop loads or
sets every preset as we do, but remembers what it played before, so its sounds are not repeatable. amsynth is
described for this in a temporary folder, as a copy for each note and as one that plays all notes.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from timing import seconds, spread

from patchflow.engines import Engine, Note, Plugin, Renderer, engines
from patchflow.match import NoteGuess, Target
from patchflow.match.proposals import FromSpace
from patchflow.plugins import add_synth
from patchflow.presets import Preset
from patchflow.presets.formats import formats

RATE, ROUNDS = 22_050, 7
COUNTS = {"vital": 12, "amsynth": 60, "amsynth_reused": 60}
NOTE = Note()
AMSYNTH = "/usr/lib/vst/amsynth_vst.so"
VITA = """
import json, os, sys, time
import vita
synth = vita.Synth()
synth.set_sample_rate(22050.0)
presets = json.loads(sys.stdin.readline())
def play():
    for preset in presets:
        synth.load_json(preset)
        synth.render(60, 100 / 127, 3.0, 4.0).mean(0)
"""
DAWDREAMER = """
import json, os, sys, time
import dawdreamer
engine = dawdreamer.RenderEngine(22050, 512)
plugin = engine.make_plugin_processor("plugin", sys.argv[1])
engine.load_graph([(plugin, [])])
presets = json.loads(sys.stdin.readline())
def play():
    for preset in presets:
        for index, value in preset:
            plugin.set_parameter(index, value)
        plugin.clear_midi()
        plugin.add_midi_note(60, 100, 0.0, 3.0)
        engine.render(4.0)
        engine.get_audio().mean(0)
"""
LOOP = """
play()
answers = os.fdopen(os.dup(1), "w")
for _ in sys.stdin:
    start = time.perf_counter()
    play()
    print("took", time.perf_counter() - start, flush=True)
os._exit(0)
"""


class Bare:
    """A bare engine in a process of its own, which plays all presets whenever it is asked to."""

    def __init__(self, code: str, presets: Sequence[object], *arguments: str) -> None:
        command = [sys.executable, "-c", code + LOOP, *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._send(json.dumps(presets))

    def play(self) -> float:
        """Returns the seconds it took."""
        self._send("go")
        for line in self.process.stdout or ():
            if line.startswith("took "):
                return float(line.split()[1])
        raise SystemExit("the bare engine ended")

    def _send(self, line: str) -> None:
        if self.process.stdin is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()


def main() -> None:
    """Prints and writes the ratios."""
    report: dict[str, object] = {"note": "4 s at 22,050 Hz"}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATCHFLOW_SYNTHS"] = folder
        add_synth(AMSYNTH, "amsynth")
        add_synth(AMSYNTH, "amsynth_reused", fresh="reuse")
        for synth, count in COUNTS.items():
            points = draw(engines[synth], count)
            report[synth] = measure(synth, points, bare(synth, points))
    text = json.dumps(report, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "hosted.json").write_text(text + "\n")


def draw(engine: type[Engine], count: int) -> np.ndarray:
    """Returns encoded presets, shape `(count, P)`."""
    target = Target(np.zeros(100, np.float32), RATE, (NoteGuess(60, 1.0),), hold=1.0)
    return engine.space.snap(FromSpace(engine.space).propose(target, 60, count, np.random.default_rng(0)))


def bare(synth: str, points: np.ndarray) -> Bare:
    """Returns the bare engine with these presets."""
    made = engines[synth]
    if issubclass(made, Plugin):
        return Bare(DAWDREAMER, [made.description.natives(point) for point in points], AMSYNTH)
    writer = formats["vital"]()
    return Bare(VITA, [writer.write([Preset(synth, made.space.decode(point))]).decode() for point in points])


def measure(synth: str, points: np.ndarray, alone: Bare) -> dict[str, object]:
    """Returns the ratios of a synth."""
    notes = [NOTE] * len(points)
    with Renderer(engines[synth], threads=1) as one, Renderer(engines[synth], threads=2) as two:
        for renderer in (one, two):
            renderer.render(points, notes, RATE)
        times = []
        for _ in range(ROUNDS):
            took = {
                "bare": alone.play(),
                "one": seconds(lambda: one.render(points, notes, RATE)),
                "two": seconds(lambda: two.render(points, notes, RATE)),
            }
            times.append(took)
    facts: dict[str, object] = {}
    if issubclass(made := engines[synth], Plugin):
        facts["noise_floor_db"] = made.description.noise_floor_db
    return facts | {
        "renders_per_second_bare": round(len(points) / statistics.median(t["bare"] for t in times), 1),
        "renders_per_second_ours": round(len(points) / statistics.median(t["one"] for t in times), 1),
        "one_process_over_bare": spread([t["bare"] / t["one"] for t in times]),
        "two_processes_over_one": spread([t["one"] / t["two"] for t in times]),
    }


if __name__ == "__main__":
    main()
