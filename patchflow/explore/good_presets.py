"""Good presets to borrow sections of, from a synth's models, the user's library or chance; walks in latent spaces."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ..data.sampler import random_presets
from ..engines import Engine, Note, engines
from ..engines._renderer import INAUDIBLE
from ..features.inputs import inputs
from ..models import Density, Model, as_density, load_model, models, weights_of
from ..presets.library.library import Library
from .audio_space import AudioSpace
from .player import RATE

__all__ = ["Donors", "GoodPresets", "LatentWalk"]

_TEMPERATURE = (0.6, 1.0)  # some draws near the mode, some from all of the posterior
_STEPS = 3  # from the sound to draws, to draws for their sounds, to draws for those
_HEARD = 6  # draws whose sounds are drawn for in turn
_FARTHEST = 5.0  # of a coordinate of noise; beyond, a preset is one that the posterior would never make


@dataclass(frozen=True)
class Donors:
    """Presets to borrow of.

    Args:
        points: Encoded, shape `(N, P)`.
        names: Where each comes from, such as `"draw 7"` or `"library E.PIANO 1"`.
    """

    points: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class LatentWalk:
    """A walk in the latent space of a model: from a preset, on a circle of latents that are all as likely, to a draw.

    Args:
        name: Where it leads, such as `"walk 3"`.
        start: Latent of the preset, shape `(Z,)`.
        end: Another latent, as far from the middle as normal noise is, shape `(Z,)`.
        decode: Makes latents, shape `(S, Z)`, presets, shape `(S, P)`.
    """

    name: str
    start: np.ndarray
    end: np.ndarray
    decode: Callable[[np.ndarray], np.ndarray]

    def latent(self, share: float) -> np.ndarray:
        """Returns the latent at a share of the trajectory, 0 to 1, shape `(Z,)`."""
        # cosine and sine, not a straight line: in the middle of that, latents are shorter than those of any preset
        angle = share * np.pi / 2
        return np.cos(angle) * self.start + np.sin(angle) * self.end


class GoodPresets:
    """What is known of good presets of a synth.

    Args:
        synth: Name of the engine.
        engine: Its class.
        library: A preset library, whose presets are borrowed of too.

    Attributes:
        space: The space of `flow_joint`, in which presets walk; of the parameters alone if it has no such weights.

    Raises:
        ModelError: If the weights of the synth are damaged.
        StorageError: If the library cannot be read.
    """

    @classmethod
    def load(cls, synth: str, library: str | Path | None = None) -> "GoodPresets":
        """Returns what is known of a synth by its name, and of a library by its file."""
        return cls(synth, engines[synth], None if library is None else Library(library))

    def __init__(self, synth: str, engine: type[Engine], library: Library | None = None) -> None:
        self.engine = engine
        self.synth = synth
        posterior = _load(synth, engine, "posterior")
        self.posterior = None if posterior is None else as_density(posterior)
        self.space = AudioSpace.load(synth)
        self._library = library
        self._stored = np.zeros((0, len(engine.space))) if library is None else library.points(synth, engine.space)
        self._ids = () if library is None else library.ids(synth)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that are used; none of a synth without weights."""
        found = []
        if self.posterior is not None:
            found.append("posterior")
        if self.space.model is not None:
            found.append("flow_joint")
        return tuple(found)

    def donors(
        self,
        point: np.ndarray,
        sound: np.ndarray,
        note: Note,
        count: int,
        *,
        play: Callable[[np.ndarray], np.ndarray],
        rng: np.random.Generator,
    ) -> Donors:
        """Returns presets to borrow of: of each source there is about as many, from like the sound to unlike it.

        Args:
            point: A preset, encoded, shape `(P,)`.
            sound: What it sounds like at `RATE`, shape `(T,)`.
            note: What was played.
            count: How many of each source.
            play: Makes presets sounds.
            rng: Random generator.
        """
        points: list[np.ndarray] = []
        names: list[str] = []
        if self.posterior is not None:
            drawn = _chain(self.posterior, sound, note, count, play=play, rng=rng)
            points += list(drawn)
            names += [f"draw {number}" for number in range(1, len(drawn) + 1)]
        if self.space.model is not None:
            z = rng.standard_normal((count, self.space.size))
            points += list(self.space.presets(z))
            names += [f"prior draw {number}" for number in range(1, count + 1)]
        for row in rng.permutation(len(self._stored))[:count].tolist():
            points.append(self._stored[row])
            names.append(self._library_name(row))
        if not self.models:
            points += list(random_presets(self.engine.space, count, rng, fresh=point))
            names += [f"chance {number}" for number in range(1, count + 1)]
        # What cannot be heard of a donor is at its default, so nobody is said to borrow it.
        snapped = self.engine.space.snap(np.stack(points))
        return Donors(self.engine().canonical(snapped), tuple(names))

    def walks(
        self,
        point: np.ndarray,
        sound: np.ndarray,
        note: Note,
        count: int,
        *,
        after: int = 0,
        rng: np.random.Generator,
    ) -> list[LatentWalk]:
        """Returns trajectories through the space from a preset; none of a synth without weights.

        Args:
            point: The preset, encoded, shape `(P,)`.
            sound: What it sounds like at `RATE`, shape `(T,)`.
            note: What was played.
            count: How many.
            after: How many there were before: their names go on counting.
            rng: Random generator.
        """
        if self.space.model is not None:
            start = self.space.encode(point[None])[0]
            decode = self.space.presets
        elif self.posterior is not None:
            context = _context(self.posterior, sound, note)
            start = _noise(self.posterior, point, context)
            decode = partial(_decode, self.posterior, context)
        else:
            return []
        ends = rng.standard_normal((count, len(start)))
        return [LatentWalk(f"walk {number}", start, end, decode) for number, end in enumerate(ends, after + 1)]

    def _library_name(self, row: int) -> str:
        if self._library is None:
            return ""
        number = self._ids[row]
        name = self._library.entry(number).name.strip()
        return f"library preset {number}" + (f" ({name})" if name else "")


