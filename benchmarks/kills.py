"""Kills commands at many moments, and looks for what is lost, mixed or left behind.

Usage: python benchmarks/kills.py --kills 200
writes benchmarks/results/kills.json and its table in docs/reliability.md

Each command works on small data of the `tone` engine, over what an earlier call has left where it can. Half of the
kills (SIGKILL) come at a random time, most of them near the end, where files are written. The others come right before
the process makes, renames or removes a file, each of these moments in turn; Python tells of them to a hook, so the
commands themselves know nothing of it. After each kill it looks twice:

* at once: a reader finds nothing mixed, and all that was there before the command is still there or replaced;
* after the next command, the same once more: everything is as if nobody had been killed, and nothing is left over.

A second call goes on where the first one stopped; `--again` begins anew.
"""

import argparse
import atexit
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "results" / "kills.json"

TIMES = re.compile(rb'"(seconds|loading_s|search_s|writing_s)": [0-9.e-]+')

GOLDEN = 0.6180339887
PRESETS = 150
SMALL = ("--synth", "tone", "--renders", "16", "--no-library", "--out", "out")
RECIPE = """
synth = "tone"
plain = {plain}
crossed = 0.0
jittered = 0.0
"""
SOUNDS = RECIPE.format(plain=0.0) + "items = 40\nshard = 10\nlength = 0.2\nhold = [0.1, 0.15]\nrate = 8000\n"
TRAINING = RECIPE.format(plain=1.0) + (
    'bank = "bank.npz"\nmodel = "posterior"\nout = "run"\nitems = 64\nsteps = 300\nbatch = 8\nworkers = 1\n'
    "[sizes]\nwidth = 4\ncontext = 16\nhidden = 16\ntransforms = 2\nbins = 4\n"
)


@dataclass(frozen=True)
class Job:
    """A command to kill.

    Args:
        words: Its words.
        before: Commands that are there before it is called.
        check: Returns what is wrong in a folder right after a kill: what it is, by its kind, `"lost"` or `"mixed"`. It
            is given the folder as it was before, too. None where there was nothing before.
        alike: Returns what of a folder has to be the same in the end, by name.
    """

    words: tuple[str, ...]
    before: tuple[tuple[str, ...], ...]
    check: Callable[[Path, Path], dict[str, str]] | None
    alike: Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class Measured:
    """A job, with what an undisturbed call of it was.

    Args:
        job: The job.
        start: Folder as it is before.
        end: Folder as it is after.
        seconds: Duration.
        changes: How often it made, renamed or removed a file.
    """

    job: Job
    start: Path
    end: Path
    seconds: float
    changes: int


