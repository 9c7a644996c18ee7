"""How long live control takes from a message to what it changes, and how it stands a minute of 1,000 messages a second.

Usage: python benchmarks/live_latency.py  (writes benchmarks/results/live_latency.json; about 2 minutes)

`patchflow live` runs as a process of its own, as users run it: OSC goes in and comes back over UDP, MIDI over TCP. Each
time is from just before a message is sent until the first parameter that it changed has come back. Each message asks
for another value than the one before, in another step of the parameter, so each has to be answered: `lost` is how many
were not within five seconds. On a machine that is busy, start it with `nice -n -15`; the result says how busy it was.
"""

import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import mido
import mido.sockets
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from timing import facts

ROOT = Path(__file__).parents[1]
BELL = ROOT / "patchflow" / "examples" / "bell.flac"
SEED = 1
ROUNDS = 200
PATIENCE = 5.0  # seconds; what is not answered by then is lost
PAUSE = 0.02  # seconds between two messages that are timed
FLOOD = 60  # seconds
RATE = 1_000  # messages a second
ADDRESSES = 9  # of parameters that are flooded, and one macro
BUNDLE = b"#bundle"


class Running(NamedTuple):
    """`patchflow live` that runs, and the ways to it."""

    process: subprocess.Popen[str]
    to: tuple[str, int]
    answers: socket.socket
    midi: Any
    synth: Any


def main() -> None:
    """Measures, prints and writes."""
    report: dict[str, object] = {**facts(SEED), "cores": len(os.sched_getaffinity(0)), "rounds": ROUNDS}
    report["load_average_before"] = round(os.getloadavg()[0], 2)
    report["niceness"] = os.nice(0)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as live:
        send(live, "/load_preset", 17)
        time.sleep(1)
        report["ms"] = latencies(live)
        print(report["ms"], flush=True)
        report["flood"] = flood(live)
        print(report["flood"], flush=True)
        send(live, "/stop")
        live.process.wait(30)
    text = json.dumps(report, indent=1)
    (Path(__file__).parent / "results" / "live_latency.json").write_text(text + "\n")


def latencies(live: Running) -> dict[str, object]:
    """Returns milliseconds by what is sent."""
    found: dict[str, object] = {}
    found["parameter by OSC"] = timed(live, lambda n: send(live, "/param/op1/output", n % 90 / 99), osc_came)
    found["macro by OSC"] = timed(live, lambda n: send(live, "/param/macro/1", 0.3 + 0.4 * (n % 7) / 7), osc_came)
    found["place of the audio space by OSC"] = timed(
        live, lambda n: send(live, "/decode", n % 5 / 5, 0.5, 0, 1), osc_came
    )
    send(live, "/learn/param", "op2.output")
    time.sleep(0.2)
    pick_up(live)
    found["parameter by MIDI, OSC comes back"] = timed(live, lambda n: turn(live, n), osc_came)
    found["parameter by MIDI, SysEx goes out"] = timed(live, lambda n: turn(live, n), sysex_came)
    send(live, "/match", "bell.flac", 20.0)
    time.sleep(3)
    found["parameter by OSC, while a match runs"] = timed(
        live, lambda n: send(live, "/param/op1/output", n % 90 / 99), osc_came
    )
    send(live, "/match/stop")
    time.sleep(2)
    return found


def timed(live: Running, act: Callable[[int], None], came: Callable[[Running], bool]) -> dict[str, float | None]:
    """Returns the spread of the milliseconds that one message takes, and how many messages were lost."""
    taken = []
    act(-1)  # so that the first one changes something too
    came(live)
    for number in range(ROUNDS):
        drain(live)
        began = time.perf_counter()
        act(number)
        if came(live):
            taken.append(1_000 * (time.perf_counter() - began))
        time.sleep(PAUSE)
    return {**spread(taken), "lost": ROUNDS - len(taken)}


def spread(taken: list[float]) -> dict[str, float | None]:
    """Returns median, 95th percentile and the longest of some times; None of each if there is none."""
    ranked = sorted(taken)
    if not ranked:
        return dict.fromkeys(("median", "p95", "longest"))
    return {
        "median": round(statistics.median(ranked), 2),
        "p95": round(ranked[int(0.95 * len(ranked))], 2),
        "longest": round(ranked[-1], 2),
    }


def osc_came(live: Running) -> bool:
    """Waits for a parameter that changed; those of macros are only an echo."""
    live.answers.settimeout(PATIENCE)
    try:
        while True:
            data = live.answers.recv(65_536)
            if data.startswith(BUNDLE) or (data.startswith(b"/param/") and not data.startswith(b"/param/macro")):
                return True
    except TimeoutError:
        return False


