"""What leaves a timbre the same: another key, velocity or length, a room, noise, a narrow band, a codec, another level.

Every change takes a sound at `RATE` and a generator, and returns a sound of the same rate.
"""

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import soundfile
from scipy.fft import next_fast_len
from scipy.signal import butter, fftconvolve, sosfilt

from ..audio.conditioning import resample
from ..engines import Note
from .network import RATE, SECONDS

__all__ = ["CHANGES", "PLAIN", "SAME_NOTE", "VELOCITIES", "changed", "other_note"]

PLAIN = Note(pitch=60, velocity=100, hold=2.0, length=4.0)
"""What a preset is played on where nothing else is asked for."""

VELOCITIES = (40, 127)
"""The softest and the loudest."""

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Takes and returns a sound, shape `(T,)`."""

_MP3_RATE = 22_050
_OPUS_RATE = 24_000
_CODECS = (("MP3", "MPEG_LAYER_III", _MP3_RATE), ("OGG", "VORBIS", _MP3_RATE), ("OGG", "OPUS", _OPUS_RATE))


def other_note(rng: np.random.Generator, *, near: float = 0.75, soft: bool = False, whole: bool = False) -> Note:
    """Returns another key within an octave of C4, or two, with another velocity and length.

    Args:
        rng: Random generator.
        near: How often it is within one octave.
        soft: Whether it is soft more often than loud: at a low velocity presets differ most from what they are.
        whole: Whether all of its end is heard; otherwise a second of it or less.
    """
    octaves = 12 if rng.random() < near else 24
    pitch = PLAIN.pitch + int(rng.integers(-octaves, octaves + 1))
    hold = float(np.exp(rng.uniform(np.log(0.3), np.log(3.0))))
    cut = min(SECONDS, hold + float(rng.uniform(0.2, 1.2)))
    length = SECONDS if whole else cut
    low, high = VELOCITIES
    share = rng.random() ** (2 if soft else 1)
    return Note(pitch, int(low + share * (high + 1 - low)), hold, length)


def noise(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds noise between white and red, 6 to 45 dB below the loudest tenth of a second."""
    size = int(next_fast_len(len(sound), real=True) or 1)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hz = np.fft.rfftfreq(size, 1 / RATE)
    coloured = np.fft.irfft(spectrum / np.maximum(hz, 50.0) ** rng.uniform(0, 1), size)[: len(sound)]
    piece = RATE // 10
    padded = np.pad(sound.astype(float), (0, -len(sound) % piece))
    loudest = np.sqrt((padded.reshape(-1, piece) ** 2).mean(1).max())
    gain = loudest * 10 ** (-rng.uniform(6, 45) / 20) / max(np.sqrt((coloured**2).mean()), 1e-12)
    return (sound + gain * coloured).astype(np.float32)


def room(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Puts the sound into a room: some reflections, then dark noise that decays by 60 dB in 0.15 to 1.5 s.

    The direct sound stays 0 to 18 dB above all the rest.
    """
    seconds = float(np.exp(rng.uniform(np.log(0.15), np.log(1.5))))
    time = np.arange(round(min(seconds, 1.2) * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    darker = butter(1, rng.uniform(1_500, 8_000), fs=RATE, output="sos")
    tail = np.asarray(sosfilt(darker, tail))
    tail[: round(rng.uniform(0.002, 0.02) * RATE)] = 0
    for _ in range(int(rng.integers(2, 8))):
        place = int(rng.uniform(0.002, 0.05) * RATE)
        tail[place] += rng.choice([-1, 1]) * rng.uniform(0.5, 3.0)
    tail *= 10 ** (-rng.uniform(0, 18) / 20) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    whole = fftconvolve(sound, tail)[: max(len(sound), round(SECONDS * RATE))]
    return whole.astype(np.float32)


def band(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cuts what lies beyond the band of a small loudspeaker or a line: above 2.5 to 9 kHz, below 40 to 300 Hz."""
    which = rng.integers(3)
    if which != 1:
        edge = float(np.exp(rng.uniform(np.log(2_500), np.log(9_000))))
        sound = np.asarray(sosfilt(butter(int(rng.integers(1, 5)), edge, fs=RATE, output="sos"), sound))
    if which != 0:
        edge = float(np.exp(rng.uniform(np.log(40), np.log(300))))
        order = int(rng.integers(1, 3))
        sound = np.asarray(sosfilt(butter(order, edge, "highpass", fs=RATE, output="sos"), sound))
    return sound.astype(np.float32)


def codec(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sends the sound through MP3, Vorbis or Opus, at a high to a very low bit rate."""
    container, name, rate = _CODECS[int(rng.integers(len(_CODECS)))]
    peak = max(float(np.abs(sound).max()), 1e-9)
    given = resample((0.7 / peak * sound).astype(np.float32), RATE, rate)
    data = io.BytesIO()
    soundfile.write(data, given, rate, name, format=container, compression_level=float(rng.uniform(0.2, 0.95)))
    data.seek(0)
    coded = soundfile.read(data, dtype="float32")[0]
    return resample(coded, rate, RATE) * np.float32(peak / 0.7)


def level(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Makes the sound up to 30 dB softer or louder."""
    return sound * np.float32(10 ** (rng.uniform(-30, 30) / 20))


def transposed(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Plays the sound up to four semitones higher or lower, and as much faster or slower, as a sampler does."""
    return resample(sound, round(RATE * 2 ** (rng.uniform(-4, 4) / 12)), RATE)


CHANGES: Mapping[str, Change] = {
    "transposed": transposed,
    "room": room,
    "band": band,
    "noise": noise,
    "level": level,
    "codec": codec,
}
"""All changes by name, in the order in which they happen to a recording."""

SAME_NOTE = ("noise", "room", "codec", "band")
"""Changes that leave pitch and length."""


def changed(
    sound: np.ndarray, rng: np.random.Generator, names: Sequence[str] = tuple(CHANGES), *, count: int | None = None
) -> np.ndarray:
    """Returns the sound after some of these changes.

    Args:
        sound: At `RATE`, shape `(T,)`.
        rng: Random generator.
        names: Keys of `CHANGES`.
        count: How many of them, by default one or two.
    """
    if count is None:
        count = 1 + int(rng.random() < 0.4)
    chosen = rng.choice(names, min(count, len(names)), replace=False).tolist()
    # In this order they happen to a recording.
    for name in CHANGES:
        if name in chosen:
            sound = CHANGES[name](sound, rng)
    return sound
