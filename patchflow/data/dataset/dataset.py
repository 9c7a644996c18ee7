"""Reads a data set: arrays of all presets and notes at once, sounds one by one as they are needed."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ...engines import Note
from ...errors import StorageError
from ...presets import Value
from ...storage import read_bytes
from .folder import RESTS

__all__ = ["Dataset", "Sample"]


@dataclass(frozen=True)
class Sample:
    """One sound of a data set and what made it.

    Args:
        id: Its number.
        sound: Mono float32 samples, shape `(T,)`.
        rate: Sample rate, in Hz.
        point: Encoded preset, float32, shape `(P,)`.
        values: The same in native units.
        note: How it was played.
        preset: Name of the preset, or of the two it was made of.
        sources: Where these come from.
        kind: `"plain"`, `"crossed"`, `"jittered"` or `"random"`.
        tags: Category and tags of these presets.
        gain_db: How much it was turned down to fit, in dB.
        family: Sounds that a split must not divide share it.
        rest: What it was played on top of, see `Preset.rest`.
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
    rest: bytes = b""


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
        groups = [(shard, group) for shard, file in self._files.items() for group in range(file.num_row_groups)]
        sizes = [self._files[shard].metadata.row_group(group).num_rows for shard, group in groups]
        self._groups, self._starts = groups, np.cumsum([0, *sizes])
        self._last: tuple[int, list[dict[str, Any]]] = (-1, [])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Sample:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index={index}: not in [0, {len(self) - 1}]")
        place = index % len(self)
        group = int(np.searchsorted(self._starts, place, side="right")) - 1
        if self._last[0] != group:
            self._last = (group, self._read(group))
        return self._sample(self._last[1][place - int(self._starts[group])])

    def __iter__(self) -> Iterator[Sample]:
        for group in range(len(self._groups)):
            yield from map(self._sample, self._read(group))

    @cached_property
    def rate(self) -> int:
        """Sample rate, in Hz."""
        about = json.loads(next(iter(self._files.values())).schema_arrow.metadata[b"huggingface"])
        return int(about["info"]["features"]["audio"]["sampling_rate"])

    @cached_property
    def points(self) -> np.ndarray:
        """All presets, encoded, float32, shape `(N, P)`."""
        return self._column("parameters").flatten().to_numpy().reshape(len(self), -1)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """All notes."""
        return tuple(Note(**note) for note in self._column("note").to_pylist())

    @cached_property
    def families(self) -> np.ndarray:
        """The family of each sound, shape `(N,)`."""
        return self._column("family").to_numpy()

    @cached_property
    def ids(self) -> np.ndarray:
        """The number of each sound, ascending, shape `(N,)`."""
        return self._column("id").to_numpy()

    def damaged(self) -> dict[str, str]:
        """Compares all files with their checksums; returns what is wrong with each that differs, by name."""
        from .verify import damaged_files

        return damaged_files(self.path)

    def _column(self, name: str) -> Any:
        from .parquet import pa

        tables = [_guarded(shard, lambda file=file: file.read([name])) for shard, file in self._files.items()]
        return pa.concat_tables(tables)[name].combine_chunks()

    def _read(self, group: int) -> list[dict[str, Any]]:
        shard, number = self._groups[group]
        return _guarded(shard, lambda: self._files[shard].read_row_group(number)).to_pylist()

    def _sample(self, row: dict[str, Any]) -> Sample:
        sound, rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32")
        texts = {name: tuple(row[name]) for name in ("sources", "tags")}
        plain = {name: row[name] for name in ("id", "preset", "kind", "gain_db", "family")}
        point, values = np.array(row["parameters"], np.float32), json.loads(row["values"])
        rest = self._rests.get(row["sources"][0], b"") if row["sources"] else b""
        note = Note(**row["note"])
        return Sample(sound=sound, rate=rate, point=point, values=values, note=note, rest=rest, **texts, **plain)

    @cached_property
    def _rests(self) -> dict[str, bytes]:
        path = self.path / RESTS
        if not path.exists():
            return {}
        try:
            return {id_: base64.b64decode(rest) for id_, rest in json.loads(read_bytes(path)).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise StorageError(f"{path}: damaged ({error})") from error


def _opened(shard: Path) -> Any:
    from .parquet import pq  # here, so that what makes data sets is found without pyarrow

    return _guarded(shard, lambda: pq.ParquetFile(shard, memory_map=True, page_checksum_verification=True))


def _guarded(shard: Path, read: Callable[[], Any]) -> Any:
    """Reads; a file that is damaged is named."""
    from .parquet import pa

    try:
        return read()
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{shard}: missing or damaged ({str(error).partition(chr(10))[0]})") from error
