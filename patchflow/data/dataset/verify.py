"""Finds damaged files of a finished data set, and makes damaged shards again."""

from pathlib import Path

from ...errors import StorageError
from ...parsing import damage_named, read_object
from ...progress import Progress, ProgressCallback, ignore
from ...storage import locked, make_folder, read_bytes, write_atomically
from .card import check_same_origin, origin
from .dataset_recipe import DatasetRecipe
from .executors import Executor
from .folder import CHECKSUMS, Folder, sha256
from .job import Job
from .make_dataset import job_of, write_shards

__all__ = ["damaged_files", "read_checksums", "repair_shards"]


def damaged_files(path: str | Path, progress: ProgressCallback = ignore) -> dict[str, str]:
    """Reads every file of a finished data set.

    Args:
        path: Its folder.
        progress: Called after every file.

    Returns:
        The fault of each file that is not as it was written, by name.

    Raises:
        StorageError: If it is not finished.
    """
    sums = read_checksums(path)
    found = {}
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
        executor: Renders the items.
        progress: Called after every file.

    Returns:
        Names of the files that were made again.

    Raises:
        StorageError: If other files are damaged, or the presets or versions are not those it was made with.
    """
    with locked(path):
        damaged = damaged_files(path, progress)
        sums = read_checksums(path)
        others = [name for name in damaged if not name.startswith("data/")]
        if others:
            raise StorageError(f"{path}: {others[0]} is damaged as well. Make the data set again in another folder.")
        if not damaged:
            return ()
        job = job_of(_recipe(Path(path)))
        folder = Folder(Path(path), job.recipe.shards)
        check_same_origin(folder.recipe, origin(job))
        shards = [shard for shard in range(folder.shards) if _name(folder, shard) in damaged]
        _make_again(job, folder, shards, executor)
        for name in damaged:
            # The old checksums stay, so what is made again has to be equal to the byte.
            if sha256(Path(path, name)) != sums[name]:
                raise StorageError(f"{path}: {name} was made again, but is not as it was")
        folder.clear()
        return tuple(damaged)


def _make_again(job: Job, folder: Folder, shards: list[int], executor: Executor) -> None:
    def keep(shard: int, data: bytes) -> None:
        write_atomically(folder.part(shard), data)

    relations = folder.related()
    if relations is None:
        raise StorageError(f"{folder.path}: counts.json or families.npy is missing")
    make_folder(folder.work)
    executor.run(job, shards, keep, ignore)
    write_shards(folder, shards, job.recipe.rate, relations)


def _recipe(path: Path) -> DatasetRecipe:
    # It is as its checksum says, and that may have been made of a damaged one.
    with damage_named(path / "recipe.json"):
        return DatasetRecipe.of_values(read_object(path / "recipe.json")["recipe"])


def _name(folder: Folder, shard: int) -> str:
    return folder.shard(shard).relative_to(folder.path).as_posix()
