"""Changes the sample rate of a sound."""

import numpy as np
import soxr

__all__ = ["resample"]


def resample(samples: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Returns the sound at another sample rate, by soxr at its high quality.

    Peaks may rise a little above those of the source: nothing is clipped.

    References:
        The SoX resampler library, https://sourceforge.net/p/soxr

    Args:
        samples: Mono, shape `(T,)`.
        rate: Sample rate of `samples`, in Hz.
        to: Sample rate wanted, in Hz.

    Returns:
        Same kind of number, shape `(T * to / rate,)`, rounded, at least one sample. The very same array if the
        rates are equal.

    Raises:
        ValueError: If a rate is not positive.

    Example:
        >>> len(resample(np.zeros(44_100, np.float32), 44_100, 22_050))
        22050
    """
    if min(rate, to) <= 0:
        raise ValueError(f"rate={rate}, to={to}: not positive")
    if rate == to:
        return samples
    # soxr promises no exact length: of two samples it may leave none.
    samples_wanted = max(1, round(len(samples) * to / rate))
    changed = soxr.resample(samples, rate, to, quality="HQ")[:samples_wanted]
    return np.pad(changed, (0, samples_wanted - len(changed)))