def _chain(
    model: Model,
    sound: np.ndarray,
    note: Note,
    count: int,
    *,
    play: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draws for a sound, then for the sounds of these draws, then for those of the next, shape `(count, P)`.

    Each step leads farther from the sound, among presets that the model finds likely.
    """
    sounds = sound[None]
    drawn = []
    for share in np.array_split(np.arange(count), _STEPS):
        points = np.zeros((0, len(model.space)))
        for number, each in enumerate(sounds):
            wanted = len(share[number :: len(sounds)])
            z = rng.standard_normal((wanted, model.noise)) * rng.uniform(*_TEMPERATURE, (wanted, 1))
            points = np.concatenate([points, _decode(model, _context(model, each, note), z)])
        drawn.append(points)
        played = play(model.space.snap(points[rng.permutation(len(points))[:_HEARD]]))
        audible = played[np.abs(played).max(1, initial=0) >= INAUDIBLE]
        sounds = audible if len(audible) else sound[None]
    return np.concatenate(drawn)


def _load(synth: str, engine: type[Engine], name: str) -> Model | None:
    weights = weights_of(synth, engine.space, name)
    return None if weights is None else load_model(weights, engine.space, models)


@torch.no_grad()
def _context(model: Model, sound: np.ndarray, note: Note) -> torch.Tensor:
    mel = inputs[model.input].of(torch.from_numpy(sound[None]), RATE)
    return model.encode(mel, torch.tensor([[note.pitch, note.velocity, note.hold]], dtype=torch.float32))


@torch.no_grad()
def _decode(model: Model, context: torch.Tensor, z: np.ndarray) -> np.ndarray:
    noise = torch.from_numpy(z.astype(np.float32))
    return model.decode(noise, context.expand(len(z), -1)).numpy().astype(float)


@torch.no_grad()
def _noise(model: Density, point: np.ndarray, context: torch.Tensor) -> np.ndarray:
    noise = model.noise_of(torch.from_numpy(point[None]).float(), context)[0]
    return np.clip(np.nan_to_num(noise.numpy().astype(float)), -_FARTHEST, _FARTHEST)
