"""Makes a data set, finds its damaged files, and makes damaged shards again."""

import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from ...engines import engines
from ...errors import PresetError, StorageError
from ...parsing import damage_named, read_object
from ...progress import Progress, ProgressCallback, ignore
from ...storage import locked, make_folder, read_bytes, write_atomically
from .card import card, check_same_origin, origin, space_text, states_text
from .dedupe import Relations, relate
from .executors import Executor
from .folder import CHECKSUMS, STATES, Folder, sha256
from .job import Job
from .parquet import finished
from .pool import DatasetRecipe, read_pool

__all__ = ["MadeDataset", "damaged_files", "job_of", "make_dataset", "read_checksums", "repair_shards", "write_shards"]


@dataclass(frozen=True)
class MadeDataset:
    """A finished data set.

    Args:
        folder: Where it lies.
        counts: Numbers of sounds that were kept, left out and related, see `Relations`.
        shards: Number of files.
        bytes: Size of these files.
        rendered: Items that this call rendered; the others were there.
        seconds: Duration of the call.
    """

    folder: Path
    counts: dict[str, int]
    shards: int
    bytes: int
    rendered: int
    seconds: float


def make_dataset(
    recipe: DatasetRecipe, out: str | Path, executor: Executor, progress: ProgressCallback = ignore
) -> MadeDataset:
    """Makes a data set, or what is missing of it.

    However often it is interrupted, and whatever the executor, the finished folder holds the same bytes.

    Args:
        recipe: What to make.
        out: Where; made if it is not there.
        executor: What renders.
        progress: Called after every file that is read, every item, or shard.

    Raises:
        StorageError: If the folder holds something else, somebody works on it, or it cannot be written.
        PresetError: If the recipe's presets do not fit, or no sound is left.
        EngineError: If the synth cannot be loaded.
        UnknownName: If there is no such synth.

    Example:
        >>> import tempfile
        >>> from patchflow.data.dataset.executors import executors
        >>> recipe = DatasetRecipe("tone", items=4, plain=0, crossed=0, jittered=0, length=0.2)
        >>> with tempfile.TemporaryDirectory() as folder, executors["local"]() as executor:
        ...     make_dataset(recipe, folder, executor).counts["drawn"]
        4
    """
    start = time.monotonic()
    job = job_of(recipe, progress)
    folder = Folder(Path(out), recipe.shards)
    about = origin(job)
    rendered = 0
    with locked(out):
        folder.begin(about)
        # Each stage skips what is there already. A part is removed only when its shard is written, and the relations of
        # all sounds are saved before the first shard is, so no stop loses a sound or a comparison.
        if not folder.finished:
            rendered = _render(job, folder, executor, progress)
            relations = folder.related() or _relate(job, folder, progress)
            missing = [shard for shard in range(folder.shards) if not folder.shard(shard).exists()]
            write_shards(folder, missing, recipe.rate, relations, progress)
        relations = folder.related()
        if relations is None:
            raise StorageError(f"{out}: counts.json or families.npy is missing. Remove the folder.")
        folder.finish(_texts(job, relations, about["versions"]))
    size = sum(folder.shard(shard).stat().st_size for shard in range(folder.shards))
    return MadeDataset(folder.path, relations.counts, folder.shards, size, rendered, time.monotonic() - start)


def _texts(job: Job, relations: Relations, versions: Mapping[str, str]) -> dict[str, str]:
    """The small files, by name."""
    states = bool(job.pool.states)
    texts = {
        "README.md": card(job.recipe, relations.counts, versions, len(job.space), states=states),
        "space.json": space_text(job.space),
    }
    if states:
        texts[STATES] = states_text(job.pool)
    return texts


def job_of(recipe: DatasetRecipe, progress: ProgressCallback = ignore) -> Job:
    """Returns the job of a recipe, with the presets that it names.

    Args:
        recipe: What to make.
        progress: Called after every file of a folder of presets.

    Raises:
        UnknownName: If there is no such synth.
        StorageError: If a source cannot be read.
        PresetError: If a source has no preset of the synth.
    """
    return Job(recipe, read_pool(recipe, engines[recipe.synth](), progress))


def write_shards(
    folder: Folder,
    shards: Iterable[int],
    rate: int,
    relations: Relations,
    progress: ProgressCallback = ignore,
) -> None:
    """Writes shards from their parts, and removes the parts.

    Args:
        folder: The folder of the data set.
        shards: Numbers of the shards to write.
        rate: Sample rate, in Hz.
        relations: The items to keep, and their families.
        progress: Called after every shard.

    Raises:
        StorageError: If a part is damaged, or a file cannot be written.
    """

    def write(shard: int) -> None:
        part = folder.part(shard)
        write_atomically(folder.shard(shard), finished(part, rate, relations.families))
        part.unlink()  # only now: until the shard is there, its sounds are in the part alone

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        todo = [pool.submit(write, shard) for shard in shards]
        try:
            for done, future in enumerate(as_completed(todo), 1):
                future.result()
                progress(Progress("write", done, len(todo), "files"))
        finally:
            # After an error, or Ctrl-C in `progress`, the pool would otherwise write all that is queued before it ends.
            for future in todo:
                future.cancel()


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


def _render(job: Job, folder: Folder, executor: Executor, progress: ProgressCallback) -> int:
    """Makes the parts that are missing; returns how many items were rendered."""

    def is_missing(shard: int) -> bool:
        return not folder.part(shard).exists() and not folder.shard(shard).exists()

    missing = [shard for shard in range(folder.shards) if is_missing(shard)]
    todo = sum(len(job.recipe.numbers(shard)) for shard in missing)
    done = job.recipe.items - todo

    def keep(shard: int, data: bytes) -> None:
        write_atomically(folder.part(shard), data)

    def report(state: Progress) -> None:
        """Counts what earlier calls rendered too."""
        progress(replace(state, done=done + state.done, total=job.recipe.items))

    if missing:
        report(Progress("render", 0, todo, "sounds"))
        executor.run(job, missing, keep, report)
    return todo


def _relate(job: Job, folder: Folder, progress: ProgressCallback) -> Relations:
    parts = [folder.part(shard) for shard in range(folder.shards)]
    relations = relate(parts, job.recipe, job.pool, progress)
    if not len(relations.families):
        counts = ", ".join(f"{number} {name}" for name, number in relations.counts.items() if number)
        raise PresetError(f"{folder.path}: no sound is left ({counts}). Give other presets or another recipe.")
    folder.save_related(relations)
    return relations


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
