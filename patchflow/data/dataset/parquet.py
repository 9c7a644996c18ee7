"""Items as Parquet files: the columns of a data set, and the same bytes for the same items."""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MissingDependency
from ...parsing import damage_named
from .job import Item, Job

__all__ = ["ROW_GROUP", "finished", "pa", "packed", "pq", "read_table"]

# Asked before the import, because pyarrow is an optional package and its absence has a remedy to be named.
if find_spec("pyarrow") is None:
    raise MissingDependency("data sets need the package 'pyarrow': pip install 'patchflow[data]'")

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 64
"""Sounds that are read at once, about 10 MB."""

# The columns of a finished shard. A part, the file of a shard before its families are known, has the columns of `_WORK`
# in place of `family`: checksums of sound and preset, fingerprint, and row of the parent in the pool.
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
        job: The job that made the items.
        items: All that were drawn for the shard; those without a sound are only counted.
    """
    counts = {"drawn": len(items)}
    for flaw in ("failed", "silent", "clipped"):
        counts[flaw] = sum(flaw in item.flaws for item in items)
    fields = {name: kind for name, kind in _FINAL.items() if name != "family"} | _WORK
    schema = pa.schema(list(fields.items()), {"patchflow": json.dumps(counts)})
    rows = [_row(job, item) for item in items if item.flac]
    firsts = range(0, len(rows), ROW_GROUP)
    batches = [pa.RecordBatch.from_pylist(rows[first : first + ROW_GROUP], schema) for first in firsts]
    return _parquet(pa.Table.from_batches(batches, schema))


def finished(part: Path, rate: int, families: np.ndarray) -> bytes:
    """Returns the file of a shard.

    Args:
        part: The shard's file that `packed` made.
        rate: Sample rate, in Hz.
        families: Number and family of each item that is kept, ascending, shape `(K, 2)`.

    Raises:
        StorageError: If the part is damaged.
    """
    table = read_table(part)
    numbers = table["id"].to_numpy()
    # Where each number is, or would be, among those that are kept. One beyond the last is looked up as the last, which
    # it does not equal.
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
    with damage_named(path, is_what="missing or damaged"):
        names = None if columns is None else list(columns)
        return pq.ParquetFile(path, page_checksum_verification=True).read(names)


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
        "print": item.fingerprint,
        "parent": item.sources[0] if len(item.sources) == 1 else -1,
    }


def _checksum(data: bytes) -> int:
    """64 bits of a SHA-256: in 1 of 4,000 data sets of 100 million items two are equal by chance."""
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little", signed=True)


def _parquet(table: "pa.Table") -> bytes:
    # Parquet compresses by leaf of the schema, e.g. `note.pitch`. FLAC does not get smaller, so it is stored as it is.
    # A dictionary saves nothing but for `kind`, which has four values.
    compression = dict.fromkeys(_leaves(table.schema), "ZSTD")
    compression["audio.bytes"] = "NONE"
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        row_group_size=ROW_GROUP,
        version="2.6",
        compression=compression,  # pyright: ignore[reportArgumentType]
        use_dictionary=["kind"],  # pyright: ignore[reportArgumentType]
        write_page_checksum=True,
    )
    return buffer.getvalue()


def _leaves(fields: Any, prefix: str = "") -> list[str]:
    """Paths of the leaves of a schema or struct, as Parquet names them."""
    paths: list[str] = []
    for field in fields:
        path = prefix + field.name
        if pa.types.is_struct(field.type):
            paths += _leaves(field.type, f"{path}.")
        elif pa.types.is_list(field.type):
            paths.append(f"{path}.list.element")
        else:
            paths.append(path)
    return paths


def _huggingface(rate: int) -> dict[str, Any]:
    """Metadata by which the `datasets` library knows that `audio` is sound."""
    features = {name: _feature(kind) for name, kind in _FINAL.items()}
    features["audio"] = {"sampling_rate": rate, "_type": "Audio"}
    return {"info": {"features": features}}


def _feature(kind: Any) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {child.name: _feature(child.type) for child in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": _FEATURES.get(str(kind), str(kind)), "_type": "Value"}
