"""Makes examples: plays a bank's presets, finds families, deals folds; resumable."""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...engines import Engine, Renderer, Subset, engines, one_torch_thread
from ...errors import PresetError, StorageError
from ...features.mel import STEPS_PER_DB
from ...presets.preset import category_from_name
from ...progress import Progress, ProgressCallback, ignore
from ...storage import LOCK, locked, read_bytes, reason, sweep, write_atomically
from ..bank import PARTS, Bank, deal, fitting, join_families, near_duplicates
from ..dataset.card import check_same_origin, versions_of
from .attributes import (
    MEASURED_ATTRIBUTES,
    NAMED_ATTRIBUTE,
    MeasuredPresets,
    join_blocks,
    kind_by_name,
    measure_presets,
    save_block,
)
from .examples import ABOUT, Content, read_about, write_examples
from .examples_recipe import ExamplesRecipe

__all__ = ["MadeExamples", "SelectedPresets", "make_examples", "select_presets"]


@dataclass(frozen=True)
class SelectedPresets:
    """Presets of one synth, all different.

    Args:
        points: Encoded presets, float32, shape `(N, P)`.
        names: Name of each, or of the first of those that became equal, shape `(N,)`.
        family: Numbers of the families known so far, shape `(N,)`.
        taken: Number of presets of the bank they were made of.
    """

    points: np.ndarray
    names: np.ndarray
    family: np.ndarray
    taken: int


def select_presets(recipe: ExamplesRecipe, make: type[Engine]) -> SelectedPresets:
    """Returns the presets of a recipe.

    Presets that become equal on the synth are one, and their families in the bank are joined.

    Args:
        recipe: Names a bank.
        make: The engine's class.

    Raises:
        StorageError: If the bank cannot be read, or is of another synth.
    """
    bank = Bank.load(recipe.bank)
    rows = np.arange(len(bank.points))
    if recipe.items:
        rows = np.sort(np.random.default_rng(recipe.seed).permutation(rows)[: recipe.items])
    engine = make()
    points = make.space.snap(fitting(bank.points[rows], make, recipe.synth, recipe.bank))
    points = engine.sorted_parts(engine.canonical(points)).astype(np.float32)

    # Presets of a whole synth that differ only in what a subset leaves out are equal now. Each is linked to the first
    # of its kind, so that the bank's families of all of them become one, before all but the first are dropped.
    _, first, member = np.unique(points, axis=0, return_index=True, return_inverse=True)
    pairs = np.stack([first[member.ravel()], np.arange(len(points))], 1)
    family = join_families(bank.family[rows], pairs)
    kept = np.sort(first)
    names = np.array([str(name).strip() for name in bank.names[rows][kept]], str)
    return SelectedPresets(points[kept], names, family[kept], len(rows))


_BLOCK = 1024  # presets a file of the work folder: what an interruption can cost
_JOB = 8  # presets that a thread gets at once
_ORIGIN = "origin.json"
_WORK = ".work"


@dataclass(frozen=True)
class MadeExamples:
    """Finished examples.

    Args:
        folder: Where they lie.
        counts: Numbers of presets of the bank, distinct ones, silent ones that were left out, and items; of families
            and of items of the largest one; of items in the test and in the validation part of each fold.
        rendered: Presets that this call played; the others were there.
        seconds: Duration of the call.
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
        progress: Called after every few sounds.
        threads: Number of threads that render; all cores if not given.

    Raises:
        StorageError: If the bank cannot be read or is of another synth; if the folder holds something else, somebody
            works on it, or it cannot be written.
        PresetError: If no preset can be heard.
        UnknownName: If there is no such synth.
    """
    start = time.monotonic()
    out = Path(out)
    make = engines[recipe.synth]
    selected = select_presets(recipe, make)
    rendered = 0
    with locked(out):
        _begin(out, recipe)
        if not (out / ABOUT).exists():
            blocks = _blocks(out, selected)
            with Renderer(make, threads) as renderer:
                rendered = _render(blocks, recipe, renderer, progress)
            # Read back even if all were rendered by this call: fresh and resumed runs take the same way.
            measured = join_blocks(list(blocks))
            write_examples(out, _content(recipe, selected, make, measured, progress))
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
        sweep(out / _WORK)
        if (out / _ORIGIN).exists():
            check_same_origin(out / _ORIGIN, origin)
        elif {file.name for file in out.iterdir()} - {LOCK}:
            raise StorageError(f"{out}: is not empty and holds no examples. Give another folder.")
        else:
            write_atomically(out / _ORIGIN, (json.dumps(origin, indent=1) + "\n").encode())
        if not (out / ABOUT).exists():
            (out / _WORK).mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {out}: {reason(error)}") from error


