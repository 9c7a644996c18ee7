"""A bank on disk: the same after a round trip, and nothing else is taken for one."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.data.bank import Bank
from patchflow.errors import StorageError

BANK = Bank(
    points=np.random.default_rng(0).random((5, 3)),
    family=np.array([0, 0, 1, 2, 2]),
    names=np.array(["E.PIANO 1", "", "Größe", "日本", "E.PIANO 1"]),
    split=np.array(["train", "train", "valid", "test", "test"]),
)


def parts(bank: Bank) -> list[np.ndarray]:
    return [bank.points, bank.family, bank.names, bank.split]


def test_a_round_trip_is_exact(tmp_path: Path):
    BANK.save(tmp_path / "bank.npz")

    for ours, theirs in zip(parts(Bank.load(tmp_path / "bank.npz")), parts(BANK), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_bank_has_the_name_it_was_given(tmp_path: Path):
    BANK.save(tmp_path / "bank")

    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


def test_names_of_any_kind_are_written_without_pickles(tmp_path: Path):
    Bank(BANK.points, BANK.family, BANK.names.astype(object), BANK.split).save(tmp_path / "bank.npz")

    assert Bank.load(tmp_path / "bank.npz").names.tolist() == BANK.names.tolist()


@pytest.mark.parametrize(("split", "rows"), [("train", [0, 1]), ("valid", [2]), ("test", [3, 4])])
def test_a_part_has_the_presets_of_its_split(split: str, rows: list[int]):
    for ours, theirs in zip(parts(BANK.part(split)), parts(BANK), strict=True):
        np.testing.assert_array_equal(ours, theirs[rows])


def test_a_missing_bank_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"bank\.npz: no such file"):
        Bank.load(tmp_path / "bank.npz")


def test_a_folder_is_not_a_bank(tmp_path: Path):
    with pytest.raises(StorageError, match="is a directory"):
        Bank.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a bank", b"\x93NUMPY\x01\x00", b"\x80\x04N."])
def test_another_file_is_not_a_bank(content: bytes, tmp_path: Path):
    (tmp_path / "bank.npz").write_bytes(content)

    with pytest.raises(StorageError, match=r"bank\.npz: not a bank"):
        Bank.load(tmp_path / "bank.npz")


def test_a_single_array_is_not_a_bank(tmp_path: Path):
    np.save(tmp_path / "bank.npy", BANK.points)

    with pytest.raises(StorageError, match="not a bank"):
        Bank.load(tmp_path / "bank.npy")


def test_an_archive_of_something_else_is_not_a_bank(tmp_path: Path):
    np.savez(tmp_path / "bank.npz", points=BANK.points)

    with pytest.raises(StorageError, match=r"not a bank .*family"):
        Bank.load(tmp_path / "bank.npz")


def test_a_bank_with_pickles_is_refused(tmp_path: Path):
    names = BANK.names.astype(object)
    np.savez(tmp_path / "bank.npz", points=BANK.points, family=BANK.family, names=names, split=BANK.split)

    with pytest.raises(StorageError, match="not a bank"):
        Bank.load(tmp_path / "bank.npz")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_bank_is_refused(share: float, tmp_path: Path):
    BANK.save(tmp_path / "bank.npz")
    data = (tmp_path / "bank.npz").read_bytes()
    (tmp_path / "bank.npz").write_bytes(data[: int(share * len(data))])

    with pytest.raises(StorageError, match="not a bank"):
        Bank.load(tmp_path / "bank.npz")


def test_a_flipped_byte_is_noticed(tmp_path: Path):
    BANK.save(tmp_path / "bank.npz")
    data = bytearray((tmp_path / "bank.npz").read_bytes())
    data[data.index(b"points.npy") + 40] ^= 0xFF
    (tmp_path / "bank.npz").write_bytes(data)

    with pytest.raises(StorageError, match="not a bank"):
        Bank.load(tmp_path / "bank.npz")


def test_parts_of_different_lengths_are_not_a_bank(tmp_path: Path):
    Bank(BANK.points, BANK.family[:4], BANK.names, BANK.split).save(tmp_path / "bank.npz")

    with pytest.raises(StorageError, match="differ in length"):
        Bank.load(tmp_path / "bank.npz")
