"""Metrics against slow computations of the same definitions by other libraries."""

import importlib
from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from patchflow.metrics import metrics
from patchflow.metrics.perceptual import WEIGHTS

RATE = 44_100


def sound(pitch: float, decay: float, hiss: float, seconds: float = 0.7) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 8))
    noise = np.random.default_rng(round(pitch)).standard_normal(len(t))
    return (0.2 * np.exp(-t / decay) * tone + hiss * noise).astype(np.float32)


PAIRS = {
    "near": (sound(220, 0.5, 0.01), sound(233, 0.4, 0.01)),
    "far": (sound(100, 3.0, 0.1), sound(900, 0.05, 0.0001)),
    "quiet": (0.001 * sound(440, 0.2, 0.001), sound(440, 1.0, 0.001)),
}


def mss(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean([mel_gap(a, b, *scale) for scale in ((10, 5, 32), (25, 10, 64), (100, 50, 128))]))


def mel_gap(a: np.ndarray, b: np.ndarray, window_ms: int, hop_ms: int, bands: int) -> float:
    n_fft, hop = int(window_ms * 44.1), int(hop_ms * 44.1)
    powers = [librosa.feature.melspectrogram(y=x, sr=RATE, n_mels=bands, n_fft=n_fft, hop_length=hop) for x in (a, b)]
    first, second = (librosa.power_to_db(power, ref=np.max) for power in powers)
    return float(np.abs(first - second).mean())


