"""How many renders, and seconds of processors, it takes to describe plug-ins of 3 to 1,300 parameters.

Usage: python benchmarks/probing.py [--as before] [--only NAME ...]  (writes benchmarks/results/probing.json)

The plug-ins are those of `PLUGINS` that are installed, and a synth of layers that is compiled from
tests/plugins/naughty.c, in three sizes. Renders are counted where they are asked for, by the stage that is shown then,
and processor time is that of this process and of the plug-in's: none of it depends on what else the computer does.

Those of `RELOADED` are loaded anew for every render, which `synth add` finds out by itself.

The script asks for nothing but `probe`, so that it measures older code too: with an older checkout as PYTHONPATH,
`--as before` writes what that needs beside what there is. `same` says whether both found the same: kinds and cents.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from timing import facts

from patchflow.engines import Description
from patchflow.errors import PatchflowError
from patchflow.plugins import probe
from patchflow.plugins.trial import Trial
from patchflow.progress import Progress

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "probing.json"
PLUGINS = {
    "amsynth": "/usr/lib/vst/amsynth_vst.so",
    "Kars": "/usr/lib/vst/Kars-vst.so",
    "Nekobi": "/usr/lib/vst/Nekobi-vst.so",
    "mda DX10": "http://drobilla.net/plugins/mda/DX10",
    "mda JX10": "http://drobilla.net/plugins/mda/JX10",
    "mda EPiano": "http://drobilla.net/plugins/mda/EPiano",
    "mda Piano": "http://drobilla.net/plugins/mda/Piano",
    "synthv1": "http://synthv1.sourceforge.net/lv2",
    "padthv1": "http://padthv1.sourceforge.net/lv2",
}
RELOADED = ("synthv1", "padthv1")  # they compute in threads, which copies of a process do not have
LAYERS = (10, 30, 130)  # of ten parameters each


def main() -> None:
    """Measures all plug-ins, each in a process of its own, and writes a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as", dest="row", choices=("before", "after"), default="after")
    parser.add_argument("--only", nargs="*", help="names of plug-ins")
    parser.add_argument("--plugin", help=argparse.SUPPRESS)
    parser.add_argument("--fresh", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plugin:
        print(json.dumps(measured(options.plugin, options.fresh)))
        return
    with tempfile.TemporaryDirectory() as folder:
        plugins = {name: plugin for name, plugin in PLUGINS.items() if "://" in plugin or Path(plugin).exists()}
        plugins |= {f"layers, {10 * count} parameters": layers(count, folder) for count in LAYERS}
        for name, plugin in plugins.items():
            if options.only is None or name in options.only:
                fresh = "reload" if name in RELOADED else ""
                command = [sys.executable, __file__, "--plugin", plugin, "--fresh", fresh]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found = json.loads(done.stdout)
                write(name, options.row, found)
                print(name, found, flush=True)


def layers(count: int, folder: str) -> str:
    """Compiles the synth of so many layers, and returns its file."""
    file = Path(folder, f"layers-{count}.so")
    source = ROOT / "tests" / "plugins" / "naughty.c"
    how = f'-DHOW="layers-{count}"'
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", how, str(source), "-o", str(file), "-lm"], check=True)
    return str(file)


def measured(plugin: str, fresh: str) -> dict[str, Any]:
    """Describes a plug-in, and returns what that took."""
    renders: Counter[str] = Counter()
    stage = "loading"
    play = Trial.play

    def show(progress: Progress) -> None:
        nonlocal stage
        stage = progress.stage

    def counted(*arguments: Any, **options: Any) -> Any:
        renders[stage] += 1
        return play(*arguments, **options)

    Trial.play = counted
    try:
        found = probe(plugin, "measured", fresh=fresh, patience=60, progress=show)
    except PatchflowError as error:
        return {"error": str(error).removeprefix(f"{plugin}: ")}
    times = os.times()
    cpu = times.user + times.system + times.children_user + times.children_system
    return {
        "parameters": len(found.controls),
        "heard": sum(control.kind != "fixed" for control in found.controls),
        "renders": renders.total(),
        "renders_by_stage": dict(renders),
        "cpu_s": round(cpu, 1),
        "found": verdicts(found),
    }


def verdicts(found: Description) -> list[Any]:
    """Returns what was found out about each parameter: its kind, its cents and what these need."""
    told = []
    for control in found.controls:
        needs = [list(need) for need in control.needs]
        told.append([control.kind, list(control.cents), needs])
    return told


def write(name: str, row: str, found: dict[str, Any]) -> None:
    """Adds the numbers of a plug-in to the file, and whether code before and after found the same."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[row] = facts(0)
    plugin = results.setdefault("plugins", {}).setdefault(name, {})
    kinds = found.pop("found", None)
    plugin[row] = found
    # The whole of it is too long for a result file.
    plugin.setdefault("verdicts", {})[row] = digest(kinds)
    known = plugin["verdicts"]
    if "before" in known and "after" in known:
        plugin["same"] = known["before"] == known["after"]
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def digest(verdict: Any) -> str:
    """Returns a short text that is the same for the same verdicts."""
    return hashlib.sha256(json.dumps(verdict).encode()).hexdigest()[:12]


if __name__ == "__main__":
    main()
