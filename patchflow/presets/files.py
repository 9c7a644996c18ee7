"""Preset files on disk, in any registered format, and archives of them."""

import io
import lzma
import os
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PresetError
from ..storage import read_bytes, readable, write_atomically
from .formats import PresetFormat, ReadReport, Rejected, formats
from .preset import Preset
from .vst2 import plugin_id
from .vst3 import class_id

__all__ = ["ARCHIVES", "extensions", "format_of", "owner", "read_presets", "write_presets"]

ARCHIVES = (".vitalbank", ".zip")
"""Usual endings of archives of preset files."""

_LARGEST = 256 * 2**20  # bytes: 60,000 DX7 banks
_LARGEST_GUESS = 8 * 2**20  # bytes of a file that is looked at by all formats
_MOST_FILES = 10_000  # in an archive
_ENCRYPTED = 1  # a flag of a file in an archive
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError, KeyError,
)  # fmt: skip
_OTHER_ARCHIVES = {b"7z\xbc\xaf\x27\x1c": "a 7-Zip", b"Rar!": "a RAR"}
_OTHERS_OF_VITAL = {".vitallfo": "an LFO shape", ".vitalskin": "a skin", ".vitaltable": "a wavetable"}
# Files that lie beside presets in archives, and may be large.
_NO_PRESETS = frozenset(
    {".aif", ".aiff", ".flac", ".gif", ".htm", ".html", ".jpeg", ".jpg", ".mp3", ".mp4", ".ogg", ".pdf", ".png", ".rtf"}
    | {".wav", *_OTHERS_OF_VITAL}
)


