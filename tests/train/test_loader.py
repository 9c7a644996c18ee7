"""The loader: batches that depend on seed and step alone, one ahead."""

import numpy as np
import pytest
import torch

from patchflow.models import Batch
from patchflow.train.loader import Loader


class Numbers:
    """Items that say their own number: preset k is k; spectrograms in bytes."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken: list[np.ndarray] = []

    def __len__(self) -> int:
        return self.count

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        self.taken.append(rows)
        points = np.repeat(rows[:, None], 3, 1).astype(np.float32)
        return np.full((len(rows), 80, 173), 51, np.uint8), points, np.ones((len(rows), 3), np.float32)


def numbers(batch: Batch) -> list[float]:
    return batch.points[:, 0].tolist()


def taken(count: int, steps: range, **options: object) -> list[list[float]]:
    with Loader(Numbers(count), "levels", **{"batch": 4, "shuffled": True, **options}) as loader:  # type: ignore[arg-type]
        return [numbers(loader.take(step)) for step in steps]


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_an_epoch_has_every_item_once(epoch: int):
    batches = taken(12, range(3 * epoch, 3 * epoch + 3))

    assert sorted(np.concatenate(batches)) == list(range(12))


def test_every_epoch_has_another_order():
    batches = taken(12, range(6))

    assert batches[:3] != batches[3:]


def test_a_batch_is_the_same_whenever_it_is_taken():
    assert taken(50, range(9))[5:] == taken(50, range(5, 9))
    assert taken(50, range(9), shuffled=False)[5:] == taken(50, range(5, 9), shuffled=False)


def test_another_seed_gives_other_batches():
    assert taken(50, range(3), seed=1) != taken(50, range(3))


def test_a_rest_is_left_out_another_one_each_time():
    seen = [set(np.concatenate(taken(13, range(3 * epoch, 3 * epoch + 3)))) for epoch in range(30)]

    assert {len(items) for items in seen} == {12}
    assert set.union(*seen) == set(range(13))


def test_a_batch_is_no_larger_than_what_there_is():
    assert [len(batch) for batch in taken(3, range(2))] == [3, 3]


def test_the_next_batch_is_made_meanwhile():
    items = Numbers(40)
    with Loader(items, "levels", batch=4) as loader:
        loader.take(0)

    assert len(items.taken) <= 2  # the second may have been called off, the third was never begun


def test_bytes_are_levels():
    with Loader(Numbers(8), "levels", batch=4) as loader:
        assert torch.equal(loader.take(0).mel, torch.full((4, 80, 173), 51 / 255))


def test_items_without_tags_have_none():
    with Loader(Numbers(8), "levels", batch=4) as loader:
        assert loader.take(0).tags.shape == (4, 0)


def test_augmented_items_sound_different_and_repeat():
    def heard() -> torch.Tensor:
        with Loader(Numbers(8), "levels", batch=4, augmented=1.0) as loader:
            return loader.take(3).mel

    assert torch.equal(heard(), heard())
    assert not torch.equal(heard(), torch.full((4, 80, 173), 51 / 255))


def test_a_fault_of_the_items_is_raised_where_they_are_taken():
    class Broken(Numbers):
        def take(self, rows: np.ndarray) -> tuple[np.ndarray, ...]:
            raise ValueError("broken")

    with Loader(Broken(8), "levels", batch=4) as loader, pytest.raises(ValueError, match="broken"):
        loader.take(0)


def test_waiting_is_counted():
    with Loader(Numbers(8), "levels", batch=4) as loader:
        loader.take(0)
        first = loader.waited
        loader.take(1)

    assert 0 < first < loader.waited
