"""Makes the training bank from a table of packed DX7 voices: checks, families by bytes and by ear, the published split.

Usage: python benchmarks/prepare_bank.py VOICES.sqlite BANK.npz
"""

import sqlite3
import sys
import time

import numpy as np
import torch
from split import published_split

from patchflow.data.bank import Bank
from patchflow.data.families import join_families, near_duplicates
from patchflow.engines import Note, Renderer, engines
from patchflow.features.mel import mel_spectrogram, power_to_db
from patchflow.presets import dx7
from patchflow.presets.formats._dx7_layout import PACKED, PARAMETERS

RATE = 22_050


def main(source: str, out: str) -> None:
    """Reads the table, writes the bank."""
    rows = sqlite3.connect(source).execute("select name, packed, family from voice order by id").fetchall()
    names, family = (np.array([row[column] for row in rows]) for column in (0, 2))
    voices = PACKED.split(np.frombuffer(b"".join(row[1] for row in rows), np.uint8).reshape(len(rows), -1))
    voices = voices[:, :PARAMETERS]
    allowed = (voices <= dx7.LIMITS).all(1)
    print(f"{allowed.sum()} voices, {(~allowed).sum()} rejected")
    points, names, family = dx7.points_from_bytes(voices[allowed]), names[allowed], family[allowed]
    mels = render(points)
    loud = np.ptp(mels.reshape(len(mels), -1), axis=1) > 0
    print(f"{(~loud).sum()} silent")
    points, names, family, mels = points[loud], names[loud], family[loud], mels[loud]
    start = time.time()
    pairs = near_duplicates(mels)
    joined = join_families(family, pairs)
    print(
        f"{len(pairs)} near-duplicate pairs in {time.time() - start:.0f} s; families {len(np.unique(family))} -> "
        f"{len(np.unique(joined))}; largest {np.bincount(joined).max()}"
    )
    split = published_split(points, joined)
    print({part: int((split == part).sum()) for part in ("train", "valid", "test")})
    Bank(points, joined, names, split).save(out)


def render(points: np.ndarray) -> np.ndarray:
    """Returns the log-mel spectrogram of every voice at middle C, in dB, float16."""
    note, mels, batch = Note(), [], []
    with Renderer(engines["dexed"]) as renderer:
        for i, sound in enumerate(renderer.stream(((p, note) for p in points), RATE)):
            batch.append(sound)
            if len(batch) == 64 or i == len(points) - 1:
                x = torch.from_numpy(np.stack(batch))
                mels.append(power_to_db(mel_spectrogram(x, RATE)).half().numpy())
                batch = []
    return np.concatenate(mels)


if __name__ == "__main__":
    main(*sys.argv[1:])
