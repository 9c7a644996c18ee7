"""How far a preset's place in the audio space drifts on the way through its sound.

Usage: python benchmarks/drift.py BANK.npz [--presets 64]  (writes benchmarks/results/drift.json)

Presets of the validation part, each of another family, on the note that the model was trained on. z is the latent of a
preset; the preset of z is played, and the model guesses z' of that sound, which is played again. Given are the distance
of z and z', the distance of the two sounds, and how often a preset comes back from its z exactly. Rows beside it: z of
another preset (`another`), the mean of all (`mean`), and no drift (`itself`).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from timing import facts

from patchflow.data.bank import Bank
from patchflow.engines import Note, Renderer, engines
from patchflow.engines._renderer import INAUDIBLE, one_torch_thread, render_or_silence
from patchflow.explore.audio_space import AudioSpace
from patchflow.explore.player import RATE
from patchflow.metrics.perceptual import perceptual

RESULTS = Path(__file__).parent / "results" / "drift.json"
SYNTH = "dexed"
NOTE = Note()  # that of the examples the shipped weights learned from
SEED = 0


def main() -> None:
    """Prints and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank")
    parser.add_argument("--presets", type=int, default=64)
    options = parser.parse_args()
    run = facts(SEED)
    space = AudioSpace.load(SYNTH)
    if space.model is None:
        raise SystemExit(f"{SYNTH}: no weights of an invertible model")
    with one_torch_thread(), Renderer(engines[SYNTH]) as renderer:
        points, sounds = audible(Bank.load(options.bank).part("valid"), renderer, options.presets)
        z = space.encode(points)
        back = space.presets(z)
        heard = space.hear(sounds, RATE, NOTE)
        rng = np.random.default_rng(SEED)
        places = {
            "itself": z,
            "sound": heard,
            "another": z[(np.arange(len(z)) + 1 + rng.integers(len(z) - 1)) % len(z)],
            "mean": np.repeat(z.mean(0)[None], len(z), 0),
        }
        rows = {name: row(space, renderer, z, other, sounds) for name, other in places.items()}
    report = {
        **run,
        "synth": SYNTH,
        "model": type(space.model).__name__,
        "input": space.model.input,
        "presets": len(points),
        "coordinates": space.size,
        "preset_to_z_to_preset_exact": int((back == points).all(1).sum()),
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def audible(bank: Bank, renderer: Renderer, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns presets, each of another family, that are heard, and their sounds."""
    _, first = np.unique(bank.family, return_index=True)
    order = np.random.default_rng(SEED).permutation(first)[: 2 * count]
    points = bank.points[order]
    sounds = played(renderer, points)
    loud = np.flatnonzero(np.abs(sounds).max(1) >= INAUDIBLE)[:count]
    return points[loud], sounds[loud]


def played(renderer: Renderer, points: np.ndarray) -> np.ndarray:
    """Plays presets."""
    return np.stack(
        list(renderer.map(lambda engine, point: render_or_silence(engine, point, NOTE, RATE), list(points)))
    )


def row(
    space: AudioSpace, renderer: Renderer, z: np.ndarray, other: np.ndarray, sounds: np.ndarray
) -> dict[str, dict[str, float]]:
    """Returns how far other places are from z, root mean square over coordinates, and their sounds from the sounds."""
    drift = np.sqrt(np.square(other - z).mean(1))
    again = played(renderer, space.presets(other))
    distance = perceptual(torch.from_numpy(again), torch.from_numpy(sounds), RATE).numpy()
    return {"z_rms": quartiles(drift), "sound_db": quartiles(distance)}


def quartiles(values: np.ndarray) -> dict[str, float]:
    """Returns median and quartiles."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return {"median": round(float(middle), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


if __name__ == "__main__":
    main()
