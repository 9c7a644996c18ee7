"""How many cents a preset is off when it is played octaves away, by comparing two renders frame by frame."""

import numpy as np
import rows

from patchflow.audio.conditioning import resample
from patchflow.audio.pitch.contour import FRAME, RATE, contour, period_track

__all__ = ["shifted"]

SURE = 0.7  # confidence from which on a frame has a pitch
FEWEST = 5  # frames that tell a shift
KNOWN = {"network": (31.0, 94.0), "periods": (12.0, 108.0)}  # semitones


def shifted(played: np.ndarray, moved: np.ndarray, octaves: int) -> float | None:
    """How many cents a preset is off when it is played octaves away, both at `rows.FULL_RATE`.

    It is the median over all frames in which both renders have a pitch, so a glide does not matter. SwiftF0 hears it,
    and so do periods. Either may take an octave for another, but a key that is off is right by neither: the smaller of
    the two counts. None if both have too few frames.
    """
    own = np.asarray(resample(played, rows.FULL_RATE, RATE), np.float32)
    other = np.asarray(resample(moved, rows.FULL_RATE, RATE), np.float32)
    found = []
    for way, (low, high) in KNOWN.items():
        pitch, sure = frames(own, way)
        there, sure_there = frames(other, way)
        size = min(len(pitch), len(there))
        wanted = pitch[:size] + 12 * octaves
        both = (sure[:size] > SURE) & (sure_there[:size] > SURE) & (wanted > low) & (wanted < high)
        if both.sum() >= FEWEST:
            found.append(round(100 * float(np.median((there[:size] - wanted)[both])), 1))
    return min(found, key=abs, default=None)


def frames(samples: np.ndarray, way: str) -> tuple[np.ndarray, np.ndarray]:
    """The pitch of every frame, and how sure it is."""
    if way == "network":
        heard = contour(samples)
        return heard.pitch, heard.confidence
    pitch, chance, _ = period_track(samples, FRAME)
    return pitch, chance
