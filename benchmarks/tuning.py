"""Which metric hears how far a sound is out of tune: DX7 voices some cents off, beside steps of their other knobs.

Usage: python benchmarks/tuning.py BANK.npz [--voices 24]  (writes benchmarks/results/tuning.json)

Voices are drawn from the validation part, one a family, and played on the Cs from 24 to 96. A sound some cents
higher is the same preset rendered at a lower rate and read at the common one, so all its partials are exactly that much
higher (and all its times up to 6 % shorter, but for how long the key is held). An octave is another key. A step is one
of the cells of a knob that has nothing to do with pitch; it is audible if it changes log-mel L1 by 0.1 dB.
Voices without a pitch are counted and left out: those whose fine spectrum does not agree with itself 30 cents higher.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from timing import facts

from patchflow.data.bank import Bank
from patchflow.engines import Engine, Note, engines
from patchflow.features.log_spectrum import PARTIALS, best_shift, fine_spectrum
from patchflow.metrics import metrics

RESULTS = Path(__file__).parent / "results" / "tuning.json"
RATE = 22_050
NOTES = (24, 36, 48, 60, 72, 84, 96)
CENTS = (10, 20, 30, 50, 100)
THIRTY = CENTS.index(30)
QUARTER_TONE = CENTS.index(50)
OCTAVE = len(CENTS)  # its place behind the others
STEPS = 8  # of other knobs, of every voice and note
AUDIBLE = 0.1  # dB of log-mel L1
FAINT = 1e-3  # peak below which a voice does not play on a note
LENGTH = 2.0  # seconds
HOLD = 1.5
SEED = 0
PITCH = ("coarse", "fine", "detune", "mode", "transpose", "pitch")  # in the names of knobs that have to do with pitch


class Sounds(NamedTuple):
    """A voice on a note: as it is, out of tune and an octave off, with another knob moved; each of shape `(N, T)`."""

    note: int
    target: torch.Tensor
    off: torch.Tensor
    steps: torch.Tensor


def main() -> None:
    """Prints and writes what every metric hears."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("--voices", type=int, default=24)
    options = parser.parse_args()
    torch.set_num_threads(1)
    run = facts(SEED)
    engine = engines["dexed"]()
    heard = [played(engine, point, note, seed) for seed, point in enumerate(voices(options)) for note in NOTES]
    loud = [sounds for sounds in heard if sounds is not None]
    shifts = [shift_of(sounds) for sounds in loud]
    pitched = [sounds for sounds, (_, agreement) in zip(loud, shifts, strict=True) if agreement[THIRTY] >= PARTIALS]
    table = {}
    for name in ("random", *metrics):
        table[name] = summary(name, pitched)
        print(
            f"{name:22}", json.dumps({key: value for key, value in table[name].items() if key != "notes"}), flush=True
        )
    report = {
        **run,
        "voices": options.voices,
        "sounds": len(loud),
        "pitched": len(pitched),
        "cents": CENTS,
        "notes": NOTES,
        "shift": shift_errors([cents for cents, agreement in shifts if agreement[THIRTY] >= PARTIALS]),
        "metrics": table,
    }
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def voices(options: argparse.Namespace) -> np.ndarray:
    """Returns encoded voices of the validation part, each of another family."""
    valid = Bank.load(options.bank).part("valid")
    _, first = np.unique(valid.family, return_index=True)
    return valid.points[np.random.default_rng(SEED).permutation(first)[: options.voices]]


def played(engine: Engine, point: np.ndarray, note: int, seed: int) -> Sounds | None:
    """Plays all of a voice on a note; None where it is too faint."""
    target = render(engine, point, note)
    if np.abs(target).max() < FAINT:
        return None
    off = [render(engine, point, note, cents) for cents in CENTS]
    off.append(render(engine, point, note + 12 if note < max(NOTES) else note - 12))
    steps = []
    for place in np.random.default_rng((seed, note)).permutation(other_knobs(engine))[:STEPS]:
        moved = point.copy()
        moved[place] += (1 if point[place] < 0.5 else -1) / engine.space.cells[place]
        steps.append(render(engine, engine.space.snap(moved[None])[0], note))
    sounds = (target[None], np.stack(off), np.stack(steps))
    return Sounds(note, *(torch.from_numpy(part) for part in sounds))


