"""Where candidates come from: a model, presets of known sound, the user's library, a preset, or random draws."""

import abc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..data.sampler import random_presets
from ..engines import Engine
from ..features.inputs import inputs
from ..features.inputs.levels import input_of_levels
from ..models import AutoEncoder, Density, Model, as_density, find_weights, load_model, models, weights_of
from ..presets import ParamSpace
from ..presets.library.library import Library
from .fingerprints import FINGERPRINTS, Fingerprints
from .scorer import STEPS_PER_DB, Scored
from .target import Target

__all__ = [
    "FromFingerprints",
    "FromLibrary",
    "FromModel",
    "FromPreset",
    "FromSpace",
    "Move",
    "Proposer",
    "proposers_of",
]

_CONSIDERED = 4  # presets ranked for each that is wanted: ranking one takes half as long as rendering it
_TEMPERATURE = (0.4, 1.0)  # some draws near the mode, some from all of the posterior

_OCTAVES = (0, -1, 1)  # by how many octaves a preset of a library may be transposed
_VARIED = (0.02, 0.05, 0.1, 0.3)  # shares of the noise coordinates that `vary` replaces
_RENEWED = (0.0, 0.03, 0.1)  # the same for what is transferred
_RENEWED_AT = 0.7  # temperature of the noise that `transfer` draws again

Move = Callable[[Target, Scored, np.random.Generator], np.ndarray]
"""Makes parents into children, encoded presets `(N, P)`, one of each."""


class Proposer(abc.ABC):
    """A source of presets for a target.

    Attributes:
        moves: How it makes new presets from good ones; the search uses these beside its own.

    Example:
        >>> import numpy as np
        >>> from patchflow.engines import engines
        >>> from patchflow.match import NoteGuess, Target
        >>> target = Target(np.zeros(100, np.float32), 22_050, (NoteGuess(60, 1.0),), hold=1.0)
        >>> FromSpace(engines["tone"].space).propose(target, 60, 4, np.random.default_rng(0)).shape
        (4, 3)
    """

    @property
    def moves(self) -> tuple[Move, ...]:
        """No moves, for a source that can do nothing with presets of others."""
        return ()

    def restart(self) -> None:  # noqa: B027 - most sources remember nothing
        """Begins anew, as for a sound that is searched for again; a source that remembers nothing ignores it."""

    @abc.abstractmethod
    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Returns up to `count` encoded presets.

        Args:
            target: The sound to match.
            pitch: MIDI note the presets will be played on.
            count: How many are wanted.
            rng: Random generator.

        Returns:
            Points of the unit cube, shape `(at most count, P)`.
        """


class FromSpace(Proposer):
    """Presets drawn around the fresh one: for a synth of which only the parameters are known.

    Args:
        space: The synth's parameters.
    """

    def __init__(self, space: ParamSpace) -> None:
        self.space = space

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose` and `data.sampler.random_presets`."""
        return random_presets(self.space, count, rng)


