"""A recording in memory that is known to be a sound, and how silence is cut from its ends."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import AudioError
from ..storage import readable

__all__ = ["SILENCE_DB", "Sound", "trim"]

SILENCE_DB = -90.0
"""Peak below which a recording is silent, in dB relative to full scale."""

_SHORTEST_S = 0.01
_LOUDEST = 2.0**31
_RATES = (4_000, 768_000)


@dataclass(frozen=True)
class Sound:
    """A mono recording.

    Args:
        samples: Mono float32, usually within [-1, 1], shape `(T,)`.
        rate: Sample rate, in Hz, 4,000 to 768,000.
        path: The file it comes from; None if it comes from none.
        channels: Number of channels of the file.
        mix: How they became one: `"mean"` or the number of the channel that was taken, from 1.
        start: Seconds of the file before the first sample.
        length: Duration of the whole file, in seconds; that of `samples` if not given.

    Raises:
        AudioError: If a sample is not a number, or the sound is silent (its peak is below -90 dB),
            shorter than 10 ms or at an impossible rate.

    Example:
        >>> Sound(np.zeros(100, np.float32), 8_000)
        Traceback (most recent call last):
        patchflow.errors.AudioError: the sound is silent: its peak is below -90 dB. Record it louder.
    """

    samples: np.ndarray
    rate: int
    path: Path | None = None
    channels: int = 1
    mix: str = "mean"
    start: float = 0.0
    length: float = 0.0

    def __post_init__(self) -> None:
        if self.samples.ndim != 1:
            raise ValueError(f"samples {self.samples.shape}: not mono")
        _check_rate(self.rate, str(self.path or "the sound"))
        _check_samples(self.samples, self.rate, str(self.path or "the sound"))
        if not self.length:
            object.__setattr__(self, "length", self.seconds)

    @property
    def seconds(self) -> float:
        """Duration of `samples`."""
        return len(self.samples) / self.rate

    @property
    def name(self) -> str:
        """File name without its folder, fit to be shown; "" if there is no file."""
        return readable(self.path.name) if self.path else ""


def _check_rate(rate: int, name: str) -> None:
    low, high = _RATES
    if not low <= rate <= high:
        raise AudioError(f"{name} has rate={rate}Hz: not in [{low}, {high}]. Resample it, e.g. to 44100 Hz.")


def _check_samples(samples: np.ndarray, rate: int, name: str) -> None:
    if len(samples) < _SHORTEST_S * rate:
        ms = 1000 * len(samples) / rate
        raise AudioError(f"{name} lasts {ms:.3g} ms ({len(samples)} samples): at least 10 ms are needed.")
    peak = float(np.abs(samples).max())
    if not np.isfinite(peak):
        worst = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise AudioError(
            f"{name} holds {samples[worst]} at {worst / rate:.3f} s (sample {worst}): not a number. Export it again."
        )
    if peak > _LOUDEST:
        raise AudioError(f"{name} has peak={peak:.3g}: above 2^31. Export it again, scaled to [-1, 1].")
    if peak < 10 ** (SILENCE_DB / 20):
        raise AudioError(f"{name} is silent: its peak is below {SILENCE_DB:.0f} dB. Record it louder.")


_SHORTEST_TRIMMED_S = 0.01


def trim(sound: Sound, threshold_db: float = -50.0) -> Sound:
    """Returns the sound from its first to its last sample above a threshold.

    At least 10 ms are kept. -50 dB lies above the noise of most recordings and below the beginning of
    all but the slowest attacks.

    Args:
        sound: The recording.
        threshold_db: Level relative to its own peak, in dB, below 0.

    Returns:
        The part between; what was cut before it is added to `start`.

    Raises:
        ValueError: If `threshold_db` is not below 0.

    Example:
        >>> padded = np.concatenate([np.zeros(800), np.ones(1_600), np.zeros(800)]).astype(np.float32)
        >>> cut = trim(Sound(padded, 8_000))
        >>> cut.start, cut.seconds
        (0.1, 0.2)
    """
    if not threshold_db < 0:
        raise ValueError(f"threshold_db={threshold_db}: not below 0")
    level = np.abs(sound.samples)
    loud = np.flatnonzero(level > level.max() * 10 ** (threshold_db / 20))
    shortest = int(np.ceil(_SHORTEST_TRIMMED_S * sound.rate))
    first = min(int(loud[0]), len(level) - shortest)
    last = max(int(loud[-1]) + 1, first + shortest)
    return replace(sound, samples=sound.samples[first:last], start=sound.start + first / sound.rate)
