"""What a page shows of a sound beside its player: length, waveform and spectrogram, all made of the file."""

import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from example_files import LOUDNESS_LUFS
from PIL import Image
from sections import Clip

from patchflow.audio.loudness import loudness
from patchflow.errors import AudioError
from patchflow.match.output.drawing import BANDS, CENTS, FLOOR_DB, HOP, LOW, PICTURE_RATE, Panel, with_levels
from patchflow.printable import printable

__all__ = ["Media", "Shelf"]

_PEAKS = 60  # bars of a waveform
_WIDE = 240  # pixels of a spectrogram, at most: it is drawn a few hundred wide
_OFF_LU = 1.5  # how far the loudness of a file may be from what it should be
_CEILING = 10 ** (-2.5 / 20)  # peak above which a sound could not be made louder
# Red, green and blue from the floor to the loudest: black to yellow, as `pf-spectrogram.js` has them.
_STOPS = np.array([
    [0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39],
    [252, 255, 164],
], float)  # fmt: skip


@dataclass(frozen=True)
class Media:
    """A sound on the site.

    Args:
        sound: Address of the file, from the root of the site.
        picture: Address of its spectrogram.
        seconds: Its length.
        peaks: Heights of the waveform, 0 to 100.
        low: Lowest frequency of the spectrogram, in Hz.
        high: Highest, in Hz.
        label: What it is.
    """

    sound: str
    picture: str
    seconds: float
    peaks: tuple[int, ...]
    low: float
    high: float
    label: str


class Shelf:
    """Copies sounds to the site and makes their pictures, each once.

    Args:
        folder: Of files that go to the root of the site.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, Media] = {}

    def add(self, clip: Clip, source: Path) -> Media:
        """Returns a sound as it is on the site.

        Args:
            clip: One of an `about.json`.
            source: The folder of that.

        Raises:
            AudioError: If the file cannot be read, is silent, or is not as loud as the others.
        """
        file = source / clip.file
        if file not in self._known:
            self._known[file] = self._made(file, clip.label)
        return self._known[file]

    def _made(self, file: Path, label: str) -> Media:
        try:
            samples, rate = soundfile.read(file, dtype="float32")
        except soundfile.LibsndfileError as error:
            raise AudioError(f"{file}: cannot be read: {error.error_string}") from error
        if samples.ndim > 1:
            raise AudioError(f"{file}: has {samples.shape[1]} channels, not one.")
        _check_level(file, samples, rate)
        name = f"examples/{file.parent.name}/{file.name}"
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        levels = with_levels([Panel(samples, "", "")], rate)[0].levels
        assert levels is not None
        target.with_suffix(".webp").write_bytes(_picture(levels))
        heights = np.abs(samples[: len(samples) // _PEAKS * _PEAKS]).reshape(_PEAKS, -1).max(1)
        high = LOW * 2 ** ((BANDS + 1) * CENTS / 1200)
        return Media(
            sound=name,
            picture=str(Path(name).with_suffix(".webp")),
            seconds=levels.shape[1] * HOP / PICTURE_RATE,
            peaks=tuple(round(100 * height) for height in heights / heights.max()),
            low=LOW,
            high=high,
            label=printable(label),
        )


def _check_level(file: Path, samples: np.ndarray, rate: int) -> None:
    found = loudness(samples, rate)
    off = found - LOUDNESS_LUFS
    limited = off < 0 and np.abs(samples).max() >= _CEILING
    if not np.isfinite(found) or (abs(off) > _OFF_LU and not limited):
        raise AudioError(f"{file}: loudness {found:.1f} LUFS: not {LOUDNESS_LUFS:.0f}; `write_clip` makes it so.")


def _picture(levels: np.ndarray) -> bytes:
    """A WebP of levels in dB, shape (F, N), the lowest band at the bottom."""
    step = -(-levels.shape[1] // _WIDE)
    room = -levels.shape[1] % step
    whole = np.pad(levels, ((0, 0), (0, room)), constant_values=-FLOOR_DB)
    loudest = whole.reshape(len(levels), -1, step).max(2)[::-1]
    place = np.clip(1 + loudest / FLOOR_DB, 0, 1) * (len(_STOPS) - 1)
    colours = [np.interp(place, np.arange(len(_STOPS)), stop) for stop in _STOPS.T]
    buffer = io.BytesIO()
    Image.fromarray(np.stack(colours, 2).astype(np.uint8)).save(buffer, "WEBP", quality=70)
    return buffer.getvalue()
