"""What a note costs a synth beside its sound: what a screening of a search costs follows from that.

Usage: python benchmarks/screenings.py SYNTH [--rounds N]  (writes a line of benchmarks/results/screenings.json)

Presets of its library, or random ones, are played for 0.3 to 4 s. Counted are the seconds of all processors, those of
the synth's own processes included. A straight line through them gives what a note costs whatever its length, and what
each second of it does. `overhead` is the first in seconds of sound, see `Engine.overhead`, and `share` what a screening
of a note of 1.5 and of 4 s costs of a whole render by that.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np

from patchflow.data.sampler import random_presets
from patchflow.engines import Engine, Note, engines
from patchflow.match.fingerprints import FINGERPRINTS, Fingerprints
from patchflow.match.scorer import SCREEN
from patchflow.match.target import SEARCH_RATE
from patchflow.models import weights_of

RESULTS = Path(__file__).parent / "results" / "screenings.json"
PRESETS = 12
LENGTHS = (0.3, 0.8, 1.5, 4.0)


def main() -> None:
    """Measures one synth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    engine = engines[options.synth]()
    points = presets(options.synth, engine)
    for point in points:
        engine.render(point, Note(60, 100, 0.1, 0.2), SEARCH_RATE)
    cost = []
    for length in LENGTHS:
        begun = spent()
        for _ in range(options.rounds):
            for point in points:
                engine.render(point, Note(60, 100, 0.6 * length, length), SEARCH_RATE)
        cost.append((spent() - begun) / len(points) / options.rounds)
    # Relative errors count, so that short notes count as much as long ones.
    table = np.stack([np.ones(len(LENGTHS)), LENGTHS], 1) / np.array(cost)[:, None]
    note, second = np.linalg.lstsq(table, np.ones(len(LENGTHS)))[0]
    overhead = float(note / second)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found[options.synth] = {
        "lengths_s": LENGTHS,
        "cost_ms": [round(1e3 * each, 2) for each in cost],
        "note_ms": round(1e3 * float(note), 2),
        "second_ms": round(1e3 * float(second), 2),
        "overhead_s": round(overhead, 2),
        "share": [round((overhead + SCREEN * length) / (overhead + length), 2) for length in (1.5, 4.0)],
    }
    print(found[options.synth])
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def presets(synth: str, engine: Engine) -> np.ndarray:
    """Encoded presets as a search plays them, shape `(PRESETS, P)`."""
    rng = np.random.default_rng(0)
    path = weights_of(synth, engine.space, FINGERPRINTS)
    if path is None:
        points = random_presets(engine.space, PRESETS, rng)
    else:
        library = Fingerprints.load(path, engine.space).points
        points = library[rng.integers(len(library), size=PRESETS)]
    return engine.canonical(engine.space.snap(points))


def spent() -> float:
    """Seconds of processors that this process and its children took so far, with theirs that have ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        own = int(entry.name) == os.getpid()
        if own or int(fields[1]) == os.getpid():
            ticks += sum(map(int, fields[11:13] if own else fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
