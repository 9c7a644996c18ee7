"""A day of a busy studio in ten minutes: what is left afterwards of memory, files and processes.

Eight clients of one server do what people do: they upload sounds, match them, hear presets on keys, edit, turn macros,
search by words and by sound, read the library and the map, follow jobs and remove what they made. One of a hundred
requests is nonsense. A first part of the traffic warms up and is not counted. Before and after the day, and every half
minute, the server's processes are looked at: memory, open files, threads, processes, and files of the workspace.

- Before and after are measured when nobody has asked for anything for 100 seconds: after 60 the studio lets go what it
  had at hand for those who were there. `at_once` is the state in which the day ends, `most` the largest of each.
- `memory_mb` is the sum of PSS over all processes: what processes share (libraries, pages of a fork) counts once.
  `resident_mb`, the sum of RSS, counts it in each of them.

A day of a studio that is used from morning to night is: 64 sounds and matches, 4,000 notes, 800 edits, 600 turns of
macros and 320 searches. Presets are kept until there are 20,000, so their files grow; all else has to be as before.

Usage: python benchmarks/studio_soak.py [--minutes 10] [--day 1.0]

It takes a quarter of an hour and writes benchmarks/results/studio_soak.json. `--day 0.1` replays a tenth of the day.
"""

import argparse
import io
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from studio_latency import running_studio
from timing import facts

__all__ = ["Person", "family", "state_of_server"]

OUT = Path(__file__).parent / "results" / "studio_soak.json"
PEOPLE = 8
DAY = {"match": 8, "note": 500, "edit": 100, "turn": 75, "search": 40}  # of each client
RENDERS = 12  # of each match
SYNTHS = ("dexed", "vital")
WORDS = ("warm dark pad", "glassy bell", "short bright pluck", "deep bass", "noisy sweep", "soft brass")
WORD = ("brightness", "attack", "length", "movement")
NONSENSE = (
    ("GET", "/presets/ffffffffffffffff/audio", None),
    ("POST", "/jobs", {"kind": "match", "sound": "nothing"}),
    ("POST", "/presets/edit", {"preset": 3}),
    ("POST", "/sounds?name=..%2F..%2Fetc%2Fpasswd", b"RIFF, but no sound"),
    ("POST", "/projects/file", b"PK\x03\x04 cut off"),
)
LOOK = 30.0  # seconds between two looks at the server
PAUSE = 100.0  # seconds without a request before the server is taken to be at rest


