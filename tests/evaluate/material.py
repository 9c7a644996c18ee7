"""Tiny examples of the tone engine, runs of a small model on them, and a tone that is hard to play."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patchflow.data.bank import deal
from patchflow.data.examples import Content, write_examples
from patchflow.data.examples.attributes import Attribute
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError
from patchflow.features.inputs import inputs
from patchflow.models import models, save_model

__all__ = ["SYNTH", "Fragile", "make_examples", "make_run"]

SYNTH = "tone"
COUNT = 60
SMALL = {"width": 4, "context": 8, "hidden": 8, "transforms": 2, "bins": 4}


class Fragile(Tone):
    """A tone that does not play presets with a decay in the upper half."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note."""
        if point[1] > 0.5:
            raise RenderError(f"decay={point[1]:.2f}:\nit crashed")
        return super().render(point, note, rate)


def make_examples(folder: Path, seed: int = 0, folds_seed: int = 0) -> Path:
    """Writes examples, two sounds a family, of which many are tagged by their decay."""
    rng, engine = np.random.default_rng(seed), engines[SYNTH]()
    points = engine.space.snap(rng.random((COUNT, 3)) * [1, 1, 0.5] + [0, 0, 0.5]).astype(np.float32)
    heard, note = inputs["levels"], Note(60, 100, 3.0, 4.0)
    sounds = np.stack([engine.render(point, note, heard.rate) for point in points])
    mels = heard.of(torch.from_numpy(sounds), heard.rate).numpy().astype(np.float16)
    count = np.arange(COUNT)
    content = Content(
        synth=SYNTH, parameters=engine.space.names, input="levels", mels=mels, points=points,
        notes=np.tile([60.0, 100.0, 3.0], (COUNT, 1)), family=count // 2, parts=deal(count // 2, 5, 0.1, folds_seed),
        names=np.array([f"tone {k}" for k in count]), category=np.array(["short", "long"])[count % 2],
        attributes=(Attribute("short", "long", "movement"),), measures=points[:, 1:2], tagged=0.9,
    )  # fmt: skip
    write_examples(folder, content)
    return folder


def make_run(folder: Path, examples: Path, seed: int = 0, **keys: Any) -> Path:
    """Writes what training leaves behind of a small model, which has learned nothing."""
    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    model = models["posterior"](engines[SYNTH].space, **SMALL)
    about = {"steps": 30, "minutes": 0.5}
    save_model(folder / f"{SYNTH}.safetensors", model, "posterior", SYNTH, about=about)
    recipe = {"data": str(examples), "fold": 0, "synth": SYNTH, "model": "posterior", "seed": seed, "sizes": SMALL}
    (folder / "recipe.json").write_text(json.dumps(recipe | keys))
    return folder
