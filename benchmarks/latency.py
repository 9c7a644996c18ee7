"""How long a user waits for the first candidate, and for all of `match --seconds 5`.

Usage: python benchmarks/latency.py [SYNTH ...]  (writes benchmarks/results/waiting.json; dexed if no synth is named)

The first candidate is timed with the model loaded, the whole command from a cold start.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import seconds

from patchflow import Matcher
from patchflow.match import Progress

SOUND = Path(__file__).parents[1] / "patchflow" / "examples" / "bell.flac"
ROUNDS = 3


def main(*synths: str) -> None:
    """Prints and writes the times."""
    report: dict[str, object] = {"cores": len(os.sched_getaffinity(0)), "rounds": ROUNDS}
    for synth in synths or ("dexed",):
        report[synth] = times(synth)
        print(synth, report[synth], flush=True)
    text = json.dumps(report, indent=1)
    (Path(__file__).parent / "results" / "waiting.json").write_text(text + "\n")


def times(synth: str) -> dict[str, object]:
    """Returns the seconds until the first candidate of a synth, and those of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "patchflow", "match", str(SOUND), "--synth", synth, "--seconds", "5"]

        def match() -> None:
            subprocess.run([*words, "--out", folder], stdout=subprocess.DEVNULL, check=True)

        match()  # fills the system's own caches
        cold = [seconds(match) for _ in range(ROUNDS)]
    matcher = Matcher.load(synth)
    first = [first_candidate(matcher, seed) for seed in range(ROUNDS)]
    return {
        "first_candidate_s": round(statistics.median(first), 3),
        "match_5_s_from_cold": {"median": round(statistics.median(cold), 2), "longest": round(max(cold), 2)},
    }


def first_candidate(matcher: Matcher, seed: int) -> float:
    """Returns the seconds from the call until the first presets are ranked."""
    start = time.perf_counter()
    calls: list[float] = []

    def note_time(_: Progress) -> None:
        calls.append(time.perf_counter() - start)

    matcher.match(SOUND, renders=64, seed=seed, progress=note_time)
    return calls[0]


if __name__ == "__main__":
    main(*sys.argv[1:])
