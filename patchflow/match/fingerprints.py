"""A library of presets with what each sounds like in a few hundred bytes: which are nearest to a sound, unplayed."""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save

from ..engines import Engine, Note, Renderer
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import ModelError, PresetError
from ..metrics.log_mel_l1 import log_mel
from ..models import header_of, read_header
from ..parsing import damage_named, json_value
from ..presets import ParamSpace
from ..progress import Progress, ProgressCallback, ignore
from ..storage import write_atomically

__all__ = [
    "BANDS",
    "FINGERPRINTS",
    "KEYS",
    "PARTS",
    "Fingerprints",
    "choose_fingerprints",
    "levels_in_parts",
    "note_levels",
    "packed_levels",
    "play_fingerprints",
    "play_prints",
    "print_distances",
    "print_size",
    "rounded",
]

FINGERPRINTS = "fingerprints"
"""What a library is called where models have their names: it lies beside the weights as `SYNTH-fingerprints`."""

KEYS = (48, 72)
"""MIDI notes that each preset is played on: with both, sounds of two octaves around are told apart."""

BANDS = 20
"""Bands of a fingerprint, each four of `log_mel`."""

_HELD = (0.04, 0.12, 0.3, 0.7, 1.3)  # seconds after the onset where a new part begins; the last one goes on
_RELEASED = (0.15, 0.35)  # the same after the release of the key

PARTS = len(_HELD) + len(_RELEASED) + 2
"""Parts of time of a fingerprint."""

_RATE = 22_050
_MELS = 80  # bands of `log_mel`
_HOP = 512 / _RATE  # seconds from one frame of it to the next
_VELOCITY = 100
_HOLD = 2.0  # seconds
_LENGTH = 2.75  # seconds
_STEP = 4.0  # dB between two levels of a fingerprint: half of that makes no difference to the ranking
_FLOOR = 80.0  # dB below the peak
_MOST_STEPS = 15  # of 5.3 dB, in half a byte: those of a preset in a library, which need not be the very nearest
_KNOB = 254  # steps of a continuous parameter; even, so that the middle is one of them
_TWIN = 1.0  # dB
_JOB = 8  # presets that a thread gets at once
_LARGEST = 2**28  # bytes
_TOGETHER = 8_192  # presets of which packed levels are unpacked at once


