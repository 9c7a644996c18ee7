"""Where candidates come from: the posterior, the user's library, or chance."""

import abc

import numpy as np
import torch

from ..features.input import model_input
from ..models import Model
from ..presets import ParamSpace
from .result import Target

__all__ = ["FromLibrary", "FromPosterior", "FromSpace", "Proposer"]

_CONSIDERED = 4  # presets ranked for each that is wanted: ranking one takes half as long as rendering it
_TEMPERATURE = (0.4, 1.0)  # some draws near the mode, some from all of the posterior

_VARIED = (0.02, 0.05, 0.1, 0.3)  # shares of the base noise that a relative has anew


class Proposer(abc.ABC):
    """A source of presets for a target.

    Example:
        >>> import numpy as np
        >>> from patchflow.engines import engines
        >>> from patchflow.match import NoteGuess, Target
        >>> target = Target(np.zeros(100, np.float32), 22_050, (NoteGuess(60, 1.0),), hold=1.0)
        >>> FromSpace(engines["tone"].space).propose(target, 60, 4, np.random.default_rng(0)).shape
        (4, 3)
    """

    @abc.abstractmethod
    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Returns up to `count` encoded presets.

        Args:
            target: The sound to match.
            pitch: MIDI note the presets will be played on.
            count: How many are wanted.
            rng: Source of chance.

        Returns:
            Points of the unit cube, shape `(at most count, P)`.
        """

    def vary(self, target: Target, pitch: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns a relative of every preset, shape `(N, P)`; without a model of them, the presets themselves.

        Args:
            target: The sound to match.
            pitch: MIDI note each will be played on, shape `(N,)`.
            points: Encoded presets, shape `(N, P)`.
            rng: Source of chance.
        """
        return points


class FromSpace(Proposer):
    """Presets drawn evenly from the whole space: for a synth nothing is known about.

    Args:
        space: The synth's parameters.
    """

    def __init__(self, space: ParamSpace) -> None:
        self.space = space

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`."""
        return rng.random((count, len(self.space)))


class FromPosterior(Proposer):
    """Draws from a trained posterior.

    Args:
        model: Infers presets from sounds.
        velocity: MIDI velocity the presets will be played with.
    """

    def __init__(self, model: Model, velocity: int = 100) -> None:
        self.model = model
        self.velocity = velocity
        self._target: Target | None = None
        self._contexts: dict[int, torch.Tensor] = {}

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`."""
        noise = rng.standard_normal((count, len(self.model.space)), np.float32)
        z = torch.from_numpy(noise * rng.uniform(*_TEMPERATURE, (count, 1)).astype(np.float32))
        return self.model.decode(z, self._context(target, pitch).expand(count, -1)).numpy().astype(float)

    def vary(self, target: Target, pitch: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Replaces a few coordinates of the base noise of every preset; see `Proposer.vary`.

        What a preset has in common with its relative stays likely together with what changes.
        """
        contexts = torch.cat([self._context(target, note) for note in pitch.tolist()])
        z = self.model.infer(torch.from_numpy(points).float(), contexts).numpy()
        share = rng.choice(_VARIED, (len(z), 1))
        fresh = rng.standard_normal(z.shape) * rng.uniform(*_TEMPERATURE, (len(z), 1))
        kept = rng.uniform(0, 1, (len(z), 1))
        fresh = kept * z + np.sqrt(1 - kept**2) * fresh
        varied = np.where(rng.random(z.shape) < share, fresh, z).astype(np.float32)
        return self.model.decode(torch.from_numpy(varied), contexts).numpy().astype(float)

    @torch.no_grad()
    def log_density(self, target: Target, pitch: int, points: np.ndarray) -> np.ndarray:
        """Returns how likely presets made the target, in nats, shape `(N,)`.

        Args:
            target: The sound to match.
            pitch: MIDI note the presets will be played on.
            points: Encoded presets, shape `(N, P)`.
        """
        context = self._context(target, pitch).expand(len(points), -1)
        return self.model.log_density(torch.from_numpy(points).float(), context).numpy()

    @torch.no_grad()
    def _context(self, target: Target, pitch: int) -> torch.Tensor:
        """The encoding of the target played on a note, shape `(1, C)`; kept until there is another target."""
        if target is not self._target:
            self._target, self._contexts = target, {}
        if pitch not in self._contexts:
            mel = model_input(torch.from_numpy(target.samples)[None], target.rate)
            note = torch.tensor([[pitch, self.velocity, target.hold]], dtype=torch.float32)
            self._contexts[pitch] = self.model.encode(mel, note)
        return self._contexts[pitch]


class FromLibrary(Proposer):
    """The user's own presets, drawn at random; with a posterior many are drawn and the likeliest come first.

    Args:
        points: Encoded presets, shape `(N, P)`.
        posterior: Ranks them for the target, if there is one.
    """

    def __init__(self, points: np.ndarray, posterior: FromPosterior | None = None) -> None:
        self.points = points
        self.posterior = posterior

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`; with a posterior half are the likeliest, half are as drawn."""
        order = rng.permutation(len(self.points))
        if self.posterior is not None and len(order) > count:
            drawn = order[: _CONSIDERED * count]
            density = self.posterior.log_density(target, pitch, self.points[drawn])
            likely = drawn[np.argsort(-density, kind="stable")][: (count + 1) // 2]
            order = np.concatenate([likely, order[~np.isin(order, likely)]])
        return self.points[order[:count]]
