"""Writes the Vital presets that Syntheon 0.1.0 makes of sounds, for the row of it in a table of recordings.

Usage: python benchmarks/syntheon_presets.py SOUNDS FOLDER [--each N]

In an environment of its own, since Syntheon asks for versions of 2022:

    pip install --no-deps syntheon==0.1.0 librosa==0.9.1
    pip install torch nnAudio==0.3.1 pyyaml resampy "numpy<2" "setuptools<81" soundfile scipy scikit-learn numba

SOUNDS has a `manifest.csv`; FOLDER gets a `.vital` file for each sound, named after it. Syntheon's own weights and code
are used, but for two things: its pitch tracker, CREPE, downloads its weights, so pYIN takes its place (and 261.6 Hz
where pYIN finds no pitch at all); and `Resize` of torchvision is the interpolation that it calls itself.
"""

import argparse
import csv
import importlib
import sys
import types
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch

RATE = 16_000  # of Syntheon
MIDDLE_C = 261.6


class Pyin:
    """Stands in for the pitch tracker that Syntheon downloads."""

    def predict(self, audio: np.ndarray, sr: int, step_size: int, **_others: object) -> np.ndarray:
        """Returns the pitch every `step_size` ms, in Hz, shape `(N,)`."""
        hop = sr * step_size // 1000
        pitch, _voiced, _probability = librosa.pyin(audio, fmin=32, fmax=2000, sr=sr, frame_length=2048, hop_length=hop)
        known = np.flatnonzero(np.isfinite(pitch))
        if not len(known):
            return np.full(len(pitch), MIDDLE_C)
        return np.interp(np.arange(len(pitch)), known, pitch[known])


class Resize:
    """What torchvision 0.13 does with a tensor: bilinear, without antialiasing."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Returns `(C, H, W)` as `(C, *size)`."""
        return torch.nn.functional.interpolate(x[None], self.size, mode="bilinear", align_corners=False)[0]


def inferencer() -> tuple[Any, Any]:
    """Returns Syntheon's classes for Vital, with stand-ins for what it imports and is not there."""
    tracker = types.ModuleType("torchcrepeV2")
    vars(tracker)["ONNXTorchCrepePredictor"] = Pyin
    pictures = types.ModuleType("torchvision")
    transforms = types.ModuleType("torchvision.transforms")
    vars(transforms)["Resize"] = Resize
    sys.modules |= {"torchcrepeV2": tracker, "torchvision": pictures, "torchvision.transforms": transforms}
    found = importlib.import_module("syntheon.inferencer.vital.vital_inferencer")
    written = importlib.import_module("syntheon.converter.vital.vital_converter")
    return found.VitalInferencer(device="cpu"), written.VitalConverter


def main() -> None:
    """Writes the presets that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    model, converter = inferencer()
    with (options.sounds / "manifest.csv").open(encoding="utf-8") as file:
        names = [line["file"] for line in csv.DictReader(file)]
    for name in names:
        out = options.folder / Path(name).with_suffix(".vital").name
        if out.exists():
            continue
        try:
            parameters, _ = model.convert(str(options.sounds / name))
        except Exception as error:  # noqa: BLE001 - whatever it does with a sound is its result
            print(f"{name}: {type(error).__name__}: {error}")
            continue
        made = converter()
        made.dict = parameters
        made.parseToPluginFile(str(out))


if __name__ == "__main__":
    main()
