"""Makes renders sound recorded: noise, a room, a narrow band, and what MP3 and Opus leave of them."""

import io
from collections.abc import Callable

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, sosfilt

from patchflow.audio.conditioning import resample

__all__ = ["RECORDED", "as_codec", "in_room", "narrowed", "with_noise"]

OPUS_RATE = 24_000  # the nearest that the format has
DIRECT_DB = 6.0  # of the direct sound above all that a room sends back
EARLIEST = 0.005  # seconds after which a room answers
NARROW_HZ = 4_000.0

Change = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""Makes a sound, shape `(T,)` at a rate, into another of the same shape."""


def with_noise(snr_db: float) -> Change:
    """Returns white noise added to a sound, so many dB below its mean power over all of it."""

    def change(sound: np.ndarray, _: int, rng: np.random.Generator) -> np.ndarray:
        level = np.sqrt(np.mean(sound**2)) * 10 ** (-snr_db / 20)
        return sound + level * rng.normal(size=len(sound)).astype(np.float32)

    return change


def in_room(seconds: float) -> Change:
    """Returns a sound in a room whose answer, noise that decays evenly, is 60 dB softer after so many seconds."""

    def change(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        time = np.arange(round(seconds * rate)) / rate
        answer = rng.normal(size=len(time)) * 10 ** (-3 * time / seconds)
        answer[: round(EARLIEST * rate)] = 0
        answer *= 10 ** (-DIRECT_DB / 20) / np.linalg.norm(answer)
        answer[0] = 1
        return fftconvolve(sound, answer)[: len(sound)].astype(np.float32)

    return change


def as_codec(container: str, codec: str, rate: int, level: float) -> Change:
    """Returns a sound after it was written and read.

    Args:
        container: Format by soundfile's name.
        codec: Its encoding.
        rate: Sample rate it is written at, in Hz; that of the sound if 0.
        level: How much is left out, from 0 to 1.
    """

    def change(sound: np.ndarray, own: int, _: np.random.Generator) -> np.ndarray:
        used = rate or own
        file = io.BytesIO()
        peak = np.abs(sound).max() or 1.0
        scaled = resample(sound * (0.9 / peak), own, used)
        soundfile.write(file, scaled, used, format=container, subtype=codec, compression_level=level)
        file.seek(0)
        back = resample(soundfile.read(file, dtype="float32")[0], used, own) * (peak / 0.9)
        return np.pad(back, (0, max(0, len(sound) - len(back))))[: len(sound)].astype(np.float32)

    return change


def narrowed(sound: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
    """Returns a sound without what lies above 4 kHz."""
    return np.asarray(sosfilt(butter(6, NARROW_HZ, fs=rate, output="sos"), sound), np.float32)


def all_at_once(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Returns a soft recording of a sound in a small room with some noise, as an MP3."""
    changed = in_room(0.3)(sound, rate, rng)
    changed = with_noise(20.0)(0.1 * changed, rate, rng)
    return as_codec("MP3", "MPEG_LAYER_III", 0, 0.9)(changed, rate, rng)


RECORDED: dict[str, Change] = {
    "noise 30 dB": with_noise(30.0),
    "noise 20 dB": with_noise(20.0),
    "noise 10 dB": with_noise(10.0),
    "room 0.3 s": in_room(0.3),
    "room 0.8 s": in_room(0.8),
    "MP3": as_codec("MP3", "MPEG_LAYER_III", 0, 0.9),
    "Opus": as_codec("OGG", "OPUS", OPUS_RATE, 0.9),
    "below 4 kHz": narrowed,
    "all at once": all_at_once,
}
"""By what was done."""