def main() -> None:
    """Kills, counts, writes."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=200, help="in all")
    options.add_argument("--jobs", default=",".join(JOBS), help="commands to kill, with commas")
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="at once")
    options.add_argument("--again", action="store_true", help="forget earlier kills")
    options.add_argument("--child", nargs=2, metavar=("N", "FILE"), help=argparse.SUPPRESS)
    given, words = options.parse_known_args()
    if given.child:
        be_child(int(given.child[0]), Path(given.child[1]), words)
    from reliability import write_tables

    names = given.jobs.split(",")
    found = {} if given.again or not OUT.exists() else json.loads(OUT.read_text())
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.workers) as pool:
        material(Path(folder))
        for place, name in enumerate(names):
            wanted = given.kills // len(names) + (place < given.kills % len(names))
            counts = found.setdefault(name, {"kills": 0, "lost": 0, "mixed": 0, "left": 0, "faults": []})
            if counts["kills"] >= wanted:
                continue
            measured = measure(Path(folder), name)
            numbers = range(counts["kills"], wanted)
            for outcome in pool.map(lambda number, m=measured, n=name: kill(m, n, number), numbers):
                count(counts, outcome)
                OUT.write_text(json.dumps(found, indent=1) + "\n")
            print(f"{name}: {counts}", flush=True)
    write_tables()


def count(counts: dict[str, Any], outcome: dict[str, str]) -> None:
    """Adds what was wrong after a kill."""
    counts["kills"] += 1
    for kind in ("lost", "mixed", "left"):
        counts[kind] += kind in outcome
    if outcome:
        counts["faults"].append(outcome)


def kill(measured: Measured, name: str, number: int) -> dict[str, str]:
    """Kills a command once and returns what is wrong, by kind."""
    chance = random.Random(f"{name} {number}")
    with tempfile.TemporaryDirectory() as made:
        for attempt in range(20):
            folder = Path(made, str(attempt))
            shutil.copytree(measured.start, folder)
            if number % 2 and measured.changes:
                # The golden ratio spreads any number of kills evenly over all changes.
                share = (number // 2 + attempt) * GOLDEN % 1
                step = 1 + int(share * measured.changes)
                killed = call(folder, measured.job.words, step=step) == -signal.SIGKILL
                moment = f"before change {step} of {measured.changes}"
            else:
                share = chance.uniform(0.75, 1) if chance.random() < 0.6 else chance.random()
                killed = call(folder, measured.job.words, seconds=share * measured.seconds) == -signal.SIGKILL
                moment = f"after {share:.0%} of {measured.seconds:.1f} s"
            if killed:
                break
        else:
            raise SystemExit(f"{name}: ends before it can be killed")
        wrong = measured.job.check(folder, measured.start) if measured.job.check else {}
        if call(folder, measured.job.words) != 0:
            wrong["lost"] = "the next command fails"
        wanted, have = measured.job.alike(measured.end), measured.job.alike(folder)
        if have != wanted:
            wrong["lost"] = f"differs in the end: {sorted(key for key in wanted if have.get(key) != wanted[key])}"
        extra = files(folder) - files(measured.end)
        if extra:
            wrong["left"] = str(sorted(extra))
    return {**wrong, "job": name, "moment": moment} if wrong else {}


def call(
    folder: Path, words: Sequence[str], *, step: int = 0, seconds: float = 0.0, counter: Path | None = None
) -> int:
    """Calls a command in a folder; kills it before a change of a file or after some time. Returns its exit code."""
    child = ("--child", str(step), str(counter or os.devnull))
    command = [sys.executable, __file__, *child, *words]
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
        "HOME": str(folder.parent), "PATCHFLOW_WEIGHTS": str(folder.parent / "weights"),
    }  # fmt: skip
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        return process.wait(seconds or None)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def be_child(step: int, counter: Path, words: Sequence[str]) -> None:
    """Runs a command of patchflow; dies before its nth change of a file in the folder, or counts these changes."""
    here = str(Path.cwd())
    seen = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if not is_change(event, arguments, here):
            return
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def write() -> None:
        total = seen
        counter.write_text(str(total))

    atexit.register(write)
    sys.addaudithook(watch)
    from patchflow.cli import run

    sys.exit(run(list(words)))


def is_change(event: str, arguments: tuple[Any, ...], here: str) -> bool:
    """Whether an event of Python's audit hooks changes a file below a folder."""
    if event == "open":
        mode = arguments[1]
        if not isinstance(mode, str) or mode[:1] not in "wxa":
            return False
    elif event not in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
        return False
    path = arguments[0]
    return isinstance(path, str | bytes | os.PathLike) and str(Path(os.fsdecode(path)).absolute()).startswith(here)


def material(folder: Path) -> None:
    """Makes what the commands work on: sounds, presets, a bank and recipes."""
    import numpy as np
    import soundfile

    from patchflow.data.bank import make_bank
    from patchflow.engines import Note, Renderer, engines
    from patchflow.presets import Preset, write_presets

    def split(_: np.ndarray, family: np.ndarray) -> np.ndarray:
        return np.where(family % 5 == 0, "valid", "train")

    made = folder / "material"
    made.mkdir()
    tone = engines["tone"]()
    points = tone.space.snap(np.random.default_rng(0).random((2 * PRESETS, len(tone.space))))
    presets = [Preset("tone", tone.space.decode(point), name=f"Preset {k}") for k, point in enumerate(points)]
    write_presets(made / "old.json", presets[:PRESETS])
    write_presets(made / "new.json", presets[PRESETS:])
    with Renderer(engines["tone"]) as renderer:
        make_bank(points, [preset.name for preset in presets], renderer, split=split).save(made / "bank.npz")
    for name, pitch in (("a", 69), ("b", 60)):
        point = tone.space.encode({"wave": "sine", "decay": 0.2, "gain": -9.0})
        soundfile.write(made / f"{name}.wav", tone.render(point, Note(pitch, 100, 0.3, 0.4), 22_050), 22_050)
    (made / "sounds.toml").write_text(SOUNDS)
    (made / "training.toml").write_text(TRAINING)


