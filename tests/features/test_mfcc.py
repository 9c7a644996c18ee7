"""Cepstra against librosa's."""

import librosa
import numpy as np
import pytest
import torch

from patchflow.features.mel import mfcc

SOUND = np.random.default_rng(0).standard_normal(20_000).astype(np.float32) * np.geomspace(
    1, 1e-5, 20_000, dtype=np.float32
)


@pytest.mark.filterwarnings("ignore:n_fft=")  # librosa finds one sample short
@pytest.mark.parametrize("samples", [1, 1_000, 20_000])
@pytest.mark.parametrize(
    ("rate", "count", "n_fft", "hop", "bands"), [(44_100, 20, 2205, 441, 128), (22_050, 13, 2048, 512, 40)]
)
def test_it_is_librosas(rate: int, count: int, n_fft: int, hop: int, bands: int, samples: int):
    x = SOUND[:samples]

    ours = mfcc(torch.from_numpy(x)[None], rate, count=count, n_fft=n_fft, hop=hop, bands=bands)[0].numpy()

    theirs = librosa.feature.mfcc(y=x, sr=rate, n_mfcc=count, n_fft=n_fft, hop_length=hop, n_mels=bands)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-3)


def test_gain_changes_only_the_first_coefficient():
    quiet, loud = (mfcc(torch.from_numpy(gain * SOUND)[None], 22_050) for gain in (0.1, 1.0))

    torch.testing.assert_close(quiet[:, 1:], loud[:, 1:], rtol=0, atol=1e-2)
    torch.testing.assert_close(loud[:, 0] - quiet[:, 0], torch.full_like(loud[:, 0], 20 * 128**0.5), rtol=1e-3, atol=0)


def test_one_sound_does_not_change_another():
    pair = torch.from_numpy(np.stack([SOUND, 100 * SOUND[::-1]]))

    torch.testing.assert_close(mfcc(pair, 22_050)[:1], mfcc(pair[:1], 22_050), rtol=0, atol=1e-3)
