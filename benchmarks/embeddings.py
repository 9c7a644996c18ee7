"""What stands beside the ear: embeddings of sounds that anybody could make without learning one.

Every one is a function of sounds, shape `(B, T)` at `RATE`, that returns vectors, shape `(B, D)`, and is in
`EMBEDDINGS`. Two sounds are compared by the cosine of their vectors. Where the numbers of a vector have different
units, each counts in deviations of training presets from their mean, see `Embedding.scaled`.
"""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from patchflow.ear import Ear
from patchflow.engines import engines
from patchflow.features.descriptors import character, describe
from patchflow.features.inputs.levels import levels
from patchflow.features.mel import mel_spectrogram, mfcc, power_to_db
from patchflow.models import load_model, models, shipped
from patchflow.models.posterior import Posterior

__all__ = ["EMBEDDINGS", "RATE", "Embedding", "cosines", "unit"]

RATE = 22_050
COEFFICIENTS = 20
MIDDLE = 3  # layers of the encoder before its last two stages
BANDED = 4  # the one that agrees best with people if bands are kept
LOGARITHMIC = ("brightness", "bandwidth", "rolloff", "noisiness", "attack", "movement")

Function = Callable[[Tensor], np.ndarray]


@dataclass(frozen=True)
class Embedding:
    """A way to turn sounds into vectors.

    Args:
        of: The function.
        scaled: Whether numbers count in deviations of training presets from their mean.
        version: What its vectors depend on beside the code: they are kept in files by it.
    """

    of: Function
    scaled: bool = True
    version: str = "1"


def log_mel_statistics(sounds: Tensor) -> np.ndarray:
    """Returns the mean and deviation over time of 80 levels in dB, shape `(B, 160)`."""
    return over_time(power_to_db(mel_spectrogram(sounds, RATE)))


def mfcc_statistics(sounds: Tensor) -> np.ndarray:
    """Returns the mean and deviation over time of 19 coefficients, without the level, shape `(B, 38)`."""
    return over_time(cepstra(sounds))


def mfcc_frames(sounds: Tensor) -> np.ndarray:
    """Returns 19 coefficients of every frame, without the level, shape `(B, 19 N)`."""
    return cepstra(sounds).flatten(1).numpy()


def descriptors(sounds: Tensor) -> np.ndarray:
    """Returns brightness, attack, noisiness and so on, with the level left out; frequencies and times as logarithms."""
    found = describe(sounds, RATE) | character(sounds, RATE)
    columns = []
    for name, values in found.items():
        if name == "loudness":
            continue
        columns.append(values.clamp_min(1e-4).log() if name in LOGARITHMIC else values)
    return torch.stack(columns, 1).numpy()


def encoder_channels(sounds: Tensor) -> np.ndarray:
    """Returns the mean and deviation of every channel of three inner layers of the posterior's encoder."""
    parts = []
    for layer in inner_layers(sounds)[MIDDLE:]:
        parts += [layer.mean((2, 3)), layer.std((2, 3))]
    return torch.cat(parts, 1).numpy()


def encoder_bands(sounds: Tensor) -> np.ndarray:
    """Returns the mean and deviation over time of every channel and band of the encoder's last but one layer."""
    layer = inner_layers(sounds)[BANDED]
    return over_time(layer.flatten(1, 2))


def by_chance(sounds: Tensor) -> np.ndarray:
    """Returns vectors by chance, the same for the same samples."""
    rows = [int.from_bytes(hashlib.sha256(sound.numpy().tobytes()).digest()[:8], "big") for sound in sounds]
    return np.stack([np.random.default_rng(row).normal(size=32) for row in rows])


def ear(sounds: Tensor) -> np.ndarray:
    """Returns the project's own embedding."""
    return learned().embed(list(sounds.numpy()), RATE)


def over_time(frames: Tensor) -> np.ndarray:
    """Returns the mean and deviation of frames, given as `(B, F, N)`, shape `(B, 2 F)`."""
    return torch.cat([frames.mean(2), frames.std(2, correction=0)], 1).numpy()


@functools.lru_cache(maxsize=1)  # two embeddings of the same sounds share it
def cepstra(sounds: Tensor) -> Tensor:
    """Returns 19 coefficients of every frame, without the level, shape `(B, 19, N)`."""
    return mfcc(sounds, RATE, count=COEFFICIENTS)[:, 1:]


@functools.lru_cache(maxsize=1)
@torch.no_grad()
def inner_layers(sounds: Tensor) -> list[Tensor]:
    """Returns what comes out of each layer of the DX7 posterior's encoder, shapes `(B, C, F, N)`."""
    x = (4 * levels.of(sounds, RATE) - 2)[:, None]
    found = []
    for layer in encoder():
        x = layer(x)
        found.append(x)
    return found


@functools.cache
def encoder() -> torch.nn.Sequential:
    """Returns the convolutions of the posterior that ships for the DX7."""
    weights = shipped("dexed")
    assert weights is not None
    model = load_model(weights, engines["dexed"].space, models)
    assert isinstance(model, Posterior)
    return model.encoder.stages


@functools.cache
def learned() -> Ear:
    """Returns the ear that ships."""
    return Ear.load()


def unit(vectors: np.ndarray) -> np.ndarray:
    """Returns rows of length 1; those of zeros as they are."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-9)


def cosines(vectors: np.ndarray) -> np.ndarray:
    """Returns one minus the cosine of each two rows, shape `(N, N)`."""
    rows = unit(vectors.astype(np.float64))
    return 1 - rows @ rows.T


EMBEDDINGS = {
    "random": Embedding(by_chance, scaled=False),
    "log-mel statistics": Embedding(log_mel_statistics),
    "MFCC statistics": Embedding(mfcc_statistics),
    "MFCC frames": Embedding(mfcc_frames, scaled=False),
    "descriptors": Embedding(descriptors),
    "encoder, channels": Embedding(encoder_channels),
    "encoder, bands": Embedding(encoder_bands),
    "ear": Embedding(ear, scaled=False, version=learned().version),
}