def read_presets(path: str | os.PathLike[str], *, strict: bool = False) -> ReadReport:
    """Reads a preset file of any format, or an archive of them; its content says which, whatever it is called.

    Args:
        path: The file, at most 256 MiB. Of an archive (zip, and Vital's banks, which are zips), all presets are read,
            in the order of their paths.
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
        if _is_zip(data):
            return _read_archive(data, strict=strict, budget=_Budget())
        return _read(Path(path), data, strict=strict)
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


def _read(path: Path, data: bytes, *, strict: bool) -> ReadReport:
    reader, note = _reader(path, data)
    report = reader.read(data)
    report = report.strict() if strict else report
    return _named(replace(report, notes=(*note, *report.notes)), path.stem)


def _named(report: ReadReport, stem: str) -> ReadReport:
    """Names a preset without a name after its file, if it is alone in there."""
    if len(report.presets) != 1 or report.rejected or report.presets[0].name.strip():
        return report
    return replace(report, presets=(replace(report.presets[0], name=_printable(readable(stem))),))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _reader(path: Path, data: bytes) -> tuple[PresetFormat, tuple[str, ...]]:
    """The format of a file, that of its extension first, and a note if that is another."""
    by_extension = format_of(path)
    if by_extension and by_extension.recognises(data):
        return by_extension, ()
    for name in formats if len(data) <= _LARGEST_GUESS else ():
        candidate = formats[name]()
        if candidate.recognises(data):
            kind = candidate.extensions[0]
            note = f"is called {path.suffix.lower()}, but its content is that of a {kind} file"
            return candidate, (note,) if by_extension else ()
    if by_extension:
        return by_extension, ()  # whose error says best what is wrong
    for magic, what in _OTHER_ARCHIVES.items():
        if data.startswith(magic):
            raise PresetError(f"{what} archive, which cannot be opened here: unpack it first")
    if path.suffix.lower() in _OTHERS_OF_VITAL:
        raise PresetError(f"{_OTHERS_OF_VITAL[path.suffix.lower()]} of Vital, not a preset")
    raise PresetError(f"not a preset file of a known format ({', '.join(formats)})")


def _is_zip(data: bytes) -> bool:
    return data.startswith((b"PK\3\4", b"PK\5\6"))


class _Budget:
    """How many bytes an archive, with those inside it, may still be unpacked to."""

    def __init__(self) -> None:
        self.left = _LARGEST

    def unpack(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        """Returns the content of a file; its size is counted as it is unpacked, for archives lie about it."""
        with archive.open(entry) as file:
            data = file.read(self.left + 1)
        self.left -= len(data)
        if self.left < 0:
            raise PresetError(f"more than {_LARGEST // 2**20} MiB when it is unpacked")
        return data


def _read_archive(data: bytes, *, strict: bool, budget: _Budget, inner: bool = False) -> ReadReport:
    """Reads all presets of a zip; each of its files has as many places as it has presets, at least one."""
    # Counted before it is opened, because a list of a million files fills the memory.
    if data.count(b"PK\1\2") > _MOST_FILES:
        raise PresetError(f"an archive of more than {_MOST_FILES:,} files")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _ZIP_ERRORS as error:
        raise PresetError(f"a damaged zip archive: {error}") from error
    found = _Found()
    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
        path = Path(entry.filename)
        if entry.filename.endswith("/") or path.name.startswith(".") or "__MACOSX" in path.parts:
            continue
        named = format_of(path) is not None or path.suffix.lower() in ARCHIVES
        if path.suffix.lower() in _NO_PRESETS or not (named or entry.file_size <= _LARGEST_GUESS):
            found.others.append(path)
            continue
        try:
            found.add(path, _read_entry(archive, entry, strict=strict, budget=budget, inner=inner))
        except PresetError as error:
            if budget.left < 0:
                raise
            if named or entry.flag_bits & _ENCRYPTED:
                found.reject(path, str(error))
            else:
                found.others.append(path)
    return found.report()


def _read_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, strict: bool, budget: _Budget, inner: bool
) -> ReadReport:
    if entry.flag_bits & _ENCRYPTED:
        raise PresetError("encrypted: unpack the archive with its password first")
    try:
        data = budget.unpack(archive, entry)
    except _ZIP_ERRORS as error:
        raise PresetError(f"damaged in the archive: {error}") from error
    if not _is_zip(data):
        return _read(Path(entry.filename), data, strict=strict)
    if inner:
        raise PresetError("an archive in an archive in an archive: unpack it first")
    return _read_archive(data, strict=strict, budget=budget, inner=True)


class _Found:
    """What was found in an archive so far."""

    def __init__(self) -> None:
        self._report = ReadReport(())
        self.others: list[Path] = []

    def add(self, path: Path, read: ReadReport) -> None:
        """Adds the presets of a file, at the places after those of the files before."""
        before = self._report.count
        name = _printable(path.as_posix())

        def placed(fault: Any) -> Any:
            return replace(fault, voice=fault.voice + before if fault.voice else 0, reason=f"{name}: {fault.reason}")

        self._report = ReadReport(
            presets=(*self._report.presets, *read.presets),
            rejected=(*self._report.rejected, *map(placed, read.rejected)),
            notes=(*self._report.notes, *(f"{name}: {note}" for note in read.notes)),
            mended=(*self._report.mended, *map(placed, read.mended)),
            places=(*self._report.places, *(place + before for place in read.places)),
        )

    def reject(self, path: Path, reason: str) -> None:
        """Adds a file that cannot be read, which has one place."""
        self.add(path, ReadReport((), (Rejected(1, reason),)))

    def report(self) -> ReadReport:
        """Returns all of it, with a note of the files that are no presets."""
        kinds = Counter(_printable(path.suffix.lower()) or "without an ending" for path in self.others)
        listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        if not self._report.count:
            raise PresetError(f"an archive without presets ({listed or 'it is empty'})")
        note = (f"{len(self.others):,} files in it are no presets: {listed}",) if listed else ()
        return replace(self._report, notes=(*self._report.notes, *note))


def owner(data: bytes) -> str:
    """Returns the id of the plug-in a preset is for: four letters of a VST2, 32 digits of a VST3, "" if unknown.

    Example:
        >>> owner(b"anything")
        ''
    """
    return plugin_id(data) or class_id(data)
