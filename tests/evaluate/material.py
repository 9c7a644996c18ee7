"""Tiny examples of the tone engine, and a run of a small model on them."""

import json
from pathlib import Path

import numpy as np
import torch

from patchflow.engines import Note, engines
from patchflow.features.inputs import inputs
from patchflow.models import models, save_model

__all__ = ["SYNTH", "make_examples", "make_run"]

SYNTH = "tone"


def make_examples(folder: Path, count: int = 40, hears: str = "paper", seed: int = 0) -> Path:
    """Writes examples, two sounds a family, of which some are tagged by their decay."""
    rng, engine = np.random.default_rng(seed), engines[SYNTH]()
    points = engine.space.snap(rng.random((count, 3)) * [1, 1, 0.5] + [0, 0, 0.5]).astype(np.float32)
    heard, note = inputs[hears], Note(60, 100, 3.0, 4.0)
    sounds = np.stack([engine.render(point, note, heard.rate) for point in points])
    mels = heard.of(torch.from_numpy(sounds), heard.rate).numpy().astype(np.float16)
    folder.mkdir(parents=True)
    notes = np.tile(np.array([60, 100, 3.0], np.float32), (count, 1))
    tags = np.where(points[:, 1:2] > 0.6, 1, np.where(points[:, 1:2] < 0.4, -1, 0)).astype(np.int8)
    np.savez(
        folder / "a.npz", mels=mels, points=points, notes=notes, tags=tags, family=np.arange(count) // 2,
        names=np.array([f"tone {k}" for k in range(count)]), category=np.array(["short", "long"])[np.arange(count) % 2],
    )  # fmt: skip
    (folder / "a.json").write_text(json.dumps({"synth": SYNTH, "hears": hears, "pairs": [["short", "long"]]}))
    return folder
