"""Makes the presets that come with the package: draws them by our own models, plays them, throws out, chooses, names.

Usage: python benchmarks/embedded_bank.py FOLDER dexed --voices BANK.npz
       python benchmarks/embedded_bank.py FOLDER vital --others FOLDER_OF_PRESETS
       python benchmarks/embedded_bank.py FOLDER dexed --listen-again

What was drawn and played lies in FOLDER, and an interrupted run goes on there. Writes
patchflow/browse/banks/SYNTH.safetensors, a line of benchmarks/results/embedded_bank.jsonl, and the card of all lines.
`--listen-again` renews what a new ear says of the presets that are there, and their fingerprints, nothing else.

Candidates of a synth with a posterior are its draws for sounds of voices that never were: crossovers and small changes
of voices of the split `train` of one category. Those of a synth with a fingerprint library are the presets of that.
See embedded_checks.py for what is thrown out.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embedded_checks import (
    AUDIBLE,
    BYTES,
    IN_TUNE,
    LOUDEST,
    SHORTEST,
    Others,
    Played,
    Sieve,
    differing_bytes,
    mel_of,
    named_pitches,
    packed_bytes,
    play,
    player,
    sums_of,
    tile_sums,
    tuned,
    with_named_pitches,
    without_twins,
)
from embedded_names import named
from scipy.spatial.distance import cdist

from patchflow.browse import Shelf
from patchflow.browse.embedded import BANKS, EmbeddedPresets, points_of, steps_of
from patchflow.browse.standing import Standing
from patchflow.data import Bank
from patchflow.data.sampler import crossover, jitter, read_roles
from patchflow.ear import Ear, preset_vectors
from patchflow.ear.ear import KEYS
from patchflow.engines import Note, Renderer, engines
from patchflow.engines._renderer import one_torch_thread, render_or_silence
from patchflow.features.inputs import inputs
from patchflow.match.fingerprints import FINGERPRINTS, Fingerprints, play_prints
from patchflow.models import load_model, models, shipped
from patchflow.presets import Entry, Label, dx7, read_presets
from patchflow.presets.preset import CATEGORIES, category_from_name
from patchflow.storage import write_atomically

RESULTS = Path(__file__).parent / "results" / "embedded_bank.jsonl"
ROLES = Path(__file__).parent.parent / "recipes" / "roles" / "vital.toml"
SEED = 19
SOURCES = 2_000  # sounds that are drawn for
DRAWS = 4  # presets of each
TEMPERATURE = (0.6, 1.0)
RATE = 22_050
CHUNK = 256  # presets between two writes
COUNTS = {"dexed": 2_000, "vital": 1_000}
LISTENED = 1.5  # times as many as are chosen
SHARES = {"Mallets": 0.6, "Woodwind": 0.6, "Voice": 0.4}  # of what the other categories have
MEANT = 0.5  # chance that a preset is of the category it was drawn for, before it is played
PLAYED = 1.6  # times as many presets of a library as are chosen
ROLE_DRAWS = 4_000
ROLE_VOTES = 5
PLAIN = ("Drums", "Effects", "Bells", "Mallets")  # categories that need no pitch
FREE = ("Drums", "Effects")  # categories that need not follow the keyboard
ROLE_CATEGORIES = {
    "bass": "Bass", "lead": "Lead", "pad": "Pad", "pluck": "Plucked", "keys": "Keys", "bell": "Bells",
    "brass": "Brass", "strings": "Strings", "wind": "Woodwind", "voice": "Voice", "drum": "Drums", "drone": "Pad",
    "effect": "Effects",
}  # fmt: skip


CARD = """# The presets that come with the package

Presets of our own models, so that search and map work from the first minute: `patchflow search "warm dark pad"`.

Licence: CC-BY-4.0 (the code is GPL-3.0-or-later). Nobody's presets are among them.

Made with `python benchmarks/embedded_bank.py FOLDER SYNTH`, which says what is drawn and how; `embedded_checks.py`
beside it, how each was checked on C4 and C3; `embedded_names.py`, what they are called. In short:

- Candidates for `dexed` are draws of its posterior for the sounds of voices that never were, crossovers and small
  changes of training voices of one category. Candidates for `vital` come from its fingerprint library, which was drawn
  from roles that we wrote.
