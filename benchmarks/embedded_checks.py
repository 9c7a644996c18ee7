"""What presets of the embedded bank are checked for: audible, in tune, long enough, unclipped, and nobody's twins.

For `embedded_bank.py`. Each candidate is played on C4 and on C3, velocity 100, held 2 s. Its tuning is the shift at
which its fine spectrum agrees best with that of a saw on the same key: it may be whole octaves off, and no more than 12
cents from one. A preset that is up to 150 cents off is corrected, played again and measured again. One that has no
partials in common with the saw has no pitch: bells, drums, effects.

Two sounds are twins if their log-mel spectrograms on C4 differ by less than 1 dB on average. Sums over the tiles of a
partition differ by no more than the spectrograms (triangle inequality), so few pairs need the full comparison.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

from patchflow.audio.pitch.estimate import estimate_pitch
from patchflow.engines import Engine, Note, engines
from patchflow.engines._renderer import one_torch_thread, render_or_silence
from patchflow.features.log_spectrum import PARTIALS, best_shift, fine_spectrum
from patchflow.metrics.log_mel_l1 import log_mel

RATE = 22_050
C4 = Note(60, 100, 2.0, 2.75)
C3 = Note(48, 100, 1.0, 1.5)
AUDIBLE = 0.02  # peak; 1 is full scale
LOUDEST = 4.0  # peak: 12 dB above full scale, which a DX7 with six carriers comes near
SHORTEST = 0.08  # seconds from the onset until it stays 40 dB below the peak
IN_TUNE = 12.0  # cents
CORRECTED = 150.0  # cents
OCTAVE = 1_200.0
SURE = 0.5  # confidence of a pitch that is estimated
FOLLOWS = 30.0  # cents that an octave on the keyboard may be off
TWIN = 1.0  # dB
BYTES = 10  # of 118 that voices of one family may differ in
TILES = (10, 12)
JOB = 8


@dataclass(frozen=True)
class Played:
    """What was measured of candidates, a row each.

    Args:
        peak: Of both keys, 1 is full scale.
        lasts: Seconds from the onset until the sound on C4 stays 40 dB below its peak.
        cents: How far it is above the key it is played on.
        agreement: How well its partials agree with those of a saw there; below `PARTIALS` it has no pitch.
        octave: How far C4 is above C3, in cents.
        following: How well both agree.
        sums: Of the tiles of its log-mel spectrogram on C4, shape `(N, tiles)`.
    """

    peak: np.ndarray
    lasts: np.ndarray
    cents: np.ndarray
    agreement: np.ndarray
    octave: np.ndarray
    following: np.ndarray
    sums: np.ndarray

    @classmethod
    def joined(cls, parts: "list[Played]") -> "Played":
        """Returns several as one."""
        columns = {}
        for field in fields(cls):
            columns[field.name] = np.concatenate([getattr(part, field.name) for part in parts])
        return cls(**columns)

    @property
    def pitched(self) -> np.ndarray:
        """Which have a pitch, bool."""
        return self.agreement >= PARTIALS

    @property
    def off(self) -> np.ndarray:
        """Cents from the nearest octave of the key; 0 without a pitch."""
        away = (self.cents + OCTAVE / 2) % OCTAVE - OCTAVE / 2
        return np.where(self.pitched, away, 0.0)

    @property
    def follows(self) -> np.ndarray:
        """Which are an octave higher an octave higher on the keyboard, bool."""
        return (np.abs(self.octave - OCTAVE) <= FOLLOWS) & (self.following >= PARTIALS)


def play(points: np.ndarray, engine: Engine) -> Played:
    """Plays presets and measures them."""
    with one_torch_thread():
        return Played.joined([_played(engine, points[i : i + JOB]) for i in range(0, len(points), JOB)])


def tuned(points: np.ndarray, found: Played, engine: Engine) -> tuple[np.ndarray, np.ndarray]:
    """Returns which presets can be corrected, as rows, and the corrected presets."""
    off = np.abs(found.off)
    rows = np.flatnonzero((off > IN_TUNE) & (off <= CORRECTED))
    moved = engine.canonical(engine.transposed(points[rows], -found.off[rows]))
    return rows, engine.sorted_parts(moved)


def with_named_pitches(found: Played, rows: np.ndarray, named: np.ndarray) -> Played:
    """Returns what was measured, with the pitches that an estimate is sure of in the place of no pitch.

    Args:
        found: What was measured of all presets.
        rows: Of presets that were asked for.
        named: What `named_pitches` says of each of the rows.
    """
    cents = found.cents.copy()
    agreement = found.agreement.copy()
    sure = np.isfinite(named)
    cents[rows[sure]] = named[sure]
    agreement[rows[sure]] = PARTIALS
    return replace(found, cents=cents, agreement=agreement)


def named_pitches(points: np.ndarray, engine: Engine) -> np.ndarray:
    """Returns how far presets sound above C4 when it is played, in cents; NaN where an estimate is not sure."""
    cents = np.full(len(points), np.nan)
    for row, point in enumerate(points):
        guess = estimate_pitch(render_or_silence(engine, point, C4, RATE), RATE).guesses[0]
        if guess.confidence >= SURE:
            cents[row] = 100.0 * (guess.pitch - C4.pitch) + guess.cents
    return cents


def sums_of(points: np.ndarray, engine: Engine) -> np.ndarray:
    """Returns the sums of presets that are compared with, see `Played.sums`; NaN of silent ones."""
    with one_torch_thread():
        return np.concatenate([_sums(engine, points[i : i + JOB]) for i in range(0, len(points), JOB)])


def mel_of(engine: Engine, point: np.ndarray) -> np.ndarray:
    """Returns the log-mel spectrogram of a preset on C4, shape `(F, T)`."""
    return log_mel(torch.from_numpy(render_or_silence(engine, point, C4, RATE))[None])[0].numpy()


def tile_sums(mels: np.ndarray) -> np.ndarray:
    """Returns the sums over tiles of spectrograms, as a share of their points, float32, shape `(N, tiles)`."""
    _, bands, frames = mels.shape
    strips = np.add.reduceat(mels, np.arange(TILES[0]) * bands // TILES[0], axis=1)
    tiles = np.add.reduceat(strips, np.arange(TILES[1]) * frames // TILES[1], axis=2)
    return (tiles.reshape(len(mels), -1) / (bands * frames)).astype(np.float32)


def near_pairs(sums: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the pairs of rows of both that may be twins, shape `(pairs, 2)`."""
    found = [np.zeros((0, 2), int)]
    theirs = torch.from_numpy(np.nan_to_num(others, nan=1e6))
    for start in range(0, len(sums), 512):
        least = torch.cdist(torch.from_numpy(sums[start : start + 512]), theirs, p=1)
        found.append(torch.nonzero(least <= TWIN + 1e-3).numpy() + np.array([start, 0]))
    return np.concatenate(found)


