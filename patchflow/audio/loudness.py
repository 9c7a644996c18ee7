"""Integrated loudness, and how to match it without clipping."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Levelled", "loudness", "match_loudness"]

_BLOCK_S = 0.4
_CEILING_DB = -1.0


@dataclass(frozen=True)
class Levelled:
    """A sound after a change of gain.

    Args:
        samples: The sound, shape `(T,)`.
        gain_db: The gain that was applied, in dB.
        limited: Whether the gain is lower than asked for, to keep the peak at or below -1 dB.
    """

    samples: np.ndarray
    gain_db: float
    limited: bool


def loudness(samples: np.ndarray, rate: int) -> float:
    """Returns the integrated loudness of a mono sound.

    Sounds shorter than one gating block of 0.4 s count as one block of their own length. The gate for
    silence lies 70 dB below a sound of the same peak at full scale, so a gain of `g` dB adds exactly `g`.

    References:
        ITU-R BS.1770-4, https://www.itu.int/rec/R-REC-BS.1770

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.

    Returns:
        Loudness in LUFS; minus infinity for silence.

    Example:
        >>> t = np.arange(48_000) / 48_000
        >>> round(loudness(np.sin(2 * np.pi * 997 * t), 48_000))
        -3
    """
    from pyloudnorm import Meter  # here, because it takes a second to import

    peak = float(np.abs(samples).max())
    if peak == 0 or len(samples) < 2:
        return -np.inf
    block = min(_BLOCK_S, (len(samples) - 0.5) / rate)
    # The standard's gate for silence is absolute, so the loudness of a soft sound would not change by as much as its
    # gain. Measured at full scale, it does.
    at_full_scale = float(Meter(rate, block_size=block).integrated_loudness(samples / peak))
    return at_full_scale + 20 * float(np.log10(peak))


def match_loudness(samples: np.ndarray, rate: int, target_lufs: float) -> Levelled:
    """Brings a sound to a loudness, or as near as it gets without clipping.

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz.
        target_lufs: The loudness wanted, in LUFS.

    Returns:
        The sound, float32, with its peak at or below -1 dB. Silence stays silence, and nothing is changed
        towards a target of minus infinity except what the peak demands.
    """
    loud = loudness(samples, rate)
    peak = float(np.abs(samples).max())
    wanted = target_lufs - loud if np.isfinite([target_lufs, loud]).all() else 0.0
    most = _CEILING_DB - 20 * np.log10(peak) if peak > 0 else wanted
    gain_db = float(min(wanted, most))
    levelled = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    return Levelled(levelled, gain_db, limited=bool(wanted > most))
