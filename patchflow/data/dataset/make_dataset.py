"""Makes a whole data set: renders what is missing, relates all sounds, writes the files; goes on after any stop."""

import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from ...engines import engines
from ...errors import PresetError, StorageError
from ...progress import Progress, ProgressCallback, ignore
from ...storage import locked, write_atomically
from .card import card, rests_text, space_text
from .dataset_recipe import DatasetRecipe
from .dedupe import Relations, relate
from .executors import Executor
from .folder import RESTS, Folder
from .job import Job
from .parquet import finished
from .pool import read_pool
from .provenance import origin

__all__ = ["Made", "job_of", "make_dataset", "write_shards"]


@dataclass(frozen=True)
class Made:
    """A finished data set.

    Args:
        folder: Where it lies.
        counts: Sounds by what became of them, see `Relations`.
        shards: Number of files.
        bytes: Size of these files.
        rendered: Items that this call rendered; the others were there.
        seconds: How long it took.
    """

    folder: Path
    counts: dict[str, int]
    shards: int
    bytes: int
    rendered: int
    seconds: float


def make_dataset(
    recipe: DatasetRecipe, out: str | Path, executor: Executor, progress: ProgressCallback = ignore
) -> Made:
    """Makes a data set, or what is missing of it.

    However often it is interrupted, and whatever the executor, the finished folder holds the same bytes.

    Args:
        recipe: What to make.
        out: Where; made if it is not there.
        executor: What renders.
        progress: Called after every item, or shard.

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
    job = job_of(recipe)
    folder, about = Folder(Path(out), recipe.shards), origin(job)
    with locked(out):
        folder.begin(about)
        rendered = 0
        if not folder.finished:
            rendered = _render(job, folder, executor, progress)
            relations = folder.related() or _relate(job, folder, progress)
            missing = [shard for shard in range(folder.shards) if not folder.shard(shard).exists()]
            write_shards(folder, missing, recipe.rate, relations, progress)
        relations = folder.related()
        if relations is None:
            raise StorageError(f"{out}: counts.json or families.npy is missing. Remove the folder.")
        texts = {
            "README.md": card(recipe, relations.counts, about["versions"], len(job.space), rests=bool(job.pool.rests)),
            "space.json": space_text(job.space),
        }
        if job.pool.rests:
            texts[RESTS] = rests_text(job.pool)
        folder.finish(texts)
    size = sum(folder.shard(shard).stat().st_size for shard in range(folder.shards))
    return Made(folder.path, relations.counts, folder.shards, size, rendered, time.monotonic() - start)


def job_of(recipe: DatasetRecipe) -> Job:
    """Reads the presets of a recipe.

    Raises:
        UnknownName: If there is no such synth.
        StorageError: If a source cannot be read.
        PresetError: If a source has no preset of the synth.
    """
    return Job(recipe, read_pool(recipe, engines[recipe.synth]()))


def write_shards(
    folder: Folder,
    shards: Iterable[int],
    rate: int,
    relations: Relations,
    progress: ProgressCallback = ignore,
) -> None:
    """Writes shards from their parts, and removes the parts.

    Args:
        folder: Where they lie.
        shards: Numbers of those to write.
        rate: Sample rate, in Hz.
        relations: What is kept, and the families.
        progress: Called after every shard.

    Raises:
        StorageError: If a part is damaged, or a file cannot be written.
    """

    def write(shard: int) -> None:
        write_atomically(folder.shard(shard), finished(folder.part(shard), rate, relations.families))
        folder.part(shard).unlink()

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        todo = [pool.submit(write, shard) for shard in shards]
        try:
            for done, future in enumerate(as_completed(todo), 1):
                future.result()
                progress(Progress("write", done, len(todo), "files"))
        finally:
            for future in todo:
                future.cancel()


def _render(job: Job, folder: Folder, executor: Executor, progress: ProgressCallback) -> int:
    """Makes the parts that are missing; returns how many items that took."""
    numbers = range(folder.shards)
    missing = [shard for shard in numbers if not folder.part(shard).exists() and not folder.shard(shard).exists()]
    todo = sum(len(job.recipe.numbers(shard)) for shard in missing)
    done = job.recipe.items - todo

    def tell(state: Progress) -> None:
        progress(replace(state, done=done + state.done, total=job.recipe.items))

    if missing:
        tell(Progress("render", 0, todo, "sounds"))
        executor.run(job, missing, lambda shard, data: write_atomically(folder.part(shard), data), tell)
    return todo


def _relate(job: Job, folder: Folder, progress: ProgressCallback) -> Relations:
    parts = [folder.part(shard) for shard in range(folder.shards)]
    relations = relate(parts, job.recipe, job.pool, progress)
    if not len(relations.families):
        counts = ", ".join(f"{number} {name}" for name, number in relations.counts.items() if number)
        raise PresetError(f"{folder.path}: no sound is left ({counts}). Give other presets or another recipe.")
    folder.save_related(relations)
    return relations
