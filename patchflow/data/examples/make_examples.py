"""Makes examples: plays the presets of a bank block by block, finds families, deals folds; resumable."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from ...engines import Engine, Renderer, Subset, engines
from ...errors import PresetError, StorageError
from ...features.fingerprint import STEPS_PER_DB
from ...presets.categories import guess_category
from ...progress import Progress, ProgressCallback, ignore
from ...storage import LOCK, locked, read_bytes, reason, write_atomically
from ...threads import one_torch_thread
from ..attributes import MEASURED, NAMED, kind_by_name
from ..bank import Bank, fitting
from ..dataset.provenance import compare, versions_of
from ..families import PARTS, deal, join_families, near_duplicates
from .content import ABOUT, Content, read_about, write_examples
from .examples_recipe import ExamplesRecipe
from .measure import Heard, hear, join_blocks, save_block

__all__ = ["Drawn", "MadeExamples", "draw", "make_examples"]


@dataclass(frozen=True)
class Drawn:
    """Presets of one synth, all different.

    Args:
        points: Encoded presets, float32, shape `(N, P)`.
        names: What each is called, or the first of those that became equal, shape `(N,)`.
        family: Numbers of the families known so far, shape `(N,)`.
        taken: How many presets of the bank they were made of.
    """

    points: np.ndarray
    names: np.ndarray
    family: np.ndarray
    taken: int


def draw(recipe: ExamplesRecipe, make: type[Engine]) -> Drawn:
    """Returns the presets of a recipe.

    Presets that became equal are one; the bank's families of all of them are joined.

    Args:
        recipe: Names a bank.
        make: The engine.

    Raises:
        StorageError: If the bank cannot be read, or is of another synth.
    """
    bank = Bank.load(recipe.bank)
    rows = np.arange(len(bank.points))
    if recipe.items:
        rows = np.sort(np.random.default_rng(recipe.seed).permutation(rows)[: recipe.items])
    engine, points = make(), fitting(bank.points[rows], make, recipe.synth, recipe.bank)
    points = engine.arranged(engine.canonical(make.space.snap(points))).astype(np.float32)
    _, first, member = np.unique(points, axis=0, return_index=True, return_inverse=True)
    family = join_families(bank.family[rows], np.stack([first[member.ravel()], np.arange(len(points))], 1))
    kept = np.sort(first)
    names = np.array([str(name).strip() for name in bank.names[rows][kept]], str)
    return Drawn(points[kept], names, family[kept], len(rows))


_BLOCK = 1024
_JOB = 8  # presets that a thread is given at once
_ORIGIN, _WORK, _LEFTOVERS = "origin.json", ".work", ".patchflow-*"


@dataclass(frozen=True)
class MadeExamples:
    """Finished examples.

    Args:
        folder: Where they lie.
        counts: Presets of the bank, distinct ones, silent ones that were left out, items that are there; families,
            items of the largest one; items of the test and of the validation part of each fold.
        rendered: How many this call played; the others were there.
        seconds: How long it took.
    """

    folder: Path
    counts: dict[str, Any]
    rendered: int
    seconds: float


def make_examples(
    recipe: ExamplesRecipe,
    out: str | Path,
    progress: ProgressCallback = ignore,
    threads: int | None = None,
) -> MadeExamples:
    """Makes examples, or what is missing of them.

    However often it is interrupted, the finished folder holds the same bytes.

    Args:
        recipe: What to make.
        out: Where; made if it is not there.
        progress: Called as it goes on.
        threads: How many play at once; all cores if not given.

    Raises:
        StorageError: If the bank cannot be read or is of another synth; if the folder holds something else, somebody
            works on it, or it cannot be written.
        PresetError: If no preset can be heard.
        UnknownName: If there is no such synth.
    """
    start, out = time.monotonic(), Path(out)
    make = engines[recipe.synth]
    drawn = draw(recipe, make)
    with locked(out):
        _begin(out, recipe)
        rendered = 0
        if not (out / ABOUT).exists():
            with Renderer(make, threads) as renderer:
                rendered = _render(_blocks(out, drawn), recipe, drawn, renderer, progress)
            heard = join_blocks(list(_blocks(out, drawn)))
            write_examples(out, _content(recipe, drawn, make, heard, progress))
        counts = read_about(out)["counts"]
        _clear(out)
    return MadeExamples(out, counts, rendered, time.monotonic() - start)


def _begin(out: Path, recipe: ExamplesRecipe) -> None:
    origin = {
        "recipe": recipe.plain_values(),
        "presets": {"sha256": hashlib.sha256(read_bytes(recipe.bank)).hexdigest()},
        "versions": versions_of(recipe.synth, ("patchflow", "numpy", "torch")),
    }
    try:
        for leftover in out.glob(_LEFTOVERS):  # what a killed process did not rename any more
            if leftover.name != LOCK:
                leftover.unlink()
        if (out / _ORIGIN).exists():
            compare(out / _ORIGIN, origin)
        elif {file.name for file in out.iterdir()} - {LOCK}:
            raise StorageError(f"{out}: is not empty and holds no examples. Give another folder.")
        else:
            write_atomically(out / _ORIGIN, (json.dumps(origin, indent=1) + "\n").encode())
        if not (out / ABOUT).exists():
            (out / _WORK).mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {out}: {reason(error)}") from error


def _blocks(out: Path, drawn: Drawn) -> dict[Path, np.ndarray]:
    """The presets of each block, by its file."""
    firsts = range(0, len(drawn.points), _BLOCK)
    return {out / _WORK / f"block-{k:05}.npz": drawn.points[i : i + _BLOCK] for k, i in enumerate(firsts)}


def _render(
    blocks: Mapping[Path, np.ndarray],
    recipe: ExamplesRecipe,
    drawn: Drawn,
    renderer: Renderer,
    progress: ProgressCallback,
) -> int:
    """Makes the blocks that are missing; returns how many presets were played."""
    missing = {path: points for path, points in blocks.items() if not path.exists()}
    jobs = {path: [points[i : i + _JOB] for i in range(0, len(points), _JOB)] for path, points in missing.items()}
    todo = sum(map(len, missing.values()))
    done = len(drawn.points) - todo
    with one_torch_thread():
        heard = renderer.map(lambda engine, points: hear(engine, points, recipe), chain(*jobs.values()))
        for path in missing:
            parts = []
            for part in islice(heard, len(jobs[path])):
                parts.append(part)
                done += len(part.audible)
                progress(Progress("render", done, len(drawn.points), "sounds"))
            save_block(path, parts)
    return todo


def _content(
    recipe: ExamplesRecipe, drawn: Drawn, make: type[Engine], heard: Heard, progress: ProgressCallback
) -> Content:
    """Leaves out what is silent, finds families and deals them."""
    kept = np.flatnonzero(heard.audible)
    if not len(kept):
        raise PresetError(f"none of {len(drawn.points)} presets can be heard: give another bank")
    radius = recipe.radius_db * STEPS_PER_DB
    near = near_duplicates(heard.prints[kept], radius, progress)
    progress(Progress("write", 0, 1, "files"))
    family = join_families(drawn.family[kept], near)
    names, pairs, measures = drawn.names[kept], MEASURED, heard.measures[kept]
    if not issubclass(make, Subset):  # else a name tells of a sound that is no longer there
        pairs, measures = (*MEASURED, NAMED), np.column_stack([measures, kind_by_name(names)])
    parts = deal(family, recipe.folds, recipe.valid, recipe.seed)
    return Content(
        synth=recipe.synth,
        parameters=make.space.names,
        hears=recipe.hears,
        mels=heard.mels[kept],
        points=drawn.points[kept],
        notes=np.tile(np.array([recipe.pitch, recipe.velocity, recipe.hold], np.float32), (len(kept), 1)),
        family=family,
        parts=parts,
        names=names,
        category=np.array([guess_category(name) for name in names], str),
        pairs=pairs,
        measures=measures,
        tagged=recipe.tagged,
        facts={"counts": _counts(drawn, family, parts)},
    )


def _counts(drawn: Drawn, family: np.ndarray, parts: np.ndarray) -> dict[str, Any]:
    sizes = np.bincount(family)
    of_folds = {name: (parts == PARTS.index(name)).sum(0).tolist() for name in ("test", "valid")}
    return {
        "presets": drawn.taken,
        "distinct": len(drawn.points),
        "silent": len(drawn.points) - len(family),
        "items": len(family),
        "families": len(sizes),
        "largest_family": int(sizes.max()),
        **of_folds,
    }


def _clear(out: Path) -> None:
    try:
        if (out / _WORK).exists():
            shutil.rmtree(out / _WORK)
    except OSError as error:
        raise StorageError(f"cannot remove {out / _WORK}: {reason(error)}") from error
