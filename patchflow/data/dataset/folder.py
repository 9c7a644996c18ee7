"""The files of a data set, finished or unfinished, and the order in which they appear."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import StorageError
from ...parsing import damage_named, json_value, npy_array
from ...storage import array_bytes, opened_file, read_bytes, reason, sweep, write_atomically
from .card import check_same_origin
from .dedupe import Relations

__all__ = ["CHECKSUMS", "STATES", "Folder", "sha256"]

CHECKSUMS = "checksums.sha256"
STATES = "states.json"
"""File of the states of presets, in base 64, by source; only where there is any."""


@dataclass(frozen=True)
class Folder:
    """Paths of a data set, and what has been written so far.

    `recipe.json` is written first and `checksums.sha256` last. Between them, `.work` holds a part for each shard, then
    `counts.json` and `families.npy` relate all sounds, then `data` gets a shard for each part.

    Args:
        path: The folder.
        shards: Number of shards.
    """

    path: Path
    shards: int

    @property
    def work(self) -> Path:
        """Folder of the parts; removed in the end."""
        return self.path / ".work"

    @property
    def recipe(self) -> Path:
        """The recipe as resolved, with the versions and a checksum of the presets; the first file that is written."""
        return self.path / "recipe.json"

    @property
    def finished(self) -> bool:
        """Whether all files are there; the checksums are written last."""
        return (self.path / CHECKSUMS).exists()

    def part(self, shard: int) -> Path:
        """Returns the file of a shard before its families are known."""
        return self.work / f"part-{shard:05}.parquet"

    def shard(self, shard: int) -> Path:
        """Returns the file of a shard, named as the `datasets` library expects."""
        return self.path / "data" / f"train-{shard:05}-of-{self.shards:05}.parquet"

    def begin(self, origin: Mapping[str, Any]) -> None:
        """Makes the folders, or checks that they are of the same data set and sweeps them.

        Args:
            origin: The recipe, presets and versions, see `provenance.origin`.

        Raises:
            StorageError: If the folder holds something else, or cannot be written.
        """
        try:
            # A process that was killed before it wrote the recipe left nothing but temporary files. A folder without a
            # recipe that holds anything else is somebody's: no file of a data set is ever put among those.
            others = [file for file in self.path.iterdir() if not file.name.startswith(".patchflow-")]
            if others and not self.recipe.exists():
                raise StorageError(f"{self.path}: is not empty and holds no data set. Give another folder.")
            for folder in (self.work, self.path / "data"):
                sweep(folder)
            if self.recipe.exists():
                check_same_origin(self.recipe, origin)
            else:
                write_atomically(self.recipe, _text(origin))
            if not self.finished:
                self.work.mkdir(exist_ok=True)
                (self.path / "data").mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot write {self.path}: {reason(error)}") from error

    def related(self) -> Relations | None:
        """Returns the saved relations of all sounds; None if there are none yet.

        Raises:
            StorageError: If they are damaged.
        """
        paths = (self.path / "families.npy", self.path / "counts.json")
        if not all(path.exists() for path in paths):
            return None
        with damage_named(self.path, hint="Remove both.", is_what="families.npy or counts.json is damaged"):
            families, counts = paths
            return Relations(npy_array(read_bytes(families)), json_value(read_bytes(counts)))

    def save_related(self, relations: Relations) -> None:
        """Writes the relations of all sounds.

        Args:
            relations: What `relate` returned.

        Raises:
            StorageError: If it cannot be written.
        """
        write_atomically(self.path / "families.npy", array_bytes(relations.families))
        write_atomically(self.path / "counts.json", _text(relations.counts))  # last: it says both are there

    def finish(self, texts: Mapping[str, str]) -> None:
        """Writes the small files and the checksums of all files, and removes the work folder.

        Args:
            texts: Content by name.

        Raises:
            StorageError: If it cannot be written.
        """
        if self.finished:
            # An older version may have written another card, or states under another name: its files stay as its
            # checksums say. What is as this version writes it is written again, in case it was damaged.
            listed = (self.path / CHECKSUMS).read_text("utf-8").splitlines()
            texts = {name: text for name, text in texts.items() if f"{_digest(text.encode())}  {name}" in listed}
        for name, text in texts.items():
            write_atomically(self.path / name, text.encode())
        if not self.finished:
            names = sorted(["counts.json", "families.npy", "recipe.json", *texts])
            files = [self.path / name for name in names]
            files += [self.shard(shard) for shard in range(self.shards)]
            lines = [f"{sha256(file)}  {file.relative_to(self.path).as_posix()}\n" for file in files]
            write_atomically(self.path / CHECKSUMS, "".join(lines).encode())
        self.clear()

    def clear(self) -> None:
        """Removes the work folder.

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
    with opened_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _text(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
