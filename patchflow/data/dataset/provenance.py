"""Provenance of a data set: resolved recipe, presets, and versions of all that decides its bytes."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import soundfile

from ...engines import Subset, engines, selection_text
from ...errors import StorageError
from ...old_names import with_new_names
from ...parsing import damage_named, json_value
from ...storage import read_bytes
from .job import Job

__all__ = ["check_same_origin", "origin", "versions_of"]

_SOUNDS = ("patchflow", "numpy", "pyarrow", "soundfile")
_OF_SYNTH = {"dexed": ("dexed-py",), "tone": (), "vital": ("vita",), "vital_full": ("vita",)}
_HOSTS = ("dawdreamer", "pedalboard")  # which play all other synths


def origin(job: Job) -> dict[str, Any]:
    """Returns what must be equal for two calls to make the same data set, JSON-serialisable.

    Args:
        job: The recipe and its presets.
    """
    versions = versions_of(job.recipe.synth, _SOUNDS) | {"libsndfile": soundfile.__libsndfile_version__}
    presets = {"count": len(job.pool), "rejected": job.pool.rejected, "sha256": job.pool.digest()}
    return {"recipe": job.recipe.plain_values(), "presets": presets, "versions": versions}


def versions_of(synth: str, packages: Sequence[str]) -> dict[str, str]:
    """Returns the versions of packages, those that play a synth among them.

    A subset of a synth's parameters counts as a package: its version is a checksum of the selection.

    Args:
        synth: Name of the engine.
        packages: Names of further packages that decide the bytes.
    """
    engine = engines[synth]
    whole = synth
    selection: dict[str, str] = {}
    if issubclass(engine, Subset):
        whole = engine.selection.engine
        text = selection_text(engine.selection, "")
        selection[synth] = hashlib.sha256(text.encode()).hexdigest()[:16]
    names = (*packages, *_OF_SYNTH.get(whole, _HOSTS))
    return {name: _version(name) for name in names} | selection


def check_same_origin(path: Path, origin: Mapping[str, Any]) -> None:
    """Makes sure that a folder holds the data set that is asked for, of the same presets and versions.

    Args:
        path: The file that `Folder.begin` wrote.
        origin: What is asked for, see `origin`.

    Raises:
        StorageError: If it holds something else, or is damaged.
    """
    with damage_named(path, hint="Give another folder."):
        found = json_value(read_bytes(path))
        found["recipe"] = with_new_names("examples", found["recipe"])
        changes = []
        for table in ("recipe", "presets", "versions"):
            for key, value in origin[table].items():
                if found[table].get(key) != value:
                    changes.append(f"{key}={found[table].get(key)!r}, not {value!r}")
    if changes:
        raise StorageError(f"{path.parent}: holds a data set of {changes[0]}. Give another folder, or the same again.")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
