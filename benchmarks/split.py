"""The published split of the DX7 bank: which voices are for validation and for test.

Whether two sounds are near-duplicates depends, for a handful of pairs, on a processor's rounding; dealt by family
number alone, everything after the first such pair would move to another part. So the voices are named here,
one a family, by a fingerprint of their bytes.
"""

import csv
import hashlib
from pathlib import Path

import numpy as np

from patchflow.data.bank import split_families
from patchflow.presets import dx7

__all__ = ["FILE", "fingerprints", "named", "published_split"]

FILE = Path(__file__).parent / "split.csv"


def fingerprints(points: np.ndarray) -> list[str]:
    """Returns 16 hexadecimal digits for every preset: of a DX7 from its 145 bytes, of others from the encoding."""
    of_dx7 = points.shape[1] == len(dx7.SPACE)
    rows = dx7.bytes_from_points(points) if of_dx7 else points.astype(np.float32)
    return [hashlib.sha256(row.tobytes()).hexdigest()[:16] for row in rows]


def named(part: str) -> set[str]:
    """Returns the fingerprints of the voices that are named for a part: one of each of its families."""
    return {voice for voice, other in _parts().items() if other == part}


def published_split(points: np.ndarray, family: np.ndarray) -> np.ndarray:
    """Returns the part of every voice: that of the named voice in its family, `"train"` if there is none.

    The families of a bank that holds none of the named voices are dealt by chance.

    Args:
        points: Encoded voices, shape `(S, 145)`.
        family: Their family numbers, shape `(S,)`.

    Raises:
        SystemExit: If one family holds voices of two parts.
    """
    part = _parts()
    names = [part.get(key, "") for key in fingerprints(points)]
    of_family: dict[int, str] = {}
    for number, name in zip(family.tolist(), names, strict=True):
        if name and of_family.setdefault(number, name) != name:
            raise SystemExit(f"family {number} holds voices for {of_family[number]} and for {name}")
    if not of_family:
        return split_families(family)
    return np.array([of_family.get(number, "train") for number in family.tolist()])


def _parts() -> dict[str, str]:
    with FILE.open(newline="") as file:
        return {row["voice"]: row["part"] for row in csv.DictReader(file)}
