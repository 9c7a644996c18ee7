"""Measures vocal sketches: notes found in ten sung melodies, and how melodies are played that people hummed.

Three ways to find notes are compared on the same sounds: ours, the segmentation of SwiftF0 at its defaults, and pYIN
with each frame rounded to a key. Notes are scored as mir_eval does: a note is found if its onset is within 50 ms and
its pitch within 50 cents, each once. Then each voice is sketched with every synth that is named, and what is played is
measured like the voice: its pitch against that of the voice, in the singer's tuning, and its level.

Usage: python benchmarks/sketches.py [--synth dexed ...] [--hums FOLDER] [--development | --tables]
writes benchmarks/results/sketches.json and the tables of docs/sketching.md. FOLDER has sound files and a table
`manifest.csv`, in it or above it, with columns `file` and `pitch_midi`. `--development` prints the scores of other
melodies and writes nothing, `--tables` writes the tables alone.
"""

import argparse
import csv
import itertools
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from hummed import DEVELOPMENT, RATE, REPORTED, STYLES, Hummed, SungNote, hummed
from marked import filled
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from swift_f0 import SwiftF0, segment_notes
from timing import facts

from patchflow.audio.sound import Sound
from patchflow.audio.sound_file import load
from patchflow.errors import AudioError
from patchflow.explore.melody import melody_of, voice_contours
from patchflow.explore.sketch import SKETCH_RATE, Sketch, sketch
from patchflow.storage import write_atomically

__all__ = ["PAGE", "by_patchflow", "by_pyin", "found_pairs", "heard_beside", "note_scores", "page"]

RESULTS = Path(__file__).parent / "results" / "sketches.json"
PAGE = Path(__file__).parents[1] / "docs" / "sketching.md"

_ONSET = 0.05  # seconds
_CENTS = 50.0
_RENDERS = 500
_FLOOR_DB = 40.0  # below the loudest frame, from which on a level counts as this
_SHORTEST = 0.06  # seconds of a note by pYIN


def main() -> None:
    """Measures what is asked for, and writes the file of results."""
    parser = argparse.ArgumentParser(description="Measures vocal sketches.")
    parser.add_argument("--synth", nargs="*", default=["dexed"], help="synths that play; none for notes alone")
    parser.add_argument("--hums", type=Path, help="folder of recorded voices")
    parser.add_argument("--development", action="store_true", help="print the melodies for development, write nothing")
    parser.add_argument("--tables", action="store_true", help="write the tables of the document alone")
    arguments = parser.parse_args()
    if arguments.tables:
        PAGE.write_text(page(), "utf-8")
        return
    seeds = DEVELOPMENT if arguments.development else REPORTED
    pairs = itertools.product(STYLES, seeds)
    sung = [(f"{style.name} {seed}", hummed(style, seed)) for style, seed in pairs]
    if arguments.development:
        measure_notes(sung)
        return
    content: dict[str, Any] = {
        **facts(0),
        "seeds": list(REPORTED),
        "renders": _RENDERS,
        "played": {},
        "hums played": {},
    }
    content["notes"] = measure_notes(sung)
    people: list[tuple[str, Sound]] = []
    if arguments.hums:
        hums = [(path.name, load(path)) for path in sorted(arguments.hums.glob("*.flac"))]
        content["hums"] = measure_hums(hums, _pitches(arguments.hums))
        people = [(name, sound) for name, sound in hums if name.startswith("hum_")]
    voices = [(name, Sound(each.samples, RATE)) for name, each in sung]
    for synth in arguments.synth:
        for key, some in (("played", voices), ("hums played", people)):
            content[key][synth] = measure_played(some, synth)
            # After each part, so that a run that is stopped has what it has.
            write_atomically(RESULTS, f"{json.dumps(content, indent=1)}\n".encode())
            PAGE.write_text(page(), "utf-8")


def page() -> str:
    """Returns the document with the tables of the results.

    Raises:
        ValueError: If it has no place for one of them.
    """
    results = json.loads(RESULTS.read_text("utf-8"))
    return filled(PAGE, {"notes": _notes(results), "played": _played(results), "hums": _hums(results)})


