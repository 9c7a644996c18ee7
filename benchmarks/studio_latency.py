"""How long the studio's server takes from an edit to its sound, and what it costs while nobody asks.

A client of its own process sends each edit of one random parameter by HTTP, and then asks for a note of one second of
what came back: the time is that of both answers, whole. After every other edit it asks for the first quarter of that
note instead, as the page does before it asks for the whole of a slow synth. The same is then asked for again, which is
the time of a note that was played before. The presets are one of each bank that comes with the package, and one of
Vital with wavetables of its own, which was made of a recording (docs/recordings).

Usage: python benchmarks/studio_latency.py [--edits 100] [--idle 20]

It writes benchmarks/results/studio_latency.json. An idle machine is needed: a busy one is in the numbers (`load`). The
processor time of an edit, of the server and the synths together, says what they would be on an idle one.
"""

import argparse
import http.client
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from timing import facts

__all__ = ["Client", "latencies", "running_studio"]

OUT = Path(__file__).parent / "results" / "studio_latency.json"
RECORDING = Path(__file__).parents[1] / "docs" / "recordings" / "sms_piano.vital"
PLAYED = ("pitch=60&velocity=100&hold=1&length=1", "pitch=60&velocity=100&hold=1&length=0.25")
WARM = 8  # edits before any is measured
SEED = 0


class Client:
    """A client that keeps its connection, as a browser does.

    Args:
        address: What the server has printed.
    """

    def __init__(self, address: str) -> None:
        host = re.search(r"//([^/]+)/", address)
        assert host is not None, address
        self.connection = http.client.HTTPConnection(host[1])

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """Returns the answer to a request; bytes are sent as they are, other things as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        self.connection.request(method, path, data, {"content-type": kind})
        reply = self.connection.getresponse()
        found = reply.read()
        if reply.status >= 400:
            raise SystemExit(f"{method} {path}: {reply.status} {found.decode()}")
        return found

    def json(self, method: str, path: str, body: object = None) -> Any:
        """Returns the answer to a request, as JSON."""
        return json.loads(self.ask(method, f"/api/v1{path}", body))


@contextmanager
def running_studio(folder: str) -> Iterator[tuple[str, int, float]]:
    """Runs a studio; yields its address, its process and the seconds until its first answer."""
    words = ["-m", "patchflow", "studio", "--port", "0", "--no-browser", "--workspace", folder]
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None, "the studio did not start"
            Client(address[0]).json("GET", "/about")
            yield address[0], process.pid, time.perf_counter() - start
        finally:
            process.terminate()


def latencies(client: Client, preset: dict[str, Any], edits: int, rng: np.random.Generator) -> dict[str, Any]:
    """Returns milliseconds from an edit to its sound or the first part of it, and of the same note again."""
    panel = client.json("GET", f"/synths/{preset['synth']}")["panel"]
    parameters = [parameter for group in panel for parameter in group["parameters"]]
    numbers = [parameter for parameter in parameters if parameter["kind"] != "categorical"]
    heard: list[list[float]] = [[], []]
    again: list[float] = []
    for number in range(WARM + edits):
        chosen = numbers[int(rng.integers(len(numbers)))]
        value = float(rng.uniform(chosen["low"], chosen["high"]))
        values = {chosen["name"]: round(value) if chosen["kind"] == "integer" else value}
        start = time.perf_counter()
        edited = client.json("POST", "/presets/edit", {"preset": preset["id"], "values": values})
        client.ask("GET", f"/api/v1/presets/{edited['id']}/audio?{PLAYED[number % 2]}")
        middle = time.perf_counter()
        client.ask("GET", f"/api/v1/presets/{edited['id']}/audio?{PLAYED[number % 2]}")
        if number >= WARM:
            heard[number % 2].append(1000 * (middle - start))
            again.append(1000 * (time.perf_counter() - middle))
    whole, first = map(summary, heard)
    return {"edit_to_sound_ms": whole, "edit_to_first_part_ms": first, "cached_note_ms": summary(again)}


def summary(values: list[float]) -> dict[str, float]:
    """Returns the median, the 95th percentile and the longest."""
    found = {"median": np.median(values), "p95": np.percentile(values, 95), "longest": max(values)}
    return {name: round(float(value), 1) for name, value in found.items()}


def processor_seconds(process: int) -> float:
    """Returns the processor time of a process and of all that it has started, in seconds."""
    ticks = 0
    parents: dict[int, list[int]] = {}
    times: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        number = int(path.parent.name)
        parents.setdefault(int(fields[1]), []).append(number)
        times[number] = sum(map(int, fields[11:15]))  # with those of its children that have ended
    waiting = [process]
    while waiting:
        number = waiting.pop()
        ticks += times.get(number, 0)
        waiting += parents.get(number, [])
    return ticks / os.sysconf("SC_CLK_TCK")


def presets_of(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields presets to edit, with what they are called in the results."""
    for synth in ("dexed", "vital"):
        yield synth, client.json("POST", "/presets/random", {"synth": synth, "seed": SEED})
    found = client.json("POST", f"/presets?name={RECORDING.name}", RECORDING.read_bytes())
    yield "vital with wavetables of its own", found["presets"][0]


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=100, help="edits of each preset")
    parser.add_argument("--idle", type=float, default=20.0, help="seconds without a request")
    options = parser.parse_args()
    report: dict[str, Any] = {**facts(SEED), "cores": os.cpu_count(), "machine": platform.machine()}
    report |= {"edits": options.edits, "load": round(os.getloadavg()[0], 2)}
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder, running_studio(folder) as (address, process, ready):
        client = Client(address)
        report["first_answer_s"] = round(ready, 2)
        for name, preset in presets_of(client):
            before = processor_seconds(process)
            report[name] = latencies(client, preset, options.edits, rng)
            spent = 1000 * (processor_seconds(process) - before) / (WARM + options.edits)
            report[name]["processor_ms_per_edit"] = round(spent, 1)
            print(name, report[name], flush=True)
        time.sleep(2)
        before = processor_seconds(process)
        time.sleep(options.idle)
        report["idle_processor_s_per_minute"] = round(60 * (processor_seconds(process) - before) / options.idle, 3)
    OUT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
