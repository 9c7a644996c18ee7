"""Whether turning a macro-control can be heard: presets of a model, played with a word turned both ways."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import torch

from ..data.examples import MEASURED, Examples, measure_words
from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE
from ..errors import RenderError
from ..features.inputs import inputs
from ..models import AutoEncoder, Macros, Model
from ..threads import one_torch_thread
from .testset import Material, held_out

__all__ = ["turned_words"]

_MOST = 60  # test sounds, one a family as far as there are so many; each is played twice for every pair of words
_WORDS = (-1.0, 1.0)  # where a macro-control stands for the first of a pair, and for the second
_LEAST = 0.01  # what is a difference, in standard deviations over all that was played


@torch.no_grad()
def turned_words(
    model: Model, examples: Examples, device: str = "cpu", workers: int | None = None
) -> list[dict[str, Any]]:
    """Turns each macro-control of the latents of test sounds to either word, plays both presets, and compares them.

    Compared is what the word was measured by, so words guessed from names are left out. A preset that cannot be
    played or heard is no different from the other, and so are two whose measures are within a hundredth of their
    standard deviation.

    Args:
        model: On the device; nothing is found of one without macro-controls.
        examples: Test sounds, and what the words are.
        device: `"cpu"` or `"cuda"`.
        workers: Threads that render; all cores if not given.

    Returns:
        For each pair its `words`; how many `sounds` were turned; `heard`, the share of them that have more of the
        second word when turned to it than when turned to the first, those without a difference counting half, so that
        0.5 is chance; and `others`, how far the same number of the other words is from 0.5, on average: of a macro that
        does nothing to them it is 0, or what chance makes of it.
    """
    if not (isinstance(model, AutoEncoder) and isinstance(model, Macros)):
        return []
    known = {(pair.low, pair.high): column for column, pair in enumerate(MEASURED)}
    columns = {pair: known[words] for pair, words in enumerate(examples.pairs[: model.pairs]) if words in known}
    if not columns:
        return []
    sounds = held_out(examples, _MOST)
    mel, note = (torch.from_numpy(np.asarray(x, np.float32)).to(device) for x in (sounds.mels, sounds.notes))
    context = model.encode(mel, note)
    latent = model.draw(context, torch.zeros(len(mel), model.latent_size, device=device))
    macro, points = model.macro(latent), []
    for pair, word in product(columns, _WORDS):
        turned = macro.clone()
        turned[:, pair] = word
        points.append(model.presets(model.from_macro(turned), context).double().cpu().numpy())
    more = _more(_played(examples, sounds, points, workers))[:, list(columns.values())]
    return [
        {
            "words": list(examples.pairs[pair]),
            "sounds": len(mel),
            "heard": round(float(found[own]), 4),
            "others": round(float(np.abs(np.delete(found, own) - 0.5).mean()) if len(found) > 1 else 0.0, 4),
        }
        for own, (pair, found) in enumerate(zip(columns, more, strict=True))
    ]


def _more(values: np.ndarray) -> np.ndarray:
    """The share of sounds that have more of each measure at the second word, of each pair: (pairs, M)."""
    difference = values[:, 1] - values[:, 0]
    least = _LEAST * np.ma.masked_invalid(values).std((0, 1, 2)).filled(0)
    return 0.5 + np.where(np.abs(difference) > least, np.sign(difference), 0.0).mean(1) / 2


def _played(examples: Examples, sounds: Material, points: Sequence[np.ndarray], workers: int | None) -> np.ndarray:
    """What words are measured by (pairs, 2, N, M), of presets (N, P) of each pair and word; NaN if it is not heard."""
    rate, make = inputs[examples.hears].rate, engines[examples.synth]
    jobs = [(point, item.note) for some in points for point, item in zip(some, sounds.items, strict=True)]

    def work(engine: Engine, job: tuple[np.ndarray, Note]) -> np.ndarray:
        point, note = job
        nothing = np.full(len(MEASURED), np.nan)
        if not np.isfinite(point).all():
            return nothing
        try:
            sound = engine.render(make.space.snap(point), note, rate)
        except RenderError:
            return nothing
        return measure_words(sound, note.hold, rate) if np.abs(sound).max() >= INAUDIBLE else nothing

    with one_torch_thread(), Renderer(make, workers) as renderer:
        found = np.stack(list(renderer.map(work, jobs)))
    return found.reshape(-1, len(_WORDS), len(sounds.items), len(MEASURED))