def packed_bytes(voices: np.ndarray) -> np.ndarray:
    """Returns DX7 voices as a bank dump holds them, 118 bytes each without the name, in no special order.

    Args:
        voices: As a single-voice dump holds them, shape `(N, 145)`.
    """
    columns = [voices[:, 126 + place] for place in (*range(9), 11, 12, 13, 14, 18)]
    columns += [voices[:, 135] + 8 * voices[:, 136], voices[:, 141] + 2 * voices[:, 142] + 16 * voices[:, 143]]
    for first in range(0, 126, 21):
        op = voices[:, first : first + 21]
        columns += [op[:, place] for place in (*range(11), 16, 19)]
        pairs = ((11, 12, 4), (13, 20, 8), (14, 15, 4), (17, 18, 2))
        columns += [op[:, a] + size * op[:, b] for a, b, size in pairs]
    return np.stack(columns, 1).astype(np.uint8)


def differing_bytes(voices: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns in how many bytes each voice differs from the nearest of others, shape `(N,)`."""
    least = np.full(len(voices), 255)
    columns = np.ascontiguousarray(others.T)
    for row, voice in enumerate(voices):
        same = np.zeros(len(others), np.uint8)
        for value, column in zip(voice, columns, strict=True):
            same += column == value
        least[row] = len(voice) - int(same.max(initial=0))
    return least


@dataclass(frozen=True)
class Others:
    """Other people's presets, which no candidate may be a twin of.

    Args:
        sums: Of each, see `Played.sums`; NaN of silent ones.
        mel: Makes the log-mel spectrogram on C4 of a row.
    """

    sums: np.ndarray
    mel: Callable[[int], np.ndarray]


class Sieve:
    """Candidates that are left, and why others are not.

    Args:
        count: Of candidates.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.rows = np.arange(count)
        self.out: dict[str, int] = {}

    def throw(self, why: str, bad: np.ndarray) -> None:
        """Throws out candidates; `bad` says of every candidate that there ever was whether it is."""
        gone = bad[self.rows]
        self.out[why] = self.out.get(why, 0) + int(gone.sum())
        self.rows = self.rows[~gone]
        print(f"{why}: {int(gone.sum())} thrown out, {len(self.rows)} left", flush=True)

    def throw_rows(self, why: str, rows: np.ndarray) -> None:
        """Throws out candidates by their rows."""
        bad = np.zeros(self.count, bool)
        bad[rows] = True
        self.throw(why, bad)


def without_twins(sieve: Sieve, points: np.ndarray, found: Played, others: Others, engine: Engine) -> None:
    """Throws out twins of other people's presets and of earlier candidates.

    Args:
        sieve: What is left.
        points: All candidates.
        found: What was measured of them.
        others: Other people's presets.
        engine: Plays candidates.
    """
    twins = []
    for a, b in near_pairs(found.sums[sieve.rows], others.sums).tolist():
        row = sieve.rows[a]
        if not (twins and twins[-1] == row) and gap(mel_of(engine, points[row]), others.mel(b)) < TWIN:
            twins.append(row)
    sieve.throw_rows("twin of somebody's preset by its sound", np.array(twins, int))
    pairs = near_pairs(found.sums[sieve.rows], found.sums[sieve.rows])
    gone: set[int] = set()
    for a, b in pairs[pairs[:, 0] < pairs[:, 1]].tolist():
        first, second = sieve.rows[a], sieve.rows[b]
        if gone & {int(first), int(second)}:
            continue
        if gap(mel_of(engine, points[first]), mel_of(engine, points[second])) < TWIN:
            gone.add(int(second))
    sieve.throw_rows("twin of an earlier candidate", np.array(sorted(gone), int))


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """Returns how far two log-mel spectrograms are apart, in dB."""
    return float(np.abs(a - b).mean())


class Recorded(Engine):
    """An engine whose sounds are kept in a folder, for a synth that takes long to play.

    Args:
        engine: The synth.
        folder: Where the sounds lie.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.space = engine.space  # type: ignore[misc]
        self._engine = engine
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        name = hashlib.sha256(point.tobytes() + repr((note, rate)).encode()).hexdigest()[:24]
        path = self._folder / f"{name}.npy"
        if not path.exists():
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.save(file, render_or_silence(self._engine, point, note, rate))
            part.rename(path)
        return np.load(path)

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """See `Engine.canonical`."""
        return self._engine.canonical(points)

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """See `Engine.transposed`."""
        return self._engine.transposed(points, cents, free)


def player(synth: str, folder: Path) -> Engine:
    """Returns the engine of a synth, with a memory if a note takes it long."""
    engine = engines[synth]()
    return Recorded(engine, folder / f"{synth}-sounds") if engine.overhead else engine


def _played(engine: Engine, points: np.ndarray) -> Played:
    high = np.stack([render_or_silence(engine, point, C4, RATE) for point in points])
    low = np.stack([render_or_silence(engine, point, C3, RATE) for point in points])
    high_spectrum = fine_spectrum(torch.from_numpy(high), RATE)
    low_spectrum = fine_spectrum(torch.from_numpy(low), RATE)
    tuning = best_shift(high_spectrum, _saw_spectrum())
    between = best_shift(high_spectrum, low_spectrum)
    size = np.abs(high)
    peak = size.max(1)
    loud = size >= 0.01 * np.maximum(peak, 1e-9)[:, None]
    lasts = (loud.shape[1] - loud[:, ::-1].argmax(1) - loud.argmax(1)) / RATE
    return Played(
        np.maximum(peak, np.abs(low).max(1)),
        lasts,
        tuning.cents.numpy(),
        tuning.agreement.numpy(),
        between.cents.numpy(),
        between.agreement.numpy(),
        tile_sums(log_mel(torch.from_numpy(high)).numpy()),
    )


def _sums(engine: Engine, points: np.ndarray) -> np.ndarray:
    sounds = np.stack([render_or_silence(engine, point, C4, RATE) for point in points])
    sums = tile_sums(log_mel(torch.from_numpy(sounds)).numpy())
    sums[np.abs(sounds).max(1) == 0] = np.nan
    return sums


def _saw_spectrum() -> torch.Tensor:
    """The fine spectrum of a saw on C4."""
    time = np.arange(C4.samples(RATE)) / RATE
    base = 440.0 * 2 ** (-9 / 12)
    saw = sum(np.sin(2 * np.pi * base * n * time) / n for n in range(1, 20))
    return fine_spectrum(torch.from_numpy(np.asarray(saw, np.float32))[None], RATE)