class FromFingerprints(Proposer):
    """Presets of a library that was played when it was made: those that sound most like the target come first.

    Each preset may also be transposed by an octave, if the synth can: what is a bass on one key is a lead on another.

    Args:
        fingerprints: The library.
        engine: Transposes presets.
    """

    def __init__(self, fingerprints: Fingerprints, engine: Engine) -> None:
        self.fingerprints = fingerprints
        self.engine = engine
        self._octaves = np.array(_OCTAVES if engine.tuning else (0,))
        self._target: Target | None = None
        self._ranked: dict[int, np.ndarray] = {}
        self._given: dict[int, int] = {}

    def restart(self) -> None:
        """See `Proposer.restart`; the nearest come first again."""
        self._given = {}

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`; each call for a target gives those that come next, none when all were given."""
        if target is not self._target:
            self._target = target
            self._ranked = {}
            self._given = {}
        if pitch not in self._ranked:
            self._ranked[pitch] = self._rank(target, pitch)
        start = self._given.get(pitch, 0)
        self._given[pitch] = start + count
        place, octave = np.divmod(self._ranked[pitch][start : start + count], len(self._octaves))
        points = self.fingerprints.points[place]
        cents = 1200.0 * self._octaves[octave]
        moved = cents != 0
        if moved.any():
            points[moved] = self.engine.transposed(points[moved], cents[moved])
        return points

    def _rank(self, target: Target, pitch: int) -> np.ndarray:
        """Places of presets times octaves, nearest first; of each preset only the nearest octave."""
        table = self.fingerprints.distances(target.samples, target.hold, pitch + 12.0 * self._octaves)
        octave = table.argmin(1)
        order = np.argsort(table.min(1), kind="stable")
        return order * len(self._octaves) + octave[order]


class FromPreset(Proposer):
    """One preset, and others drawn around it.

    Args:
        space: The synth's parameters.
        point: The preset, encoded, shape `(P,)`.
    """

    def __init__(self, space: ParamSpace, point: np.ndarray) -> None:
        self.space = space
        self.point = point

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`; the preset itself comes first."""
        return np.stack([self.point, *random_presets(self.space, count - 1, rng, fresh=self.point)])


class FromModel(Proposer):
    """Draws from a trained model; one that is a `Density` also moves the presets that were found.

    An `AutoEncoder` does not move presets, though some are densities: theirs is that of q(z|x) sent through the
    regression flow, without the noise scale that the flow learned for its own errors. It is so narrow that the true
    presets of new sounds are dozens of deviations away, where the noise of a preset does not show what to keep.

    Args:
        model: Infers presets from sounds.
        velocity: MIDI velocity the presets will be played with.
    """

    def __init__(self, model: Model, velocity: int = 100) -> None:
        self.model = model
        self.velocity = velocity
        self._density = None if isinstance(model, AutoEncoder) else as_density(model)
        self._target: Target | None = None
        self._contexts: dict[int, torch.Tensor] = {}

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`.

        A model that learned to predict one preset, rather than to sample, gives that prediction first.
        """
        noise = rng.standard_normal((count, self.model.noise), np.float32)
        z = noise * rng.uniform(*_TEMPERATURE, (count, 1)).astype(np.float32)
        if self._density is None:
            z[:1] = 0
        return self._decode(z, self._context(target, pitch).expand(count, -1))

    @property
    def moves(self) -> tuple[Move, ...]:
        """See `Proposer.moves`; `transfer` needs a model whose input is what the search keeps of each sound."""
        if self._density is None:
            return ()
        if self.model.input == "levels":
            return (self.vary, self.transfer)
        return (self.vary,)

    @property
    def density(self) -> Density:
        """The model as a density.

        Raises:
            ValueError: If the model is not one.
        """
        if self._density is None:
            raise ValueError(f"{type(self.model).__name__} does not know how likely presets are")
        return self._density

    @torch.no_grad()
    def vary(self, target: Target, parents: Scored, rng: np.random.Generator) -> np.ndarray:
        """Replaces a few coordinates of each parent's base noise, so that what changes suits what stays.

        Args:
            target: The sound to match.
            parents: Presets and what they were played on.
            rng: Random generator.
        """
        wanted = self._wanted(target, parents)
        z = self.density.noise_of(torch.from_numpy(parents.points).float(), wanted).numpy()
        share = rng.choice(_VARIED, (len(z), 1))
        fresh = rng.standard_normal(z.shape) * rng.uniform(*_TEMPERATURE, (len(z), 1))
        z = np.where(np.isfinite(z), z, fresh)  # the noise of a preset that the model would never make may overflow
        # A mixture of old and fresh noise whose squared weights add up to 1 has the same variance as either: a varied
        # coordinate is as likely as before, however much of it is kept.
        kept = rng.uniform(0, 1, (len(z), 1))
        mixed = kept * z + np.sqrt(1 - kept**2) * fresh
        varied = np.where(rng.random(z.shape) < share, mixed, z)
        return self._decode(varied, wanted)

    @torch.no_grad()
    def transfer(self, target: Target, parents: Scored, rng: np.random.Generator) -> np.ndarray:
        """Takes each parent's base noise, given its own sound, to the preset it stands for given the target.

        What is wrong with the parent is in the difference between the two sounds, everything else in the noise. Some of
        the noise is drawn anew, so that a parent may have several different children.

        Args:
            target: The sound to match.
            parents: Presets, what they were played on and what they sounded like.
            rng: Random generator.
        """
        # The search keeps a log-mel spectrogram of every render, in steps below the peak. That is all a model of levels
        # needs, so no parent is rendered again.
        levels = torch.from_numpy(parents.mels).float() / -STEPS_PER_DB
        own = self.model.encode(input_of_levels(levels), self._notes(target, parents.pitch))
        z = self.density.noise_of(torch.from_numpy(parents.points).float(), own).numpy()
        anew = rng.random(z.shape) < rng.choice(_RENEWED, (len(z), 1))
        z = np.where(anew, _RENEWED_AT * rng.standard_normal(z.shape), z)
        return self._decode(z, self._wanted(target, parents))

    @torch.no_grad()
    def log_prob(self, target: Target, pitch: int, points: np.ndarray) -> np.ndarray:
        """Returns how likely presets made the target, in nats, shape `(N,)`.

        Args:
            target: The sound to match.
            pitch: MIDI note the presets will be played on.
            points: Encoded presets, shape `(N, P)`.
        """
        context = self._context(target, pitch).expand(len(points), -1)
        return self.density.log_prob(torch.from_numpy(points).float(), context).numpy()

    @torch.no_grad()
    def _context(self, target: Target, pitch: int) -> torch.Tensor:
        """The model's context for the target played on a note, shape `(1, C)`; kept until there is another target."""
        if target is not self._target:
            self._target = target
            self._contexts = {}
        if pitch not in self._contexts:
            mel = inputs[self.model.input].of(torch.from_numpy(target.samples)[None], target.rate)
            self._contexts[pitch] = self.model.encode(mel, self._notes(target, np.array([pitch])))
        return self._contexts[pitch]

    def _wanted(self, target: Target, parents: Scored) -> torch.Tensor:
        """The context of the target for the note of each parent, shape `(N, C)`."""
        return torch.cat([self._context(target, pitch) for pitch in parents.pitch.tolist()])

    def _notes(self, target: Target, pitch: np.ndarray) -> torch.Tensor:
        return torch.tensor([[note, self.velocity, target.hold] for note in pitch.tolist()], dtype=torch.float32)

    def _decode(self, z: np.ndarray, context: torch.Tensor) -> np.ndarray:
        return self.model.decode(torch.from_numpy(z.astype(np.float32)), context).numpy().astype(float)