def _blocks(out: Path, selected: SelectedPresets) -> dict[Path, np.ndarray]:
    """The presets of each block, by its file."""
    blocks = {}
    for number, first in enumerate(range(0, len(selected.points), _BLOCK)):
        blocks[out / _WORK / f"block-{number:05}.npz"] = selected.points[first : first + _BLOCK]
    return blocks


def _render(
    blocks: Mapping[Path, np.ndarray], recipe: ExamplesRecipe, renderer: Renderer, progress: ProgressCallback
) -> int:
    """Makes the blocks that are missing; returns how many presets were played."""

    def measure(engine: Engine, points: np.ndarray) -> MeasuredPresets:
        return measure_presets(engine, points, recipe)

    total = sum(len(points) for points in blocks.values())
    missing = {path: points for path, points in blocks.items() if not path.exists()}
    todo = sum(len(points) for points in missing.values())
    done = total - todo
    jobs: list[np.ndarray] = []
    jobs_of_block: dict[Path, int] = {}
    for path, points in missing.items():
        firsts = range(0, len(points), _JOB)
        jobs += [points[first : first + _JOB] for first in firsts]
        jobs_of_block[path] = len(firsts)

    with one_torch_thread():
        # One stream of jobs over all blocks: while a block is written, the threads already play the next one.
        measured = renderer.map(measure, jobs)
        for path, count in jobs_of_block.items():
            parts = []
            for part in islice(measured, count):
                parts.append(part)
                done += len(part.audible)
                progress(Progress("render", done, total, "sounds"))
            save_block(path, parts)
    return todo


def _content(
    recipe: ExamplesRecipe,
    selected: SelectedPresets,
    make: type[Engine],
    measured: MeasuredPresets,
    progress: ProgressCallback,
) -> Content:
    """Leaves out what is silent, finds families and deals them."""
    kept = np.flatnonzero(measured.audible)
    if not len(kept):
        raise PresetError(f"none of {len(selected.points)} presets can be heard: give another bank")
    radius = recipe.radius_db * STEPS_PER_DB  # fingerprints count in steps
    near = near_duplicates(measured.prints[kept], radius, progress)
    progress(Progress("write", 0, 1, "files"))
    family = join_families(selected.family[kept], near)
    parts = deal(family, recipe.folds, recipe.valid, recipe.seed)

    # The name of a preset describes the sound of the whole synth. A subset plays only some of its parameters, so the
    # sound that was named may be gone, and names give no attribute.
    names = selected.names[kept]
    attributes = MEASURED_ATTRIBUTES
    measures = measured.measures[kept]
    if not issubclass(make, Subset):
        attributes = (*attributes, NAMED_ATTRIBUTE)
        measures = np.column_stack([measures, kind_by_name(names)])
    note = np.array([recipe.pitch, recipe.velocity, recipe.hold], np.float32)
    return Content(
        synth=recipe.synth,
        parameters=make.space.names,
        input=recipe.input,
        mels=measured.mels[kept],
        points=selected.points[kept],
        notes=np.tile(note, (len(kept), 1)),
        family=family,
        parts=parts,
        names=names,
        category=np.array([category_from_name(name) for name in names], str),
        attributes=attributes,
        measures=measures,
        tagged=recipe.tagged,
        facts={"counts": _counts(selected, family, parts)},
    )


def _counts(selected: SelectedPresets, family: np.ndarray, parts: np.ndarray) -> dict[str, Any]:
    sizes = np.bincount(family)
    return {
        "presets": selected.taken,
        "distinct": len(selected.points),
        "silent": len(selected.points) - len(family),
        "items": len(family),
        "families": len(sizes),
        "largest_family": int(sizes.max()),
        "test": (parts == PARTS.index("test")).sum(0).tolist(),
        "valid": (parts == PARTS.index("valid")).sum(0).tolist(),
    }


def _clear(out: Path) -> None:
    try:
        if (out / _WORK).exists():
            shutil.rmtree(out / _WORK)
    except OSError as error:
        raise StorageError(f"cannot remove {out / _WORK}: {reason(error)}") from error