@dataclass(frozen=True)
class Fingerprints:
    """Presets of one synth and what each sounds like.

    A fingerprint holds the levels of a sound in bands and parts of time, `log_mel` averaged: parts that are short at
    the onset and long later, and others after the release of the key, so that it is compared with sounds of any length.

    Args:
        points: Encoded presets, each number one that fits a byte, shape `(N, P)`.
        keys: MIDI notes that they were played on, rising, shape `(K,)`.
        levels: Decibels relative to the peak of each sound, -80 to 0, shape `(N, K, BANDS, parts)`.
        cells: Values of each parameter; 0 for a continuous one, shape `(P,)`.
    """

    points: np.ndarray
    keys: np.ndarray
    levels: np.ndarray
    cells: np.ndarray

    def __len__(self) -> int:
        return len(self.points)

    def distances(self, samples: np.ndarray, hold: float, pitches: Sequence[float] | np.ndarray) -> np.ndarray:
        """Returns about how far each preset is from a sound, in dB of log-mel L1.

        Spectra move with the key, so that of the sound is moved to each key that was played. Of a pitch between two
        keys the distances on both count, by how near it is to each.

        Args:
            samples: The sound at 22,050 Hz, shape `(T,)`.
            hold: Seconds from its onset to the release of the key.
            pitches: MIDI notes that the presets would be played on.

        Returns:
            Shape `(N, number of pitches)`.
        """
        mel = log_mel(torch.from_numpy(samples)[None])[0].numpy()
        found = np.zeros((len(self), len(pitches)), np.float32)
        for column, pitch in enumerate(np.asarray(pitches, float).tolist()):
            for k, share in self._shares(pitch):
                wanted, weights = _reduced(_moved(mel, float(self.keys[k]) - pitch), hold)
                gaps = self._flat[k] - wanted.astype(np.float32).ravel()
                np.abs(gaps, out=gaps)
                found[:, column] += share * (gaps @ np.tile(weights / BANDS, BANDS).astype(np.float32))
        return found

    @cached_property
    def _flat(self) -> np.ndarray:
        """Levels on each key, shape `(K, N, BANDS * parts)`."""
        return np.ascontiguousarray(self.levels.swapaxes(0, 1).reshape(len(self.keys), len(self), -1))

    def _shares(self, pitch: float) -> list[tuple[int, float]]:
        """Which keys count for a pitch, and how much."""
        above = int(np.searchsorted(self.keys, pitch))
        if above in (0, len(self.keys)):
            return [(min(above, len(self.keys) - 1), 1.0)]
        share = float((pitch - self.keys[above - 1]) / (self.keys[above] - self.keys[above - 1]))
        return [(above - 1, 1 - share), (above, share)]

    def save(self, path: str | Path, synth: str, space: ParamSpace, about: dict[str, object]) -> None:
        """Writes a safetensors file whose tensors are compressed bytes.

        Args:
            path: File to write, whole or not at all.
            synth: Name of the engine.
            space: Its parameters.
            about: Facts for people: what the presets were drawn from.

        Raises:
            StorageError: If the file cannot be written.
        """
        config = {"keys": self.keys.tolist(), "presets": len(self)}
        steps = np.round(self.levels / -_STEP).astype(np.uint8)
        # Column by column, values repeat more often than row by row.
        tensors = {"points": _packed(_bytes_of(self.points, self.cells).T), "levels": _packed(steps)}
        write_atomically(path, save(tensors, header_of(FINGERPRINTS, synth, space, config, about)))

    @classmethod
    def load(cls, path: str | Path, space: ParamSpace) -> "Fingerprints":
        """Reads what `save` wrote.

        Args:
            path: The file.
            space: Parameters of the synth it will be used for.

        Raises:
            ModelError: If the file is missing or damaged, or of another synth.
        """
        header = read_header(path)
        if header["model"] != FINGERPRINTS or header["parameters"] != json.dumps(space.names):
            raise ModelError(f"{path}: not a library of fingerprints of a synth with these parameters")
        with damage_named(path, ModelError, is_what="not a library of fingerprints"):
            config = json_value(header["config"])
            count = int(config["presets"])
            keys = np.array(config["keys"], int)
            with safe_open(path, "np") as file:
                points = _unpacked(file.get_tensor("points"), (len(space), count)).T
                levels = _unpacked(file.get_tensor("levels"), (count, len(keys), BANDS, PARTS))
            return cls(_points_of(points, space.cells), keys, levels * np.float32(-_STEP), space.cells)


