"""Finds damaged files of a finished data set, and makes damaged shards again."""

import json
from collections.abc import Callable
from pathlib import Path

from ...errors import StorageError
from ...progress import Progress, ProgressCallback, ignore
from ...storage import locked, make_folder, read_bytes, write_atomically
from .dataset_recipe import DatasetRecipe
from .executors import Executor
from .folder import CHECKSUMS, Folder, sha256
from .make_dataset import job_of, write_shards
from .provenance import compare, origin

__all__ = ["damaged_files", "read_checksums", "repair_shards"]


def damaged_files(path: str | Path, progress: ProgressCallback = ignore) -> dict[str, str]:
    """Reads every file of a finished data set.

    Args:
        path: Its folder.
        progress: Called after every file.

    Returns:
        What is wrong with each file that is not as it was written, by name.

    Raises:
        StorageError: If it is not finished.
    """
    sums, found = read_checksums(path), {}
    for done, (name, expected) in enumerate(sums.items(), 1):
        try:
            if sha256(Path(path, name)) != expected:
                found[name] = "damaged: its checksum is another"
        except StorageError as error:
            found[name] = str(error)
        progress(Progress("verify", done, len(sums), "files"))
    return found


def read_checksums(path: str | Path) -> dict[str, str]:
    """Returns the checksum that every file of a finished data set should have, by name.

    Raises:
        StorageError: If it is not finished, or the checksums are damaged.
    """
    file = Path(path, CHECKSUMS)
    if not file.exists():
        raise StorageError(f"{path}: not a finished data set (no {CHECKSUMS})")
    lines = [line.split("  ", 1) for line in read_bytes(file).decode("utf-8", "replace").splitlines()]
    if not lines or any(len(line) != 2 or len(line[0]) != 64 for line in lines):
        raise StorageError(f"{file}: damaged")
    return {name: expected for expected, name in lines}


def repair_shards(path: str | Path, executor: Executor, progress: ProgressCallback = ignore) -> tuple[str, ...]:
    """Makes the damaged shards of a finished data set again, from the same presets.

    Args:
        path: Its folder.
        executor: What renders.
        progress: Called after every file and item.

    Returns:
        Names of the files that were made again.

    Raises:
        StorageError: If other files are damaged, or the presets or versions are not those it was made with.
    """
    with locked(path):
        damaged, sums = damaged_files(path, progress), read_checksums(path)
        others = [name for name in damaged if not name.startswith("data/")]
        if others:
            raise StorageError(f"{path}: {others[0]} is damaged as well. Make the data set again in another folder.")
        if not damaged:
            return ()
        job = job_of(_recipe(Path(path)))
        folder = Folder(Path(path), job.recipe.shards)
        compare(folder.recipe, origin(job))
        bad = [shard for shard in range(folder.shards) if _name(folder, shard) in damaged]
        _make_again(folder, bad, lambda keep: executor.run(job, bad, keep, lambda _: None), job.recipe.rate)
        for name in damaged:
            if sha256(Path(path, name)) != sums[name]:
                raise StorageError(f"{path}: {name} was made again, but is not as it was")
        folder.clear()
        return tuple(damaged)


def _make_again(
    folder: Folder, bad: list[int], render: Callable[[Callable[[int, bytes], None]], None], rate: int
) -> None:
    relations = folder.related()
    if relations is None:
        raise StorageError(f"{folder.path}: counts.json or families.npy is missing")
    make_folder(folder.work)
    render(lambda shard, data: write_atomically(folder.part(shard), data))
    write_shards(folder, bad, rate, relations)


def _recipe(path: Path) -> DatasetRecipe:
    return DatasetRecipe.of_values(json.loads(read_bytes(path / "recipe.json"))["recipe"])  # its checksum is right


def _name(folder: Folder, shard: int) -> str:
    return folder.shard(shard).relative_to(folder.path).as_posix()
