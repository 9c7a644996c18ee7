"""Plays the basses of a bank, or of preset files, on low notes: sounds for match_sounds.py.

Usage: python benchmarks/bass_sounds.py OUT SYNTH BANK.npz|FOLDER [--count 25] [--all]

Takes presets whose names say that they are basses: of a bank those of its test part, one a family, or of the whole
bank with --all, which is fair to every synth but the bank's own; of a folder one a file. Their notes go from C1 to C3,
velocity 100, held 1.5 s of 2.5 s. Writes FLAC files and adds them to OUT/manifest.csv, so several banks may be played
into one folder. For another synth than the one that played them:
python benchmarks/match_sounds.py BANK.npz OUT --kind basses
"""

import argparse
import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from split import fingerprints

from patchflow.data.bank import Bank
from patchflow.engines import Note, engines
from patchflow.presets import Preset, read_presets
from patchflow.presets.preset import category_from_name

RATE = 44_100
LOWEST, HIGHEST = 24, 48  # MIDI notes: C1 to C3
FIELDS: tuple[str, ...] = ("file", "category", "source", "preset", "pitch_midi")


def main() -> None:
    """Writes the sounds and their manifest."""
    options = _options()
    engine = engines[options.synth]()
    if options.presets.is_dir():
        found = of_folder(options.synth, options.presets)
    else:
        bank = Bank.load(options.presets)
        found = of_bank(options.synth, bank if options.all else bank.part("test"))
    played = list(found)[: options.count]
    if not played:
        raise SystemExit(f"{options.presets}: no preset's name says that it is a bass")
    options.out.mkdir(parents=True, exist_ok=True)
    entries = []
    for place, preset in enumerate(played):
        pitch = round(float(np.linspace(LOWEST, HIGHEST, len(played))[place]))
        engine.build_on(preset.state)
        sound = engine.render(engine.space.encode(preset.values), Note(pitch, 100, hold=1.5, length=2.5), RATE)
        peak = float(np.abs(sound).max())
        if peak < 1e-3:
            print(f"{preset.name} is silent on note {pitch}: left out")
            continue
        file = f"{options.synth}_{place:02}_{pitch}.flac"
        soundfile.write(options.out / file, 0.7 * sound / peak, RATE)
        entries.append(dict(zip(FIELDS, (file, "synth_basses", options.synth, preset.name, pitch), strict=True)))
    add(options.out / "manifest.csv", entries)
    print(f"{len(entries)} sounds in {options.out}")


def of_bank(synth: str, bank: Bank) -> Iterator[Preset]:
    """Yields the basses of a bank, one a family, in the order of their fingerprints."""
    space = engines[synth].space
    keys = fingerprints(bank.points)
    families = set()
    for row in sorted(range(len(keys)), key=keys.__getitem__):
        if is_bass(bank.names[row]) and bank.family[row] not in families:
            families.add(bank.family[row])
            yield Preset(synth, space.decode(bank.points[row]), name=str(bank.names[row]))


def of_folder(synth: str, folder: Path) -> Iterator[Preset]:
    """Yields the basses of a folder's files, in an order that has nothing to do with their names."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    files.sort(key=lambda file: hashlib.sha256(file.read_bytes()).hexdigest())
    for file in files:
        preset = read_presets(file).presets[0]
        if preset.synth == synth and is_bass(file.stem):
            yield preset


def is_bass(name: str) -> bool:
    """Returns whether a name says that a preset is a bass, and not a bass drum.

    Example:
        >>> [is_bass(name) for name in ("SlapBass", "BASS DRUM", "E.PIANO 1")]
        [True, False, False]
    """
    rest = name.lower().replace("bass", " ")
    return category_from_name(name) == "Bass" and category_from_name(rest) != "Drums"


def add(manifest: Path, entries: list[dict]) -> None:
    """Adds entries to a manifest, in place of those of the same files."""
    files = {entry["file"] for entry in entries}
    there = []
    if manifest.exists():
        with manifest.open(encoding="utf-8", newline="") as file:
            there = [entry for entry in csv.DictReader(file) if entry["file"] not in files]
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows([*there, *entries])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the sounds")
    parser.add_argument("synth", help="name of the engine that plays them")
    parser.add_argument("presets", type=Path, help="a bank, or a folder of preset files")
    parser.add_argument("--count", type=int, default=25, help="most sounds")
    parser.add_argument("--all", action="store_true", help="of a bank all parts, not only that for tests")
    return parser.parse_args()


if __name__ == "__main__":
    main()