class Person:
    """Somebody at the studio, who does a share of a day in a given time.

    Args:
        address: Of the server.
        number: Of this person; the seed of what they do.
        share: Of a day.
        until: When it is to be done, by `time.monotonic`.
    """

    def __init__(self, address: str, number: int, share: float, until: float) -> None:
        self.rng = np.random.default_rng(number)
        self.connection = HTTPConnection(address.split("//")[1].rstrip("/"), timeout=300)
        self.client = f"person-{number}"
        self.until = until
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []
        self.slowest: dict[str, float] = {}
        self.preset: dict[str, Any] = {}
        self.mine: list[tuple[str, str]] = []  # a job and its sound
        wanted = [kind for kind, count in DAY.items() for _ in range(round(count * share))]
        self.plan = [str(kind) for kind in self.rng.permutation(wanted)]

    def live(self) -> None:
        """Does everything of the plan, evenly over the time there is."""
        begun = time.monotonic()
        does: dict[str, Callable[[], None]] = {
            "match": self.match, "note": self.note, "edit": self.edit, "turn": self.turn, "search": self.search,
        }  # fmt: skip
        self.preset = self.json("POST", "/presets/random", {"synth": "dexed", "seed": int(self.rng.integers(1000))})
        for place, kind in enumerate(self.plan):
            due = begun + (self.until - begun) * place / len(self.plan)
            time.sleep(max(0.0, due - time.monotonic()))
            start = time.monotonic()
            does[kind]()
            self.slowest[kind] = max(self.slowest.get(kind, 0.0), time.monotonic() - start)
            self.done[kind] += 1
            if self.rng.uniform() < 0.01:
                self.nonsense()
        while self.mine:
            self.leave(*self.mine.pop())

    def match(self) -> None:
        """Uploads a sound, has it matched, and takes home what came of the match before."""
        rate = 22_050
        at = np.arange(rate) / rate
        tone = np.sin(2 * np.pi * self.rng.uniform(80, 800) * at) * np.exp(-at * self.rng.uniform(1, 8))
        file = io.BytesIO()
        soundfile.write(file, 0.5 * tone, rate, format="WAV")
        sound = self.json("POST", f"/sounds?name=take%20{self.done['match']}.wav", file.getvalue())
        synth = SYNTHS[int(self.rng.integers(2))]
        asked = {"kind": "match", "sound": sound["id"], "synths": [synth], "renders": RENDERS, "seed": 0}
        job = self.json("POST", "/jobs", asked)
        self.mine.append((job["id"], sound["id"]))
        if len(self.mine) > 2:
            self.leave(*self.mine.pop(0))

    def leave(self, job: str, sound: str) -> None:
        """Waits for a job, loads its best candidate, and removes the job and the sound."""
        found = self.json("GET", f"/jobs/{job}")
        while found["state"] in ("queued", "running"):
            time.sleep(0.2)
            found = self.json("GET", f"/jobs/{job}")
        if found["state"] == "done":
            self.preset = found["result"]["candidates"][0]["preset"]
            self.ask("GET", f"/presets/{self.preset['id']}/file")
        else:
            self.failed.append(f"job: {found['state']}: {found['error']}")
        self.ask("DELETE", f"/jobs/{job}")
        self.ask("DELETE", f"/sounds/{sound}", allowed=(409,))  # somebody else's job may have the same sound

    def note(self) -> None:
        """Plays a key."""
        pitch = int(self.rng.integers(36, 84))
        self.ask("GET", f"/presets/{self.preset['id']}/audio?pitch={pitch}&hold=0.5&length=1")

    def edit(self) -> None:
        """Changes a number of the preset a little."""
        numbers = [name for name, value in self.preset["values"].items() if isinstance(value, float)]
        if numbers:
            name = numbers[int(self.rng.integers(len(numbers)))]
            values = {name: self.preset["values"][name] * 0.99}
        else:
            values = {"feedback": int(self.rng.integers(8))}
        self.preset = self.json("POST", "/presets/edit", {"preset": self.preset["id"], "values": values})

    def turn(self) -> None:
        """Turns a macro."""
        words = {WORD[int(self.rng.integers(len(WORD)))]: round(float(self.rng.uniform(-2, 2)), 2)}
        self.ask("POST", "/macros/turn", {"preset": self.preset["id"], "words": words}, allowed=(422,))

    def search(self) -> None:
        """Looks for presets by words, or like the one in hand, or looks at the library."""
        kind = int(self.rng.integers(3))
        if kind == 0:
            self.ask("POST", "/search", {"words": WORDS[int(self.rng.integers(len(WORDS)))], "limit": 20})
        elif kind == 1:
            self.ask("POST", "/search", {"preset": self.preset["id"], "limit": 20})
        else:
            self.ask("GET", f"/library?offset={int(self.rng.integers(2000))}&limit=50")

    def nonsense(self) -> None:
        """Asks for what cannot be."""
        method, path, body = NONSENSE[int(self.rng.integers(len(NONSENSE)))]
        status, _ = self.send(method, path, body)
        if not 400 <= status < 500:
            self.failed.append(f"{method} {path}: {status}, though it is nonsense")
        self.done["nonsense"] += 1

    def json(self, method: str, path: str, body: object = None) -> Any:
        """Returns the answer to a request, as JSON."""
        return json.loads(self.ask(method, path, body) or b"{}")

    def ask(self, method: str, path: str, body: object = None, allowed: tuple[int, ...] = ()) -> bytes:
        """Returns the answer to a request; one that fails is written down."""
        status, reply = self.send(method, path, body)
        if status >= 400 and status not in allowed:
            self.failed.append(f"{method} {path}: {status} {reply.decode(errors='replace')[:200]}")
        return reply

    def send(self, method: str, path: str, body: object) -> tuple[int, bytes]:
        """Sends a request; a connection that the server has closed is opened again."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        try:
            self.connection.request(method, f"/api/v1{path}", data, {"content-type": kind, "x-client": self.client})
            reply = self.connection.getresponse()
            found = reply.read()
        except (ConnectionError, OSError) as error:
            self.connection.close()
            return 599, repr(error).encode()
        if reply.will_close:
            self.connection.close()
        return reply.status, found


def family(process: int) -> list[int]:
    """Returns a process and all that it has started, and they."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def state_of_server(process: int, folder: Path) -> dict[str, float]:
    """Returns what a server holds at the moment."""
    state = {"memory_mb": 0.0, "resident_mb": 0.0, "open_files": 0, "threads": 0, "processes": 0}
    for one in family(process):
        folder_of = Path("/proc") / str(one)
        try:
            memory = _fields(folder_of / "smaps_rollup")
            threads = _fields(folder_of / "status")["Threads"]
            files = len(list((folder_of / "fd").iterdir()))
        except OSError:  # it has ended meanwhile
            continue
        state["memory_mb"] += memory.get("Pss", 0) / 1024
        state["resident_mb"] += memory.get("Rss", 0) / 1024
        state["threads"] += threads
        state["open_files"] += files
        state["processes"] += 1
    for kind in ("sounds", "jobs", "presets", "incoming"):
        state[f"{kind}_files"] = sum(1 for _ in (folder / kind).glob("*"))
    return {name: round(value, 1) for name, value in state.items()}


