"""A recording in memory that is known to be a sound, and how silence is cut from its ends."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import AudioError
from ..storage import readable
from .conditioning import mono, without_noise

__all__ = ["SILENCE_DB", "Sound", "from_array", "trim", "trim_noise", "without_offset"]

SILENCE_DB = -90.0
"""Peak below which a recording is silent, in dB relative to full scale."""

_SHORTEST_S = 0.01
_LOUDEST = 2.0**31
_RATES = (4_000, 768_000)
_MOST_CHANNELS = 32


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
        notes: What was mended or left out when it was read, one plain line each.

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
    notes: tuple[str, ...] = ()

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


def from_array(samples: np.ndarray, rate: int) -> Sound:
    """Returns samples in memory as a recording.

    Args:
        samples: Mono `(T,)`, or `(T, C)` with up to 32 channels, which become one as in `load`. Floats are taken as
            they are; whole numbers of 8, 16 or 32 bits, as WAV files have them, are scaled to [-1, 1].
        rate: Sample rate, in Hz, 4,000 to 768,000.

    Raises:
        AudioError: If it has another shape or type, or is no sound, see `Sound`.

    Example:
        >>> stereo = np.full((800, 2), 16_384, np.int16)
        >>> from_array(stereo, 8_000).samples[0]
        np.float32(0.5)
    """
    shape = "x".join(map(str, samples.shape))
    if samples.ndim not in (1, 2):
        raise AudioError(f"samples of shape {shape or '()'}: neither (T,) nor (T, C)")
    if samples.ndim == 2 and not 1 <= samples.shape[1] <= _MOST_CHANNELS:
        raise AudioError(
            f"samples of shape {shape}: not 1 to {_MOST_CHANNELS} channels. Give (T, C), such as samples.T."
        )
    wide = _scaled(samples)[:, None] if samples.ndim == 1 else _scaled(samples)
    mixed, mix, notes = mono(wide, int(rate))
    return Sound(mixed.astype(np.float32), int(rate), channels=wide.shape[1], mix=mix, notes=notes)


def _scaled(samples: np.ndarray) -> np.ndarray:
    if np.issubdtype(samples.dtype, np.floating):
        return samples
    if samples.dtype == np.uint8:  # the one unsigned type of WAV files: its silence is 128
        return (samples.astype(np.float32) - 128) / 128
    if samples.dtype in (np.int8, np.int16, np.int32):
        return samples / -float(np.iinfo(samples.dtype).min)
    raise AudioError(f"samples of type {samples.dtype}: neither floats nor whole numbers of 8, 16 or 32 bits")


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


_OFFSET_BLOCK_S = 0.1  # whole periods of hum at 50 and at 60 Hz
_QUIETEST = 0.2  # share of the blocks that tell the offset
_ENOUGH_BLOCKS = 8  # whose means agree: no accident
_LEAST_OFFSET = 10 ** (-50 / 20)  # relative to the peak: what lies below does not move where a sound begins


def without_offset(sound: Sound) -> Sound:
    """Returns the sound without its constant offset, which cheap converters add to all they record.

    The offset is what the quietest parts have in common, if the whole sound agrees: a constant is taken off, so that no
    low note and no kick drum is bent as by a filter. Less than -50 dB of the peak is left as it is.

    Args:
        sound: The recording.

    Returns:
        The very same sound if it has no offset, else one with a note on it.

    Example:
        >>> tone = np.sin(np.arange(8_000) * 0.3) * np.linspace(1, 0, 8_000)
        >>> without_offset(Sound((tone + 0.1).astype(np.float32), 8_000)).notes
        ('a constant offset of 0.1 is removed',)
    """
    size = round(_OFFSET_BLOCK_S * sound.rate)
    count = 2 * len(sound.samples) // size - 1
    if count < 2:
        return sound
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    window /= window.sum()
    blocks = np.lib.stride_tricks.sliding_window_view(sound.samples, size)[:: size // 2][:count]
    means = blocks @ window
    spreads = np.square(blocks) @ window - np.square(means)
    quietest = np.argsort(spreads, kind="stable")[: max(2, round(_QUIETEST * len(means)))]
    offset = float(np.median(means[quietest]))
    # A real offset is the same in all quiet parts, where little else is, and the rest of the sound swings around it. A
    # sound without quiet parts swings around it everywhere. The means of mere noise differ as much as they are large.
    peak = float(np.abs(sound.samples).max())
    differs = float(np.median(np.abs(means[quietest] - offset)))
    else_there = float(np.sqrt(max(0.0, np.median(spreads[quietest]))))
    is_quiet = abs(offset) > max(3 * differs, else_there / 2)
    is_everywhere = len(means) >= _ENOUGH_BLOCKS and abs(offset) > 5 * float(means.std())
    agrees = abs(float(np.median(means)) - offset) < abs(offset) / 2
    if abs(offset) < _LEAST_OFFSET * peak or not agrees or not (is_quiet or is_everywhere):
        return sound
    samples = (sound.samples - offset).astype(np.float32)
    if np.abs(samples).max() < 10 ** (SILENCE_DB / 20):
        return sound
    note = f"a constant offset of {offset:.2g} is removed"
    return replace(sound, samples=samples, notes=(*sound.notes, note))


_HOP_S = 0.01
_ABOVE_FLOOR_DB = 6.0
_CLICK_HOPS = 4  # what is shorter, and not loud, is a click
_STEADY_DB = 2.5  # by how much the level of a noise floor may change from its first to its last third
_NOISE_PEAK = 1.4  # above the peak of the noise, by which the first sample is found


@dataclass(frozen=True)
class _NoiseRule:
    """What counts as noise at an end of a recording.

    Args:
        below_db: How far it lies below the loudest 10 ms at least, in dB.
        hops: How long it lasts at least, in 10 ms.
        spread_db: By how much its level differs from hop to hop at most, in dB.
    """

    below_db: float
    hops: int
    spread_db: float


# The breath before a flute's tone, a consonant or a finger on a string lies 22 to 30 dB below what follows, wavers by
# 2 dB and lasts up to 150 ms; the sound of a synth may end in a soft drone. Hiss and hum waver by less than 1 dB.
_LEAD_INS = (_NoiseRule(18.0, 8, 1.0), _NoiseRule(30.0, 25, 6.0))
_TAILS = (_NoiseRule(36.0, 25, 1.5),)
_HISS_SPECTRUM = 512  # samples
_HISS_FRAMES = 8  # spectra that are averaged at least
_HISS_LOWEST = 3  # bins in which a drone may lie, left out at both ends
_HISS_NEIGHBOURS = 21  # bins
_HISS_PEAK = 8.0  # in power, above the median of the neighbours
_SURELY_NOISE_DB = 30.0  # below the loudest 10 ms, from which on it is the recorder's noise and no drone of a synth
_SURELY_NOISE_S = 0.25  # that it lasts at least
_SAME_FLOOR_DB = 3.0  # between the noise before and after a sound, if it is that of one recorder


def trim_noise(sound: Sound, threshold_db: float = -50.0) -> Sound:
    """Returns the sound between the noise before and after it, and within a threshold as by `trim`.

    Noise is what the recording begins or ends with at a steady level, 80 ms before it or 200 ms after it at
    least, and from which the sound rises by more than 6 dB: hiss, hum, or what a room does. Short clicks in it are
    not the sound. A sound that swells or dies away has no steady level there, and is left as it is.

    Args:
        sound: The recording, without an offset.
        threshold_db: Level relative to its own peak under which it is silent, in dB, below 0.

    Returns:
        The part between, with a note on it if it is less than `trim` leaves. If the noise is 30 dB below the sound and
        lasts a quarter of a second, it is taken out of the sound as well.
    """
    trimmed = trim(sound, threshold_db)
    hop = round(_HOP_S * sound.rate)
    count = len(trimmed.samples) // hop
    if count < 2 * _CLICK_HOPS:
        return trimmed
    power = np.square(trimmed.samples[: count * hop], dtype=np.float64).reshape(count, hop).mean(1)
    level = 10 * np.log10(np.maximum(power, 1e-20))
    before = _noise_hops(level, _LEAD_INS)
    after = _noise_hops(level[::-1], _LEAD_INS if before else _TAILS)
    if after and before:
        differs = np.median(level[-after:]) - np.median(level[:before])
        after *= bool(abs(differs) < _SAME_FLOOR_DB)
    elif after:
        # its last two thirds: the sound still dies away in the first
        after *= _is_hiss(trimmed.samples[(count - after * 2 // 3) * hop :])
    if not before + after:
        return trimmed

    first = 0
    last = len(trimmed.samples)
    parts = []
    if before:
        first = _first_above(trimmed.samples, before * hop, hop)
        parts.append(f"{first / sound.rate:.2f} s before")
    if after:
        rest = len(trimmed.samples) - count * hop
        cut = _first_above(trimmed.samples[::-1], rest + after * hop, hop)
        last = max(last - cut, first + int(np.ceil(_SHORTEST_TRIMMED_S * sound.rate)))
        parts.append(f"{cut / sound.rate:.2f} s after")
    said = f"{' and '.join(parts)} the sound are noise, and left out"
    samples = trimmed.samples[first:last]
    noise = np.concatenate([trimmed.samples[:first], trimmed.samples[last:]])
    soft = 10 * np.log10(np.square(noise, dtype=np.float64).mean() + 1e-20) < level.max() - _SURELY_NOISE_DB
    if soft and len(noise) >= _SURELY_NOISE_S * sound.rate:
        samples = without_noise(samples, noise, sound.rate)
        said += "; what rises no higher is taken out of the sound too"
    start = trimmed.start + first / sound.rate
    return replace(trimmed, samples=samples, start=start, notes=(*trimmed.notes, said))


def _noise_hops(level: np.ndarray, rules: tuple[_NoiseRule, ...]) -> int:
    """How many hops from the beginning on are noise, by levels in dB, shape `(N,)`."""
    for rule in rules:
        before = int(np.argmax(level > level.max() - rule.below_db))
        if before < rule.hops:
            continue
        above = level > np.median(level[: rule.hops]) + _ABOVE_FLOOR_DB
        # The sound begins where the level stays above the floor, or is loud at once.
        near = above[: before + _CLICK_HOPS]
        lasting = np.convolve(near, np.ones(_CLICK_HOPS + 1), "valid") >= _CLICK_HOPS
        starts = np.flatnonzero(near[: len(lasting)] & lasting)
        noise = min(before, int(starts[0])) if len(starts) else before
        third = noise // 3
        change = np.median(level[:third]) - np.median(level[noise - third : noise]) if third else np.inf
        # of the middle half, so that clicks do not count
        low, high = np.percentile(level[:noise], (25, 75)) if noise else (0, np.inf)
        if noise >= rule.hops and abs(change) <= _STEADY_DB and high - low <= 1.35 * rule.spread_db:
            return noise
    return 0


def _is_hiss(samples: np.ndarray) -> bool:
    """Whether it is bright, and no frequency stands out of its neighbours, as in a drone."""
    frames = len(samples) // _HISS_SPECTRUM
    if frames < _HISS_FRAMES:
        return False
    blocks = samples[: frames * _HISS_SPECTRUM].reshape(frames, _HISS_SPECTRUM) * np.hanning(_HISS_SPECTRUM)
    power = np.square(np.abs(np.fft.rfft(blocks))).mean(0)
    if power[:_HISS_LOWEST].sum() > power.sum() / 2:
        return False
    power = power[_HISS_LOWEST:-_HISS_LOWEST]
    padded = np.pad(power, _HISS_NEIGHBOURS // 2, mode="reflect")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, _HISS_NEIGHBOURS), axis=1)
    return bool((power <= _HISS_PEAK * around).all())


def _first_above(samples: np.ndarray, about: int, hop: int) -> int:
    """The sample near `about` that is the first above the peak of the noise before it."""
    noise = np.abs(samples[max(0, about - 8 * hop) : about - 2 * hop])
    near = np.abs(samples[about - 2 * hop : about + hop])
    above = np.flatnonzero(near > _NOISE_PEAK * noise.max())
    return about - 2 * hop + int(above[0]) if len(above) else about
