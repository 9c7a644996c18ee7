"""How long a user waits for the first candidate and for a whole `match`, and what the first second is worth.

Usage: python benchmarks/latency.py [SYNTH ...]  (writes benchmarks/results/waiting.json; dexed if no synth is named)

The first candidate is timed with the model loaded, `match --seconds 1` and `--seconds 5` from a cold start. What a
search makes in its first second is counted from the shell and from Python: nothing but the search should run then.
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
    """Returns the seconds until the first candidate of a synth, those of whole commands, and renders in a second."""
    report: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        match_from_shell(synth, 1, folder)  # fills the system's own caches
        for length in (1, 5):
            calls = [match_from_shell(synth, length, folder) for _ in range(ROUNDS)]
            waited = [wait for wait, _ in calls]
            report[f"match_{length}_s_from_cold"] = {
                "median": round(statistics.median(waited), 2),
                "longest": round(max(waited), 2),
            }
            report[f"renders_in_{length}_s"] = {"shell": statistics.median(renders for _, renders in calls)}
    matcher = Matcher.load(synth)
    for length in (1, 5):
        made = [matcher.match(SOUND, seconds=length).renders for _ in range(ROUNDS)]
        report[f"renders_in_{length}_s"] |= {"python": statistics.median(made)}  # type: ignore[operator]
    first = [first_candidate(matcher, seed) for seed in range(ROUNDS)]
    return {"first_candidate_s": round(statistics.median(first), 3), **report}


def match_from_shell(synth: str, length: int, folder: str) -> tuple[float, int]:
    """Returns the seconds that the whole command takes, and the renders that its search made."""
    words = [sys.executable, "-m", "patchflow", "match", str(SOUND), "--synth", synth, "--seconds", str(length)]

    def match() -> None:
        subprocess.run([*words, "--no-library", "--out", folder], stdout=subprocess.DEVNULL, check=True)

    waited = seconds(match)
    return waited, json.loads((Path(folder) / SOUND.with_suffix(".json").name).read_text())["renders"]


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
