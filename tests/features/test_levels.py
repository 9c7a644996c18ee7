"""The models' input: levels of a fixed picture, whatever the gain and the length."""

import pytest
import torch

from patchflow.features.inputs.levels import INPUT_LENGTH, INPUT_RATE, input_shape, model_input
from patchflow.metrics.log_mel_l1 import log_mel

SOUND = torch.sin(torch.arange(88_200) * 0.1)[None] * torch.linspace(1, 0, 88_200)


def test_levels_go_from_80_db_below_the_maximum_to_the_maximum():
    levels = model_input(SOUND, INPUT_RATE)

    assert levels.max() == 1
    assert levels.min() == 0
    torch.testing.assert_close(80 * (levels - 1), log_mel(SOUND))


def test_gain_does_not_matter():
    torch.testing.assert_close(model_input(0.01 * SOUND, INPUT_RATE), model_input(SOUND, INPUT_RATE), rtol=0, atol=1e-4)


@pytest.mark.parametrize("samples", [1, 221, 22_050, 88_199, 88_200, 88_201, 200_000])
def test_every_length_becomes_the_same_shape(samples: int):
    x = torch.rand(2, samples, generator=torch.Generator().manual_seed(0))

    assert model_input(x, INPUT_RATE).shape == (2, *input_shape())


def test_what_is_missing_is_silence_and_what_is_too_much_is_cut():
    padded = torch.nn.functional.pad(SOUND[:, :30_000], (0, 100_000))

    torch.testing.assert_close(model_input(padded, INPUT_RATE), model_input(SOUND[:, :30_000], INPUT_RATE))


def test_silence_is_all_floor():
    assert not model_input(torch.zeros(1, 1000), INPUT_RATE).any()


def test_the_shape_is_that_of_the_length():
    assert input_shape() == log_mel(torch.zeros(1, round(INPUT_LENGTH * INPUT_RATE))).shape[1:]


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_another_rate_is_a_bug(rate: int):
    with pytest.raises(ValueError, match=f"rate={rate}: not 22050 Hz"):
        model_input(SOUND, rate)
