"""Linear layers: stacks of them, and the last one, from features to presets: its losses, draws, smooth densities."""

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import elu, glu, log_softmax

from ..errors import OptionError
from ..presets import Choice, ParamSpace

__all__ = ["FEW", "KNOBS", "MLP", "WIDTH", "ParameterHead", "activate", "dequantise", "drop", "xavier"]

_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)

FEW = 32
"""Steps with at most so many values get a logit for each where the loss is cross-entropy."""

WIDTH = 0.1
"""The share of a knob's range that is one unit of the losses of continuous values."""

KNOBS = 0.02
"""How widely continuous values are spread: many presets share one exactly, most often the lowest or the highest."""

_MOMENTUM = 0.01  # of the running mean of squared residuals
_IGNORANCE = 0.1  # the residual scale before anything was learned
_MANY = 128  # the most steps a DX7 or MIDI knows
_BINS = 64  # of a knob where it is classified
_MOST = {"mse": 0, "l1": 0, "cross_entropy": FEW, "classification": _MANY}  # values that have a logit each


class MLP(nn.Module):
    """Linear, batch norm, ELU or gate, dropout; as often as there are layers.

    Args:
        inputs: Size of what comes in.
        hidden: Size of every layer.
        layers: How many, at least 1.
        dropout: Share of values dropped in training, in [0, 1).
        gated: 1 for gates instead of ELU; these layers have twice the weights.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> MLP(3, 8, 2)(torch.zeros(5, 3)).shape
        torch.Size([5, 8])
    """

    def __init__(self, inputs: int, hidden: int, layers: int, *, dropout: float = 0.0, gated: int = 0) -> None:
        super().__init__()
        if layers < 1 or hidden < 1:
            raise ValueError(f"hidden={hidden}, layers={layers}: not at least 1")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout}: not in [0, 1)")
        if gated not in (0, 1):
            raise ValueError(f"gated={gated}: not 0 or 1")
        self.dropout = dropout
        self.gated = gated
        out = hidden * (1 + gated)
        # batch norm has a shift of its own, so a bias before it would learn nothing
        widths = [inputs] + [hidden] * (layers - 1)
        self.linear = nn.ModuleList(nn.Linear(width, out, bias=False) for width in widths)
        self.norm = nn.ModuleList(nn.BatchNorm1d(out) for _ in range(layers))

    def forward(self, x: Float[Tensor, "B I"], generator: torch.Generator | None = None) -> Float[Tensor, "B H"]:
        """Returns the last layer's values.

        Args:
            x: What comes in.
            generator: Random generator of the dropout; without one, and in evaluation, nothing is dropped.
        """
        drop_generator = generator if self.training else None
        for linear, norm in zip(self.linear, self.norm, strict=True):
            x = activate(norm(linear(x)), self.gated)
            x = drop(x, self.dropout, drop_generator)
        return x


def activate(x: Tensor, gated: int) -> Tensor:
    """Returns ELU(x), or, for a gated layer, one half of the channels times the sigmoid of the other.

    References:
        Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units (2015),
        https://arxiv.org/abs/1511.07289
        Dauphin et al., Language Modeling with Gated Convolutional Networks (2017), https://arxiv.org/abs/1612.08083

    Args:
        x: Values, shape `(B, C, ...)`; C is even if gated.
        gated: 0 or 1.

    Example:
        >>> activate(torch.tensor([[1.0, 0.0]]), 1)
        tensor([[0.5000]])
    """
    return glu(x, 1) if gated else elu(x)


