"""Counts what presets of Vital change: its core was chosen by these counts.

Usage: python benchmarks/vital_core.py FOLDER  (writes benchmarks/results/vital_core.csv)

A preset counts for a control if it modulates it, or has it at another value than a file without it and that can be
heard: not of a part that is off, an envelope or LFO that modulates nothing, or a modulation that is not connected.
"""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

from patchflow.presets.vital import CORE, FULL, canonical_vital, control_name, controls, routes_of, values_of


def main(folder: str) -> None:
    """Writes a line for each control, the most used first."""
    files = sorted(Path(folder).rglob("*.vital"))
    counts = Counter[str]()
    for file in files:
        counts.update(changed(json.loads(file.read_text("utf-8"))))
    core = {control_name(name) for name in CORE.names}
    with (Path(__file__).parent / "results" / "vital_core.csv").open("w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["control", f"presets of {len(files)}", "core"])
        table.writerows([name, counts[name], "yes" if name in core else ""] for name, _ in counts.most_common())
    print(f"{len(files)} presets, {len(counts)} controls, {len(core & set(counts))} of them in the core")


def changed(document: dict) -> set[str]:
    """Returns the controls that a preset changes or modulates."""
    values = values_of(document, FULL)
    audible = FULL.decode(canonical_vital(FULL.encode(values)[None], FULL)[0])
    fresh = FULL.decode(FULL.default())
    routes = routes_of({control_name(name): value for name, value in values.items()}, {})
    found = {destination for _, destination in routes if destination}
    for name, value in values.items():
        control = controls().get(control_name(name))
        inaudible = audible[name] == fresh[name] and value != fresh[name]  # so it was reset
        if control and not inaudible and value != control.value(control.default):
            found.add(control.name)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
