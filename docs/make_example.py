"""Makes the sound of the demo, `patchflow/examples/bell.flac`, from sine waves."""

from pathlib import Path

import numpy as np
import soundfile

__all__ = ["bell"]

RATE = 44_100
OUTPUT = Path(__file__).parents[1] / "patchflow" / "examples" / "bell.flac"
PARTIALS = (  # times the fundamental, level, seconds to fall to 1/e
    (0.5, 0.18, 1.10),
    (1.0, 1.00, 0.90),
    (1.004, 0.45, 0.80),  # a little sharp: it beats against the one before
    (2.0, 0.40, 0.55),
    (3.0, 0.16, 0.40),
    (4.2, 0.24, 0.28),
    (5.43, 0.14, 0.20),
    (6.79, 0.12, 0.13),
    (8.21, 0.09, 0.09),
    (10.9, 0.06, 0.05),
    (13.6, 0.04, 0.03),
)


def bell(hz: float = 329.63, seconds: float = 2.4, hold: float = 1.9) -> np.ndarray:
    """Returns a struck bell, damped after `hold` seconds.

    Args:
        hz: Fundamental; the default is E4.
        seconds: Length of the sound.
        hold: When a hand stops it.
    """
    t = np.arange(round(seconds * RATE)) / RATE
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, len(PARTIALS))
    sound = np.zeros(len(t))
    for (ratio, level, fall), phase in zip(PARTIALS, phases, strict=True):
        sound += level * np.sin(2 * np.pi * hz * ratio * t + phase) * np.exp(-t / fall)
    strike = 1 - np.exp(-t / 0.0015)
    damper = np.exp(-np.maximum(t - hold, 0) / 0.06)
    sound = sound * strike * damper
    silence = np.zeros(round(0.1 * RATE))
    return np.concatenate([silence, 0.5 * sound / np.abs(sound).max(), silence])


if __name__ == "__main__":
    OUTPUT.parent.mkdir(exist_ok=True)
    soundfile.write(OUTPUT, bell(), RATE, subtype="PCM_16")