def measure(folder: Path, name: str) -> Measured:
    """Runs a job undisturbed, twice: what is read from the disk the first time is not the second time."""
    job = JOBS[name]
    start, end, counter = folder / name / "start", folder / name / "end", folder / name / "changes"
    shutil.copytree(folder / "material", start)
    for words in job.before:
        if call(start, words) != 0:
            raise SystemExit(f"{' '.join(words)}: fails")
    seconds = 0.0
    for _ in range(2):
        shutil.rmtree(end, ignore_errors=True)
        shutil.copytree(start, end)
        began = time.monotonic()
        if call(end, job.words, counter=counter) != 0:
            raise SystemExit(f"{' '.join(job.words)}: fails")
        seconds = time.monotonic() - began
    return Measured(job, start, end, seconds, int(counter.read_text()))


def files(folder: Path) -> set[str]:
    """Returns the names of all files and folders below, hidden ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def entries(folder: Path) -> list[dict[str, Any]]:
    """Returns all that a library lists."""
    words = ("presets", "list", "--limit", "9999", "--json", "--library", "own.sqlite")
    command = [sys.executable, "-m", "patchflow", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else []


def listed(folder: Path) -> dict[str, Any]:
    """Returns what a library knows of its presets, by number."""
    return {str(entry["id"]): entry for entry in entries(folder)}


def check_library(folder: Path, start: Path) -> dict[str, str]:
    """No preset of before is gone."""
    names = {entry["name"] for entry in entries(folder)}
    gone = {entry["name"] for entry in entries(start)} - names
    return {"lost": f"{len(gone)} presets"} if gone else {}


def check_converted(folder: Path, start: Path) -> dict[str, str]:
    """The target is the old file or the new one."""
    found = (folder / "target.json").read_bytes()
    whole = found in ((start / "target.json").read_bytes(), (start / "new.json").read_bytes())
    return {} if whole else {"mixed": "target.json"}


def check_result(folder: Path, _: Path) -> dict[str, str]:
    """Numbers describe the presets beside them and in the bank; and a result, the old or the new, can be played."""
    from patchflow.errors import PatchflowError
    from patchflow.match.output.play import voice_of
    from patchflow.presets import read_presets

    wrong = {}
    for path in sorted((folder / "out").glob("?.json")):
        numbers = json.loads(path.read_text())
        told = [(candidate["preset"], 1, candidate["parameters"]) for candidate in numbers["candidates"]]
        if numbers["bank"]:
            told.append((numbers["bank"]["file"], numbers["bank"]["voice"], told[0][2]))
        for name, place, values in told:
            presets = read_presets(folder / "out" / name).presets
            if len(presets) < place or dict(presets[place - 1].values) != values:
                wrong["mixed"] = f"{path.name} and {name}"
        for name, digest in numbers.get("files", {}).items():
            if hashlib.sha256((folder / "out" / name).read_bytes()).hexdigest() != digest:
                wrong["mixed"] = f"{path.name} and {name}"
    for name in ("a", "b"):
        try:
            voice_of(folder / "out" / f"{name}.json", 1)  # what `patchflow render` calls
        except PatchflowError as error:
            wrong["lost"] = str(error)
    return wrong


def contents(folder: Path) -> dict[str, Any]:
    """Returns all files of a folder, numbers of results without their times."""
    found: dict[str, Any] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            text = TIMES.sub(b"", data) if path.suffix == ".json" else data
            found[str(path.relative_to(folder))] = hashlib.sha256(text).hexdigest()
    return found


def trained(folder: Path) -> dict[str, Any]:
    """Returns the weights of a run and the steps in its log."""
    from safetensors.numpy import load_file

    weights = load_file(folder / "run" / "tone.safetensors")
    found: dict[str, Any] = {name: value.tobytes() for name, value in weights.items()}
    found["steps"] = [json.loads(line)["step"] for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    return found


IMPORT = ("presets", "import", "--no-vectors", "new.json", "--library", "own.sqlite")
BEGUN = (("presets", "import", "--no-vectors", "old.json", "--library", "own.sqlite"),)
MATCH = ("match", "a.wav", "b.wav", *SMALL)
JOBS = {
    "import": Job(IMPORT, BEGUN, check_library, listed),
    "tag": Job(("presets", "tag", "--synth", "tone", "--library", "own.sqlite"), BEGUN, check_library, listed),
    "convert": Job(
        ("convert", "new.json", "target.json"), (("convert", "old.json", "target.json"),), check_converted, contents
    ),
    "match": Job(
        (*MATCH, "--candidates", "2", "--seed", "1"), ((*MATCH, "--candidates", "4"),), check_result, contents
    ),
    "dataset": Job(("dataset", "sounds.toml", "--out", "sounds"), (), None, contents),
    "train": Job(("train", "training.toml"), (), None, trained),
}

if __name__ == "__main__":
    main()
