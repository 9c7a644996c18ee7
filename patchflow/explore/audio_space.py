"""Spaces that morphs go by: one of sounds and presets of a synth, and one whose straight lines are heard as between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy.fft import dctn
from scipy.special import ndtr, ndtri

from ..engines import Engine, Note, Renderer, engines
from ..engines._renderer import render_or_silence
from ..errors import ModelError
from ..features.inputs import inputs
from ..features.log_spectrum import AUDIBLE_GAIN, PARTIALS, best_shift, fine_spectrum, halved
from ..features.mel import mel_spectrogram
from ..metrics.mean_spectrum import mean_levels
from ..metrics.perceptual import Reference
from ..metrics.timbre import quarter_tones
from ..models import find_weights, load_model, models, weights_of
from ..models._flow_regression import FlowRegression
from ..presets import ParamSpace
from .player import RATE

__all__ = ["Apart", "AudioSpace", "HeardSpace", "Tried"]

_USUAL = "flow_joint"  # the model that is looked for if none is asked for
_INSIDE = 0.005  # how far from its ends a knob is taken to be: there a flow has learned, and the normal map is finite

_FLOOR_DB = 80.0  # below the loudest of the ends, under which nothing counts
_KEPT = 30  # of each axis of the spectrogram's cosine transform: what is coarse enough to be heard as a quality
_COARSE = 8.0  # order of the transform whose weight is half of that of the mean
_ONSET = 0.5  # weight of the envelope on a scale of logarithmic time
_SPECTRUM = 0.3  # weight of the mean spectrum in quarter tones
_LOUDNESS = 2.0  # weight of the level of the whole
_ENVELOPE_DB = 60.0
_PIECE = 64  # samples of a point of the envelope: 3 ms
_MOMENTS = 40  # of the envelope, as many between 3 and 6 ms as between 1 and 2 s
_SILENT = 1e-10  # power
_JOB = 4  # presets that go to a thread together


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


class HeardSpace:
    """Places of sounds among two or more ends: what a morph goes by.

    A vector has four parts: the log-mel spectrogram through a cosine transform, what is coarse with the most weight;
    the envelope on a scale of logarithmic time, so that an attack counts; the mean spectrum in quarter tones, which
    tells where partials are; and the level of the whole. Levels are absolute, so the loudness moves evenly too.

    Args:
        ends: Sounds at 22,050 Hz, none silent, shape `(C, T)`.
    """

    def __init__(self, ends: np.ndarray) -> None:
        sounds = torch.from_numpy(np.asarray(ends, np.float32))
        self._floor = float(_mel(sounds).max()) * 10 ** (-_FLOOR_DB / 10)
        self._fine = fine_spectrum(halved(sounds), RATE // 2)
        order = np.arange(_KEPT) / _COARSE
        self._weights = 1 / np.sqrt((1 + order[:, None]) * (1 + order))
        self.offsets = self._offsets()

    def vectors(self, sounds: np.ndarray) -> np.ndarray:
        """Returns the vectors of sounds, float32, shape `(N, D)`.

        Args:
            sounds: At 22,050 Hz, as long as the ends, shape `(N, T)`.
        """
        samples = torch.from_numpy(np.asarray(sounds, np.float32))
        levels = 10 * np.log10(_mel(samples).numpy() + self._floor)
        transform = np.asarray(dctn(levels, axes=(1, 2), norm="ortho"))[:, :_KEPT, :_KEPT]
        kept = self._weights[: transform.shape[1], : transform.shape[2]]
        coarse = (transform * kept).reshape(len(sounds), -1) / np.sqrt(levels[0].size)
        spectrum = mean_levels(quarter_tones(halved(samples))).numpy()
        envelope = np.stack([_envelope(sound) for sound in sounds])
        power = np.square(np.asarray(sounds, float)).mean(1)
        loud = 10 * np.log10(np.maximum(power, _SILENT))
        parts = [
            coarse,
            _ONSET * envelope / np.sqrt(envelope.shape[1]),
            _SPECTRUM * spectrum / np.sqrt(spectrum.shape[1]),
            _LOUDNESS * loud[:, None],
        ]
        return np.concatenate(parts, 1).astype(np.float32)

    def cents(self, sounds: np.ndarray) -> np.ndarray:
        """Returns how far sounds are above the first end in pitch, in cents, shape `(N,)`.

        Measured by the end that each has most partials in common with; NaN where it has them with none.

        Args:
            sounds: At 22,050 Hz, shape `(N, T)`.
        """
        fine = fine_spectrum(halved(torch.from_numpy(np.asarray(sounds, np.float32))), RATE // 2)
        return self._cents(fine)

    def _cents(self, fine: torch.Tensor) -> np.ndarray:
        found = np.full(len(fine), np.nan)
        agreement = np.full(len(fine), PARTIALS)
        for end, offset in zip(self._fine, self.offsets, strict=True):
            shift = best_shift(fine, end[None])
            agrees = shift.agreement.numpy()
            cents = np.where(shift.gain.numpy() >= AUDIBLE_GAIN, shift.cents.numpy(), 0.0)
            better = agrees >= agreement
            found[better] = cents[better] + offset
            agreement = np.maximum(agreement, agrees)
        return found

    def _offsets(self) -> np.ndarray:
        """Cents of each end above the first: 0 where they have no partials in common."""
        shift = best_shift(self._fine, self._fine[:1])
        heard = (shift.agreement.numpy() >= PARTIALS) & (shift.gain.numpy() >= AUDIBLE_GAIN)
        return np.where(heard, shift.cents.numpy(), 0.0)


def _mel(sounds: torch.Tensor) -> torch.Tensor:
    return mel_spectrogram(sounds, RATE, n_fft=1024, hop=512, bands=80, low=30.0, high=11_000.0)


def _envelope(sound: np.ndarray) -> np.ndarray:
    """Levels below the peak at moments that are as far apart as they are from the beginning, in dB, shape `(M,)`."""
    pieces = sound[: len(sound) // _PIECE * _PIECE].reshape(-1, _PIECE)
    sums = np.concatenate([[0.0], np.cumsum(np.square(pieces, dtype=float).mean(1))])
    moments = np.unique(np.geomspace(1, len(pieces), _MOMENTS).astype(int))
    first = np.floor(0.8 * moments).astype(int)
    first = np.minimum(first, moments - 1)
    power = (sums[moments] - sums[first]) / (moments - first)
    peak = max(float(power.max()), 1e-20)
    return 10 * np.log10(np.maximum(power / peak, 10 ** (-_ENVELOPE_DB / 10)))


@dataclass
class Tried:
    """Presets that were played, with what they sound like; none twice.

    Args:
        renderer: Plays them.
        note: What is played.
        heard: Where sounds lie.
    """

    renderer: Renderer
    note: Note
    heard: HeardSpace
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    cents: np.ndarray = field(default_factory=lambda: np.zeros(0))
    _known: set[bytes] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.points)

    def add(self, points: np.ndarray) -> None:
        """Plays presets that were not played yet.

        Args:
            points: Encoded and snapped, shape `(N, P)`.
        """
        new = []
        for point in points:
            key = point.tobytes()
            if key not in self._known:
                self._known.add(key)
                new.append(point)
        if not new:
            return
        jobs = [np.stack(new[first : first + _JOB]) for first in range(0, len(new), _JOB)]
        found = list(self.renderer.map(self._hear, jobs))
        vectors = [vectors for vectors, _ in found]
        cents = [cents for _, cents in found]
        if len(self.points):
            new = [*self.points, *new]
            vectors = [self.vectors, *vectors]
            cents = [self.cents, *cents]
        self.points = np.stack(new)
        self.vectors = np.concatenate(vectors)
        self.cents = np.concatenate(cents)

    def rows(self, points: np.ndarray) -> list[int]:
        """Returns where presets that were added are, by their place among all."""
        place = {point.tobytes(): row for row, point in enumerate(self.points)}
        return [place[point.tobytes()] for point in points]

    def _hear(self, engine: Engine, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sounds = np.stack([render_or_silence(engine, point, self.note, RATE) for point in points])
        return self.heard.vectors(sounds), self.heard.cents(sounds)


class Apart:
    """How far presets that were tried are from each other to the ear; none is compared twice.

    Args:
        tried: The presets.
    """

    def __init__(self, tried: Tried) -> None:
        self._tried = tried
        self._sounds: dict[int, np.ndarray] = {}
        self._known: dict[tuple[int, int], float] = {}

    def __call__(self, here: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Returns distances, see `metrics.perceptual`, in dB, shape `(N, M)`.

        Args:
            here: Numbers of presets, shape `(N,)`.
            before: Numbers of those that they are compared with, shape `(M,)`.
        """
        self._play([*here.tolist(), *before.tolist()])
        jobs = []
        for first in before.tolist():
            others = [other for other in here.tolist() if (first, other) not in self._known]
            if others:
                jobs.append((first, others))
        for (first, others), distances in zip(jobs, self._tried.renderer.map(self._compared, jobs), strict=True):
            for other, gap in zip(others, distances, strict=True):
                self._known[first, other] = gap
        apart = np.zeros((len(here), len(before)))
        for row, other in enumerate(here.tolist()):
            apart[row] = [self._known[first, other] for first in before.tolist()]
        return apart

    def _play(self, numbers: list[int]) -> None:
        new = [number for number in dict.fromkeys(numbers) if number not in self._sounds]
        played = self._tried.renderer.map(self._sound, [self._tried.points[number] for number in new])
        self._sounds.update(zip(new, played, strict=True))

    def _sound(self, engine: Engine, point: np.ndarray) -> np.ndarray:
        return render_or_silence(engine, point, self._tried.note, RATE)

    def _compared(self, _: Engine, job: tuple[int, list[int]]) -> list[float]:
        first, others = job
        sounds = np.stack([self._sounds[other] for other in others])
        return Reference(torch.from_numpy(self._sounds[first])).distance(torch.from_numpy(sounds)).tolist()
