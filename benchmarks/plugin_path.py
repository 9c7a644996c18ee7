"""How long it takes from a plug-in's file to a matched preset, and how fast the plug-in plays.

Usage: python benchmarks/plugin_path.py [/usr/lib/vst/amsynth_vst.so]  (writes benchmarks/results/plugin_path.json)

The commands are those of docs/plugins.md, each in a process of its own and in an empty folder. Then notes of four
seconds of the plug-in's fresh preset are played, in turn, in a bare loop of the host's package within one process and
by the engine; the ratio is the median of those of neighbouring runs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import seconds, spread

from patchflow.engines import Note, engines

ROUNDS, NOTES = 9, 8
SOUND = Path("patchflow/examples/bell.flac")
BARE = """
import sys, time, dawdreamer, os
engine = dawdreamer.RenderEngine(44_100, 512)
plugin = engine.make_plugin_processor("plugin", sys.argv[1])
engine.load_graph([(plugin, [])])
def play(count):
    start = time.perf_counter()
    for _ in range(count):
        plugin.clear_midi()
        plugin.add_midi_note(60, 100, 0.0, 3.0)
        engine.render(4.0)
        engine.get_audio().mean(0)
    return time.perf_counter() - start
play(1)
print("took", play(int(sys.argv[2])))
sys.stdout.flush()
os._exit(0)
"""


def main() -> None:
    """Prints and writes the times."""
    plugin = sys.argv[1] if len(sys.argv) > 1 else "/usr/lib/vst/amsynth_vst.so"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder
        os.environ["PYTHONPATH"] = str(Path.cwd())
        shutil.copy(SOUND, folder)
        steps = {
            "add": ["synth", "add", plugin, "--name", "mine"],
            "match": ["match", SOUND.name, "--synth", "mine", "--seconds", "10"],
            "render": ["render", f"patchflow-out/{SOUND.stem}.fxp", "--note", "E4"],
        }
        report: dict[str, object] = {f"{name}_s": command(words, folder) for name, words in steps.items()}
        report["engine_over_bare_loop"] = ratio(plugin)
    text = json.dumps({**report, "cores": os.cpu_count()}, indent=2)
    print(text)
    Path("benchmarks/results/plugin_path.json").write_text(text + "\n")


def command(words: list[str], folder: str) -> float:
    """Returns how many seconds a command takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "patchflow", *words], cwd=folder, check=True)
    return round(time.perf_counter() - start, 1)


def ratio(plugin: str) -> object:
    """Returns the engine's speed over that of the bare loop."""
    synth = engines["mine"]()
    point = engines["mine"].space.default()
    found = []
    synth.render(point, Note())
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", BARE, plugin, str(NOTES)], check=True, capture_output=True, text=True
        )
        bare = float(done.stdout.split("took")[1])
        ours = seconds(lambda: [synth.render(point, Note()) for _ in range(NOTES)])
        found.append(bare / ours)
    return spread(found)


if __name__ == "__main__":
    main()
