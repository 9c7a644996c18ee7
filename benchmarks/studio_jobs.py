"""How the studio's jobs serve: seconds to the first candidate, milliseconds of a macro, and eight users at once.

A studio is started as a user starts it. A sound of three seconds is uploaded and matched again and again; what counts
is the time from the upload to the moment at which the best candidate so far can be heard: its note is there as WAV.
Macros are turned as the page does, by HTTP, and by themselves in this process. Then eight users, each with a name of
its own, ask for two matches each at the same time; counted are failed requests, and how far the order in which jobs
were done is from taking turns.

Usage: python benchmarks/studio_jobs.py [--matches 6] [--turns 60] [--users 8]

It writes benchmarks/results/studio_jobs.json. An idle machine is needed: a busy one is in the numbers (`load`).
"""

import argparse
import io
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from studio_latency import running_studio
from timing import facts, spread

from patchflow.browse.embedded import embedded_preset
from patchflow.engines import Note, engines
from patchflow.explore.macro_knobs import MacroKnobs

__all__ = ["events", "example", "users_at_once"]

OUT = Path(__file__).parent / "results" / "studio_jobs.json"
SEED = 0
RATE = 44_100
NUMBERS = (33, 5, 140, 260, 411, 520)  # of voices of the embedded bank
ENDED = ("done", "failed", "cancelled")
WARM_S = 15.0  # after the start, until synths and models are loaded


def main() -> None:
    """Measures all three and writes them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--matches", type=int, default=6)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--users", type=int, default=8)
    arguments = parser.parse_args()
    result: dict[str, Any] = {**facts(SEED), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as folder, running_studio(folder) as (address, _, _):
        with httpx.Client(base_url=f"{address}api/v1", timeout=60) as client:
            time.sleep(WARM_S)
            result["first_candidate"] = _first_candidates(client, arguments.matches)
            result["macro_ms"] = _macros(client, arguments.turns)
        result["users"] = users_at_once(f"{address}api/v1", arguments.users)
    result["macro_ms"]["dexed, itself"] = _itself("dexed", arguments.turns)
    result["macro_ms"]["vital, itself"] = _itself("vital", arguments.turns)
    OUT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


def example(number: int) -> bytes:
    """Returns three seconds of a voice of the embedded bank, as a WAV file."""
    engine = engines["dexed"]()
    point = engine.space.encode(embedded_preset("dexed", number).values)
    samples = engine.render(point, Note(57, 100, 2.0, 3.0), RATE)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV")
    return file.getvalue()


def events(client: httpx.Client, key: str) -> Iterator[dict[str, Any]]:
    """Yields a job whenever it changes, to its end."""
    with client.stream("GET", f"/jobs/{key}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])


def _first_candidates(client: httpx.Client, count: int) -> dict[str, Any]:
    """Seconds from a dropped file to a candidate that can be heard, by the synths that are searched."""
    found: dict[str, Any] = {}
    for synths in (["dexed"], ["dexed", "vital"]):
        heard = []
        for place in range(count):
            file = example(NUMBERS[place % len(NUMBERS)])
            begun = time.perf_counter()
            sound = client.post(f"/sounds?name={place}.wav", content=file).raise_for_status().json()
            asked = {"kind": "match", "sound": sound["id"], "synths": synths, "seconds": 2, "seed": place}
            job = client.post("/jobs", json=asked).raise_for_status().json()
            seconds = 0.0
            for state in events(client, job["id"]):
                if state["result"] and not seconds:
                    best = state["result"]["candidates"][0]
                    query = {**best["note"], "length": 1.0}
                    client.get(f"/presets/{best['preset']['id']}/audio", params=query).raise_for_status()
                    seconds = time.perf_counter() - begun
            heard.append(seconds)
        found[" and ".join(synths)] = {**spread(heard), "longest": round(max(heard), 3)}
    return found


def _macros(client: httpx.Client, count: int) -> dict[str, Any]:
    """Milliseconds from a turn of a knob to the preset, by HTTP."""
    found: dict[str, Any] = {}
    for synth in ("dexed", "vital"):
        preset = client.post("/presets/random", json={"synth": synth, "seed": 4}).raise_for_status().json()
        times = []
        for place in range(count + 1):
            words = {"brightness": round(4 * place / count - 2, 3), "movement": 0.5}
            begun = time.perf_counter()
            client.post("/macros/turn", json={"preset": preset["id"], "words": words}).raise_for_status()
            times.append(1000 * (time.perf_counter() - begun))
        found[f"{synth}, first"] = round(times[0], 1)
        found[synth] = {**spread(times[1:]), "p95": round(float(np.quantile(times[1:], 0.95)), 1)}
    return found


def _itself(synth: str, count: int) -> dict[str, Any]:
    """Milliseconds of a turn alone, without a server: on the clock, and of the processor, whatever else it does."""
    knobs = MacroKnobs(embedded_preset(synth, 5))
    times = []
    busy = []
    for place in range(count + 1):
        begun = time.perf_counter()
        began = time.process_time()
        knobs.turned({"brightness": 4 * place / count - 2, "movement": 0.5})
        times.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - began))
    return {**spread(times[1:]), "processor": spread(busy[1:])}


def users_at_once(address: str, count: int) -> dict[str, Any]:
    """Has users ask for two matches each at the same time.

    Args:
        address: Of the API.
        count: How many users.

    Returns:
        Failed requests, jobs that did not end well, and of all pairs of a first and a second job of two users the share
        in which the first one was begun first: all of them, if clients take turns. All first jobs are there before any
        second one is asked for.
    """
    file = example(NUMBERS[0])
    ended: dict[str, list[dict[str, Any]]] = {}
    failed: list[str] = []
    together = threading.Barrier(count)

    def use(user: str) -> None:
        with httpx.Client(base_url=address, timeout=120, headers={"X-Client": user}) as client:
            try:
                sound = client.post(f"/sounds?name={user}.wav", content=file).raise_for_status().json()
                asked = {"kind": "match", "sound": sound["id"], "synths": ["dexed"], "renders": 60}
                together.wait()
                jobs = [client.post("/jobs", json=asked).raise_for_status().json()]
                together.wait()
                jobs.append(client.post("/jobs", json=asked).raise_for_status().json())
                ended[user] = [list(events(client, job["id"]))[-1] for job in jobs]
            except (httpx.HTTPError, threading.BrokenBarrierError) as error:
                failed.append(repr(error))
                together.abort()

    users = [threading.Thread(target=use, args=(f"user{number}",)) for number in range(count)]
    begun = time.perf_counter()
    for user in users:
        user.start()
    for user in users:
        user.join()
    pairs = [(ended[one][0]["started"], ended[other][1]["started"]) for one in ended for other in ended]
    states = [job["state"] for jobs in ended.values() for job in jobs]
    return {
        "users": count,
        "seconds": round(time.perf_counter() - begun, 1),
        "failed_requests": failed,
        "jobs": len(states),
        "jobs_done": states.count("done"),
        "first_before_second": round(float(np.mean([first < second for first, second in pairs])), 3),
    }


if __name__ == "__main__":
    main()
