"""How often the pitch of a sound is found: by periods alone, by the network alone, and by all evidence together.

Usage: python benchmarks/pitch.py fit BANK
       python benchmarks/pitch.py measure BANK SOUNDS  (writes benchmarks/results/pitch.json)

`fit` prints the weights of `patchflow/audio/pitch/estimate.py`: by synthesised tones and drums, and by DX7 voices for
training. `measure` counts on other synthesised sounds, on DX7 voices for validation, and on recordings: SOUNDS is a
folder with a `manifest.csv` (file, category, pitch_midi, pitch_source). A DX7 voice counts if it is known what sounds:
every audible operator is a whole multiple of the key, and one of them is the key itself. A note is right within 75
cents, because a tuning between two keys may go to either; of estimates in the manifest, within 150.
"""

import argparse
import csv
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pitch_sounds import MOVING, RATE, TONES, sounds
from timing import facts
from torch import Tensor
from torch.nn import functional

from patchflow.audio import load, resample, trim
from patchflow.audio.pitch import estimate_pitch
from patchflow.audio.pitch.estimate import EVIDENCE, NOTES, PITCHED, PitchEvidence, gather
from patchflow.data import Bank
from patchflow.engines import Note, Renderer, engines
from patchflow.presets import dx7

OUT = Path(__file__).parent / "results" / "pitch.json"
RIGHT = 0.75  # semitones
ESTIMATED = 1.5
SEED = 0
BINS = (0.0, 0.2, 0.4, 0.6, 0.75, 1.0)


@dataclass(frozen=True)
class Labelled:
    """A sound whose pitch is known, in semitones; -1 if it is known to have none."""

    group: str
    name: str
    pitch: float
    samples: np.ndarray


def main() -> None:
    """Fits or measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fit", "measure"))
    parser.add_argument("bank", type=Path)
    parser.add_argument("sounds", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=3_000)
    options = parser.parse_args()
    if options.what == "fit":
        resting = [sound for sound in synthesised(options.count, SEED) if sound.name != "glide"]
        fit([*resting, *voices(Bank.load(options.bank), "train")])
        return
    held = [*synthesised(options.count // 3, SEED + 1), *voices(Bank.load(options.bank), "valid")]
    held += [*voices(Bank.load(options.bank), "valid", every=True), *recordings(options.sounds)]
    run = facts(SEED + 1)
    groups: dict[str, list[dict[str, Any]]] = {}
    for sound in held:
        groups.setdefault(sound.group, []).append(judged(sound))
    found = {name: summary(rows) for name, rows in groups.items()}
    report = run | {"groups": found}
    OUT.write_text(json.dumps(report, indent=1) + "\n")
    for name, numbers in found.items():
        print(name, json.dumps(numbers))


def synthesised(count: int, seed: int) -> Iterator[Labelled]:
    """Yields synthesised sounds."""
    for kind, pitch, x in sounds(count, seed):
        group = "drums and noise" if pitch < 0 else "tones"
        group = "moving" if kind in MOVING else "basses C1 to C3" if kind.startswith("bass") else group
        yield Labelled(group, kind, pitch, x)


def voices(bank: Bank, part: str, *, every: bool = False) -> Iterator[Labelled]:
    """Yields DX7 voices of a part of the bank, one a family: those that sound the key they are played on, or all."""
    rows = np.nonzero(bank.split == part)[0]
    _, first = np.unique(bank.family[rows], return_index=True)
    rows = [row for row in rows[first] if every or _sounds_its_key(bank.points[row])][:400]
    group = "DX7 voices, all" if every else "DX7 voices"
    rng = np.random.default_rng(SEED)
    keys = rng.integers(28, 85, len(rows))
    notes = [Note(int(key), 100, 1.0, 1.5) for key in keys]
    with Renderer(engines["dexed"]) as renderer:
        played = renderer.render(bank.points[rows], notes, RATE)
    for row, key, x in zip(rows, keys, played, strict=True):
        loud = np.nonzero(np.abs(x) > 0.003 * np.abs(x).max())[0]
        if len(loud) > RATE // 20:
            yield Labelled(group, str(bank.names[row]), float(key), x[loud[0] : loud[-1] + 1])


def _sounds_its_key(point: np.ndarray) -> bool:
    values = dx7.SPACE.decode(point)
    ratios = []
    for op in (f"op{n}" for n in range(1, dx7.OPERATORS + 1)):
        if float(values[f"{op}.output"]) < 30:
            continue
        if values[f"{op}.mode"] == "fixed" or values[f"{op}.fine"]:
            return False
        ratios.append(float(values[f"{op}.coarse"]))
    flat = all(values[f"pitch.level{n}"] == 50 for n in range(1, 5))
    return flat and values["transpose"] == 0 and 0 not in ratios and 1 in ratios


def recordings(folder: Path) -> Iterator[Labelled]:
    """Yields the recordings of a manifest whose pitch is labelled, estimated or known to be none."""
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if not row["pitch_midi"]:
            continue
        group = f"{row['category']}, {'estimated' if row['pitch_source'] == 'pyin-median' else 'labelled'}"
        sound = trim(load(folder / row["file"]))
        yield Labelled(group, row["file"], float(row["pitch_midi"]), resample(sound.samples, sound.rate, RATE))


def judged(sound: Labelled) -> dict[str, Any]:
    """What each way says about a sound."""
    evidence = gather(sound.samples, RATE)
    found = estimate_pitch(sound.samples, RATE)
    within = ESTIMATED if sound.group.endswith("estimated") else RIGHT
    firsts = {
        "periods": int(NOTES[evidence.periods.argmax()]),
        "network": int(NOTES[evidence.voiced.argmax()]),
        "all": found.guesses[0].pitch,
    }
    right = {way: abs(note - sound.pitch) <= within for way, note in firsts.items()}
    octave = {}
    for way, note in firsts.items():
        octave[way] = not right[way] and abs((note - sound.pitch + 6) % 12 - 6) <= within
    sounding = found.guesses[0].pitch if found.sounding is None else found.sounding
    return {
        "name": sound.name,
        "right": right,
        "octave": octave,
        "among five": any(abs(guess.pitch - sound.pitch) <= within for guess in found.guesses),
        "cents": 100 * abs(sounding - sound.pitch),
        "confidence": found.guesses[0].confidence,
        "pitched": found.pitched,
        "remark": found.remark,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares over the sounds of a group."""
    right = np.array([row["right"]["all"] for row in rows])
    confidence = np.array([row["confidence"] for row in rows])
    calibration = []
    for low, high in itertools.pairwise(BINS):
        inside = (confidence >= low) & (confidence < high)
        if inside.any():
            calibration.append([low, high, int(inside.sum()), round(float(right[inside].mean()), 3)])
    found: dict[str, Any] = {"sounds": len(rows)}
    for way in ("periods", "network", "all"):
        found[f"right, {way}"] = round(float(np.mean([row["right"][way] for row in rows])), 3)
        found[f"octave, {way}"] = round(float(np.mean([row["octave"][way] for row in rows])), 3)
    found["among five"] = round(float(np.mean([row["among five"] for row in rows])), 3)
    found["median cents"] = round(float(np.median([row["cents"] for row in rows])), 1)
    found["pitched"] = round(float(np.mean([row["pitched"] for row in rows])), 3)
    found["confidence, from, to, sounds, right"] = calibration
    found["wrong"] = sorted(row["name"] for row in rows if not row["right"]["all"] and row["name"] not in TONES)[:40]
    remarks = sorted(f"{row['name']}: {row['remark']}" for row in rows if row["remark"])
    found["remarks"] = remarks if rows[0]["name"] not in TONES else remarks[::10]
    return found


