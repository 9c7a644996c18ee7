"""Reads a data set: all presets and notes at once, sounds one by one."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ...engines import Note
from ...errors import StorageError
from ...old_names import OLD_FILES
from ...parsing import damage_named, json_value, read_object
from ...presets import Value
from ...storage import opened_file
from .folder import STATES

__all__ = ["Dataset", "Sample"]

_MISSING = "missing or damaged"


@dataclass(frozen=True)
class Sample:
    """One sound of a data set, with the preset and the note that made it.

    Args:
        id: Its number.
        sound: Mono float32 samples, shape `(T,)`.
        rate: Sample rate, in Hz.
        point: Encoded preset, float32, shape `(P,)`.
        values: The same in native units.
        note: The note it was played on.
        preset: Name of the preset, or of the two it was made of.
        sources: Where these come from.
        kind: `"plain"`, `"crossed"`, `"jittered"` or `"random"`.
        tags: Category and tags of these presets.
        gain_db: Gain that was applied so that it does not clip, in dB, at most 0.
        family: Number of its family; a split must not divide families.
        state: State that it was played on, see `Preset.state`.
    """

    id: int
    sound: np.ndarray
    rate: int
    point: np.ndarray
    values: dict[str, Value]
    note: Note
    preset: str
    sources: tuple[str, ...]
    kind: str
    tags: tuple[str, ...]
    gain_db: float
    family: int
    state: bytes = b""


class Dataset:
    """A data set that `patchflow dataset` made; its files are mapped into memory and read where they are needed.

    Indexing is cheap near the last index, iterating reads every file once. Belongs to one thread.

    Args:
        path: The folder.

    Raises:
        StorageError: If it is not a finished data set, or, by every method, if a file is missing or damaged.

    Example:
        >>> # sounds = Dataset("data/dexed"); sounds[0].sound; sounds.points[sounds.families == 3]
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        shards = sorted((self.path / "data").glob("train-*.parquet"))
        if not shards or {shard.name[12:] for shard in shards} != {f"of-{len(shards):05}.parquet"}:
            raise StorageError(f"{path}: not a finished data set; it has {len(shards)} shards")
        self._files = {shard: _opened(shard) for shard in shards}
        # Parquet reads row groups as a whole. Of each: its file, its number in the file, and its first row in the set.
        self._groups: list[tuple[Path, int]] = []
        sizes = []
        for shard, file in self._files.items():
            for group in range(file.num_row_groups):
                self._groups.append((shard, group))
                with damage_named(shard):
                    sizes.append(file.metadata.row_group(group).num_rows)
        self._starts = np.cumsum([0, *sizes])
        self._last_group: int = -1
        self._last_rows: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Sample:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index={index}: not in [0, {len(self) - 1}]")
        place = index % len(self)
        group = int(np.searchsorted(self._starts, place, side="right")) - 1
        if self._last_group != group:
            self._last_rows = self._read(group)
            self._last_group = group
        return self._sample(self._last_rows[place - int(self._starts[group])])

    def __iter__(self) -> Iterator[Sample]:
        for group in range(len(self._groups)):
            yield from map(self._sample, self._read(group))

    @cached_property
    def rate(self) -> int:
        """Sample rate, in Hz."""
        shard, file = next(iter(self._files.items()))
        with damage_named(shard):
            about = json_value(file.schema_arrow.metadata[b"huggingface"])
            return int(about["info"]["features"]["audio"]["sampling_rate"])

    @cached_property
    def points(self) -> np.ndarray:
        """All presets, encoded, float32, shape `(N, P)`."""
        with damage_named(self.path):
            return self._column("parameters").flatten().to_numpy().reshape(len(self), -1)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """All notes."""
        with damage_named(self.path):
            return tuple(Note(**note) for note in self._column("note").to_pylist())

    @cached_property
    def families(self) -> np.ndarray:
        """The family of each sound, shape `(N,)`."""
        with damage_named(self.path):
            return self._column("family").to_numpy()

    @cached_property
    def ids(self) -> np.ndarray:
        """The number of each sound, ascending, shape `(N,)`."""
        with damage_named(self.path):
            return self._column("id").to_numpy()

    def damaged(self) -> dict[str, str]:
        """Compares all files with their checksums; returns the fault of each that differs, by name."""
        from .make_dataset import damaged_files

        return damaged_files(self.path)

    def _column(self, name: str) -> Any:
        from .parquet import pa

        tables = []
        for shard, file in self._files.items():
            with damage_named(shard, is_what=_MISSING):
                tables.append(file.read([name]))
        with damage_named(self.path):
            return pa.concat_tables(tables)[name].combine_chunks()

    def _read(self, group: int) -> list[dict[str, Any]]:
        shard, number = self._groups[group]
        with damage_named(shard, is_what=_MISSING):
            return self._files[shard].read_row_group(number).to_pylist()

    def _sample(self, row: dict[str, Any]) -> Sample:
        with damage_named(self.path, is_what="a row is damaged"):
            sound, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32")
            if sound.ndim != 1:
                raise ValueError(f"a sound of {sound.shape[1]} channels")
            return Sample(
                id=row["id"],
                sound=sound,
                rate=rate,
                point=np.array(row["parameters"], np.float32),
                values=json_value(row["values"]),
                note=Note(**row["note"]),
                preset=row["preset"],
                sources=tuple(row["sources"]),
                kind=row["kind"],
                tags=tuple(row["tags"]),
                gain_db=row["gain_db"],
                family=row["family"],
                state=self._states.get(row["sources"][0], b"") if row["sources"] else b"",
            )

    @cached_property
    def _states(self) -> dict[str, bytes]:
        path = self.path / STATES
        if not path.exists():
            path = self.path / OLD_FILES[STATES]
        if not path.exists():
            return {}
        with damage_named(path):
            return {id_: base64.b64decode(state) for id_, state in read_object(path).items()}


def _opened(shard: Path) -> Any:
    from .parquet import pq  # here, so that `data.dataset` can be imported without pyarrow

    with opened_file(shard), damage_named(shard, is_what=_MISSING):
        return pq.ParquetFile(shard, memory_map=True, page_checksum_verification=True)
