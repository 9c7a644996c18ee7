"""One space of sounds and presets of a synth: into it and out of it, by a trained model or by the parameters alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.special import ndtr, ndtri

from ..engines import Note, engines
from ..errors import ModelError
from ..features.inputs import inputs
from ..models import find_weights, load_model, models, weights_of
from ..models._flow_regression import FlowRegression
from ..presets import ParamSpace

__all__ = ["AudioSpace"]

_USUAL = "flow_joint"  # the model that is looked for if none is asked for
_INSIDE = 0.005  # how far from its ends a knob is taken to be: there a flow has learned, and the normal map is finite


@dataclass(frozen=True)
class AudioSpace:
    """Coordinates z of the presets of a synth: presets have a z and every z is a preset.

    With a model whose map from latents to presets can be undone, z is its latent: presets whose sounds are alike lie
    together, draws from N(0, I) are presets, and sounds have a z too. Without one z is the parameters themselves, each
    from 0 to 1, or the same through the normal distribution function.

    A preset comes back from its z as it was, to the cell of every discrete parameter.

    Args:
        synth: Name of the engine.
        parameters: Its parameters.
        model: Invertible, or None.
        gaussian: Whether parameters are on the scale of a normal distribution; only without a model.

    Example:
        >>> space = AudioSpace.load("tone")
        >>> space.model is None, space.size
        (True, 3)
        >>> preset = engines["tone"].space.default()
        >>> bool((space.presets(space.encode(preset[None])) == preset).all())
        True
    """

    synth: str
    parameters: ParamSpace
    model: FlowRegression | None = None
    gaussian: bool = False

    @classmethod
    def load(cls, synth: str, model: str | Path | None = None, *, gaussian: bool = False) -> "AudioSpace":
        """Finds the space of a synth.

        Args:
            synth: Name of the engine.
            model: Weights, a run or the name of a model, see `models.find_weights`. If None, `flow_joint` where there
                are weights of it for the synth, and else the parameters themselves.
            gaussian: See `AudioSpace`.

        Raises:
            UnknownName: If there is no such engine.
            ModelError: If the weights are missing, damaged or of another synth, or their map cannot be undone.
        """
        parameters = engines[synth].space
        if model is None:
            path = weights_of(synth, parameters, _USUAL)
        else:
            path = find_weights(synth, parameters, model, models)
        if path is None:
            return cls(synth, parameters, None, gaussian)
        found = load_model(path, parameters, models)
        if not isinstance(found, FlowRegression):
            raise ModelError(f"{path}: a {type(found).__name__} has no latents that presets can be taken back to")
        if found.latent_size < len(parameters):
            raise ModelError(
                f"{path}: latent={found.latent_size}: fewer than the {len(parameters)} parameters, so presets do not "
                f"come back from their latents"
            )
        return cls(synth, parameters, found)

    @property
    def size(self) -> int:
        """How many coordinates z has."""
        return len(self.parameters) if self.model is None else self.model.latent_size

    @property
    def description(self) -> str:
        """What the space is, for people."""
        if self.model is not None:
            return f"the latent of {type(self.model).__name__}, {self.size} coordinates"
        scale = " on the scale of a normal distribution" if self.gaussian else ""
        return f"the {self.size} parameters of {self.synth} themselves{scale}: it has no invertible model"

    @torch.no_grad()
    def encode(self, points: np.ndarray) -> np.ndarray:
        """Returns the z of presets, shape `(N, Z)`.

        Args:
            points: Encoded presets, shape `(N, P)`.
        """
        if self.model is None:
            inside = _INSIDE + (1 - 2 * _INSIDE) * np.asarray(points, float)
            return ndtri(inside) if self.gaussian else np.array(points, float)
        inside = np.where(self.parameters.cells > 0, points, _INSIDE + (1 - 2 * _INSIDE) * points)
        return self.model.latent_of(torch.from_numpy(inside).float()).double().numpy()

    @torch.no_grad()
    def presets(self, z: np.ndarray) -> np.ndarray:
        """Returns the presets at places of the space: encoded, snapped, shape `(N, P)`.

        Args:
            z: Shape `(N, Z)`.
        """
        if self.model is None:
            points = (ndtr(z) - _INSIDE) / (1 - 2 * _INSIDE) if self.gaussian else z
            return self.parameters.snap(points)
        points = self.model.presets(torch.from_numpy(np.asarray(z)).float()).double().numpy()
        apart = (points - _INSIDE) / (1 - 2 * _INSIDE)
        return self.parameters.snap(np.where(self.parameters.cells > 0, points, apart))

    @torch.no_grad()
    def hear(self, sounds: np.ndarray, rate: int, note: Note) -> np.ndarray:
        """Returns the z of sounds: the best guess of the model, shape `(N, Z)`.

        Args:
            sounds: Mono, shape `(N, T)`.
            rate: Sample rate, in Hz.
            note: What is played in them.

        Raises:
            ModelError: If the space has no model.
        """
        if self.model is None:
            raise ModelError(f"{self.synth}: {self.description}, so a sound has no place in it. Match it first.")
        spectrograms = inputs[self.model.input].of(torch.from_numpy(np.asarray(sounds, np.float32)), rate)
        played = torch.tensor([[note.pitch, note.velocity, note.hold]], dtype=torch.float32)
        return self.model.latent(spectrograms, played.expand(len(sounds), -1)).double().numpy()

    def between(self, ends: Sequence[np.ndarray] | np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Returns places between others.

        Latents of a model keep the length that draws from N(0, I) have: the mean of two is as far from 0 as they are,
        and so as likely a preset. Parameters are on a straight line.

        Args:
            ends: Places, shape `(C, Z)`.
            weights: How much of each is in each result, from 0 to 1, all together 1, shape `(N, C)`.

        Returns:
            Shape `(N, Z)`.
        """
        corners = np.asarray(ends)
        places = weights @ corners
        if self.model is None:
            return places
        lengths = weights @ np.linalg.norm(corners, axis=1)
        return places * (lengths / np.maximum(np.linalg.norm(places, axis=1), 1e-9))[:, None]
