"""What every metric promises."""

import math

import pytest
import torch
from torch import Tensor

from patchflow.metrics import metrics
from patchflow.metrics._metric import Metric

RATE = 22_050


@pytest.fixture(params=list(metrics))
def metric(request: pytest.FixtureRequest) -> Metric:
    return metrics[request.param]


def tones(*pitches: float, decay: float = 0.3) -> Tensor:
    """Decaying tones with overtones, half a second each, shape (B, T)."""
    t = torch.arange(RATE // 2) / RATE
    partials = [[torch.sin(2 * math.pi * k * f * t) / k for k in range(1, 6)] for f in pitches]
    return 0.3 * torch.stack([torch.stack(p).sum(0) for p in partials]) * torch.exp(-t / decay)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_it_is_called_like_its_file(metric: Metric):
    assert metrics[metric.name] is metric


def test_it_says_what_it_is(metric: Metric):
    assert (metric.__doc__ or "").splitlines()[0].endswith(".")


def test_a_sound_against_itself_is_best(metric: Metric):
    x = tones(220, 800)

    torch.testing.assert_close(metric(x, x, RATE), torch.full((2,), metric.best), rtol=0, atol=1e-5)


@pytest.mark.parametrize("rate", [22_050, 44_100])
def test_more_noise_scores_worse(metric: Metric, rate: int):
    x = tones(220, 800)

    some, much = (metric(x + amount * noise(*x.shape), x, rate) for amount in (0.01, 0.5))

    assert (some < much).all() if metric.better == "lower" else (some > much).all()


def test_another_sound_scores_worse_than_best(metric: Metric):
    score = metric(tones(220, decay=0.1), tones(330, decay=1.0), RATE).item()

    assert score > metric.best + 0.01 if metric.better == "lower" else score < metric.best - 0.01


def test_one_sound_does_not_change_another(metric: Metric):
    x, y = tones(220, 800, 3_000), tones(330, 700, 100)
    y[2] *= 100

    torch.testing.assert_close(metric(x, y, RATE)[:1], metric(x[:1], y[:1], RATE), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 10, RATE])
def test_silence_is_never_nan(metric: Metric, samples: int):
    sound, silence = tones(220).repeat(1, 2)[:, -samples:], torch.zeros(1, samples)

    scores = torch.stack([metric(a, b, RATE) for a in (sound, silence) for b in (sound, silence)])

    assert scores.isfinite().all()


def test_silence_is_a_bad_match(metric: Metric):
    x = tones(220)
    silent, near = metric(0 * x, x, RATE), metric(x + 0.001 * noise(*x.shape), x, RATE)

    assert silent > near if metric.better == "lower" else silent < near


def test_padding_with_silence_is_what_happens_to_the_shorter(metric: Metric):
    long, short = tones(220), tones(330)[:, :5_000]
    padded = torch.nn.functional.pad(short, (0, long.shape[1] - 5_000))

    torch.testing.assert_close(metric(short, long, metric.rate), metric(padded, long, metric.rate))
    torch.testing.assert_close(metric(long, short, metric.rate), metric(long, padded, metric.rate))


def test_the_number_means_the_same_at_another_rate(metric: Metric):
    x, y = tones(440), tones(660)
    halved = metric(x[:, ::2], y[:, ::2], RATE // 2)  # the tones end at 3.3 kHz: nothing folds

    torch.testing.assert_close(halved, metric(x, y, RATE), rtol=0.15, atol=0.0)


def test_an_empty_sound_is_refused(metric: Metric):
    with pytest.raises(ValueError, match=r"estimate \(1, 0\), target \(1, 9\)"):
        metric(torch.ones(1, 0), torch.ones(1, 9), RATE)
