"""Whether Vital plays what we write like the files it was read from, and whether our engine does.

Usage: python benchmarks/vital_round_trip.py FOLDER  (writes benchmarks/results/vital_round_trip.json)

Each file is loaded by the real synth, and so is what we write of it; our engine plays its values on top of its state.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from patchflow.engines import Note
from patchflow.engines.vital import Vital
from patchflow.hosts import HostProcess
from patchflow.presets.formats import formats

RATE = 22_050
NOTE = Note(60, 100, hold=0.5, length=1.0)


def main(folder: str) -> None:
    """Prints and writes how many were the same, to the last bit."""
    engine = Vital(passing=0)
    format_ = formats["vital"]()
    counts: Counter[str] = Counter()
    with HostProcess("vita") as host:
        for file in sorted(Path(folder).rglob("*.vital")):
            data = file.read_bytes()
            report = format_.read(data)
            counts["files"] += 1
            counts["rejected"] += len(report.rejected)
            for preset in report.presets:
                written = format_.write([preset])
                expected = played(host, data)
                engine.build_on(preset.state)
                ours = engine.render(engine.space.encode(preset.values), NOTE, RATE)
                counts["exports that sound the same"] += np.array_equal(played(host, written), expected)
                counts["renders that sound the same"] += np.array_equal(ours, expected)
                counts["presets that are read again as they were"] += format_.read(written).presets == (preset,)
    text = json.dumps(dict(counts), indent=1)
    print(text)
    (Path(__file__).parent / "results" / "vital_round_trip.json").write_text(text + "\n")


def played(host: HostProcess, data: bytes) -> np.ndarray:
    """Returns what the synth makes of a file."""
    asked = {"pitch": NOTE.pitch, "velocity": NOTE.velocity, "hold": NOTE.hold, "length": NOTE.length + 1 / RATE}
    return np.frombuffer(host.ask("render", asked, data, rate=RATE).data, np.float32)[: NOTE.samples(RATE)]


if __name__ == "__main__":
    main(*sys.argv[1:])
