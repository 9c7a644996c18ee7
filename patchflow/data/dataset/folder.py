"""The files of a data set, finished or in the making."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StorageError
from ...storage import LOCK, array_bytes, reason, write_atomically
from .dedupe import Relations
from .provenance import compare

__all__ = ["CHECKSUMS", "RESTS", "Folder", "sha256"]

CHECKSUMS = "checksums.sha256"
RESTS = "rests.json"
"""What presets hold beyond their values, in base 64, by where they come from; only where there is any."""

_LEFTOVERS = ".patchflow-*"  # what a killed process did not rename any more


@dataclass(frozen=True)
class Folder:
    """Where everything lies.

    Args:
        path: The folder.
        shards: Number of shards.
    """

    path: Path
    shards: int

    @property
    def work(self) -> Path:
        """What is there only while it is made."""
        return self.path / ".work"

    @property
    def recipe(self) -> Path:
        """The recipe as resolved, with the versions and a checksum of the presets; the first file that is written."""
        return self.path / "recipe.json"

    @property
    def finished(self) -> bool:
        """Whether it is all there; the checksums are the last file that is written."""
        return (self.path / CHECKSUMS).exists()

    def part(self, shard: int) -> Path:
        """Returns the file of a shard before its families are known."""
        return self.work / f"part-{shard:05}.parquet"

    def shard(self, shard: int) -> Path:
        """Returns the file of a shard, named as the `datasets` library expects."""
        return self.path / "data" / f"train-{shard:05}-of-{self.shards:05}.parquet"

    def begin(self, origin: Mapping[str, Any]) -> None:
        """Makes the folders, or finds those of the same data set and clears away what was left half done.

        Raises:
            StorageError: If the folder holds something else, or cannot be written.
        """
        try:
            there = {file.name for file in self.path.iterdir()} - {LOCK}
            if there and not self.recipe.exists() and not all(name.startswith(".patchflow-") for name in there):
                raise StorageError(f"{self.path}: is not empty and holds no data set. Give another folder.")
            for folder in (self.path, self.work, self.path / "data"):
                for leftover in folder.glob(_LEFTOVERS) if folder.exists() else ():
                    if leftover.name != LOCK:
                        leftover.unlink()
            if self.recipe.exists():
                compare(self.recipe, origin)
            else:
                write_atomically(self.recipe, _text(origin))
            if not self.finished:
                self.work.mkdir(exist_ok=True)
                (self.path / "data").mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {reason(error)}") from error

    def related(self) -> Relations | None:
        """Returns what was found out about all sounds, if it was.

        Raises:
            StorageError: If it is damaged.
        """
        try:
            counts = json.loads((self.path / "counts.json").read_text())
            return Relations(np.load(self.path / "families.npy", allow_pickle=False), counts)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError) as error:
            raise StorageError(
                f"{self.path}: families.npy or counts.json is damaged ({error}). Remove both."
            ) from error

    def save_related(self, relations: Relations) -> None:
        """Writes what was found out about all sounds.

        Raises:
            StorageError: If it cannot be written.
        """
        write_atomically(self.path / "families.npy", array_bytes(relations.families))
        write_atomically(self.path / "counts.json", _text(relations.counts))  # the last of both

    def finish(self, texts: Mapping[str, str]) -> None:
        """Writes the small files and the checksums of all, and removes what was only for the making.

        Args:
            texts: Content by name.

        Raises:
            StorageError: If it cannot be written.
        """
        for name, text in texts.items():
            write_atomically(self.path / name, text.encode())
        if not self.finished:
            names = sorted(["counts.json", "families.npy", "recipe.json", *texts])
            files = [*(self.path / name for name in names), *(self.shard(shard) for shard in range(self.shards))]
            lines = [f"{sha256(file)}  {file.relative_to(self.path).as_posix()}\n" for file in files]
            write_atomically(self.path / CHECKSUMS, "".join(lines).encode())
        self.clear()

    def clear(self) -> None:
        """Removes what was only for the making.

        Raises:
            StorageError: If it cannot be removed.
        """
        try:
            if self.work.exists():
                shutil.rmtree(self.work)
        except OSError as error:
            raise StorageError(f"cannot remove {self.work}: {reason(error)}") from error


def sha256(path: Path) -> str:
    """Returns the checksum of a file.

    Raises:
        StorageError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {reason(error)}") from error


def _text(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
