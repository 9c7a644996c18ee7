"""Preset files on disk, in any registered format."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import PresetError
from ..storage import read_bytes, readable, write_atomically
from .formats import PresetFormat, ReadReport, formats
from .preset import Preset
from .vst2 import plugin_id
from .vst3 import class_id

__all__ = ["extensions", "format_of", "owner", "read_presets", "write_presets"]

_LARGEST = 256 * 2**20  # bytes: 60,000 DX7 banks


def read_presets(path: str | os.PathLike[str], *, strict: bool = False) -> ReadReport:
    """Reads a preset file; its extension says the format or, failing that, its content.

    Args:
        path: The file, at most 256 MiB.
        strict: Reject what would have to be mended, such as a value above its limit.

    Returns:
        The good presets, what was mended, and the reasons why others were rejected. A preset without a name gets that
        of its file, if it is the only one in there.

    Raises:
        StorageError: If the file cannot be read.
        PresetError: If it is no preset file, or `strict` and the file itself would have to be mended.
    """
    data = read_bytes(path, limit=_LARGEST)
    try:
        report = _reader(Path(path), data).read(data)
        report = report.strict() if strict else report
        return _named(report, Path(path).stem)
    except PresetError as error:
        raise PresetError(f"{path}: {error}") from error


def write_presets(
    path: str | os.PathLike[str],
    presets: Sequence[Preset],
    format: str | None = None,
) -> None:
    """Writes a preset file, whole or not at all.

    Args:
        path: The file; an existing one is replaced.
        presets: At least one, complete and with allowed values.
        format: Name of the format, see `patchflow list formats`; by the extension if not given.

    Raises:
        PresetError: If a preset does not fit the format, or no format has the extension.
        StorageError: If the file cannot be written.
        UnknownName: If there is no such format.
    """
    writer = format_of(path) if format is None else formats[format]()
    if writer is None:
        raise PresetError(f"{path}: no format has this extension. Use one of {', '.join(extensions())}.")
    write_atomically(path, writer.write(presets))


def format_of(path: str | os.PathLike[str]) -> PresetFormat | None:
    """Returns the format that the extension of `path` stands for, if there is one.

    Example:
        >>> type(format_of("ROM1A.SYX")).__name__
        'Syx'
    """
    suffix = Path(path).suffix.lower()
    for name in formats:
        candidate = formats[name]()
        if suffix in candidate.extensions:
            return candidate
    return None


def extensions() -> tuple[str, ...]:
    """Returns the extensions of all formats.

    Example:
        >>> ".syx" in extensions()
        True
    """
    found: list[str] = []
    for name in formats:
        found += formats[name].extensions
    return tuple(found)


def _named(report: ReadReport, stem: str) -> ReadReport:
    """Names a preset without a name after its file, if it is alone in there."""
    if len(report.presets) != 1 or report.rejected or report.presets[0].name.strip():
        return report
    name = "".join(letter if letter.isprintable() else " " for letter in readable(stem))
    return replace(report, presets=(replace(report.presets[0], name=name),))


def _reader(path: Path, data: bytes) -> PresetFormat:
    by_extension = format_of(path)
    if by_extension:
        return by_extension
    for name in formats:
        candidate = formats[name]()
        if candidate.recognises(data):
            return candidate
    raise PresetError(f"not a preset file of a known format ({', '.join(formats)})")


def owner(data: bytes) -> str:
    """Returns the id of the plug-in a preset is for: four letters of a VST2, 32 digits of a VST3, "" if unknown.

    Example:
        >>> owner(b"anything")
        ''
    """
    return plugin_id(data) or class_id(data)