class FromLibrary(Proposer):
    """The user's own presets, drawn at random; with a posterior more are drawn and the likeliest come first.

    Args:
        points: Encoded presets, shape `(N, P)`.
        posterior: Ranks them for the target, if there is one.
    """

    def __init__(self, points: np.ndarray, posterior: FromModel | None = None) -> None:
        self.points = points
        self.posterior = posterior

    def propose(self, target: Target, pitch: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """See `Proposer.propose`; with a posterior half are the likeliest, half are as drawn."""
        order = rng.permutation(len(self.points))
        if self.posterior is not None and len(order) > count:
            drawn = order[: _CONSIDERED * count]
            density = self.posterior.log_prob(target, pitch, self.points[drawn])
            likeliest_first = drawn[np.argsort(-density, kind="stable")]
            likely = likeliest_first[: (count + 1) // 2]
            order = np.concatenate([likely, order[~np.isin(order, likely)]])
        return self.points[order[:count]]


def proposers_of(
    synth: str,
    engine: type[Engine],
    model: str | Path | None,
    library: str | Path | None,
    *,
    start: np.ndarray | None = None,
) -> list[Proposer]:
    """Returns where first candidates of a synth come from.

    Args:
        synth: Its name.
        engine: Its class.
        model: Weights of any model, see `Matcher.load`.
        library: A preset library whose presets join the candidates.
        start: The preset that candidates are built on, encoded, shape `(P,)`; None for a fresh one.

    Raises:
        ModelError: If the weights are missing, damaged or of another synth.
        StorageError: If the library cannot be read.
    """
    proposers: list[Proposer] = []
    if start is not None:
        proposers.append(FromPreset(engine.space, start))
    weights = find_weights(synth, engine.space, model, models) if model else weights_of(synth, engine.space)
    played = weights_of(synth, engine.space, FINGERPRINTS)
    # They were played on a fresh synth, so they say nothing of one that is built on the state of a preset.
    if played is not None and start is None:
        proposers.append(FromFingerprints(Fingerprints.load(played, engine.space), engine()))
    posterior = None
    if weights is not None:
        learned = FromModel(load_model(weights, engine.space, models))
        proposers.append(learned)
        posterior = learned if learned.moves else None  # a model that has moves can rank the presets of a library
    if library is not None:
        points = Library(library).points(synth, engine.space)
        if len(points):
            proposers.append(FromLibrary(points, posterior))
    return proposers or [FromSpace(engine.space)]
