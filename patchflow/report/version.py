"""The version of the installed package."""

from importlib import metadata

__all__ = ["version"]


def version() -> str:
    """Returns the version, e.g. `"0.1.0"`, or `"unknown"` in a checkout that is not installed."""
    try:
        return metadata.version("patchflow")
    except metadata.PackageNotFoundError:
        return "unknown"
