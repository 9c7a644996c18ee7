"""What the search minimises: exact where it must be, and in the order that a musician expects."""

import math

import pytest
import torch
from torch import Tensor

from patchflow.errors import OptionError
from patchflow.features.log_spectrum import heard_cents
from patchflow.metrics import metrics
from patchflow.metrics.detuning import detuning
from patchflow.metrics.log_mel_l1 import log_mel, log_mel_l1
from patchflow.metrics.perceptual import ASPECTS, WEIGHTS, Reference, aspect_weights, perceptual

RATE = 22_050
NOISE = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))


def tone(pitch: float, cents: float = 0.0, *, tilt: float = 1.0, seconds: float = 1.0) -> Tensor:
    """A tone with overtones that decays, shape (1, T)."""
    t = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    f = 440 * 2 ** ((pitch - 69) / 12 + cents / 1200)
    partials = [torch.sin(2 * math.pi * k * f * t) / k**tilt for k in range(1, 20) if k * f < RATE / 2]
    return (0.2 * torch.stack(partials).sum(0) * torch.exp(-2 * t))[None].float()


def distance(estimate: Tensor, target: Tensor) -> float:
    return perceptual(estimate, target, RATE).item()


@pytest.mark.parametrize("sound", [tone(36), tone(84), NOISE, tone(60, seconds=0.01), tone(60, seconds=0.3)])
@pytest.mark.parametrize("gain", [1e-3, 1.0, 100.0])
def test_a_sound_is_no_distance_from_itself_whatever_its_gain(sound: Tensor, gain: float):
    assert distance(gain * sound, sound) == pytest.approx(0, abs=1e-3)


def test_silence_for_a_sound_is_the_worst_there_is():
    worst = distance(torch.zeros(1, RATE), tone(60))

    assert worst == pytest.approx(0.5 * 80 + 100 + 20 + 0.25 * 60 + 5, abs=1e-3)
    assert distance(NOISE, tone(60)) < worst / 2


def test_silence_for_silence_is_right():
    assert distance(torch.zeros(1, RATE), torch.zeros(1, RATE)) == 0


@pytest.mark.parametrize("pitch", [24, 33, 36, 48, 60, 72, 84, 96])
def test_the_distance_grows_with_every_step_out_of_tune(pitch: int):
    steps = torch.tensor([distance(tone(pitch, cents), tone(pitch)) for cents in (0, 10, 20, 30, 50, 100)])

    assert (steps.diff() > 0.3).all()


@pytest.mark.parametrize("pitch", [24, 36, 48])
def test_a_low_note_out_of_tune_is_farther_than_one_with_another_timbre(pitch: int):
    duller = tone(pitch, tilt=1.2)  # 5 dB less at the highest overtone

    assert distance(tone(pitch, 50), tone(pitch)) > 2 * distance(duller, tone(pitch))


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.3, 1.0])
def test_what_is_cheap_is_a_lower_bound(seconds: float):
    target = tone(60, seconds=seconds)
    length = target.shape[1]
    sounds = torch.cat([tone(60, 30, seconds=seconds), tone(48, seconds=seconds), NOISE[:, :length], 0 * target])
    reference = Reference(target[0])

    least = reference.least(log_mel(sounds))

    whole = perceptual(sounds, target.expand(4, -1), RATE)
    assert (least <= whole + 1e-5).all()
    assert (least >= 0.5 * log_mel_l1(sounds, target.expand(4, -1), RATE) - 1e-5).all()
    torch.testing.assert_close(reference.distance(sounds), whole)


@pytest.mark.parametrize("sound", [tone(57, 30), NOISE, torch.zeros(1, RATE)])
def test_it_is_the_sum_of_metrics(sound: Tensor):
    parts = sum(weight * metrics[name](sound, tone(60), RATE).item() for name, weight in WEIGHTS.items())

    assert perceptual(sound, tone(60), RATE).item() == pytest.approx(parts, rel=1e-4)