def render(engine: Engine, point: np.ndarray, note: int, cents: float = 0.0) -> np.ndarray:
    """Plays a preset some cents higher, at the common rate."""
    rate = round(RATE * 2 ** (-cents / 1200))
    slower = RATE / rate
    sound = engine.render(point, Note(note, 100, HOLD * slower, LENGTH * slower), rate)
    samples = round(LENGTH * RATE)
    return np.pad(sound, (0, max(0, samples - len(sound))))[:samples]


def other_knobs(engine: Engine) -> np.ndarray:
    """Returns the positions of ordered parameters that have nothing to do with pitch."""
    ordered = np.flatnonzero(~engine.space.categorical)
    names = engine.space.names
    return np.array([place for place in ordered if not any(word in names[place] for word in PITCH)])


def shift_of(sounds: Sounds) -> tuple[np.ndarray, np.ndarray]:
    """Returns how many cents each sound out of tune is found to be above the voice, and the agreement there."""
    shift = best_shift(fine_spectrum(sounds.off, RATE), fine_spectrum(sounds.target, RATE))
    octave = 1200 if sounds.note < max(NOTES) else -1200
    return shift.cents.numpy() - np.array([*CENTS, octave]), shift.agreement.numpy()


def shift_errors(errors: list[np.ndarray]) -> dict[str, list[float]]:
    """Returns how well the shift of fine spectra tells cents, for each of them and the octave."""
    off = np.abs(np.stack(errors))
    return {
        "median_error": np.median(off, 0).round(2).tolist(),
        "within_5": (off <= 5).mean(0).round(3).tolist(),
        "within_20": (off <= 20).mean(0).round(3).tolist(),
    }


def distances(name: str, sounds: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    """Returns how far sounds are from one target, 0 for the same."""
    if name == "random":
        return np.random.default_rng(int(sounds.abs().sum())).random(len(sounds))
    metric = metrics[name]
    sign = 1 if metric.better == "lower" else -1
    found = metric(sounds, target.expand(len(sounds), -1), RATE).numpy()
    return np.nan_to_num(sign * (found - metric.best))


def summary(name: str, heard: list[Sounds]) -> Mapping[str, object]:
    """Returns what a metric hears, over all sounds and, as a list, by note."""
    rows: dict[int, list[dict[str, float]]] = {note: [] for note in NOTES}
    for sounds in heard:
        audible = distances("log_mel_l1", sounds.steps, sounds.target) >= AUDIBLE
        off = distances(name, sounds.off, sounds.target)
        steps = distances(name, sounds.steps, sounds.target)[audible]
        row = {
            "grows": float((np.diff(off[:OCTAVE], prepend=0) > 0).mean()),
            "octave_beyond_quarter_tone": float(off[OCTAVE] > off[QUARTER_TONE]),
        }
        if len(steps):
            row["30_cents_beyond_median_step"] = float(off[THIRTY] > np.median(steps))
            row["quarter_tone_beyond_steps"] = float((off[QUARTER_TONE] > steps).mean())
            row["octave_beyond_steps"] = float((off[OCTAVE] > steps).mean())
            row["step"] = float(np.median(steps))
        row |= {f"{cents}_cents": float(value) for cents, value in zip((*CENTS, 1200), off, strict=True)}
        rows[sounds.note].append(row)
    everything = [row for part in rows.values() for row in part]
    return mean(everything) | {"notes": [mean(rows[note]) for note in NOTES]}


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """Returns the mean of each value over the rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    means = {}
    for name in names:
        values = [row[name] for row in rows if name in row]
        means[name] = round(float(np.mean(values)), 4)
    return means


if __name__ == "__main__":
    main()
