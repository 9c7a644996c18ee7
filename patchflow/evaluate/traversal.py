"""Traversals of macro-controls: whether the sound changes as the attribute says, and only so."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..data.examples import MEASURED_ATTRIBUTES, Examples, measure_attributes
from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import INAUDIBLE
from ..errors import RenderError
from ..features.inputs import inputs
from ..models import AutoEncoder, Macros, Model
from ..threads import one_torch_thread
from .testset import TestSet, held_out

__all__ = ["measure_traversal"]

_MOST = 60  # test sounds, one a family where there are enough; each is played twice for every attribute
_ENDS = (-1.0, 1.0)  # values of a macro-control for the first and the second end of an attribute
_LEAST = 0.01  # smallest difference that counts, in standard deviations over everything that was played


@torch.no_grad()
def measure_traversal(
    model: Model, examples: Examples, device: str = "cpu", workers: int | None = None
) -> list[dict[str, Any]]:
    """Sets each macro-control of test sounds' latents to both ends of its attribute, and compares the sounds.

    They are compared by what the attribute is measured by, so attributes that were inferred from names are left out. A
    preset that cannot be played or is silent counts as no difference, and so do two sounds whose measures are within a
    hundredth of their standard deviation.

    Args:
        model: On the device; the result is empty for one without macro-controls.
        examples: Test sounds and attributes.
        device: `"cpu"` or `"cuda"`.
        workers: Threads that render; all cores if not given.

    Returns:
        For each attribute its `words`, low and high end; the number of `sounds`; `heard`, the share of sounds that have
        more of the high end at the high end than at the low one, those without a difference counting half, so that 0.5
        is chance; and `others`, how far the same number of the other attributes is from 0.5, on average: for a
        macro-control that does not change them it is 0, up to chance.
    """
    if not (isinstance(model, AutoEncoder) and isinstance(model, Macros)):
        return []
    measured = {(known.low, known.high): column for column, known in enumerate(MEASURED_ATTRIBUTES)}
    columns: dict[int, int] = {}  # of a macro-control: where the measure of its attribute stands
    for attribute, ends in enumerate(examples.attributes[: model.attributes]):
        if ends in measured:
            columns[attribute] = measured[ends]
    if not columns:
        return []
    sounds = held_out(examples, _MOST)
    mel = torch.from_numpy(np.asarray(sounds.mels, np.float32)).to(device)
    note = torch.from_numpy(np.asarray(sounds.notes, np.float32)).to(device)
    context = model.encode(mel, note)
    latent = model.draw(context, torch.zeros(len(mel), model.latent_size, device=device))
    macro = model.macro(latent)
    points = []
    for attribute in columns:
        for end in _ENDS:
            moved = macro.clone()
            moved[:, attribute] = end
            points.append(model.presets(model.from_macro(moved), context).double().cpu().numpy())
    values = _played(examples, sounds, points, workers)
    shares = _share_with_more(values)[:, list(columns.values())]
    found = []
    for own, attribute in enumerate(columns):
        found.append(_entry(examples.attributes[attribute], len(mel), own, shares[own]))
    return found


def _entry(ends: Sequence[str], sounds: int, own: int, shares: np.ndarray) -> dict[str, Any]:
    """What one macro-control does, of its shares for each attribute, shape (M,): its own is one of them."""
    others = np.delete(shares, own)
    return {
        "words": list(ends),
        "sounds": sounds,
        "heard": round(float(shares[own]), 4),
        "others": round(float(np.abs(others - 0.5).mean()) if len(others) else 0.0, 4),
    }


def _share_with_more(values: np.ndarray) -> np.ndarray:
    """The share of sounds that have more of each measure at the second end, for each macro-control: (macros, M)."""
    difference = values[:, 1] - values[:, 0]
    # Rounding in the render moves a measure a little whatever is played: so small a difference has no sign. What was
    # not played is NaN, and no comparison with NaN is true, so it counts as no difference.
    least = _LEAST * np.ma.masked_invalid(values).std((0, 1, 2)).filled(0)
    return 0.5 + np.where(np.abs(difference) > least, np.sign(difference), 0.0).mean(1) / 2


def _played(examples: Examples, sounds: TestSet, points: Sequence[np.ndarray], workers: int | None) -> np.ndarray:
    """Plays presets (N, P) of each macro-control and end: their measures (macros, 2, N, M), NaN for silence."""
    rate = inputs[examples.input].rate
    make = engines[examples.synth]
    jobs = []
    for some in points:
        jobs += [(point, item.note) for point, item in zip(some, sounds.items, strict=True)]

    def work(engine: Engine, job: tuple[np.ndarray, Note]) -> np.ndarray:
        point, note = job
        silence = np.full(len(MEASURED_ATTRIBUTES), np.nan)
        if not np.isfinite(point).all():
            return silence
        try:
            sound = engine.render(make.space.snap(point), note, rate)
        except RenderError:
            return silence
        if np.abs(sound).max() < INAUDIBLE:
            return silence
        return measure_attributes(sound, note.hold, rate)

    with one_torch_thread(), Renderer(make, workers) as renderer:
        found = np.stack(list(renderer.map(work, jobs)))
    return found.reshape(-1, len(_ENDS), len(sounds.items), len(MEASURED_ATTRIBUTES))