def test_how_far_a_sound_is_out_of_tune_is_told_where_it_has_a_pitch():
    reference = Reference(tone(60)[0])

    shift = reference.shift(torch.cat([tone(60, -37), NOISE, torch.zeros(1, RATE)]))

    told = zip(shift.cents.tolist(), shift.gain.tolist(), shift.agreement.tolist(), strict=True)
    assert [heard_cents(*each) for each in told] == [pytest.approx(-37, abs=2), None, None]
    assert shift.gain[0].item() > 0.2


def test_a_bass_an_octave_and_more_too_low_is_farther_than_a_noisy_one_in_tune():
    bass = tone(36)
    noisy = bass + 0.003 * NOISE

    assert distance(tone(24, -65), bass) > 1.5 * distance(noisy, bass)


PLUCK = tone(60) * torch.exp(-6 * torch.arange(RATE) / RATE)
DULL = tone(60, tilt=2.5)


def weighed(estimate: Tensor, target: Tensor, **like: float) -> float:
    return Reference(target[0], like).distance(estimate)[0].item()


def test_with_all_weights_alike_it_is_the_distance_as_often():
    for weight in (0.5, 1.0, 3.0):
        like = dict.fromkeys(ASPECTS, weight)
        assert weighed(PLUCK, DULL, **like) == pytest.approx(weight * distance(PLUCK, DULL), rel=1e-5)


def test_without_the_envelope_a_sound_with_another_one_is_as_near():
    assert distance(PLUCK, tone(60)) > 10

    # Partials that decay faster are a little broader.
    assert weighed(PLUCK, tone(60), envelope=0) < 2.5
    assert weighed(DULL, tone(60), envelope=0) > 10


def test_with_the_envelope_alone_a_sound_of_another_timbre_and_pitch_is_as_near():
    alone = {"spectrum": 0, "timbre": 0, "pitch": 0}
    assert distance(tone(63, tilt=2.5), tone(60)) > 10

    assert weighed(tone(63, tilt=2.5), tone(60), **alone) < 0.5
    assert weighed(PLUCK, tone(60), **alone) > 5


def test_without_pitch_a_sound_out_of_tune_is_nearer():
    near = weighed(tone(60, 30), tone(60), pitch=0)

    assert near < weighed(tone(60, 30), tone(60), envelope=0) / 2
    assert weighed(tone(60, 30), tone(60), spectrum=0, timbre=0, envelope=0) == pytest.approx(
        20 * detuning(tone(60, 30), tone(60), RATE).item(), rel=1e-4
    )


@pytest.mark.parametrize("aspect", ASPECTS)
def test_more_weight_makes_a_difference_larger_and_never_less_than_the_whole(aspect: str):
    sound = PLUCK + 0.3 * tone(60, 40, tilt=2)
    found = [weighed(sound, tone(60), **{aspect: weight}) for weight in (1, 2, 5)]

    assert found[0] == pytest.approx(distance(sound, tone(60)), rel=1e-5)
    assert found[0] < found[1] < found[2]


@pytest.mark.parametrize("like", [{"envelope": 0}, {"timbre": 3}, {"spectrum": 0, "pitch": 2}, {"envelope": 0.5}])
def test_what_is_cheap_is_a_lower_bound_with_any_weights(like: dict[str, float]):
    reference = Reference(tone(60)[0], like)
    sounds = torch.cat([PLUCK, DULL, tone(60, 30), tone(48), NOISE])

    least = reference.least(log_mel(sounds))

    whole = reference.distance(sounds)
    assert (least <= whole + 1e-5).all()
    assert (least > 0).any()
    assert Reference(torch.zeros(RATE), like).distance(sounds).min() > whole.max()


@pytest.mark.parametrize(
    ("like", "words"),
    [
        ({"colour": 1.0}, "like=colour: not one of spectrum, timbre, pitch, envelope"),
        ({"pitch": -1.0}, "like=pitch=-1: not in [0, 100]"),
        ({"pitch": math.nan}, "like=pitch=nan: not in [0, 100]"),
        ({"timbre": 1e9}, "like=timbre=1e+09: not in [0, 100]"),
        (dict.fromkeys(ASPECTS, 0.0), "nothing is left to compare"),
    ],
)
def test_weights_that_are_none_are_refused(like: dict[str, float], words: str):
    with pytest.raises(OptionError) as raised:
        aspect_weights(like)

    assert words in str(raised.value)