def sysex_came(live: Running) -> bool:
    """Waits for a message at the synth."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        message = live.synth.poll()
        if message is not None and message.type == "sysex":
            return True
    return False


def drain(live: Running) -> None:
    """Forgets what came."""
    live.answers.setblocking(False)
    try:
        while True:
            live.answers.recv(65_536)
    except BlockingIOError:
        pass
    while live.synth.poll() is not None:
        pass


def turn(live: Running, number: int) -> None:
    """Moves the control that learned a parameter by two places, which is always another of its 100 steps."""
    live.midi.send(mido.Message("control_change", control=99, value=2 + 2 * (number % 60)))


def pick_up(live: Running) -> None:
    """Moves the control over its whole way, so that it has picked its value up."""
    for value in range(128):
        live.midi.send(mido.Message("control_change", control=99, value=value))
        time.sleep(0.002)


def flood(live: Running) -> dict[str, object]:
    """Sends a minute of messages, and returns what became of the last values, of memory and of time."""
    paths = [f"/param/op{1 + number % 6}/level{1 + number // 6}" for number in range(ADDRESSES)] + ["/param/macro/2"]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    memory = []
    busy = cpu_seconds(live)
    began = time.monotonic()
    for number in range(FLOOD * RATE):
        pause = began + number / RATE - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        sender.sendto(packet(paths[number % len(paths)], (number * 7 % 100) / 99), live.to)
        if number % (5 * RATE) == 0:
            drain(live)
            memory.append(megabytes(live))
    took = time.monotonic() - began
    last = {}
    for place, path in enumerate(paths):
        last[path] = 0.1 + 0.08 * place
        sender.sendto(packet(path, last[path]), live.to)
    time.sleep(1.0)
    drain(live)
    kept = sum(abs(asked(live, path) - value) < 0.006 for path, value in last.items())
    sender.close()
    return {
        "messages": FLOOD * RATE,
        "messages_a_second": round(FLOOD * RATE / took),
        "last_values_kept": kept,
        "last_values": len(last),
        "memory_mb": memory,
        "cpu_share": round((cpu_seconds(live) - busy) / took, 2),
    }


def asked(live: Running, path: str) -> float:
    """Returns what a value is at, as live control says; NaN, which is no value, if it does not answer."""
    send(live, f"/q{path}")
    live.answers.settimeout(PATIENCE)
    try:
        while True:
            data = live.answers.recv(65_536)
            if data.startswith(path.encode() + b"\0"):
                return float(OscMessage(data).params[0])
    except TimeoutError:
        return math.nan


def megabytes(live: Running) -> float:
    """Returns the memory that the process has."""
    status = Path(f"/proc/{live.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return round(int(line.split()[1]) / 1024, 1)


def cpu_seconds(live: Running) -> float:
    """Returns the processor time that the process has used."""
    fields = Path(f"/proc/{live.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def packet(path: str, *values: float | str) -> bytes:
    """Returns one OSC message."""
    builder = OscMessageBuilder(path)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def send(live: Running, path: str, *values: float | str) -> None:
    """Sends one OSC message."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(packet(path, *values), live.to)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Starts `patchflow live` with a DX7 at a MIDI port over TCP."""
    (folder / BELL.name).write_bytes(BELL.read_bytes())
    answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
    answers.bind(("127.0.0.1", 0))
    port = free_port(socket.SOCK_DGRAM)
    served = free_port(socket.SOCK_STREAM)
    words = [
        sys.executable, "-m", "patchflow", "live", "--port", str(port), "--seed", str(SEED),
        "--out", f"127.0.0.1:{answers.getsockname()[1]}", "--library", str(folder / "library.sqlite"),
        "--midi-in", f"tcp:127.0.0.1:{served}", "--midi-out", f"tcp:127.0.0.1:{served}",
        "--sysex", "--sysex-rate", "1000000",
    ]  # fmt: skip
    with mido.sockets.PortServer("127.0.0.1", served) as server:
        process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True)
        synth = server.accept()  # the output is opened first
        midi = server.accept()
        assert process.stdout is not None
        for _ in range(3):  # its greeting: from now on it listens
            process.stdout.readline()
        yield Running(process, ("127.0.0.1", port), answers, midi, synth)
    answers.close()


def free_port(kind: int) -> int:
    """Returns a port that nobody has."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    main()