def _fields(path: Path) -> dict[str, int]:
    """The numbers in a file of `/proc`, sizes in KB."""
    lines = [line.partition(":")[::2] for line in path.read_text().splitlines()]
    return {name: int(rest.split()[0]) for name, rest in lines if rest.split() and rest.split()[0].isdecimal()}


def replay(address: str, share: float, minutes: float, look: Callable[[], None]) -> list[Person]:
    """Has everybody do a share of their day, all at once, and looks at the server meanwhile."""
    until = time.monotonic() + 60 * minutes
    people = [Person(address, number, share, until) for number in range(PEOPLE)]
    threads = [threading.Thread(target=person.live) for person in people]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(LOOK)
        look()
    return people


def main() -> None:
    """Replays a day and writes what is left of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--day", type=float, default=1.0)
    asked = parser.parse_args()
    head = facts(0)
    looks: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, running_studio(folder) as (address, process, _):

        def look() -> None:
            looks.append(state_of_server(process, Path(folder)))

        replay(address, 0.13, 0.2 * asked.minutes, look)
        looks.clear()
        time.sleep(PAUSE)
        look()
        begun = time.monotonic()
        people = replay(address, asked.day, asked.minutes, look)
        took = time.monotonic() - begun
        time.sleep(5)  # until what was removed is gone
        look()
        time.sleep(PAUSE)
        look()
    done: Counter[str] = Counter()
    for person in people:
        done += person.done
    failed = [line for person in people for line in person.failed]
    slowest = {kind: round(max(person.slowest.get(kind, 0.0) for person in people), 2) for kind in DAY}
    result = {
        **head, "people": PEOPLE, "share_of_a_day": asked.day, "seconds": round(took, 1), "done": dict(done),
        "failed": len(failed), "failures": failed[:10], "slowest_seconds": slowest,
        "pause_seconds": PAUSE, "before": looks[0], "after": looks[-1], "at_once": looks[-2],
        "most": {name: max(one[name] for one in looks) for name in looks[0]},
    }  # fmt: skip
    OUT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