def levels_in_parts(samples: np.ndarray, hold: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the fingerprint of a sound at 22,050 Hz, `(BANDS, parts)`, and the share of its time in each part."""
    return _reduced(log_mel(torch.from_numpy(samples)[None])[0].numpy(), hold)


def note_levels(samples: np.ndarray, hold: float) -> np.ndarray:
    """Returns the fingerprint of a sound of any note, with NaN in parts that it is too short for.

    Args:
        samples: At 22,050 Hz, shape `(T,)`.
        hold: Seconds from its onset to the release of the key.

    Returns:
        Shape `(BANDS, parts)`.
    """
    if np.abs(samples).max(initial=0) < INAUDIBLE:
        return np.full((BANDS, PARTS), -_FLOOR, np.float32)
    levels, share = levels_in_parts(samples, hold)
    return np.where(share > 0, levels, np.nan).astype(np.float32)


def print_size(keys: int) -> int:
    """Returns how many bytes `packed_levels` makes of a preset that was played on some keys."""
    return -(-keys * BANDS * PARTS // 8) * 4  # half a byte each, and a multiple of four


def packed_levels(levels: np.ndarray) -> np.ndarray:
    """Returns fingerprints in half a byte a level.

    What a note was too short for goes on as the first note does, or as it was.

    Args:
        levels: What `note_levels` says of presets on some notes, shape `(N, K, BANDS, parts)`.

    Returns:
        uint8, shape `(N, print_size(K))`; 255 everywhere where a note was not played.
    """
    whole = np.array(levels, np.float32)
    for part in range(1, PARTS):
        step = np.nan_to_num(whole[:, :1, :, part] - whole[:, :1, :, part - 1])
        missing = np.isnan(whole[..., part])
        whole[..., part] = np.where(missing, whole[..., part - 1] + step, whole[..., part])
    unknown = np.isnan(whole).any((1, 2, 3))
    whole[unknown] = 0.0
    steps = np.round(whole.clip(-_FLOOR, 0) * (_MOST_STEPS / -_FLOOR)).astype(np.uint8).reshape(len(whole), -1)
    steps = np.pad(steps, ((0, 0), (0, 2 * print_size(levels.shape[1]) - steps.shape[1])))
    packed = steps[:, ::2] << 4 | steps[:, 1::2]
    packed[unknown] = 255  # as silence, which nothing is found by
    return packed


def play_prints(points: np.ndarray, renderer: Renderer, notes: Sequence[Note]) -> np.ndarray:
    """Plays presets on some notes and returns their fingerprints, see `packed_levels`.

    Args:
        points: Encoded presets, shape `(N, P)`.
        renderer: Plays them.
        notes: Of a preset, the longest first.
    """

    def played(engine: Engine, point: np.ndarray) -> np.ndarray:
        return np.stack([note_levels(render_or_silence(engine, point, note, _RATE), note.hold) for note in notes])

    levels = list(renderer.map(played, points))
    return packed_levels(np.stack(levels) if levels else np.zeros((0, len(notes), BANDS, PARTS)))


def print_distances(
    packed: np.ndarray, keys: Sequence[int], samples: np.ndarray, hold: float, pitch: int
) -> np.ndarray:
    """Returns about how far presets are from a sound, see `Fingerprints.distances`, shape `(N,)`.

    Args:
        packed: What `packed_levels` made of them, shape `(N, print_size(K))`.
        keys: MIDI notes that they were played on, in the order of the levels, shape `(K,)`.
        samples: The sound at 22,050 Hz, shape `(T,)`.
        hold: Seconds from its onset to the release of the key.
        pitch: MIDI note that the presets would be played on.
    """
    order = np.argsort(keys)
    size = len(keys) * BANDS * PARTS
    found = [np.zeros(0, np.float32)]
    for first in range(0, len(packed), _TOGETHER):  # unpacked they are eight times as large
        part = packed[first : first + _TOGETHER]
        steps = np.stack([part >> 4, part & 15], 2).reshape(len(part), -1)[:, :size]
        levels = steps.reshape(len(part), len(keys), BANDS, PARTS)[:, order] * np.float32(-_FLOOR / _MOST_STEPS)
        nothing = np.zeros((len(part), 0))
        prints = Fingerprints(nothing, np.sort(keys), levels, nothing[:0])
        found.append(prints.distances(samples, hold, [pitch])[:, 0])
    return np.concatenate(found)


def rounded(points: np.ndarray, engine: Engine) -> np.ndarray:
    """Returns presets as a library holds them, so that what is played is what is kept.

    Args:
        points: Encoded presets, shape `(N, P)`.
        engine: Their synth.

    Returns:
        Canonical presets whose audible continuous parameters are at one of 255 places each, shape `(N, P)`.
    """
    cells = engine.space.cells
    return engine.canonical(_points_of(_bytes_of(engine.canonical(points), cells), cells))


def play_fingerprints(points: np.ndarray, renderer: Renderer, progress: ProgressCallback = ignore) -> np.ndarray:
    """Plays presets on every key of `KEYS` and returns their fingerprints.

    Args:
        points: Encoded presets, as `rounded` returns them, shape `(N, P)`.
        renderer: Plays them.
        progress: Called with the number of presets that were played.

    Returns:
        See `Fingerprints.levels`; -80 everywhere where nothing can be heard.
    """
    jobs = [points[i : i + _JOB] for i in range(0, len(points), _JOB)]
    parts = [np.empty((0, len(KEYS), BANDS, PARTS), np.float32)]
    for part in renderer.map(_played, jobs):
        parts.append(part)
        progress(Progress("gather", min(len(points), _JOB * (len(parts) - 1)), len(points), "presets"))
    return np.concatenate(parts)


def choose_fingerprints(points: np.ndarray, levels: np.ndarray, cells: np.ndarray) -> Fingerprints:
    """Returns a library of the presets that can be heard on every key and are no twins of earlier ones.

    Args:
        points: Encoded presets, shape `(N, P)`.
        levels: What `play_fingerprints` returned for them.
        cells: See `Fingerprints`.

    Raises:
        PresetError: If none can be heard.
    """
    audible = np.flatnonzero((levels.max((2, 3)) > -_FLOOR).all(1))
    if not len(audible):
        raise PresetError(f"none of {len(points)} presets can be heard")
    kept = list(_without_twins(levels, audible))
    return Fingerprints(points[kept], np.array(KEYS), levels[kept], cells)


def _played(engine: Engine, points: np.ndarray) -> np.ndarray:
    """Fingerprints of a few presets on every key."""
    levels = np.full((len(points), len(KEYS), BANDS, PARTS), -_FLOOR, np.float32)
    for row, point in enumerate(points):
        for k, key in enumerate(KEYS):
            sound = render_or_silence(engine, point, Note(key, _VELOCITY, _HOLD, _LENGTH), _RATE)
            if np.abs(sound).max() >= INAUDIBLE:
                levels[row, k] = levels_in_parts(sound, _HOLD)[0]
    return np.round(levels / _STEP) * np.float32(_STEP)


def _without_twins(levels: np.ndarray, rows: np.ndarray) -> Iterator[int]:
    """Yields the rows that are no nearer than `_TWIN` to an earlier one."""
    flat = levels.reshape(len(levels), -1)
    earlier = np.empty_like(flat[rows])
    count = 0
    for row in rows.tolist():
        if not count or np.abs(earlier[:count] - flat[row]).mean(1).min() >= _TWIN:
            earlier[count] = flat[row]
            count += 1
            yield row


def _reduced(mel: np.ndarray, hold: float) -> tuple[np.ndarray, np.ndarray]:
    """Averages a log-mel spectrogram `(F, N)` to a fingerprint; see `levels_in_parts`."""
    time = np.arange(mel.shape[1]) * _HOP
    released = len(_HELD) + 1 + np.searchsorted(_RELEASED, time - hold, side="right")
    part = np.where(time < hold, np.searchsorted(_HELD, time, side="right"), released)
    bands = mel.reshape(BANDS, -1, mel.shape[1]).mean(1)
    counts = np.bincount(part, minlength=PARTS)
    sums = np.zeros((BANDS, PARTS), np.float32)
    np.add.at(sums.T, part, bands.T)
    return sums / np.maximum(counts, 1), counts / counts.sum()


def _moved(mel: np.ndarray, semitones: float) -> np.ndarray:
    """A spectrogram `(F, N)` of `log_mel` moved up by some semitones."""
    centres = _centres()
    places = np.interp(centres / 2 ** (semitones / 12), centres, np.arange(len(centres)))
    below = np.minimum(places.astype(int), len(centres) - 2)
    share = (places - below)[:, None]
    return (1 - share) * mel[below] + share * mel[below + 1]


@cache
def _centres() -> np.ndarray:
    """Centres of the bands of `log_mel`, in Hz: evenly spread from 30 to 11,000 Hz on the mel scale."""
    low, high = 2595 * np.log10(1 + np.array([30.0, 11_000.0]) / 700)
    return 700 * (10 ** (np.linspace(low, high, _MELS + 2)[1:-1] / 2595) - 1)


def _bytes_of(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Presets with a byte for each parameter, shape `(N, P)`."""
    steps = np.where(cells > 0, np.floor(points * cells), np.round(points * _KNOB))
    return np.minimum(steps, np.where(cells > 0, cells - 1, _KNOB)).astype(np.uint8)


def _points_of(steps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Encoded presets; see `_bytes_of`."""
    return np.where(cells > 0, (steps + 0.5) / np.maximum(cells, 1), steps / _KNOB)


def _packed(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(zlib.compress(np.ascontiguousarray(array).tobytes(), 9), np.uint8)


def _unpacked(data: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape))
    # A damaged or malicious file must not unpack to more than its header says.
    if not 0 < size <= _LARGEST:
        raise ValueError(f"claims {size} values")
    raw = zlib.decompressobj().decompress(data.tobytes(), size)
    return np.frombuffer(raw, np.uint8).reshape(shape)
