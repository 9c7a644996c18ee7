"""What a model costs: its weights, and the time of one guess."""

import statistics
import time

import torch

from ..features.inputs import inputs
from ..models import Model

__all__ = ["capacity", "one_shot_ms"]

_WARM_UP, _RUNS = 3, 15


def capacity(model: Model) -> int:
    """Returns the number of weights that training may change."""
    return sum(weight.numel() for weight in model.parameters())


@torch.no_grad()
def one_shot_ms(model: Model, device: str = "cpu") -> float:
    """Returns how long one guess takes, from the samples of one sound to a preset, in milliseconds.

    The median of several, after a few that are not counted; the render is no part of it.

    Args:
        model: Any, on the device.
        device: `"cpu"` or `"cuda"`.
    """
    heard = inputs[model.hears]
    sound = 0.1 * torch.randn(1, round(heard.length * heard.rate), generator=torch.Generator().manual_seed(0))
    note, z = torch.tensor([[60.0, 100.0, 3.0]], device=device), torch.zeros(1, model.noise, device=device)
    times = []
    for _ in range(_WARM_UP + _RUNS):
        start = time.perf_counter()
        model.decode(z, model.encode(heard.of(sound, heard.rate).to(device), note)).cpu()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times[_WARM_UP:]), 3)
