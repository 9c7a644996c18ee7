"""Augmentation: always a picture of levels, only a share is touched, every change does what it says."""

import pytest
import torch
from torch import Tensor

from patchflow.train import loader as chain
from patchflow.train.loader import augment

BANDS, FRAMES = 80, 173


def pictures(count: int) -> Tensor:
    """Levels of decaying sounds with a few partials above silence."""
    decay = torch.linspace(0.5, 3, count)[:, None, None]
    fall = 1 - decay * torch.linspace(0, 1, FRAMES)
    partials = torch.zeros(count, BANDS, 1)
    partials[:, 10:60:7] = 1
    return (partials * fall).clamp(0, 1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def only(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Takes all other changes out of the chain."""
    for name in ("_late", "_room", "_cut", "_filter", "_noise"):
        if name != change:
            monkeypatch.setattr(chain, name, lambda power, generator: power)


def power_of(mel: Tensor) -> Tensor:
    return 10 ** (8 * (mel - 1)) * (mel > 0)


@pytest.mark.parametrize("seed", range(5))
def test_levels_stay_between_floor_and_maximum(seed: int):
    changed = augment(pictures(64), seeded(seed), share=1.0)

    assert changed.min() >= 0
    assert changed.max() <= 1
    torch.testing.assert_close(changed.amax((1, 2)), torch.ones(64))


def test_share_0_changes_nothing():
    mel = pictures(16)

    assert torch.equal(augment(mel, seeded(), share=0.0), mel)


def test_about_the_share_is_touched_and_the_rest_is_equal():
    mel = pictures(400)

    same = (augment(mel, seeded(), share=0.3) == mel).all(2).all(1)

    assert (~same).float().mean().item() == pytest.approx(0.3, abs=0.06)


def test_the_argument_is_only_read():
    mel = pictures(16)
    before = mel.clone()

    augment(mel, seeded(), share=1.0)

    assert torch.equal(mel, before)


def test_the_generator_decides():
    mel = pictures(16)

    assert torch.equal(augment(mel, seeded(1)), augment(mel, seeded(1)))
    assert not torch.equal(augment(mel, seeded(1)), augment(mel, seeded(2)))


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("seed", range(20))
def test_batches_of_one_and_of_none_work(count: int, seed: int):
    changed = augment(pictures(1)[:count], seeded(seed))

    assert changed.shape == (count, BANDS, FRAMES)
    assert torch.isfinite(changed).all()


def test_silence_stays_silence():
    silent = torch.zeros(64, BANDS, FRAMES)

    assert torch.equal(augment(silent, seeded(), share=1.0), silent)


def test_noise_raises_the_floor():
    power = power_of(pictures(32))

    noisy = chain._noise(power, seeded())

    quiet = power == 0
    assert (noisy[quiet] > 0).all()
    assert (noisy >= power).all()


def test_noise_is_35_to_75_db_below_the_loudest_point_at_the_middle_band():
    power = power_of(pictures(200))

    added = (chain._noise(power, seeded()) - power)[:, BANDS // 2]
    level_db = 10 * torch.log10(added.median(1).values)

    assert level_db.min() > -77
    assert level_db.max() < -33
    assert level_db.max() - level_db.min() > 30


def test_a_room_lengthens_and_never_takes_away():
    power = torch.zeros(32, BANDS, FRAMES)
    power[:, 20:30, :60] = 1

    wet = chain._room(power, seeded())

    assert (wet - power).min() > -1e-5
    assert (wet[:, 20:30, 60] > 1e-4).all()
    assert wet[:, :20].max() == 0  # a band without sound has no tail


def test_a_rooms_tail_falls_and_is_3_to_25_db_below_the_sound():
    power = torch.zeros(200, BANDS, FRAMES)
    power[:, :, 0] = 1

    tail = chain._room(power, seeded())[:, 0, 1:]

    assert tail.diff(dim=1).max() < 1e-6
    assert tail.sum(1).max() < 10 ** (-3 / 10)
    assert tail.sum(1).max() > 10 ** (-6 / 10)


def test_a_cut_leaves_at_least_300_ms_and_silence_after():
    power = torch.ones(200, BANDS, FRAMES)

    frames = (chain._cut(power, seeded())[:, 0] > 0).sum(1)

    assert frames.min() >= 0.3 * 22_050 / 512
    assert frames.max() <= FRAMES
    assert len(frames.unique()) > 50


def test_every_item_starts_late_or_early_by_itself():
    power = torch.rand(64, BANDS, FRAMES, generator=seeded(100)) + 1

    moved = chain._late(power, seeded())

    shifts = [[shift for shift in range(-1, 3) if torch.equal(_shift(a[None], shift)[0], b)]
              for a, b in zip(power, moved, strict=True)]  # fmt: skip
    assert all(len(found) == 1 for found in shifts)
    assert {found[0] for found in shifts} == {-1, 0, 1, 2}


def test_a_cut_leaves_a_sound_that_begins_late():
    power = torch.zeros(64, BANDS, FRAMES)
    power[:, :, -5:] = 1

    cut = chain._cut(power, seeded())

    assert (cut.amax((1, 2)) == 1).all()


def test_a_filter_is_the_same_in_every_frame():
    power = power_of(pictures(16)) + 1e-9

    gain = chain._filter(power, seeded()) / power

    torch.testing.assert_close(gain, gain[:, :, :1].expand_as(gain))
    assert len(gain[:, 40, 0].unique()) == 16


@pytest.mark.parametrize("change", ["_late", "_room", "_cut", "_filter", "_noise"])
def test_every_change_takes_part_in_the_chain(change: str, monkeypatch: pytest.MonkeyPatch):
    only(monkeypatch, change)

    changed = [augment(pictures(16), seeded(seed), share=1.0) for seed in range(8)]

    assert not all(torch.allclose(mel, pictures(16), atol=0.02) for mel in changed)


def _shift(power: Tensor, shift: int) -> Tensor:
    moved = torch.zeros_like(power)
    moved[:, :, max(shift, 0) : FRAMES + min(shift, 0)] = power[:, :, max(-shift, 0) : FRAMES - max(shift, 0)]
    return moved
