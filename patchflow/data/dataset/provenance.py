"""Where a data set comes from: the recipe as resolved, its presets and the versions of all that decides its bytes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import soundfile

from ...engines import Subset, engines, selection_text
from ...errors import StorageError
from ...storage import read_bytes
from .job import Job

__all__ = ["compare", "origin", "versions_of"]

_SOUNDS = ("patchflow", "numpy", "pyarrow", "soundfile")
_OF_SYNTH = {"dexed": ("dexed-py",), "tone": (), "vital": ("vita",), "vital_full": ("vita",)}
_HOSTS = ("dawdreamer", "pedalboard")  # play all others


def origin(job: Job) -> dict[str, Any]:
    """Returns what two makings of one data set have in common, as JSON has it.

    Args:
        job: The recipe and its presets.
    """
    versions = versions_of(job.recipe.synth, _SOUNDS) | {"libsndfile": soundfile.__libsndfile_version__}
    presets = {"count": len(job.pool), "rejected": job.pool.rejected, "sha256": job.pool.digest()}
    return {"recipe": job.recipe.plain_values(), "presets": presets, "versions": versions}


def versions_of(synth: str, packages: Sequence[str]) -> dict[str, str]:
    """Returns the versions of packages and of those that play a synth; for one with fewer parameters, which these are.

    Args:
        synth: Name of the engine.
        packages: Names of packages that decide something as well.
    """
    engine, whole, own = engines[synth], synth, {}
    if issubclass(engine, Subset):
        whole = engine.selection.engine
        own = {synth: hashlib.sha256(selection_text(engine.selection, "").encode()).hexdigest()[:16]}
    return {name: _version(name) for name in (*packages, *_OF_SYNTH.get(whole, _HOSTS))} | own


def compare(path: Path, origin: Mapping[str, Any]) -> None:
    """Makes sure that a folder holds what is asked for, made from the same presets by the same versions.

    Args:
        path: The file that `begin` wrote.
        origin: What is asked for.

    Raises:
        StorageError: If it holds something else, or is damaged.
    """
    try:
        found = json.loads(read_bytes(path))
        changes = [
            f"{key}={found[table].get(key)!r}, not {value!r}"
            for table in ("recipe", "presets", "versions")
            for key, value in origin[table].items()
            if found[table].get(key) != value
        ]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise StorageError(f"{path}: damaged ({error}). Give another folder.") from error
    if changes:
        raise StorageError(f"{path.parent}: holds a data set of {changes[0]}. Give another folder, or the same again.")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
