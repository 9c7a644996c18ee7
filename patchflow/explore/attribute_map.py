"""The learned map from presets to the attributes of their sounds, and how each parameter moves them."""

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..features.measures import MEASURES
from ..models import Network, load_model, weights_of
from ..presets import ParamSpace

__all__ = ["MAP", "AttributeMap", "Slopes", "load_map", "probe_steps"]

MAP = "attribute_map"
"""Name of this model in the headers and names of files of weights."""

_MIDDLE = 60.0  # MIDI note
_OCTAVE = 12.0
_PROBE = 0.1  # of the range of a parameter: how far it moves where slopes are measured


@dataclass(frozen=True)
class Slopes:
    """What a map predicts for a preset on some keys, and how it changes with the parameters.

    Args:
        values: Predictions in standard deviations from the mean of the bank, shape `(K, M)`.
        by_parameter: Change of each with each encoded parameter, shape `(K, M, P)`; 0 for categorical ones.
    """

    values: np.ndarray
    by_parameter: np.ndarray


class AttributeMap(Network):
    """A residual network from a preset and a key to the attributes of the sound.

    Ordered parameters are inputs as they are, categorical ones as one-hot vectors. Outputs are the columns of
    `sound_attributes.measure`, in standard deviations from the mean over the presets that it was learned from.

    Args:
        space: The parameters of the synth.
        width: Width of the layers, at least 1.
        depth: Number of residual blocks, at least 0.

    Example:
        >>> from patchflow.engines import engines
        >>> space = engines["tone"].space
        >>> learned = AttributeMap(space, width=8, depth=1)
        >>> learned(torch.rand(2, len(space)), torch.tensor([60.0, 72.0])).shape
        torch.Size([2, 10])
    """

    centre: Tensor
    scale: Tensor
    detunes: Tensor
    """Which parameters change the pitch of some presets, so that an instant turn leaves them; shape `(P,)`."""
    mean: Tensor
    std: Tensor

    def __init__(self, space: ParamSpace, *, width: int = 512, depth: int = 3) -> None:
        super().__init__()
        self.space = space
        self.width = width
        self.depth = depth
        self.ordered = np.nonzero(~space.categorical)[0]
        self.choices = [(int(column), int(space.cells[column])) for column in np.nonzero(space.categorical)[0]]
        inputs = len(self.ordered) + sum(cells for _, cells in self.choices) + 1
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(_block(width) for _ in range(depth))
        self.last = nn.Linear(width, len(MEASURES))
        self.register_buffer("centre", torch.full((len(space),), 0.5))
        self.register_buffer("scale", torch.full((len(space),), 0.3))
        self.register_buffer("detunes", torch.zeros(len(space), dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(len(MEASURES)))
        self.register_buffer("std", torch.ones(len(MEASURES)))

    def config(self) -> dict[str, Any]:
        """Returns the keyword arguments that make an equal map for an equal space."""
        return {"width": self.width, "depth": self.depth}

    def forward(self, points: Float[Tensor, "B P"], pitch: Float[Tensor, "B"]) -> Float[Tensor, "B M"]:
        """Returns attributes in standard deviations from the mean.

        Args:
            points: Encoded presets.
            pitch: MIDI note on which each is played.
        """
        columns = [((points - self.centre) / self.scale)[:, self.ordered]]
        for column, cells in self.choices:
            cell = (points[:, column] * cells).long().clamp(0, cells - 1)
            columns.append(nn.functional.one_hot(cell, cells).to(points))
        columns.append(((pitch - _MIDDLE) / _OCTAVE)[:, None])
        hidden = nn.functional.silu(self.first(torch.cat(columns, 1)))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.last(hidden)

    def slopes(self, point: np.ndarray, pitches: np.ndarray) -> Slopes:
        """Returns predictions for one preset, and their derivatives.

        Args:
            point: Encoded preset, shape `(P,)`.
            pitches: MIDI notes, shape `(K,)`.
        """
        keys = len(pitches)
        outputs = len(MEASURES)
        # One row for every key and output: a single backward pass then gives all derivatives.
        rows = torch.as_tensor(point, dtype=torch.float32).expand(keys * outputs, -1).clone().requires_grad_(True)
        pitch = torch.as_tensor(pitches, dtype=torch.float32).repeat_interleave(outputs)
        with torch.enable_grad():
            predicted = self(rows, pitch).view(keys, outputs, outputs)
            (slopes,) = torch.autograd.grad(predicted.diagonal(dim1=1, dim2=2).sum(), rows)
        values = predicted[:, 0].detach().double().numpy()
        return Slopes(values, slopes.view(keys, outputs, -1).double().numpy())

    def standardised(self, measures: np.ndarray) -> np.ndarray:
        """Returns measures, shape `(..., M)`, in standard deviations from the mean of the bank."""
        return (measures - self.mean.double().numpy()) / self.std.double().numpy()


def load_map(synth: str, space: ParamSpace, path: str | Path | None = None) -> AttributeMap | None:
    """Returns the map of a synth: the user's own, else the one that is shipped; None if there is neither.

    Who asks twice gets the same one, as long as the file is the same: it is for inference only.

    Args:
        synth: Name of the engine.
        space: Its parameters.
        path: A file of weights to take instead.

    Raises:
        ModelError: If the file is missing, damaged, or of another synth.
    """
    found = path or weights_of(synth, space, MAP)
    if found is None:
        return None
    with suppress(OSError):  # one that is missing is said by who reads it
        facts = Path(found).stat()
        return _shared_map(str(found), space, facts.st_mtime_ns, facts.st_size)
    return load_model(found, space, {MAP: AttributeMap})


@lru_cache(maxsize=4)
def _shared_map(path: str, space: ParamSpace, *_: int) -> AttributeMap:
    """One map for all who ask: it takes 8 MB, and the studio has the knobs of 64 presets at once."""
    return load_model(path, space, {MAP: AttributeMap})


def probe_steps(space: ParamSpace, point: np.ndarray) -> np.ndarray:
    """Returns how far each parameter is moved to see what it does: towards the middle, by one value at least, `(P,)`.

    Args:
        space: The parameters.
        point: Encoded preset, shape `(P,)`.
    """
    size = np.maximum(_PROBE, np.where(space.cells > 0, 1 / np.maximum(space.cells, 1), 0))
    return np.where(point < 0.5, size, -size)


def _block(width: int) -> nn.Module:
    return nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
