"""How fast presets are found and listened to, and how many of the nearest an index finds.

Usage: python benchmarks/search_speed.py [small] [exact] [large] [BANK.npz]

Writes benchmarks/results/search_speed.json and the table in docs/searching.md. Parts that are not asked for stay as
they were; without arguments all are measured but those that need the bank.

The library is synthetic: 24 directions of falling strength among the 128 of the ear, and noise, about as uneven as the
vectors of real presets; queries are drawn likewise and are not in it. Times are those of one `find` for 20 hits, the
median of many, after the shelf is loaded. Of a million vectors there is also the time of a core, as others may be at
work, and it is what making the index is measured by. Recall is the share of the exact ten nearest that the index gives.
BANK.npz is what `prepare_bank.py` makes: voices of its training part are imported, and it is counted how many a minute
are listened to.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from marked import filled
from timing import facts

from patchflow.browse import Shelf, find, listen_to, understand
from patchflow.browse.index import Index
from patchflow.browse.shelf import MEASURED, WIDTH, ear_version
from patchflow.data.bank import Bank
from patchflow.engines import engines
from patchflow.presets import Entry, Label, Library, Preset

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "search_speed.json"
PAGE = ROOT / "docs" / "searching.md"
DIRECTIONS = 24
NOISE = 0.1  # of the length of a vector
BLOCK = 50_000
SMALL = 30_000
LARGE = 1_000_000
QUERIES = 100
NEAREST = 10
VOICES = 200
PHRASES = ("warm dark pad", "bright and not noisy", "bell or pluck, short", "lead with a slow attack", "pad 123")
KINDS = ("Pad", "Bass", "Lead", "Bell", "Brass", "Strings", "Organ", "Piano")


def synthetic(count: int, seed: int) -> np.ndarray:
    """Vectors of length 1, float32, shape `(count, WIDTH)`."""
    # the same directions for a library and its queries
    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, WIDTH)) / np.sqrt(WIDTH)
    strength = 1 / np.sqrt(1 + np.arange(DIRECTIONS))
    random = np.random.default_rng(seed)
    found = np.empty((count, WIDTH), np.float32)
    for first in range(0, count, BLOCK):
        block = found[first : first + BLOCK]
        along = random.standard_normal((len(block), DIRECTIONS)) * strength
        noise = random.standard_normal(block.shape) * (NOISE * np.linalg.norm(strength) / np.sqrt(WIDTH))
        block[:] = along @ directions + noise
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return found


def shelf_of(vectors: np.ndarray) -> Shelf:
    """Presets with names, categories and measures drawn at random."""
    random = np.random.default_rng(1)
    kinds = random.integers(0, len(KINDS), len(vectors))
    entries: list[Entry] = []
    for number, kind in enumerate(kinds, 1):
        label = Label(f"{KINDS[kind]} {number}", KINDS[kind], "Ann", ("bright",), "bank.syx")
        entries.append(Entry(number, "dexed", (label,)))
    return Shelf(entries, vectors, random.standard_normal((len(vectors), MEASURED)))


def milliseconds(work: Callable[[int], object], times: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """The median of some calls, after one that is not counted."""
    work(0)
    found: list[float] = []
    for number in range(times):
        begun = clock()
        work(number)
        found.append(1_000 * (clock() - begun))
    return statistics.median(found)


def small() -> dict[str, float]:
    """Times of `SMALL` presets, in ms."""
    shelf = shelf_of(synthetic(SMALL, 2))
    queries = synthetic(QUERIES, 3)
    meanings = [understand(phrase) for phrase in PHRASES]
    both = len(PHRASES) * 4

    def by_words(number: int) -> object:
        place = number % len(PHRASES)
        return find(shelf, words=meanings[place], text=PHRASES[place])

    def by_both(number: int) -> object:
        return find(shelf, like=queries[number], words=meanings[number % len(PHRASES)])

    return {
        "sound": milliseconds(lambda number: find(shelf, like=queries[number]), QUERIES),
        "words": milliseconds(by_words, both),
        "sound and words": milliseconds(by_both, both),
    }


def exact() -> dict[str, float]:
    """Times of `LARGE` vectors, all compared."""
    shelf = Shelf([Entry(1, "dexed", (Label(),))] * LARGE, synthetic(LARGE, 4), np.zeros((LARGE, 1), np.float32))
    queries = synthetic(QUERIES, 5)

    def by_all(number: int) -> object:
        return find(shelf, like=queries[number])

    return {
        "exact": milliseconds(by_all, QUERIES // 4),
        "exact_processor": milliseconds(by_all, QUERIES // 4, time.process_time),
    }


def large(folder: Path) -> dict[str, float]:
    """Times of `LARGE` vectors with an index, and how many of the nearest that finds."""
    vectors = synthetic(LARGE, 4)
    queries = synthetic(QUERIES, 5)
    ids = np.arange(1, LARGE + 1)
    no_entries = [Entry(1, "dexed", (Label(),))] * LARGE
    measures = np.zeros((LARGE, 1), np.float32)
    path = folder / "index"
    begun = time.process_time()
    index = Index.opened(path, ear_version(), ids, vectors, progress=lambda seen: print(seen, file=sys.stderr))
    made = time.process_time() - begun
    begun = time.perf_counter()
    index = Index.opened(path, ear_version(), ids, vectors)
    read = time.perf_counter() - begun
    indexed = Shelf(no_entries, vectors, measures, index=index)
    found = 0
    for query in queries:
        nearest = np.argsort(-(vectors @ query), kind="stable")[:NEAREST]
        hits = find(indexed, like=query, limit=NEAREST)
        wanted = {round(float(vectors[row] @ query), 5) for row in nearest}
        found += sum(round(hit.score, 5) in wanted for hit in hits)

    def by_index(number: int) -> object:
        return find(indexed, like=queries[number])

    return {
        "index": milliseconds(by_index, QUERIES),
        "index_processor": milliseconds(by_index, QUERIES, time.process_time),
        "recall": found / (NEAREST * QUERIES),
        "made_processor_s": made,
        "read_s": read,
        "file_mb": path.stat().st_size / 1e6,
    }


def listening(bank: Path, folder: Path) -> float:
    """How many voices a minute are imported and listened to."""
    whole = Bank.load(bank)
    voices = whole.points[whole.split == "train"][:VOICES]
    space = engines["dexed"].space
    presets = [Preset("dexed", space.decode(point), f"Voice {number}") for number, point in enumerate(voices)]
    library = Library(folder / "library.sqlite")
    begun = time.perf_counter()
    library.add(presets, lambda synth: space)
    count = listen_to(library).count
    return 60 * count / (time.perf_counter() - begun)


def busy(found: dict[str, float], name: str) -> str:
    """Times of a kind of query: how long one waited, and how long a core was at it."""
    return f"{found[name]:.1f} ms, {found[f'{name}_processor']:.1f} ms of a core"


def table(results: dict[str, dict[str, float]]) -> list[str]:
    """The lines of the table in the document."""
    lines = ["| what | how fast |", "|---|---|"]
    if "small" in results:
        for name, said in (("sound", "like a sound"), ("words", "by words"), ("sound and words", "by both")):
            lines.append(f"| {SMALL:,} presets, {said} | {results['small'][name]:.1f} ms |")
    if "exact" in results:
        lines.append(f"| {LARGE:,} presets, like a sound, all compared | {busy(results['exact'], 'exact')} |")
    if "large" in results:
        many = results["large"]
        minutes = many["made_processor_s"] / 60
        lines += [
            f"| {LARGE:,} presets, like a sound, with an index | {busy(many, 'index')} |",
            f"| of the ten nearest the index finds | {many['recall']:.1%} |",
            f"| to make that index, once | {minutes:.0f} min of a core, {many['file_mb']:.0f} MB |",
        ]
    if "listening" in results:
        lines.append(
            f"| DX7 voices, imported and listened to | {results['listening']['voices a minute']:,.0f} a minute |"
        )
    return lines


def main() -> None:
    """Measures, and writes what came of it."""
    head = facts(0)
    asked = sys.argv[1:] or ["small", "exact", "large"]
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for part in asked:
            if part == "small":
                results["small"] = small()
            elif part == "exact":
                results["exact"] = exact()
            elif part == "large":
                results["large"] = large(Path(folder))
            else:
                results["listening"] = {"voices a minute": listening(Path(part), Path(folder))}
    RESULTS.write_text(json.dumps({**results, **head}, indent=1) + "\n", "utf-8")
    PAGE.write_text(filled(PAGE, {"speed": table(results)}), "utf-8")


if __name__ == "__main__":
    main()
