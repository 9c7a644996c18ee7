"""From the last layer of a network to presets, their loss, and honest draws of them."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from ..errors import OptionError
from ..presets import Choice, ParamSpace

__all__ = ["FEW", "WIDTH", "ParameterHead"]

FEW = 32
"""Steps with at most so many values get a logit for each where the loss is cross-entropy."""

WIDTH = 0.1
"""The share of a knob's range that is one unit of the losses of continuous values."""

_MOMENTUM = 0.01  # of the running mean of squared residuals
_IGNORANCE = 0.1  # the residual scale before anything was learned
_MANY = 128  # the most steps a DX7 or MIDI knows
_BINS = 64  # of a knob where it is classified
_MOST = {"mse": 0, "l1": 0, "cross_entropy": FEW, "classification": _MANY}  # values that have a logit each


class ParameterHead(nn.Module):
    """A linear layer whose outputs stand for a point of the cube: one sigmoid a value, or logits of its cells.

    The losses are negative log-likelihoods in nats, up to constants, so that they may be added to each other and
    to those of spectrograms: `mse` is that of a Gaussian, (u - v)^2 / (2 WIDTH^2), `l1` that of a
    Laplacian, |u - v| / WIDTH, and `cross_entropy` has -log p(cell) for choices and steps of at most `FEW`
    values, and `mse` for the others. `classification` has it for all values, as in InverSynth and Sound2Synth: where
    two are likely, such as two ratios of frequencies, the best guess is one of them and not their mean. Knobs
    have 64 classes there; only steps of more than 128 values are not classified.

    References:
        Barkan et al., InverSynth (2019), https://arxiv.org/abs/1812.06349
        Chen et al., Sound2Synth (2022), https://arxiv.org/abs/2205.03043

    Draws are as uncertain as the network was in training. To a value that has one output is added z times the
    root of the running mean of its squared residuals, clamped to the cube. Of a value with logits the cells are put
    in order, likeliest first, and the draw is the one where their probabilities add up to
    P(|Z| < |z|): for normal z that is a draw from these probabilities, for z = 0 the likeliest cell.

    Args:
        space: The parameters.
        inputs: Size of what comes in.
        loss: `"mse"`, `"l1"`, `"cross_entropy"` or `"classification"`.

    Raises:
        OptionError: If there is no such loss.

    Example:
        >>> from patchflow.engines import engines
        >>> head = ParameterHead(engines["tone"].space, 8, "cross_entropy")
        >>> head.points(head(torch.zeros(2, 8)), torch.zeros(2, 3)).shape
        torch.Size([2, 3])
    """

    residual: Tensor
    cells: Tensor
    place: Tensor
    exists: Tensor
    scalar: Tensor
    choice: Tensor

    def __init__(self, space: ParamSpace, inputs: int, loss: str) -> None:
        super().__init__()
        if loss not in _MOST:
            raise OptionError(f"parameter_loss={loss!r}: not one of {', '.join(_MOST)}")
        self.kind = loss
        all_cells = np.where(space.cells == 0, _BINS, space.cells) if loss == "classification" else space.cells
        few = np.array([isinstance(p, Choice) for p in space.parameters], bool) & (_MOST[loss] > 0)
        few |= (all_cells > 0) & (all_cells <= _MOST[loss])
        cells = all_cells[few]
        most, first = max(cells, default=0), len(space) - int(few.sum()) + np.cumsum(cells) - cells
        for name, values in {
            "scalar": np.flatnonzero(~few),
            "choice": np.flatnonzero(few),
            "cells": cells,
            "exists": np.arange(most) < cells[:, None],
            "place": np.minimum(first[:, None] + np.arange(most), (first + cells - 1)[:, None]),
        }.items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        self.register_buffer("residual", torch.full((len(space),), _IGNORANCE**2))
        self.linear = nn.Linear(inputs, len(self.scalar) + int(cells.sum()))

    def forward(self, x: Float[Tensor, "B H"]) -> Float[Tensor, "B R"]:
        """Returns the outputs that the other methods take."""
        return self.linear(x)

    def loss(self, raw: Float[Tensor, "B R"], points: Float[Tensor, "B P"]) -> Float[Tensor, "B P"]:
        """Returns the loss of each value, in nats; in training it also keeps account of the residuals.

        Args:
            raw: What `forward` returned.
            points: What was wanted.
        """
        raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        error = raw[:, : len(self.scalar)].sigmoid() - points[:, self.scalar]
        if self.training:
            self._remember(error)
        unit = error / WIDTH
        found = torch.empty_like(points, dtype=raw.dtype)
        found[:, self.scalar] = unit.abs() if self.kind == "l1" else unit.square() / 2
        if len(self.choice):
            wanted = (points[:, self.choice] * self.cells).long().clamp_min(0)
            cell = torch.minimum(wanted, self.cells - 1)
            found[:, self.choice] = -self._logs(raw).gather(2, cell[:, :, None]).squeeze(2)
        return found

    def points(self, raw: Float[Tensor, "S R"], z: Float[Tensor, "S P"]) -> Float[Tensor, "S P"]:
        """Returns points of the cube: the best guess moved by noise, 0 for the guess itself.

        Args:
            raw: What `forward` returned.
            z: Normal noise.
        """
        raw = raw.to(z.dtype)
        guess = raw[:, : len(self.scalar)].sigmoid() + z[:, self.scalar] * self.residual[self.scalar].sqrt()
        found = torch.empty_like(z)
        found[:, self.scalar] = guess.clamp(0, 1)
        if len(self.choice):
            found[:, self.choice] = self._draw(raw, z[:, self.choice])
        return found

    def _draw(self, raw: Tensor, z: Tensor) -> Tensor:
        """The centres of the cells that noise stands for, shape `(S, D)`."""
        ordered, which = self._logs(raw).exp().sort(dim=2, descending=True)
        share = torch.erf(z.abs() / math.sqrt(2))[:, :, None]
        rank = (ordered.cumsum(2) <= share).sum(2).clamp_max(which.shape[2] - 1)
        cell = torch.minimum(which.gather(2, rank[:, :, None]).squeeze(2), self.cells - 1)
        return (cell + 0.5) / self.cells

    def _logs(self, raw: Tensor) -> Tensor:
        """Log-probabilities of the cells, shape `(B, D, K)`."""
        return log_softmax(raw[:, self.place].masked_fill(~self.exists, -torch.inf), 2)

    @torch.no_grad()
    def _remember(self, error: Tensor) -> None:
        mean = error.square().mean(0).to(self.residual)
        self.residual[self.scalar] = self.residual[self.scalar].lerp(mean, _MOMENTUM)
