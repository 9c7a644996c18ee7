"""Whether turning a macro-control can be heard: presets of a model, played with a word turned both ways."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import torch

from ..data.examples import MEASURED, Examples, measured
from ..engines import Engine, Note, Renderer, engines
from ..errors import RenderError
from ..features.inputs import inputs
from ..models import AutoEncoder, Macros, Model
from .material import Material

__all__ = ["turned_words"]

_MOST = 60  # sounds; each is played twice for every pair of words
_WORDS = (-1.0, 1.0)  # where a macro-control stands for the first of a pair, and for the second


@torch.no_grad()
def turned_words(
    model: Model, examples: Examples, material: Material, device: str = "cpu", workers: int | None = None
) -> list[dict[str, Any]]:
    """Turns each macro-control of the latents of sounds to either word, plays both presets, and compares them.

    Compared is what the word was measured by, so words guessed from names are left out. A preset that cannot be
    played, or of which a measure is not defined, counts as no difference.

    Args:
        model: On the device; nothing is found of one without macro-controls.
        examples: Say what the words are.
        material: Test sounds, of which some are used.
        device: `"cpu"` or `"cuda"`.
        workers: Threads that render; all cores if not given.

    Returns:
        For each pair its `words`, how many `sounds` were turned, `heard`, the share of them that have more of the
        second word when turned to it than when turned to the first, where 0.5 is chance, and `others`: how far the
        same share of the other words is from chance, on average: 0 if one word changes alone, 0.5 if all go along.
    """
    if not (isinstance(model, AutoEncoder) and isinstance(model, Macros) and model.pairs):
        return []
    chosen = material.take(np.unique(np.linspace(0, len(material.items) - 1, _MOST).astype(int)).tolist())
    known = {(pair.low, pair.high): column for column, pair in enumerate(MEASURED)}
    columns = {pair: known[words] for pair, words in enumerate(examples.pairs) if words in known}
    points = _turned(model, chosen, list(columns), device)
    jobs = [(point, item.note) for turned in points for point, item in zip(turned, chosen.items, strict=True)]
    values = _played(examples, jobs, workers).reshape(len(columns), len(_WORDS), len(chosen.items), len(MEASURED))
    beyond_chance = np.nan_to_num(np.sign(values[:, 1] - values[:, 0])).mean(1) / 2  # of all measures, for each pair
    found = []
    for (pair, own), shares in zip(columns.items(), beyond_chance, strict=True):
        others = [abs(float(shares[column])) for column in columns.values() if column != own]
        heard = {"heard": round(0.5 + float(shares[own]), 4), "others": round(float(np.mean(others or [0])), 4)}
        found.append({"words": list(examples.pairs[pair]), "sounds": len(chosen.items), **heard})
    return found


def _turned(model: AutoEncoder, sounds: Material, pairs: Sequence[int], device: str) -> list[np.ndarray]:
    """Presets of sounds (N, P), for each pair turned to its first word, then to its second."""
    assert isinstance(model, Macros)
    mel, note = (torch.from_numpy(np.asarray(x, np.float32)).to(device) for x in (sounds.mels, sounds.notes))
    macro, context = model.macro(model.latent(mel, note)), model.encode(mel, note)
    found = []
    for pair, word in product(pairs, _WORDS):
        turned = macro.clone()
        turned[:, pair] = word
        points = model.presets(model.from_macro(turned), context).double().cpu().numpy()
        found.append(model.space.snap(points))
    return found


def _played(examples: Examples, jobs: list[tuple[np.ndarray, Note]], workers: int | None) -> np.ndarray:
    """What words are measured by, of each preset, shape (N, M); NaN where it cannot be played."""
    rate = inputs[examples.hears].rate

    def work(engine: Engine, job: tuple[np.ndarray, Note]) -> np.ndarray:
        point, note = job
        try:
            return measured(engine.render(point, note, rate), note.hold, rate)
        except RenderError:
            return np.full(len(MEASURED), np.nan)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the renderer's threads fill the cores
    try:
        with Renderer(engines[examples.synth], workers) as renderer:
            return np.stack(list(renderer.map(work, jobs)))
    finally:
        torch.set_num_threads(threads)
