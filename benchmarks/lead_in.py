"""How far from its true beginning a sound is taken to begin, after hiss, hum and offsets of a recorder.

Usage: python benchmarks/lead_in.py SOUNDS [--count 30]
writes benchmarks/results/lead_in.json

SOUNDS is a folder of sound files, searched with its folders. Each is cut by `trim` and put at -6 dB between two
stretches of nothing, 0.1 to 3 s before it and 0.5 s after; then hiss, hum of 50 and 60 Hz or a constant offset are
added to the whole. Measured is, in ms, how far from the sound the target begins and ends: with a threshold alone,
which is what was done before, and as `prepare_target` does it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from patchflow.audio import load, trim
from patchflow.audio.sound import Sound, trim_noise, without_offset

OUT = Path(__file__).parent / "results" / "lead_in.json"
LEAD_INS = (0.1, 0.3, 1.0, 3.0)  # seconds
AFTER = 0.5
PEAK = 0.5
SECONDS = 2.0  # of each sound
SUFFIXES = {".flac", ".wav"}


def hiss(db: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """Noise of a level, in dB below full scale."""
    return lambda t, seed: 10 ** (db / 20) * np.random.default_rng(seed).standard_normal(len(t))


def hum(hz: float, db: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """Hum of a frequency, its first harmonics, and a little hiss."""

    def made(t: np.ndarray, seed: int) -> np.ndarray:
        tone = np.sin(2 * np.pi * hz * t + seed) + 0.5 * np.sin(6 * np.pi * hz * t) + 0.2 * np.sin(10 * np.pi * hz * t)
        return 10 ** (db / 20) * tone + hiss(-75)(t, seed)

    return made


def offset(value: float) -> Callable[[np.ndarray, int], np.ndarray]:
    """A constant."""
    return lambda t, seed: np.full(len(t), value)


FAULTS = {
    "none": offset(0.0),
    "hiss -60 dB": hiss(-60),
    "hiss -50 dB": hiss(-50),
    "hiss -40 dB": hiss(-40),
    "hum 50 Hz -40 dB": hum(50, -40),
    "hum 60 Hz -50 dB": hum(60, -50),
    "offset 0.01": offset(0.01),
    "offset 0.05": offset(0.05),
    "offset 0.5": offset(0.5),
    "offset 0.05, hiss -50 dB": lambda t, seed: 0.05 + hiss(-50)(t, seed),
}


def main() -> None:
    """Measures all sounds with all faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=Path)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    files = sorted(path for path in options.sounds.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = files[:: max(1, len(files) // options.count)][: options.count]
    found = {}
    for name, fault in FAULTS.items():
        errors = [_errors(path, seconds, fault, seed) for seed, path in enumerate(chosen) for seconds in LEAD_INS]
        found[name] = _summary(np.array(errors))
        print(name, json.dumps(found[name]))
    options.out.write_text(
        json.dumps({"sounds": len(chosen), "lead_ins_s": LEAD_INS, "faults": found}, indent=1) + "\n"
    )


def _errors(
    path: Path, seconds: float, fault: Callable[[np.ndarray, int], np.ndarray], seed: int
) -> tuple[float, float, float, float]:
    """Start and end by a threshold, start and end as targets are made, each less the true one, in ms."""
    clean = trim(without_offset(load(path, seconds=SECONDS)))
    rate = clean.rate
    whole = np.pad(clean.samples / np.abs(clean.samples).max() * PEAK, (round(seconds * rate), round(AFTER * rate)))
    whole = whole + fault(np.arange(len(whole)) / rate, seed)
    sound = Sound(whole.astype(np.float32), rate)
    before = trim(sound)
    after = trim_noise(without_offset(sound))
    first = round(seconds * rate) / rate
    last = first + clean.seconds
    errors = []
    for cut in (before, after):
        errors += [1_000 * (cut.start - first), 1_000 * (cut.start + cut.seconds - last)]
    return errors[0], errors[1], errors[2], errors[3]


def _summary(errors: np.ndarray) -> dict[str, dict[str, float]]:
    summary = {}
    for column, name in enumerate(("threshold: start", "threshold: end", "target: start", "target: end")):
        size = np.abs(errors[:, column])
        summary[name] = {
            "median_ms": round(float(np.median(size)), 1),
            "p90_ms": round(float(np.percentile(size, 90)), 1),
            "over_20_ms": round(float(np.mean(size > 20)), 3),
        }
    return summary


if __name__ == "__main__":
    main()
