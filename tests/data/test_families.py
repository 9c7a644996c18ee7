"""Families: near-duplicates are all found, relatives stay together, no test voice has a twin in training."""

import numpy as np
import pytest
import torch

from patchflow.data import bank
from patchflow.data.bank import join_families, near_duplicates, split_families
from patchflow.engines import Note, engines
from patchflow.features.mel import mel_spectrogram, power_to_db
from patchflow.presets import dx7
from patchflow.progress import Progress


def spectrograms(kind: str, bands: int = 80, frames: int = 173, count: int = 60) -> np.ndarray:
    """Spectrograms of which some are nearly the same; they differ everywhere or in a few frames only."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0, 2, (count, 1, 1))
    gap = size * rng.standard_normal((count, bands, frames))
    if kind == "frames":
        where = np.unique(frames * np.arange(1, 12) // 12)
        gap = np.zeros((count, bands, frames))
        gap[:, :, where] = size * frames / len(where) / 2
    return (-40 + gap).astype(np.float16)


def brute_force(mels: np.ndarray, radius_db: float) -> set[tuple[int, int]]:
    wide = mels.astype(np.float64)
    count = len(mels)
    return {(i, j) for i in range(count) for j in range(i + 1, count) if abs(wide[i] - wide[j]).mean() <= radius_db}


@pytest.mark.parametrize("kind", ["everywhere", "frames"])
@pytest.mark.parametrize("radius_db", [0.25, 1.0])
@pytest.mark.parametrize(("bands", "frames"), [(80, 173), (7, 9), (1, 1), (10, 12)])
def test_the_pairs_are_those_of_brute_force(kind: str, radius_db: float, bands: int, frames: int):
    mels = spectrograms(kind, bands, frames)

    pairs = [(int(i), int(j)) for i, j in near_duplicates(mels, radius_db)]

    assert set(pairs) == brute_force(mels, radius_db)
    assert len(pairs) == len(set(pairs)) > 5


def test_the_pairs_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch):
    mels = spectrograms("everywhere")
    whole = near_duplicates(mels)

    monkeypatch.setattr(bank, "_BLOCK", 7)

    assert {tuple(pair) for pair in near_duplicates(mels)} == {tuple(pair) for pair in whole}


def test_progress_ends_at_one():
    heard: list[Progress] = []

    near_duplicates(spectrograms("everywhere"), progress=heard.append)

    assert heard[-1].share == 1.0


def test_nothing_has_no_pairs():
    assert near_duplicates(np.empty((0, 80, 173), np.float16)).shape == (0, 2)


def test_a_chain_of_pairs_is_one_family():
    joined = join_families(np.arange(6), np.array([[0, 1], [1, 2], [4, 5]]))

    assert joined[0] == joined[1] == joined[2]
    assert joined[4] == joined[5]
    assert len({joined[0], joined[3], joined[4]}) == 3


def test_a_pair_joins_whole_families():
    joined = join_families(np.array([7, 7, 9, 9, 11]), np.array([[1, 2]]))

    assert len(set(joined[:4])) == 1
    assert joined[4] != joined[0]


def test_no_pairs_change_nothing_but_the_numbers():
    joined = join_families(np.array([30, 10, 30, 20]), np.empty((0, 2), int))

    assert joined.tolist() == [2, 0, 2, 1]


def test_no_family_is_divided():
    family = np.random.default_rng(0).integers(0, 40, 500)

    split = split_families(family, valid=0.3, test=0.3)

    assert all(len(set(split[family == number])) == 1 for number in range(40))
    assert set(split) == {"train", "valid", "test"}


def test_shares_count_families():
    split = split_families(np.arange(20_000), valid=0.1, test=0.2)

    assert np.mean(split == "valid") == pytest.approx(0.1, abs=0.01)
    assert np.mean(split == "test") == pytest.approx(0.2, abs=0.01)


def test_the_deal_is_the_seeds():
    family = np.arange(300)

    assert (split_families(family, 1) == split_families(family, 1)).all()
    assert (split_families(family, 1) != split_families(family, 2)).any()


def test_no_test_voice_has_a_twin_in_training():
    mels = levels(bank_with_twins())
    pairs = near_duplicates(mels)
    family = join_families(np.arange(len(mels)), pairs)
    split = split_families(family, valid=0.2, test=0.4)

    crossed = brute_force(mels[split != "valid"], 1.0) - brute_force(mels[split == "train"], 1.0)

    names = split[split != "valid"]
    assert len(pairs) > 5
    assert {"train", "test"} <= set(split)
    assert [pair for pair in crossed if len({names[i] for i in pair}) > 1] == []


def bank_with_twins() -> np.ndarray:
    """DX7 presets around the fresh one, and each again with one parameter moved by one step."""
    rng = np.random.default_rng(0)
    voices = np.tile(dx7.SPACE.default(), (20, 1))
    moved = rng.random(voices.shape) < 0.3
    voices = np.where(moved, dx7.SPACE.snap(rng.random(voices.shape)), voices)
    twins = voices.copy()
    chosen = rng.integers(dx7.SPACE.cells.size, size=20)
    twins[np.arange(20), chosen] += 1 / dx7.SPACE.cells[chosen]
    return dx7.SPACE.snap(np.concatenate([voices, twins]))


def levels(points: np.ndarray) -> np.ndarray:
    synth, note = engines["dexed"](), Note(hold=0.3, length=0.5)
    sounds = np.stack([synth.render(point, note, 22_050) for point in points])
    return power_to_db(mel_spectrogram(torch.from_numpy(sounds), 22_050)).half().numpy()
