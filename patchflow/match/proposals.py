"""Where candidates come from: the posterior, the user's library, or chance."""

import abc
from typing import Any

import numpy as np
import torch

from ..features.input import INPUT_RATE, model_input
from ..presets import ParamSpace
from .result import Target

__all__ = ["FromLibrary", "FromPosterior", "FromSpace", "Proposer"]

_TEMPERATURE = (0.4, 1.0)  # some draws near the mode, some from all of the posterior


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
        model: A `Posterior`.
        velocity: MIDI velocity the presets will be played with.
    """

    def __init__(self, model: Any, velocity: int = 100) -> None:
        self.model = model
        self.velocity = velocity
        self._contexts: dict[tuple[int, int], torch.Tensor] = {}

    @torch.no_grad()
    def context(self, target: Target, pitch: int) -> torch.Tensor:
        """Returns the encoding of the target played on a note, shape `(1, C)`."""
        key = (id(target), pitch)
        if key not in self._contexts:
            mel = model_input(torch.from_numpy(target.samples)[None], INPUT_RATE)
            note = torch.tensor([[pitch, self.velocity, target.hold]], dtype=torch.float32)
            self._contexts = {key: self.model.encode(mel, note)} | {
                k: v for k, v in self._contexts.items() if k[0] == key[0]
            }
        return self._contexts[key]

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`."""
        noise = rng.standard_normal((count, len(self.model.space)), np.float32)
        z = torch.from_numpy(noise * rng.uniform(*_TEMPERATURE, (count, 1)).astype(np.float32))
        return self.model.decode(z, self.context(target, pitch).expand(count, -1)).numpy().astype(float)


class FromLibrary(Proposer):
    """The user's own presets; with a posterior the likeliest ones come first.

    Args:
        points: Encoded presets, shape `(N, P)`.
        posterior: Ranks them for the target, if there is one.
    """

    def __init__(self, points: np.ndarray, posterior: FromPosterior | None = None) -> None:
        self.points = points
        self.posterior = posterior

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`; half are the likeliest, half are drawn at random."""
        order = rng.permutation(len(self.points))
        if self.posterior is not None and len(order) > count:
            some = order[:4096]
            likely = some[np.argsort(-self._likelihood(target, pitch, self.points[some]), kind="stable")]
            order = np.concatenate([likely[: count // 2], order])
            order = order[np.sort(np.unique(order, return_index=True)[1])]
        return self.points[order[:count]]

    @torch.no_grad()
    def _likelihood(self, target: Target, pitch: int, points: np.ndarray) -> np.ndarray:
        model = self.posterior.model  # type: ignore[union-attr]
        context = self.posterior.context(target, pitch)  # type: ignore[union-attr]
        parts = [
            model.log_density(torch.from_numpy(part).float(), context.expand(len(part), -1))
            for part in np.array_split(points, max(1, len(points) // 512))
        ]
        return torch.cat(parts).numpy()
