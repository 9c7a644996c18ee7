"""Damages files of every kind that patchflow reads, reads them, and counts what became of each.

Usage: python benchmarks/fuzz.py [READER ...] --cases 10000 --seed 0 --jobs 2
writes benchmarks/results/fuzz.json and, without --out and READER, its table in docs/reliability.md

A case is one file, damaged as its number and the seed say (`mutants.py`), and read by one reader (`fuzz_readers.py`).
Every reader has a process of its own, which may take 1 GB more than it had when it began. Each case is

    read        whole, or the damage does not matter
    in part     what is good was kept, and what was lost was said
    refused     with an error that patchflow raises on purpose
    uncaught    with any other
    over 10 s   it was killed
    over 1 GB   something asked for more memory than there was

Every tenth case is traced: which lines of the reader's modules were reached says how deep the damage goes.
"""

import argparse
import collections
import json
import os
import queue
import random
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "results" / "fuzz.json"
LONGEST = 10.0  # seconds of a case
MEMORY = 2**30  # bytes that a reader may take
STARTING = 120.0  # seconds until the first case begins
TRACED = 10  # every so many cases one is traced
OUTCOMES = ("read", "in part", "refused", "uncaught", "over 10 s", "over 1 GB")


def main() -> None:
    """Fuzzes the readers, a process each, and writes the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="of all readers: benchmarks/results/fuzz.json")
    parser.add_argument("--worker", nargs=2, metavar=("READER", "FIRST"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker[0], int(options.worker[1]), options.cases, options.seed)
        return
    found = fuzz(options.readers, options.cases, options.seed, options.jobs)
    if options.out or not options.readers:
        (options.out or OUT).write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n")
    if not (options.out or options.readers):
        from reliability import write_tables

        write_tables()
    print(json.dumps(found["total"]))
    sys.exit(any(found["total"][outcome] for outcome in OUTCOMES[3:]))


def fuzz(names: list[str], cases: int, seed: int, jobs: int) -> dict[str, Any]:
    """Returns the counts of every reader, and of all."""
    from fuzz_readers import NAMES

    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names or NAMES:
        waiting.put(name)
    found: dict[str, Any] = {}

    def run() -> None:
        while not waiting.empty():
            name = waiting.get()
            begun = time.monotonic()
            found[name] = _counted(name, cases, seed)
            counts = found[name]["counts"]
            print(f"{name:<14} {counts}  {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)

    threads = [threading.Thread(target=run) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = {outcome: sum(row["counts"][outcome] for row in found.values()) for outcome in OUTCOMES}
    return {"seed": seed, "cases": sum(total.values()), "total": total, "readers": dict(sorted(found.items()))}


def _counted(name: str, cases: int, seed: int) -> dict[str, Any]:
    """What became of the cases of a reader; a worker that hangs or dies is replaced, from the next case on."""
    counts = collections.Counter(dict.fromkeys(OUTCOMES, 0))
    faults: dict[str, dict[str, Any]] = {}
    messages: set[str] = set()
    reached: dict[str, set[int]] = {}
    whole: dict[str, int] = {}
    slowest = 0.0
    first = 0
    while first < cases:
        for report in _reports(name, first, cases, seed):
            if "lines" in report:
                whole = report["whole"]
                for file, lines in report["lines"].items():
                    reached.setdefault(file, set()).update(lines)
                continue
            first = report["case"] + 1
            counts[report["outcome"]] += 1
            slowest = max(slowest, report["seconds"])
            messages.add(report["message"])
            if report["outcome"] not in OUTCOMES[:3]:
                fault = faults.setdefault(report["message"], {"times": 0, "first case": report["case"], **report})
                fault["times"] += 1
    covered = sum(len(lines) for lines in reached.values())
    return {
        "counts": dict(counts),
        "distinct errors": len(messages),
        "slowest, s": round(slowest, 2),
        "lines reached": round(covered / max(sum(whole.values()), 1), 3),
        "lines": sum(whole.values()),
        "faults": sorted(faults.values(), key=lambda fault: -fault["times"])[:20],
    }


def _reports(name: str, first: int, cases: int, seed: int) -> Any:
    """Yields what a worker says of each case, and in its place what is to say of one that hangs or dies."""
    words = [sys.executable, __file__, "--worker", name, str(first), "--cases", str(cases), "--seed", str(seed)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment
    )
    said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(worker.stdout, said), daemon=True).start()
    case = first - 1
    begun = False
    patience = STARTING
    try:
        while True:
            try:
                report = said.get(timeout=patience)
            except queue.Empty:
                yield {"case": case + 1, "outcome": "over 10 s", "seconds": patience, "message": "hangs", "trace": ""}
                return
            if report is None:
                break
            patience = LONGEST + 1
            case = report.get("case", case)
            begun = True
            if not report.get("begun"):
                yield report
        if not begun:
            raise RuntimeError(f"{name}: {' '.join(words)} does not begin")
        if case + 1 < cases:
            died = f"the process died ({worker.wait()})"
            yield {"case": case + 1, "outcome": "uncaught", "seconds": 0.0, "message": died, "trace": ""}
    finally:
        worker.kill()
        worker.wait()


def _listen(pipe: IO[bytes], said: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    with pipe:
        for line in pipe:
            said.put(json.loads(line))
    said.put(None)


def work(name: str, first: int, cases: int, seed: int) -> None:
    """Reads the cases of one reader, and says on standard output what became of each, a line of JSON a case."""
    out = os.fdopen(os.dup(1), "w")  # libraries may print
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    from fuzz_readers import lines_of, reader
    from mutants import mutant

    with tempfile.TemporaryDirectory(dir=_fast()) as temporary:
        folder = Path(temporary, "in")
        folder.mkdir()
        os.environ["HOME"] = temporary
        os.environ["PATCHFLOW_SYNTHS"] = str(Path(temporary, "synths"))
        found = reader(name, folder)
        files = list(found.files)
        found.read(folder)  # whole, so that all that is imported on first use is there
        wanted = lines_of(found.modules)
        reached: dict[str, set[int]] = {file: set() for file in wanted}
        _limit()
        print(json.dumps({"begun": True}), file=out, flush=True)
        for case in range(first, cases):
            chance = random.Random(f"{seed}/{name}/{case}")
            file = chance.choice(files)
            path = folder / file
            path.write_bytes(mutant(chance, found.files[file], found.shape_of(file)))
            if case % TRACED == 0:
                sys.settrace(_tracer(wanted, reached))
            report = read_case(found.read, folder)
            sys.settrace(None)
            print(json.dumps({"case": case, "file": file, **report}), file=out, flush=True)
            path.write_bytes(found.files[file][0])
        lines = {Path(file).name: sorted(numbers & wanted[file]) for file, numbers in reached.items()}
        whole = {Path(file).name: len(numbers) for file, numbers in wanted.items()}
        print(json.dumps({"lines": lines, "whole": whole}), file=out, flush=True)


def read_case(read: Any, folder: Path) -> dict[str, Any]:
    """Returns what became of one case."""
    from patchflow.errors import PatchflowError

    begun = time.monotonic()
    trace = ""
    try:
        outcome = "read" if read(folder) else "in part"
        message = ""
    except PatchflowError as error:
        outcome = "over 1 GB" if _is_out_of_memory(error) else "refused"
        try:
            message = str(error)
            message.encode()
        except Exception as fault:  # noqa: BLE001 - an error that cannot be shown is what is looked for
            outcome = "uncaught"
            message = f"{type(fault).__name__} while an error is shown"
        if "\n" in message.strip():
            trace = message
    except MemoryError as error:
        outcome = "over 1 GB"
        message = _where(error)
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        outcome = "uncaught"
        message = _where(error)
        trace = "".join(traceback.format_exception(error))[-1_500:]
    seconds = time.monotonic() - begun
    if seconds > LONGEST:
        outcome = "over 10 s"
    return {"outcome": outcome, "seconds": round(seconds, 3), "message": _shape(message), "trace": trace}


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error was raised because of another one that there is no memory."""
    while error is not None:
        if isinstance(error, MemoryError) or "allocate" in str(error):
            return True
        error = error.__cause__
    return False


def _where(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.name}: {error}"


def _shape(message: str) -> str:
    """A message without what differs from file to file, so that kinds of messages can be counted."""
    short = re.sub(r"/\S*/", "", message)[:300]
    short = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", short)
    return re.sub(r"[\d.,]*\d", "N", short)[:160].encode("ascii", "replace").decode()


def _tracer(wanted: dict[str, set[int]], reached: dict[str, set[int]]) -> Any:
    def of_line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            reached[frame.f_code.co_filename].add(frame.f_lineno)
        return of_line

    def of_call(frame: FrameType, *_: Any) -> Any:
        return of_line if frame.f_code.co_filename in wanted else None

    return of_call


def _limit() -> None:
    """Lets this process take 1 GB more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _fast() -> str | None:
    """A folder in memory, if there is one: thousands of files are synced."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    main()