def _notes(results: Mapping[str, Any]) -> list[str]:
    lines = [
        "| way | F1 | least F1 | precision | recall | pitch off by | onset off by | on the key that was meant |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    names = {"patchflow": "`patchflow sketch`", "SwiftF0": "SwiftF0, its own notes", "pYIN": "pYIN, frames rounded"}
    for way, name in names.items():
        found = results["notes"][way]
        mean = found["mean"]
        scores = [mean["F1"], found["least F1"], mean["precision"], mean["recall"]]
        cells = [f"{score:.3f}" for score in scores]
        cells += [f"{mean['cents']:.1f} cents", f"{mean['onset, ms']:.0f} ms", f"{found['keys that were meant']:.1%}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _played(results: Mapping[str, Any]) -> list[str]:
    lines = [
        "| synth | voices | distance of the preset | pitch off by | correlation of levels |",
        "|---|---|---:|---:|---:|",
    ]
    for voices, key in (("the ten made ones", "played"), ("recorded hums", "hums played")):
        for synth, found in results[key].items():
            middle = found["median"]
            if not middle:
                continue
            count = f"{voices}, {len(found['voices'])} sketched"
            pitch = f"{middle['pitch, median absolute cents']:.0f} cents"
            cells = [f"{middle['distance, dB']:.1f} dB", pitch, f"{middle['level correlation']:.2f}"]
            lines.append(f"| `{synth}` | {count} | {' | '.join(cells)} |")
    return lines


def _hums(results: Mapping[str, Any]) -> list[str]:
    lines = ["| recordings | with a label | sketched | within 50 cents of the label |", "|---|---:|---:|---:|"]
    for name, key in (("hums", "of hums"), ("all vocal imitations", "of all")):
        if "hums" not in results:
            continue
        found = results["hums"][key]
        cells = [found["with a pitch in the table"], found["sung"], found["agree within 50 cents"]]
        lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
    return lines


def measure_notes(sung: Sequence[tuple[str, Hummed]]) -> dict[str, dict[str, object]]:
    """Returns the scores of each way to find notes, for each melody and in the mean."""
    ways: dict[str, Callable[[Hummed], list[SungNote]]] = {
        "patchflow": by_patchflow,
        "SwiftF0": by_swift_f0,
        "pYIN": by_pyin,
    }
    scores: dict[str, dict[str, object]] = {}
    for way, find in ways.items():
        rows = {}
        right = 0
        for name, melody in sung:
            found = find(melody)
            rows[name] = note_scores(melody.notes, found)
            right += _right_keys(melody, found, way == "patchflow")
        mean = {}
        for key in _SCORES:
            values = [row[key] for row in rows.values()]
            mean[key] = round(float(np.nanmean(values)), 4)
        scores[way] = {"mean": mean, "least F1": min(row["F1"] for row in rows.values()), "melodies": rows}
        print(way, mean, flush=True)
        scores[way]["keys that were meant"] = round(right / sum(len(melody.keys) for _, melody in sung), 4)
    tuning = [melody_of(Sound(melody.samples, RATE)).tuning - melody.tuning for _, melody in sung]
    scores["patchflow"]["tuning, mean absolute cents"] = round(float(np.abs(tuning).mean()), 2)
    return scores


def by_patchflow(melody: Hummed) -> list[SungNote]:
    """Returns the notes that a sketch finds."""
    found = melody_of(Sound(melody.samples, RATE))
    return [SungNote(note.onset, note.end, note.pitch) for note in found.notes]


def by_swift_f0(melody: Hummed) -> list[SungNote]:
    """Returns the notes by SwiftF0 and its own segmentation, at their defaults."""
    samples = librosa.resample(melody.samples, orig_sr=RATE, target_sr=16_000)
    notes = segment_notes(SwiftF0(threads=1, spin=False).detect(samples, 16_000))
    return [SungNote(note.start, note.end, _semitones(note.pitch_hz)) for note in notes]


def by_pyin(melody: Hummed) -> list[SungNote]:
    """Returns runs of frames that pYIN hears on one key."""
    hop = 256
    hz, voiced, _ = librosa.pyin(melody.samples, fmin=65, fmax=2100, sr=RATE, frame_length=2048, hop_length=hop)
    keys = np.where(voiced, np.round(librosa.hz_to_midi(np.where(voiced, hz, 440.0))), -1)
    ends = np.flatnonzero(np.diff(keys)) + 1
    notes = []
    for run in np.split(np.arange(len(keys)), ends):
        onset = float(run[0]) * hop / RATE
        end = float(run[-1] + 1) * hop / RATE
        if keys[run[0]] >= 0 and end - onset >= _SHORTEST:
            notes.append(SungNote(onset, end, float(keys[run[0]])))
    return notes


_SCORES = ("precision", "recall", "F1", "cents", "onset, ms")


def note_scores(sung: Sequence[SungNote], found: Sequence[SungNote]) -> dict[str, float]:
    """Returns precision, recall and F1 of notes, and how far those that were found are off in the mean.

    References:
        Raffel et al., mir_eval: a transparent implementation of common MIR metrics (2014), https://mir-eval.readthedocs.io
    """
    pairs = found_pairs(sung, found)
    precision = len(pairs) / max(len(found), 1)
    recall = len(pairs) / len(sung)
    cents = [100 * abs(sung[one].pitch - found[other].pitch) for one, other in pairs]
    onsets = [1000 * abs(sung[one].onset - found[other].onset) for one, other in pairs]
    values = (
        precision,
        recall,
        2 * precision * recall / max(precision + recall, 1e-9),
        float(np.mean(cents)) if pairs else math.nan,
        float(np.mean(onsets)) if pairs else math.nan,
    )
    return {name: round(value, 4) for name, value in zip(_SCORES, values, strict=True)}


def found_pairs(sung: Sequence[SungNote], found: Sequence[SungNote]) -> list[tuple[int, int]]:
    """Returns which note was found as which, as many pairs as there can be."""
    if not found:
        return []
    near = np.zeros((len(sung), len(found)), bool)
    for row, one in enumerate(sung):
        for column, other in enumerate(found):
            same_time = round(abs(one.onset - other.onset), 4) <= _ONSET
            same_pitch = 100 * abs(one.pitch - other.pitch) <= _CENTS
            near[row, column] = same_time and same_pitch
    partner = maximum_bipartite_matching(csr_array(near), perm_type="column")
    return [(row, int(column)) for row, column in enumerate(partner) if column >= 0]


def _right_keys(melody: Hummed, found: Sequence[SungNote], tuned: bool) -> int:
    """How many notes are found on the key that was meant: rounded in the singer's tuning, or to the nearest key."""
    tuning = melody_of(Sound(melody.samples, RATE)).tuning / 100 if tuned else 0.0
    pairs = found_pairs(melody.notes, found)
    return sum(round(found[other].pitch - tuning) == melody.keys[one] for one, other in pairs)


def measure_played(voices: Sequence[tuple[str, Sound]], synth: str) -> dict[str, object]:
    """Returns how what a synth plays compares with the voices, for each and in the middle."""
    rows: dict[str, dict[str, float | None]] = {}
    refused: dict[str, str] = {}
    for name, voice in voices:
        try:
            found = sketch(voice, synth, renders=_RENDERS)
        except AudioError as error:
            refused[name] = str(error)
            continue
        rows[name] = {**heard_beside(found), "distance, dB": round(_distance(found), 2)}
        print(synth, name, rows[name], flush=True)
    middle = {}
    for key in next(iter(rows.values()), {}):
        values = [value for row in rows.values() if (value := row[key]) is not None]
        middle[key] = round(statistics.median(values), 4)
    return {"median": middle, "refused": refused, "voices": rows}


def heard_beside(found: Sketch) -> dict[str, float | None]:
    """Returns how far the pitch of what is played is from that of the voice, and how well the levels agree.

    The pitch is compared where both have one, in notes, in the singer's tuning, and without whole octaves. Levels are
    compared from the beginning of the voice to its end, down to 40 dB below their loudest.
    """
    sung = found.melody.contours
    played = voice_contours(found.sound, SKETCH_RATE)
    size = min(len(sung.pitch), len(played.pitch))
    inside = np.zeros(len(sung.pitch), bool)
    for note in found.melody.notes:
        inside |= sung.within(note)
    both = (inside & sung.voiced)[:size] & played.voiced[:size]
    off = 100 * (played.pitch[:size] - sung.pitch[:size])[both] + found.melody.tuning
    octaves = 1200 * np.round(np.median(off) / 1200) if len(off) else 0.0
    levels = np.stack([sung.level_db[:size], played.level_db[:size]])
    levels = np.maximum(levels, levels.max(1, keepdims=True) - _FLOOR_DB)
    moves = bool(levels.std(1).min() > 0)
    return {
        "pitch, median absolute cents": round(float(np.median(np.abs(off - octaves))), 1) if len(off) else None,
        "octaves": float(octaves / 1200),
        "level correlation": round(float(np.corrcoef(levels)[0, 1]), 3) if moves else None,
    }


def _distance(found: Sketch) -> float:
    return math.nan if found.match is None else found.match.candidates[0].distances["perceptual"]


def measure_hums(hums: Sequence[tuple[str, Sound]], pitches: dict[str, float | None]) -> dict[str, object]:
    """Returns how often the notes that are found agree with the pitch that a table has for a recording."""
    rows: dict[str, dict[str, object]] = {}
    for name, sound in hums:
        wanted = pitches.get(name)
        try:
            melody = melody_of(sound)
        except AudioError as error:
            rows[name] = {"pitch in the table": wanted, "said": str(error)}
            continue
        # What the table has is the median over all frames.
        within = np.zeros(len(melody.contours.pitch), bool)
        for note in melody.notes:
            within |= melody.contours.within(note)
        pitch = float(np.median(melody.contours.pitch[within & melody.contours.voiced]))
        rows[name] = {"pitch in the table": wanted, "pitch": round(pitch, 2), "notes": len(melody.notes)}
    people = [row for name, row in rows.items() if name.startswith("hum_")]
    return {"of all": _agreement(list(rows.values())), "of hums": _agreement(people), "recordings": rows}


def _agreement(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many recordings have a pitch in the table, and of how many of these it is the one that is found."""
    labelled = [row for row in rows if row["pitch in the table"] is not None]
    sung = [row for row in labelled if "pitch" in row]
    near = [row for row in sung if abs(row["pitch"] - row["pitch in the table"]) <= _CENTS / 100]
    return {"with a pitch in the table": len(labelled), "sung": len(sung), "agree within 50 cents": len(near)}


def _pitches(folder: Path) -> dict[str, float | None]:
    """The pitch of each recording in a table, in semitones; None where it has none."""
    file = next(path for path in (folder / "manifest.csv", folder.parent / "manifest.csv") if path.exists())
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {Path(row["file"]).name: float(row["pitch_midi"]) if row["pitch_midi"] else None for row in rows}


def _semitones(hz: float) -> float:
    return 69 + 12 * math.log2(hz / 440)


if __name__ == "__main__":
    main()