def fit(held: list[Labelled]) -> None:
    """Prints weights."""
    evidence = [gather(sound.samples, RATE) for sound in held]
    pitch = np.array([sound.pitch for sound in held])
    has_pitch = pitch > 0
    pitched = [found for found, has in zip(evidence, has_pitch, strict=True) if has]
    # Which note a tone between two is, is a matter of taste: both are right there.
    off = np.abs(pitch[has_pitch][:, None] - NOTES)
    wanted = torch.from_numpy(np.clip((0.75 - off) / 0.5, 0, 1)).float()
    wanted = wanted / wanted.sum(1, keepdim=True)
    kinds = torch.from_numpy(np.stack([found.of_notes for found in pitched])).float()
    weights = _minimised(kinds, 1e-4, lambda logit: -(wanted * functional.log_softmax(logit, 1)).sum(1).mean())
    print("\n".join(f'    "{name}": {weight:.2f},' for name, weight in zip(EVIDENCE, weights, strict=True)))

    of_pitch = torch.from_numpy(np.stack([_of_pitch(found, weights) for found in evidence])).float()
    label = torch.from_numpy(has_pitch).float()
    share = label.mean()
    balance = torch.where(label > 0, 0.5 / share, 0.5 / (1 - share))
    weights = _minimised(
        of_pitch, 1e-3, lambda logit: functional.binary_cross_entropy_with_logits(logit, label, weight=balance)
    )
    print("\n".join(f'    "{name}": {weight:.3f},' for name, weight in zip(PITCHED, weights, strict=True)))


def _of_pitch(found: PitchEvidence, weights: np.ndarray) -> np.ndarray:
    chances = np.exp(found.of_notes @ weights)
    return found.of_pitch(chances / chances.sum())


def _minimised(kinds: Tensor, ridge: float, loss: Any) -> np.ndarray:
    """Weights of a logit model with the least loss and a ridge, in units of each kind's spread."""
    spread = kinds.flatten(0, -2).std(0).clamp_min(1e-6)
    spread[spread < 1e-5] = 1.0  # a constant
    weights = torch.zeros(kinds.shape[-1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        total = loss((kinds / spread) @ weights) + ridge * weights.square().sum()
        total.backward()
        return total

    optimizer.step(step)
    print(f"loss {step().item():.4f}")
    return (weights.detach() / spread).numpy()


if __name__ == "__main__":
    main()
