"""Another sample rate, the same sound."""

import numpy as np
import pytest

from patchflow.audio import resample


@pytest.mark.parametrize(("rate", "to"), [(8_000, 22_050), (22_050, 44_100), (44_100, 22_050), (192_000, 22_050)])
def test_a_tone_stays_the_tone_it_is(rate: int, to: int):
    tone = np.sin(2 * np.pi * 1_000 * np.arange(rate) / rate).astype(np.float32)
    expected = np.sin(2 * np.pi * 1_000 * np.arange(to) / to)

    np.testing.assert_allclose(resample(tone, rate, to)[500:-500], expected[500:-500], atol=1e-4)


def test_what_the_new_rate_cannot_hold_is_gone():
    tone = np.sin(2 * np.pi * 15_000 * np.arange(44_100) / 44_100)

    assert np.abs(resample(tone, 44_100, 22_050)[500:-500]).max() < 1e-4


@pytest.mark.parametrize("samples", [1, 2, 7, 999])
@pytest.mark.parametrize(("rate", "to"), [(8_000, 44_100), (44_100, 8_000), (192_000, 4_000)])
def test_the_length_is_rounded_and_never_zero(samples: int, rate: int, to: int):
    assert len(resample(np.ones(samples, np.float32), rate, to)) == max(1, round(samples * to / rate))


def test_the_same_rate_gives_the_same_array():
    x = np.ones(5)

    assert resample(x, 8_000, 8_000) is x


@pytest.mark.parametrize(("rate", "to"), [(0, 1), (1, 0), (-1, 1)])
def test_a_rate_that_is_none_is_refused(rate: int, to: int):
    with pytest.raises(ValueError, match=f"rate={rate}, to={to}: not positive"):
        resample(np.ones(5), rate, to)
