"""Makes the training bank from a table of packed DX7 voices, with the published split.

Usage: python benchmarks/prepare_bank.py VOICES.sqlite BANK.npz

The table, which may be compressed (.sqlite.xz), is `voice` with id, name, packed (128 bytes) and family. For a folder
of .syx files there is recipes/banks/dexed.toml. Damaged and silent voices are left out. The others make families, by
their bytes and by their sounds.
"""

import lzma
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from split import published_split

from patchflow.data.bank import make_bank
from patchflow.engines import Renderer, engines
from patchflow.presets import dx7
from patchflow.presets.formats._dx7_voice import PACKED, PARAMETERS


def main(source: str, out: str) -> None:
    """Reads the table, writes the bank."""
    rows = read_table(Path(source))
    names = np.array([name for name, _, _ in rows])
    family = np.array([number for _, _, number in rows])
    voices = PACKED.split(np.frombuffer(b"".join(row[1] for row in rows), np.uint8).reshape(len(rows), -1))
    voices = voices[:, :PARAMETERS]
    allowed = (voices <= dx7.LIMITS).all(1)
    print(f"{allowed.sum()} voices, {(~allowed).sum()} rejected")
    points = dx7.points_from_bytes(voices[allowed])
    with Renderer(engines["dexed"]) as renderer:
        bank = make_bank(points, names[allowed], renderer, family=family[allowed], silence=0, split=published_split)
    print(f"{len(points) - len(bank.points)} silent; {bank.family.max() + 1} families")
    print({part: int((bank.split == part).sum()) for part in ("train", "valid", "test")})
    bank.save(out)


def read_table(source: Path) -> list[tuple[Any, ...]]:
    """Returns name, packed bytes and family of every voice.

    Raises:
        SystemExit: If the file is missing or not such a database.
    """
    try:
        data = source.read_bytes()
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(lzma.decompress(data) if source.suffix == ".xz" else data)
            rows = database.execute("select name, packed, family from voice order by id").fetchall()
    except (OSError, lzma.LZMAError, sqlite3.Error) as error:
        raise SystemExit(f"{source}: no database with a table `voice` of DX7 voices ({error})") from None
    if not rows or any(len(row[1]) != PACKED.size for row in rows):
        raise SystemExit(f"{source}: its table `voice` has no packed DX7 voices of {PACKED.size} bytes")
    return rows


if __name__ == "__main__":
    main(*sys.argv[1:])
