"""Matches many times with a plug-in in one process, and counts what is left behind: processes, memory, descriptors.

Usage: python benchmarks/plugin_endurance.py amsynth --kill
writes benchmarks/results/plugin_endurance.json and its table in docs/reliability.md

Every match is a command of its own as far as the process knows: the synth and its weights are loaded, a sound is
matched, all files are written. With `--kill` each second match loses its hosts once, while it searches; it counts as
killed only if there was a host. All counts are taken after a match, when its objects are gone; memory is that of this
process without its children.
"""

import argparse
import gc
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import soundfile
from reliability import write_tables

from patchflow.engines import Note, engines
from patchflow.match.output.match_files import match_files

RESULTS = Path(__file__).parent / "results"
OUT = RESULTS / "plugin_endurance.json"
MOMENTS = 7  # how many parts of a second of the search hosts are killed in, in turn


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the matches and writes the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("synth")
    parser.add_argument("--matches", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    counts: list[dict[str, int]] = []
    incomplete = 0
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "target.wav")
        synth = engines[options.synth]
        note = Note(57, hold=0.3, length=0.6)
        soundfile.write(sound, synth().render(synth.space.default(), note), 44_100)
        for number in range(options.matches):
            killer = Killer(number % MOMENTS / 20 if options.kill and number % 2 else None)
            (found,) = match_files(
                options.synth, [sound], Path(folder, "out"), seconds=options.seconds, progress=killer.begin
            )
            killed += killer.end()
            incomplete += not getattr(found, "summary", {"complete": False})["complete"]
            del found
            counts.append(count())
            print(json.dumps({"match": number + 1, **counts[-1]}), flush=True)
    result = {
        "synth": options.synth,
        "matches": options.matches,
        "seconds": options.seconds,
        "killed": killed,
        "not_complete": incomplete,
        "first": counts[0],
        "tenth": counts[min(9, len(counts) - 1)],
        "last": counts[-1],
        "most": {name: max(each[name] for each in counts) for name in counts[0]},
        "growth_kb_per_match": round(slope([each["memory_kb"] for each in counts[9:]]), 1),
    }
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    if options.out == OUT:
        write_tables()


class Killer:
    """Ends the hosts of a match once, while it searches.

    Args:
        after: Seconds of the search; None for never.
    """

    def __init__(self, after: float | None) -> None:
        self.after = after
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._killed = 0

    def begin(self, _: object) -> None:
        """Is told of progress, of which the first says that the search has begun."""
        if self.after is not None and self._thread is None:
            self._thread = threading.Thread(target=self._kill, args=(self.after,))
            self._thread.start()

    def end(self) -> bool:
        """Is told that the match is over; returns whether a host was there and was killed."""
        self._over.set()
        if self._thread:
            self._thread.join()
        return self._killed > 0

    def _kill(self, after: float) -> None:
        over = self._over.wait(after)
        while not over and not self._killed:
            self._killed = kill_hosts()
            over = self._over.wait(0.01)


def count() -> dict[str, int]:
    """What this process has now."""
    gc.collect()
    time.sleep(0.2)  # threads that listened to hosts end by themselves
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1]
    states = [state for _, state in children()]
    return {
        "memory_kb": int(status.split()[0]),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "children": len(states),
        "zombies": states.count("Z"),
    }


def children() -> list[tuple[int, str]]:
    """Number and state of each process that this one has started and not seen end."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended in this moment
            continue
        if int(fields[1]) == os.getpid():
            found.append((int(stat.parent.name), fields[0]))
    return found


def kill_hosts() -> int:
    """Ends all hosts of this process, as the system does when memory is short; returns how many there were."""
    alive = [number for number, state in children() if state != "Z"]
    for number in alive:
        os.kill(number, signal.SIGKILL)
    return len(alive)


def slope(values: Sequence[int]) -> float:
    """Growth from one value to the next, by least squares; 0 of fewer than two."""
    mean = sum(values) / max(1, len(values))
    middle = (len(values) - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(len(values)))
    along = sum((place - middle) * (value - mean) for place, value in enumerate(values))
    return along / spread if spread else 0.0


if __name__ == "__main__":
    main()