def drop(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Returns x with a share of the values zeroed and the others scaled up, so that the mean stays.

    Torch's own dropout draws from a state of the whole process; a training run that goes on after an interruption has
    to draw what it would have drawn.

    Args:
        x: Values.
        share: Of the values that become 0, in [0, 1).
        generator: Random generator, on the device of x; None drops nothing.
    """
    if generator is None or not share:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= share
    return x * kept / (1 - share)


def xavier(module: nn.Module) -> None:
    """Draws the weights of linear and convolutional layers as Glorot and Bengio do; biases begin at 0.

    References:
        Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010),
        https://proceedings.mlr.press/v9/glorot10a.html

    Args:
        module: Whose layers are initialised, from torch's global random state.
    """
    for layer in module.modules():
        if isinstance(layer, _LAYERS):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class ParameterHead(nn.Module):
    """A linear layer whose outputs stand for a point of the cube: one sigmoid a value, or logits of its cells.

    The losses are negative log-likelihoods in nats, up to constants, so that they may be added to each other and
    to those of spectrograms:

    * `mse`: that of a Gaussian, (u - v)^2 / (2 WIDTH^2).
    * `l1`: that of a Laplacian, |u - v| / WIDTH.
    * `cross_entropy`: -log p(cell) for choices and steps of at most `FEW` values, and `mse` for the others.
    * `classification`: -log p(cell) for all values, as in InverSynth and Sound2Synth. Where two values are likely,
      such as two ratios of frequencies, the best prediction is one of them and not their mean. Knobs have 64 classes;
      only steps of more than 128 values are not classified.

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
        all_cells = space.cells
        if loss == "classification":
            all_cells = np.where(space.cells == 0, _BINS, space.cells)
        has_logits = (all_cells > 0) & (all_cells <= _MOST[loss])
        if _MOST[loss] > 0:
            # a choice has no order in which an error could be small, so it is classified whatever its size
            has_logits |= np.array([isinstance(parameter, Choice) for parameter in space.parameters], bool)
        cells = all_cells[has_logits]

        # The outputs are the scalars, then the logits of one classified parameter after the other. Row d of `place`
        # says which outputs are those of parameter d. All rows are as long as the longest: what is beyond the end
        # of a shorter one points at its own last logit, a valid index, and `exists` masks it.
        scalars = len(space) - len(cells)
        first = scalars + np.cumsum(cells) - cells
        last = first + cells - 1
        columns = np.arange(max(cells, default=0))
        exists = columns < cells[:, None]
        place = np.minimum(first[:, None] + columns, last[:, None])

        self._derive("scalar", np.flatnonzero(~has_logits))
        self._derive("choice", np.flatnonzero(has_logits))
        self._derive("cells", cells)
        self._derive("exists", exists)
        self._derive("place", place)
        self.register_buffer("residual", torch.full((len(space),), _IGNORANCE**2))
        self.linear = nn.Linear(inputs, scalars + int(cells.sum()))

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
        """Returns points of the cube: the best prediction moved by noise, 0 for the prediction itself.

        Args:
            raw: What `forward` returned.
            z: Normal noise.
        """
        raw = raw.to(z.dtype)
        values = raw[:, : len(self.scalar)].sigmoid() + z[:, self.scalar] * self.residual[self.scalar].sqrt()
        found = torch.empty_like(z)
        found[:, self.scalar] = values.clamp(0, 1)
        if len(self.choice):
            found[:, self.choice] = self._draw(raw, z[:, self.choice])
        return found

    def _derive(self, name: str, values: np.ndarray) -> None:
        """Keeps what follows from the space: it moves with the module, and no file needs it."""
        self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def _draw(self, raw: Tensor, z: Tensor) -> Tensor:
        """The centres of the cells that noise stands for, shape `(S, D)`."""
        # |z| is made a share of 1 by its own distribution, P(|Z| < |z|) = erf(|z| / sqrt 2), which is even for normal
        # z. Looked up among the running sums of sorted probabilities, it hits each cell as often as it is likely.
        ordered, which = self._logs(raw).exp().sort(dim=2, descending=True)
        share = torch.erf(z.abs() / math.sqrt(2))[:, :, None]
        rank = (ordered.cumsum(2) <= share).sum(2).clamp_max(which.shape[2] - 1)
        # rounding may leave a share beyond the last sum, and so a cell that does not exist
        cell = torch.minimum(which.gather(2, rank[:, :, None]).squeeze(2), self.cells - 1)
        return (cell + 0.5) / self.cells

    def _logs(self, raw: Tensor) -> Tensor:
        """Log-probabilities of the cells, shape `(B, D, K)`."""
        return log_softmax(raw[:, self.place].masked_fill(~self.exists, -torch.inf), 2)

    @torch.no_grad()
    def _remember(self, error: Tensor) -> None:
        mean = error.square().mean(0).to(self.residual)
        self.residual[self.scalar] = self.residual[self.scalar].lerp(mean, _MOMENTUM)


def dequantise(
    points: Float[Tensor, "B P"],
    cells: Float[Tensor, "P"] | Int[Tensor, "P"],
    generator: torch.Generator,
    knobs: float = KNOBS,
) -> Float[Tensor, "B P"]:
    """Returns presets whose discrete values are anywhere in their cells, and whose others have moved a little.

    Their values are no longer a few numbers that many presets share, so they have a smooth density.

    Args:
        points: Encoded presets.
        cells: Number of values of each parameter, 0 for continuous ones.
        generator: Random generator, on the device of the presets.
        knobs: Width of the continuous ones; what would leave the cube is reflected.

    Example:
        >>> dequantise(torch.full((1, 2), 0.5), torch.tensor([1, 0]), torch.Generator(), 0.0)[0, 1]
        tensor(0.5000)
    """
    noise = torch.rand(points.shape, generator=generator, device=points.device)
    width = torch.where(cells > 0, 1 / cells.clamp_min(1), knobs)
    moved = points + (noise - 0.5) * width
    # 1 - |1 - |v|| reflects at 0 and at 1; without knobs nothing leaves the cube, and the values stay as they are
    return 1 - (1 - moved.abs()).abs() if knobs else moved
