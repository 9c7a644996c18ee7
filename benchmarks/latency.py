"""How long a user waits for the first candidate, and for all of `match --seconds 5`.

Usage: python benchmarks/latency.py  (writes benchmarks/results/waiting.json)

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
ROUNDS = 5


def main() -> None:
    """Prints and writes the times."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "patchflow", "match", str(SOUND), "--seconds", "5", "--out", folder]

        def match() -> None:
            subprocess.run(words, stdout=subprocess.DEVNULL, check=True)

        match()  # fills the system's own caches
        cold = [seconds(match) for _ in range(ROUNDS)]
    matcher = Matcher.load("dexed")
    first = [first_candidate(matcher, seed) for seed in range(ROUNDS)]
    report = {
        "first_candidate_s": round(statistics.median(first), 3),
        "match_5_s_from_cold": {"median": round(statistics.median(cold), 2), "longest": round(max(cold), 2)},
        "cores": len(os.sched_getaffinity(0)),
    }
    text = json.dumps(report, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "waiting.json").write_text(text + "\n")


def first_candidate(matcher: Matcher, seed: int) -> float:
    """Returns the seconds from the call until the first presets are ranked."""
    start = time.perf_counter()
    calls: list[float] = []

    def note_time(_: Progress) -> None:
        calls.append(time.perf_counter() - start)

    matcher.match(SOUND, renders=64, seed=seed, progress=note_time)
    return calls[0]


if __name__ == "__main__":
    main()
