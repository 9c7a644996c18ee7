"""Items as Parquet: the columns of a data set, and the same bytes for the same items."""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MissingDependency, StorageError
from ...storage import first_sentence
from .job import Item, Job

__all__ = ["ROW_GROUP", "finished", "pa", "packed", "pq", "read_table"]

if find_spec("pyarrow") is None:
    raise MissingDependency("data sets need the package 'pyarrow': pip install 'patchflow[data]'")

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 64
"""Sounds that are read at once, about 10 MB."""

_FINAL: dict[str, Any] = {
    "id": pa.int64(),
    "audio": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    "parameters": pa.list_(pa.float32()),
    "values": pa.string(),
    "note": pa.struct(
        [("pitch", pa.int32()), ("velocity", pa.int32()), ("hold", pa.float64()), ("length", pa.float64())]
    ),
    "preset": pa.string(),
    "sources": pa.list_(pa.string()),
    "kind": pa.string(),
    "tags": pa.list_(pa.string()),
    "gain_db": pa.float32(),
    "family": pa.int64(),
}
_WORK = {"sound": pa.int64(), "point": pa.int64(), "print": pa.binary(), "parent": pa.int64()}
_FEATURES = {"string": "string", "int64": "int64", "int32": "int32", "float": "float32", "double": "float64"}


def packed(job: Job, items: Sequence[Item]) -> bytes:
    """Returns the file of a shard before its families are known.

    Args:
        job: What is being made.
        items: All that were drawn for the shard; those without a sound are only counted.
    """
    fields = {name: kind for name, kind in _FINAL.items() if name != "family"} | _WORK
    counts = {flaw: sum(flaw in item.flaws for item in items) for flaw in ("failed", "silent", "clipped")}
    metadata = {"drawn": len(items), **counts}
    schema = pa.schema(list(fields.items()), {"patchflow": json.dumps(metadata)})
    kept = [item for item in items if item.flac]
    groups = [kept[first : first + ROW_GROUP] for first in range(0, len(kept), ROW_GROUP)]
    batches = [pa.RecordBatch.from_pylist([_row(job, item) for item in group], schema) for group in groups]
    return _parquet(pa.Table.from_batches(batches, schema))


def finished(part: Path, rate: int, families: np.ndarray) -> bytes:
    """Returns the file of a shard.

    Args:
        part: Of the shard, a file that `packed` made.
        rate: Sample rate, in Hz.
        families: Number and family of each item that is kept, ascending, shape `(K, 2)`.

    Raises:
        StorageError: If the part is damaged.
    """
    table = read_table(part)
    numbers = table["id"].to_numpy()
    place = np.searchsorted(families[:, 0], numbers)
    kept = families[np.minimum(place, len(families) - 1), 0] == numbers
    family = pa.array(families[place[kept], 1], pa.int64())
    table = table.filter(pa.array(kept)).select([name for name in _FINAL if name != "family"])
    table = table.append_column("family", family)
    return _parquet(table.replace_schema_metadata({"huggingface": json.dumps(_huggingface(rate))}))


def read_table(path: Path, columns: Iterable[str] | None = None) -> "pa.Table":
    """Reads a Parquet file, or some of its columns, and checks its pages.

    Raises:
        StorageError: If it is missing or damaged.
    """
    try:
        names = None if columns is None else list(columns)
        return pq.ParquetFile(path, page_checksum_verification=True).read(names)
    except OSError as error:  # which Arrow's errors of reading are
        raise StorageError(f"{path}: missing or damaged ({first_sentence(error)})") from error
    except pa.ArrowException as error:
        raise StorageError(f"{path}: damaged ({first_sentence(error)})") from error


def _row(job: Job, item: Item) -> dict[str, Any]:
    note = item.note
    return {
        "id": item.id,
        "audio": {"bytes": item.flac, "path": f"{item.id:09}.flac"},
        "parameters": item.point,
        "values": job.values(item),
        "note": {"pitch": note.pitch, "velocity": note.velocity, "hold": note.hold, "length": note.length},
        "preset": job.name(item),
        "sources": [job.pool.ids[row] for row in item.sources],
        "kind": item.kind,
        "tags": job.tags(item),
        "gain_db": np.float32(item.gain_db),
        "sound": _checksum(item.flac),
        "point": _checksum(item.point.tobytes()),
        "print": item.print,
        "parent": item.sources[0] if len(item.sources) == 1 else -1,
    }


def _checksum(data: bytes) -> int:
    """64 bits, of which two are the same by chance once in 4,000 sets of 100 million."""
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little", signed=True)


def _parquet(table: "pa.Table") -> bytes:
    buffer = io.BytesIO()
    leaves = {name: "NONE" if name == "audio.bytes" else "ZSTD" for name in _leaves(table.schema)}
    pq.write_table(
        table,
        buffer,
        row_group_size=ROW_GROUP,
        version="2.6",
        compression=leaves,  # pyright: ignore[reportArgumentType]
        use_dictionary=["kind"],  # pyright: ignore[reportArgumentType]
        write_page_checksum=True,
    )
    return buffer.getvalue()


def _leaves(schema: "pa.Schema") -> list[str]:
    return [name for field in schema for name in _leaves_of(field.name, field.type)]


def _leaves_of(name: str, kind: Any) -> list[str]:
    if pa.types.is_struct(kind):
        return [leaf for child in kind for leaf in _leaves_of(f"{name}.{child.name}", child.type)]
    return [f"{name}.list.element" if pa.types.is_list(kind) else name]


def _huggingface(rate: int) -> dict[str, Any]:
    """What tells the `datasets` library that a column is sound."""
    features = {name: _feature(kind) for name, kind in _FINAL.items()}
    return {"info": {"features": features | {"audio": {"sampling_rate": rate, "_type": "Audio"}}}}


def _feature(kind: Any) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {child.name: _feature(child.type) for child in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": _FEATURES.get(str(kind), str(kind)), "_type": "Value"}