def wmfcc(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (cepstrum(x) for x in (a, b))
    dtw: Any = importlib.import_module("dtw").dtw  # its types are wrong
    aligned = dtw(first, second, dist_method=lambda p, q: np.abs(p - q).mean(), distance_only=True)
    return float(aligned.normalizedDistance)


def cepstrum(x: np.ndarray) -> np.ndarray:
    both = np.stack([x, x])  # the definition is for two channels
    return librosa.feature.mfcc(y=both, sr=RATE, n_mfcc=20, n_fft=2205, hop_length=441, n_mels=128).reshape(40, -1).T


def sot(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (np.abs(librosa.stft(x, n_fft=2205, hop_length=882)).T for x in (a, b))
    places = np.arange(1103)
    moved = [wasserstein_distance(places, places, u, v) for u, v in zip(first, second, strict=True)]
    return float(np.mean(moved)) / 1103


def rms(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (librosa.feature.rms(y=x, frame_length=2205, hop_length=1102)[0] for x in (a, b))
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def mel(x: np.ndarray, n_fft: int, bands: int) -> np.ndarray:
    x = librosa.resample(x, orig_sr=RATE, target_sr=22_050, res_type="soxr_hq")
    return librosa.feature.melspectrogram(
        y=x, sr=22_050, n_fft=n_fft, hop_length=n_fft // 2, n_mels=bands, fmin=30, fmax=11_000
    )


def spectral_convergence(a: np.ndarray, b: np.ndarray) -> float:
    found, wanted = (mel(x, 2048, 64) for x in (a, b))
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def mel_mse(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean((mel(a, 2048, 64) - mel(b, 2048, 64)) ** 2))


def log_mel_l1(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (librosa.power_to_db(mel(x, 1024, 80), ref=np.max, amin=1e-30) for x in (a, b))
    return float(np.abs(first - second).mean())


def modulation(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (movement(x).ravel() for x in (a, b))
    return float(1 - first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def movement(x: np.ndarray) -> np.ndarray:
    magnitude = np.sqrt(mel(x, 1024, 80))
    loudness = np.cbrt(np.maximum(magnitude / magnitude.max(), 1e-4))
    return np.sqrt(np.abs(np.fft.rfft(loudness, 64)))  # twice the 31 frames, and the next length that is fast


def mean_spectrum(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (librosa.power_to_db(quarter_tones(x).mean(1), ref=np.max, amin=1e-30, top_db=60) for x in (a, b))
    return float(np.abs(first - second).mean())


def perceptual(a: np.ndarray, b: np.ndarray) -> float:
    parts = (log_mel_l1, modulation, timbre, mean_spectrum, detuning)
    return sum(WEIGHTS[part.__name__] * part(a, b) for part in parts)


def detuning(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (fine_spectrum(x) for x in (a, b))
    agreement = np.correlate(first, second, "full") / np.linalg.norm(first) / np.linalg.norm(second)
    agreement = agreement[len(first) - 132 : len(first) + 131]  # shifts of 1,310 cents either way
    shifts = np.arange(-131, 132)
    best = 1 + np.argmax((agreement - 0.03 * np.abs(shifts) / 130)[1:-1])
    curve = np.poly1d(np.polyfit((-1, 0, 1), agreement[best - 1 : best + 2], 2))
    top = float(np.clip(-curve[1] / (2 * curve[2]), -0.5, 0.5)) if curve[2] < 0 else 0.0
    return max(0.0, float(curve(top) - agreement[131]))


def fine_spectrum(x: np.ndarray) -> np.ndarray:
    """What of the mean spectrum is above its moving average over 600 cents, 25 Hz and every 10 cents above, in dB."""
    x = halved(x)
    x = np.pad(x, (0, (1 - len(x)) % 6144))
    power = np.abs(librosa.stft(x, n_fft=8192, hop_length=6144, pad_mode="constant")) ** 2
    places = 25 * 2 ** (np.arange(0, 1200 * np.log2(200), 10) / 1200)
    levels = np.interp(places, np.arange(4097) * 11_025 / 8192, np.sqrt(power.mean(1)))
    db = 50 + librosa.amplitude_to_db(levels, ref=np.max, amin=1e-15, top_db=50)
    envelope = np.convolve(db, np.ones(61), "same") / np.convolve(np.ones(len(db)), np.ones(61), "same")
    return np.maximum(db - envelope, 0)


def halved(x: np.ndarray) -> np.ndarray:
    """The sound at 11,025 Hz, by a filter that keeps what is below 5,000 Hz, of 47 taps by the window method."""
    x = librosa.resample(x, orig_sr=RATE, target_sr=22_050, res_type="soxr_hq")
    firwin: Any = importlib.import_module("scipy.signal").firwin  # its types are wrong
    return np.convolve(x, firwin(47, 0.5, window=("kaiser", 5.0)))[23:-23:2]


def timbre(a: np.ndarray, b: np.ndarray) -> float:
    first, second = (loudness(quarter_tones(x)).ravel() for x in (a, b))
    return float(1 - first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def loudness(power: np.ndarray) -> np.ndarray:
    return (power / power.max()) ** (1 / 6)


def quarter_tones(x: np.ndarray) -> np.ndarray:
    """Power around 40 Hz and every 50 cents above, one band after the other."""
    x = halved(x)
    x = np.pad(x, (0, (1 - len(x)) % 1536))
    power = np.abs(librosa.stft(x, n_fft=2048, hop_length=1536, pad_mode="constant")) ** 2
    bins = np.arange(1025) * 11_025 / 2048
    rows = []
    for step in range(1, 167):
        left, centre, right = (40 * 2 ** (k / 24) for k in (step - 1, step, step + 1))
        weights = np.interp(bins, (left, centre, right), (0, 1, 0), left=0, right=0)
        if weights.sum() < 1:
            rows.append([np.interp(centre, bins, frame) for frame in power.T])
        else:
            rows.append(weights @ power)
    return np.array(rows)


REFERENCES = (mss, wmfcc, sot, rms, spectral_convergence, mel_mse, log_mel_l1)
PARTS = (timbre, modulation, mean_spectrum, detuning, perceptual)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("reference", REFERENCES + PARTS, ids=lambda f: f.__name__)
def test_it_equals_its_reference(reference: Callable[[np.ndarray, np.ndarray], float], pair: str):
    a, b = PAIRS[pair]

    score = metrics[reference.__name__](torch.from_numpy(a)[None], torch.from_numpy(b)[None], RATE)

    assert score.item() == pytest.approx(reference(a, b), rel=1e-3, abs=1e-4)


def test_every_metric_has_a_reference():
    assert {reference.__name__ for reference in REFERENCES + PARTS} == set(metrics)
