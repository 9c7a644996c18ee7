"""Makes the examples of reconstruction: own presets, and what the shipped models and the search make of their sounds.

Usage: python site/make_reconstructions.py [--synth dexed] [--out site/examples] [--seed N]

The sounds are draws from a model that comes with the package, so nothing is anybody's.
"""

from pathlib import Path

import numpy as np
import torch
from example_files import write_about, write_clip
from maker import LISTENING_RATE, LONG, Maker, distance_between, emptied, make_with
from sections import Attempt, Reconstruction, Sound

from patchflow.audio.conditioning import resample
from patchflow.explore.player import RATE
from patchflow.match import Matcher
from patchflow.metrics.perceptual import Reference

SOUNDS = 12
FEW_SOUNDS = 6  # of a synth that has a posterior alone
SEARCH = 400  # renders


def make(maker: Maker) -> None:
    """Own presets, and what the shipped models and the search make of their sounds."""
    folder = emptied(maker.out / f"reconstruction-{maker.synth}")
    matcher = Matcher.load(maker.synth)
    sounds = []
    has_joint = maker.good.space.model is not None
    for number, index in enumerate(maker.diverse(SOUNDS if has_joint else FEW_SOUNDS), 1):
        name = f"Sound {number}: {maker.words(index)}"
        point = maker.draws.points[index]
        original = maker.play(point, LONG)
        heard = resample(original, LISTENING_RATE, RATE)
        found = {
            "search": matcher.match(original, LISTENING_RATE, renders=SEARCH, note=LONG.pitch).candidates[0].point,
            "posterior, best of 16": matcher.match(original, LISTENING_RATE, renders=16, note=60).candidates[0].point,
        }
        if has_joint:
            found["flow_joint"] = maker.predicted(heard)
        found["nearest draw"] = _nearest(maker, index)
        found["random draw"] = maker.draws.points[(index + 1) % len(maker.draws)]
        attempts = [_attempt(maker, folder, f"{number}", name, method, each, heard) for method, each in found.items()]
        clip = write_clip(folder / f"{number}.mp3", original, LISTENING_RATE, f"{name}, original")
        sounds.append(Sound(name, clip, maker.positions(point), tuple(attempts)))
        print(f"{name}: " + ", ".join(f"{one.method} {one.distance_db:.1f} dB" for one in attempts), flush=True)
    model = "`flow_joint`" if has_joint else "`posterior`, each for a sound of the DX7"
    text = (
        f"The originals are draws from {model}, chosen to be unlike each other, on C4. The search has {SEARCH} "
        f"renders. The nearest draw is the one of {len(maker.draws)} draws whose sound is nearest."
    )
    write_about(folder, Reconstruction(maker.synth, tuple(sounds), text=text))


def _attempt(
    maker: Maker, folder: Path, stem: str, name: str, method: str, point: np.ndarray, heard: np.ndarray
) -> Attempt:
    sound = maker.play(point, LONG)
    slug = "".join(letter if letter.isalnum() else "-" for letter in method)
    distance = distance_between(resample(sound, LISTENING_RATE, RATE), heard)
    clip = write_clip(folder / f"{stem}-{slug}.mp3", sound, LISTENING_RATE, f"{name}, {method}")
    return Attempt(method, clip, distance, maker.positions(point))


def _nearest(maker: Maker, index: int) -> np.ndarray:
    sounds = maker.draws.renders.sounds[:, 0]
    reference = Reference(torch.from_numpy(sounds[index]))
    distances = reference.distance(torch.from_numpy(sounds)).numpy().copy()
    distances[index] = np.inf
    return maker.draws.points[int(distances.argmin())]


if __name__ == "__main__":
    make_with(make, __doc__ or "", synth=None)
