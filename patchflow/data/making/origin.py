"""Where a data set comes from: the recipe as resolved, its presets and the versions of all that decides its bytes."""

from importlib import metadata
from typing import Any

import soundfile

from .job import Job

__all__ = ["origin"]

_ALWAYS = ("patchflow", "numpy", "pyarrow", "soundfile")
_OF_SYNTH = {"dexed": ("dexed-py",), "tone": (), "vital": ("vita",), "vital_full": ("vita",)}
_HOSTS = ("dawdreamer", "pedalboard")  # play all others


def origin(job: Job) -> dict[str, Any]:
    """Returns what two makings of one data set have in common, as JSON has it.

    Args:
        job: The recipe and its presets.
    """
    packages = (*_ALWAYS, *_OF_SYNTH.get(job.recipe.synth, _HOSTS))
    versions = {name: _version(name) for name in packages} | {"libsndfile": soundfile.__libsndfile_version__}
    presets = {"count": len(job.pool), "rejected": job.pool.rejected, "sha256": job.pool.digest()}
    return {"recipe": job.recipe.plain_values(), "presets": presets, "versions": versions}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
