"""What every input promises, for every input there is; and the paper's against librosa."""

import librosa
import numpy as np
import pytest
import torch

from patchflow.features.inputs import Input, inputs
from patchflow.features.inputs.paper import paper_mel

LEAST = np.log(1e-3)


@pytest.fixture(params=[*inputs])
def kind(request: pytest.FixtureRequest) -> Input:
    return inputs[request.param]


def sounds(kind: Input, count: int = 3, gain: float = 0.3) -> torch.Tensor:
    noise = torch.randn(count, round(kind.length * kind.rate), generator=torch.Generator().manual_seed(0))
    return gain * noise * torch.linspace(1, 0.01, noise.shape[1])


@pytest.mark.parametrize("samples", [1, 221, 22_050, 88_199, 88_200, 88_201, 200_000])
def test_every_length_becomes_the_same_shape(kind: Input, samples: int):
    x = torch.rand(2, samples, generator=torch.Generator().manual_seed(0))

    heard = kind.of(x, kind.rate)

    assert heard.shape == (2, *kind.shape)
    assert heard.isfinite().all()


def test_what_is_too_long_is_cut_and_what_is_too_short_is_followed_by_silence(kind: Input):
    x = sounds(kind)[:, :30_000]
    longer = torch.cat([sounds(kind), sounds(kind)], 1)

    torch.testing.assert_close(kind.of(torch.nn.functional.pad(x, (0, 99_000)), kind.rate), kind.of(x, kind.rate))
    torch.testing.assert_close(kind.of(longer, kind.rate), kind.of(sounds(kind), kind.rate))


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_another_rate_is_a_bug(kind: Input, rate: int):
    with pytest.raises(ValueError, match=f"rate={rate}: not {kind.rate} Hz"):
        kind.of(sounds(kind), rate)


@pytest.mark.parametrize("gain", [1e-4, 0.3, 10.0])
def test_what_is_bounded_is_from_0_to_1_and_0_for_silence(kind: Input, gain: float):
    if not kind.bounded:
        assert kind.of(sounds(kind, gain=10.0), kind.rate).max() > 1  # or it should say so
        return

    heard = kind.of(sounds(kind, gain=gain), kind.rate)

    assert 0 <= heard.min() <= heard.max() <= 1
    assert not kind.of(torch.zeros(1, 1000), kind.rate).any()


def test_silence_is_the_least_there_is(kind: Input):
    silence = kind.of(torch.zeros(1, 1000), kind.rate)

    assert (silence == silence.min()).all()
    assert kind.of(sounds(kind), kind.rate).min() >= silence.min()


def test_one_sound_does_not_change_another(kind: Input):
    x = sounds(kind)

    torch.testing.assert_close(kind.of(x, kind.rate)[1:2], kind.of(x[1:2], kind.rate))


def test_half_precision_keeps_what_is_heard(kind: Input):
    heard = kind.of(sounds(kind), kind.rate)

    assert (heard.half().float() - heard).abs().max() < 5e-3


def test_the_papers_is_the_logarithm_of_librosas():
    x = sounds(inputs["paper"], 1)[0]
    power = librosa.feature.melspectrogram(
        y=x.numpy(), sr=22_050, n_fft=2048, hop_length=1024, n_mels=64, fmin=30, fmax=11_000
    )

    np.testing.assert_allclose(paper_mel(x[None], 22_050)[0].numpy(), np.log(power[:, :80] + 1e-3), atol=1e-3)


def test_in_the_papers_level_matters_and_silence_is_the_logarithm_of_a_thousandth():
    x = sounds(inputs["paper"])

    assert (paper_mel(2 * x, 22_050) > paper_mel(x, 22_050)).all()
    assert paper_mel(0 * x, 22_050).numpy() == pytest.approx(LEAST)