- Thrown out is what is silent, very quiet or very loud, too short, out of tune, does not follow the keyboard, or has no
  pitch where its category needs one (drums, effects, bells and mallets do not).
- No two sound alike, and none is like somebody's: twins are within 1 dB of log-mel L1 on C4, or, of DX7 voices, differ
  in at most 10 of 118 bytes. Compared with are all voices and presets that the models were made or tested with.
- Chosen are those farthest from each other to the ear, with a share for each category.
- The category is that of the profile of measured attributes, weighed with what was drawn for: each counts half.
- A name says what is measured: "Dark Slow Pad 3" is in the darkest and the slowest fifth of its synth's bank. Tags
  likewise. In files of a DX7, which has ten letters, it is "DarkPad3".

They are draws of models: none was chosen, named or corrected by ear.

"""

Arrays = tuple[np.ndarray, ...]


def kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """Returns the arrays of a file, made now if it is not there."""
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, *make())
        part.rename(path)
    with np.load(path) as file:
        return tuple(file[f"arr_{number}"] for number in range(len(file.files)))


def in_chunks(folder: Path, points: np.ndarray, work: Callable[[np.ndarray], Arrays]) -> Arrays:
    """Returns what work makes of presets, a file for each chunk of them; those that are there are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[Arrays] = []
    for start in range(0, len(points), CHUNK):
        rows = points[start : start + CHUNK]
        name = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
        parts.append(kept(folder / f"{name}.npz", lambda rows=rows: work(rows)))
        print(f"{folder.name}: {start + len(rows)} of {len(points)}", flush=True)
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def drawn_by_posterior(synth: str, voices: Bank, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws presets for sounds of voices that never were, as many of each category."""
    rng = np.random.default_rng(SEED)
    engine = engines[synth]()
    train = voices.part("train")
    of = np.array([CATEGORIES.index(found) if (found := category_from_name(name)) else -1 for name in train.names])
    categories = [place for place in range(len(CATEGORIES)) if CATEGORIES[place] != "Sequence"]
    meant = np.array(categories)[np.arange(count) % len(categories)]
    pairs = np.stack([rng.choice(np.flatnonzero(of == category), 2) for category in meant])
    children = crossover(engine.space, train.points[pairs[:, 0]], train.points[pairs[:, 1]], rng)
    moved = jitter(engine.space, train.points[pairs[:, 0]], rng)
    sources = engine.canonical(np.where(np.arange(count)[:, None] % 2, children, moved))
    path = shipped(synth)
    assert path is not None
    model = load_model(path, engine.space, models)
    note = Note()
    points = []
    with one_torch_thread():
        for start in range(0, count, 64):
            rows = sources[start : start + 64]
            sounds = np.stack([render_or_silence(engine, row, note, RATE) for row in rows])
            with torch.no_grad():
                mel = inputs[model.input].of(torch.from_numpy(sounds), RATE)
                notes = torch.tensor([[note.pitch, note.velocity, note.hold]]).float().expand(len(rows), -1)
                context = model.encode(mel, notes).repeat_interleave(DRAWS, 0)
                z = rng.standard_normal((len(context), model.noise)) * rng.uniform(*TEMPERATURE, (len(context), 1))
                points.append(model.decode(torch.from_numpy(z).float(), context).numpy().astype(float))
            print(f"{start + len(rows)} of {count} sounds drawn for", flush=True)
    snapped = engine.space.snap(np.concatenate(points))
    return engine.sorted_parts(engine.canonical(snapped)), np.repeat(meant, DRAWS)


def drawn_of_library(synth: str) -> Arrays:
    """Returns the presets of the fingerprint library, spread out, and the category of the role of each.

    The library does not say which role a preset was drawn for: it is that of most of the nearest of fresh draws.
    """
    engine = engines[synth]()
    path = shipped(synth, FINGERPRINTS)
    assert path is not None
    library = Fingerprints.load(path, engine.space)
    roles = read_roles(ROLES, engine.space, synth)
    known = roles.draw(ROLE_DRAWS, np.random.default_rng(SEED))
    category = np.array([CATEGORIES.index(ROLE_CATEGORIES[name]) for name in roles.names])[known.roles]
    far = cdist(library.points, engine.canonical(known.points), "cityblock")
    nearest = category[np.argsort(far, axis=1)[:, :ROLE_VOTES]]
    meant = np.array([np.bincount(row).argmax() for row in nearest])
    levels = library.levels.reshape(len(library), -1).astype(np.float32)
    rows = chosen(levels, meant, round(PLAYED * COUNTS[synth]), {})
    return library.points[rows], meant[rows]


def chosen(places: np.ndarray, category: np.ndarray, count: int, shares: Mapping[str, float]) -> np.ndarray:
    """Returns rows that are spread out within their categories, ascending; each category has its share if it can.

    Args:
        places: Where each preset lies, shape `(N, D)`.
        category: Of each, as a place in `CATEGORIES`, shape `(N,)`.
        count: How many to choose.
        shares: Of a category by name, where it is not 1.
    """
    members = {kind: np.flatnonzero(category == kind) for kind in np.unique(category).tolist()}
    taken = dict.fromkeys(members, 0)
    while (left := count - sum(taken.values())) > 0:
        short = {kind: shares.get(CATEGORIES[kind], 1.0) for kind in members if taken[kind] < len(members[kind])}
        if not short:
            break
        total = sum(short.values())
        for kind, share in short.items():
            more = max(1, int(left * share / total))
            taken[kind] += min(more, len(members[kind]) - taken[kind], count - sum(taken.values()))
    rows = [members[kind][spread(places[members[kind]], taken[kind])] for kind in members]
    return np.sort(np.concatenate(rows))


def spread(places: np.ndarray, count: int) -> np.ndarray:
    """Returns rows, each as far from the ones before it as there is one: the first is nearest to the mean."""
    if count <= 0:
        return np.zeros(0, int)
    rows = [int(((places - places.mean(0)) ** 2).sum(1).argmin())]
    least = ((places - places[rows[0]]) ** 2).sum(1)
    while len(rows) < count:
        rows.append(int(least.argmax()))
        np.minimum(least, ((places - places[rows[-1]]) ** 2).sum(1), out=least)
        least[rows[-1]] = -1.0
    return np.array(rows)


def played(synth: str, points: np.ndarray, folder: Path) -> tuple[np.ndarray, Played, int]:
    """Plays candidates, corrects those that are a little out of tune, and counts how many that helped."""
    engine = player(synth, folder)

    def work(rows: np.ndarray) -> Arrays:
        found = play(rows, engine)
        return tuple(getattr(found, field.name) for field in fields(Played))

    found = Played(*in_chunks(folder / f"{synth}-played", points, work))
    rows, moved = tuned(points, found, engine)
    # As they are kept, so that what is played is what is kept.
    moved = points_of(steps_of(moved, engine.space.cells), engine.space.cells)
    if not len(rows):
        return points, found, 0
    again = Played(*in_chunks(folder / f"{synth}-tuned", moved, work))
    points = points.copy()
    points[rows] = moved
    columns = {}
    for field in fields(Played):
        columns[field.name] = getattr(found, field.name).copy()
        columns[field.name][rows] = getattr(again, field.name)
    better = int((np.abs(again.off) <= IN_TUNE).sum())
    return points, Played(**columns), better


def categories_of(synth: str, measures: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """Returns the category of each preset: how likely its sound is of each, and which it was drawn for."""
    entries = [Entry(row, synth, (Label(),)) for row in range(len(measures))]
    shelf = Shelf(entries, np.zeros((len(measures), 1), np.float32), measures)
    standing = Standing(shelf)
    likely = np.stack([standing.likelihood([kind]) for kind in CATEGORIES], 1)
    likely[:, CATEGORIES.index("Sequence")] = 0.0  # which no single note is
    prior = np.full_like(likely, (1 - MEANT) / (len(CATEGORIES) - 2))
    prior[np.arange(len(meant)), meant] = MEANT
    return (likely * prior).argmax(1)


def main() -> None:
    """Draws, plays, throws out, chooses, names, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("synth", choices=sorted(COUNTS))
    parser.add_argument("--voices", type=Path, help="bank of voices to draw by, none of which may come back")
    parser.add_argument("--others", type=Path, help="preset files that none may be a twin of")
    parser.add_argument("--listen-again", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if options.listen_again:
        listen_again(options)
    else:
        make(options)
    write_card()


def make(options: argparse.Namespace) -> None:
    """Makes the presets of a synth."""
    synth, folder = options.synth, options.folder
    engine = player(synth, folder)
    place = folder / f"{synth}-drawn.npz"
    bank = Bank.load(options.voices) if options.voices else None
    if bank is not None:
        points, meant = kept(place, lambda: drawn_by_posterior(synth, bank, SOURCES))
    else:
        points, meant = kept(place, lambda: drawn_of_library(synth))
    count = len(points)
    points, found, corrected = played(synth, points, folder)
    doubtful = np.flatnonzero(~found.pitched & found.follows)
    if count - len(doubtful) < LISTENED * COUNTS[synth]:
        (named_cents,) = in_chunks(
            folder / f"{synth}-pitch", points[doubtful], lambda rows: (named_pitches(rows, engine),)
        )
        found = with_named_pitches(found, doubtful, named_cents)
    sieve = Sieve(count)
    sieve.throw("silent or very quiet", found.peak < AUDIBLE)
    sieve.throw("too loud", found.peak > LOUDEST)
    sieve.throw("too short", found.lasts < SHORTEST)
    sieve.throw("out of tune", np.abs(found.off) > IN_TUNE)
    free = np.isin(meant, [CATEGORIES.index(kind) for kind in PLAIN])
    sieve.throw("without a pitch, of a category that needs one", ~found.pitched & ~free)
    free = np.isin(meant, [CATEGORIES.index(kind) for kind in FREE])
    sieve.throw("does not follow the keyboard", found.pitched & ~found.follows & ~free)
    if bank is not None:
        voices = bank.points
        least = bytes_from_nearest(points[sieve.rows], voices, folder / f"{synth}-bytes")
        sieve.throw_rows("twin of a voice by its bytes", sieve.rows[least <= BYTES])
        (sums,) = in_chunks(folder / f"{synth}-others", voices, lambda rows: (sums_of(rows, engine),))
        others = Others(sums, lambda row: mel_of(engine, voices[row]))
    else:
        mels = mels_of_files(options.others, synth)
        others = Others(tile_sums(mels), lambda row: mels[row])
    without_twins(sieve, points, found, others, engine)
    listened_to = chosen(found.sums[sieve.rows], meant[sieve.rows], round(LISTENED * COUNTS[synth]), {})
    rows = sieve.rows[listened_to]
    vectors, measures = heard(synth, points[rows], folder)
    sieve.rows = rows
    silent = np.zeros(count, bool)
    silent[rows] = ~np.isfinite(measures).all(1) | ~vectors.any(1)
    good = ~silent[rows]
    sieve.throw("silent on some key", silent)
    rows, vectors, measures = rows[good], vectors[good], measures[good]
    category = categories_of(synth, measures, meant[rows])
    plain = np.isin(category, [CATEGORIES.index(kind) for kind in PLAIN])
    whole = found.pitched[rows] | plain
    rows, vectors, measures, category = rows[whole], vectors[whole], measures[whole], category[whole]
    last = chosen(vectors, category, COUNTS[synth], SHARES)
    rows = rows[last]
    facts = {"drawn": count, "corrected": corrected, "thrown out": sieve.out, "listened to": len(listened_to)}
    facts |= {"compared with": len(others.sums), "cents off": round(float(np.abs(found.off[rows]).max()), 1)}
    write(synth, points[rows], [CATEGORIES[kind] for kind in category[last]], vectors[last], measures[last], facts)


def heard(synth: str, points: np.ndarray, folder: Path) -> Arrays:
    """Returns vectors of the present ear and measures of presets."""
    place = folder / f"{synth}-ear-{Ear.load().version}"
    return in_chunks(place, points, lambda rows: preset_vectors(lambda: player(synth, folder), rows))


def bytes_from_nearest(points: np.ndarray, others: np.ndarray, folder: Path) -> np.ndarray:
    """Returns in how many of 118 bytes each DX7 voice differs from the nearest of others, shape `(N,)`.

    What cannot be heard is at its default in both.
    """
    theirs = packed_bytes(dx7.bytes_from_points(dx7.sorted_parts(dx7.canonical(others))))
    voices = packed_bytes(dx7.bytes_from_points(points))
    return in_chunks(folder, voices, lambda rows: (differing_bytes(rows, theirs),))[0]


def mels_of_files(folder: Path, synth: str) -> np.ndarray:
    """Returns log-mel spectrograms of preset files on C4, played with all that is in them, shape `(N, F, T)`."""
    engine = engines[synth]()
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for preset in read_presets(path).presets:
            engine.build_on(preset.state)
            found.append(mel_of(engine, engine.space.encode(preset.values)))
    return np.stack(found)


def write(
    synth: str,
    points: np.ndarray,
    categories: list[str],
    vectors: np.ndarray,
    measures: np.ndarray,
    facts: dict[str, Any],
) -> None:
    """Names presets, sorts them by what they are called, and writes their file and the line of results."""
    names, short_names, tags = named(measures, categories)
    order = sorted(range(len(names)), key=lambda row: (CATEGORIES.index(categories[row]), row))
    space = engines[synth].space
    presets = EmbeddedPresets(
        synth,
        space.names,
        np.arange(1, len(names) + 1),
        steps_of(points[order], space.cells),
        [names[row] for row in order],
        [short_names[row] for row in order],
        [categories[row] for row in order],
        [tags[row] for row in order],
        Ear.load().version,
        vectors[order],
        measures[order],
        {"made with": "benchmarks/embedded_bank.py", "seed": SEED, "licence": "CC-BY-4.0"},
    )
    BANKS.mkdir(exist_ok=True)
    path = BANKS / f"{synth}.safetensors"
    printed(presets).save(path)
    line = {"synth": synth, "presets": len(names), "megabytes": round(path.stat().st_size / 1e6, 2), **facts}
    line["categories"] = {kind: categories.count(kind) for kind in CATEGORIES if kind in categories}
    lines = [json.loads(text) for text in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    lines = sorted([*(old for old in lines if old["synth"] != synth), line], key=lambda each: each["synth"])
    write_atomically(RESULTS, "".join(json.dumps(each) + "\n" for each in lines).encode())
    print(line)


def write_card() -> None:
    """Writes the card of the banks, from the lines of results."""
    lines = [json.loads(text) for text in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    parts = [CARD]
    for line in lines:
        parts.append(f"## {line['synth']}\n\n| | |\n|---|---|\n")
        parts.append(f"| presets | {line['presets']:,} in {line['megabytes']} MB |\n")
        parts.append(f"| drawn | {line['drawn']:,}, of which {line['corrected']:,} were put in tune by their synth |\n")
        parts += [f"| thrown out: {why} | {count:,} |\n" for why, count in line["thrown out"].items()]
        parts.append(f"| listened to by the ear | {line['listened to']:,} |\n")
        parts.append(f"| presets of other people that they were compared with | {line['compared with']:,} |\n")
        parts.append(f"| farthest from an octave of its key, of those with a pitch | {line['cents off']} cents |\n")
        kinds = ", ".join(f"{kind} {count}" for kind, count in line["categories"].items())
        parts.append(f"| categories | {kinds} |\n\n")
    write_atomically(BANKS / "banks.md", "".join(parts).rstrip("\n").encode() + b"\n")


def listen_again(options: argparse.Namespace) -> None:
    """Renews what the present ear says of the presets that are there."""
    path = BANKS / f"{options.synth}.safetensors"
    presets = EmbeddedPresets.load(path)
    vectors, _ = heard(options.synth, presets.points(engines[options.synth].space), options.folder)
    printed(presets.heard(Ear.load().version, vectors, presets.measures)).save(path)


def printed(presets: EmbeddedPresets) -> EmbeddedPresets:
    """Returns the same presets with their fingerprints on the keys of the ear."""
    engine = engines[presets.synth]
    with one_torch_thread(), Renderer(engine) as renderer:
        return replace(presets, prints=play_prints(presets.points(engine.space), renderer, KEYS))


if __name__ == "__main__":
    main()
