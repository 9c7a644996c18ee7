"""Preset files on disk, in any registered format, and archives of them."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import OptionError, PresetError, StorageError
from ..lv2 import applies_to
from ..printable import one_line
from ..storage import locked, make_folder, read_bytes, readable, write_atomically, write_together
from .archives import ARCHIVES, UnpackBudget, is_encrypted, is_zip, opened_zip, refuse_other_archives
from .formats import Mended, PresetFormat, ReadReport, Rejected, formats
from .preset import Preset
from .vst2 import plugin_id
from .vst3 import class_id

__all__ = [
    "LARGEST_GUESS",
    "NO_PRESETS",
    "chosen_voice",
    "extensions",
    "format_of",
    "owner",
    "read_presets",
    "write_folder",
    "write_presets",
    "written_files",
]

_MANIFEST = "manifest.ttl"
_LARGEST = 256 * 2**20  # bytes: 60,000 DX7 banks
_MOST_ZIPS = 2  # in one another
_DEEPEST = 4  # containers of any kind in one another
_OTHERS_OF_VITAL = {".vitallfo": "an LFO shape", ".vitalskin": "a skin", ".vitaltable": "a wavetable"}
LARGEST_GUESS = 8 * 2**20
"""Bytes of the largest file that is looked at by all formats if its ending does not say that it holds presets."""

# Sounds, pictures and films, documents, archives that cannot be opened, programs, databases, and what patchflow itself
# writes.
NO_PRESETS = frozenset(
    """
    .wav .wave .aif .aiff .flac .mp3 .ogg .opus .m4a .aac .wma .rf64 .bw64 .w64 .caf .rex .rx2 .sf2 .sfz .nki .ncw .exs
    .png .jpg .jpeg .gif .bmp .tif .tiff .webp .svg .ico .psd .mp4 .mov .avi .mkv .webm .m4v
    .pdf .htm .html .doc .docx .rtf .odt .xls .xlsx .csv .md .css .js .xml .url .webloc .lnk
    .rar .7z .tar .tgz .sit .sitx .hqx .cab .iso .dmg .pkg .deb .rpm
    .exe .dll .so .dylib .vst .vst3 .component .msi .jar .py .pyc .sh .bat .h .c .cpp .o .a
    .sqlite .sqlite-journal .db .npz .npy .parquet .arrow .pt .pth .safetensors .ckpt .toml .yaml .yml .log .tmp
    """.split()  # noqa: SIM905
).union(_OTHERS_OF_VITAL)
"""Endings of files that never hold presets, and may be large."""


def chosen_voice(name: str | os.PathLike[str], voice: int | None = None) -> tuple[Path, int | None]:
    """Splits the name of a preset such as `bank.syx:3`; a file of just this name counts as it is.

    Args:
        name: A file, or one and the place of a preset in it, from 1.
        voice: The place, if it was said beside the name.

    Returns:
        The file, and the place; None if nothing says it.

    Raises:
        OptionError: If it is said twice.

    Example:
        >>> path, voice = chosen_voice("bank.syx:3")
        >>> path.name, voice
        ('bank.syx', 3)
    """
    path, sign, number = os.fspath(name).rpartition(":")
    if not sign or not number.isdecimal() or Path(name).exists():
        return Path(name), voice
    if voice is not None:
        raise OptionError(f"{name}: says which voice, so leave out --voice {voice}")
    return Path(path), int(number)


def read_presets(path: str | os.PathLike[str], *, strict: bool = False) -> ReadReport:
    """Reads a preset file of any format, or an archive of them; its content says which, whatever it is called.

    Args:
        path: The file, at most 256 MiB, or a folder of LV2 presets. Of an archive (zip, and Vital's banks, which are
            zips), all presets are read, in the order of their paths; a file that is compressed (gzip, zlib, bzip2, xz)
            or in a MacBinary file is read as what is inside.
        strict: Reject what would have to be mended, such as a value above its limit.

    Returns:
        The good presets, what was mended, and the reasons why others were rejected. A preset without a name gets that
        of its file, if it is the only one in there.

    Raises:
        StorageError: If the file cannot be read.
        PresetError: If it is no preset file, or `strict` and the file itself would have to be mended.
    """
    inside = _Inside(UnpackBudget(_LARGEST), strict)
    try:
        if Path(path, _MANIFEST).is_file():
            return _read_folder(Path(path), inside)
        return _read(Path(path), read_bytes(path, limit=_LARGEST), inside)
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
    data = writer.write(presets)
    if writer.folder and Path(path).suffix.lower() == writer.folder:
        write_folder(path, {f"{Path(path).stem}{writer.extensions[0]}": data}, writer)
    else:
        write_atomically(path, data)


def write_folder(path: str | os.PathLike[str], files: Mapping[str, bytes], kind: PresetFormat) -> None:
    """Writes a folder in which hosts find presets; of an earlier one, no preset stays.

    Args:
        path: The folder, which is made if it is not there.
        files: Contents of preset files, by name.
        kind: Their format, see `PresetFormat.folder_files`.

    Raises:
        StorageError: If it cannot be written, or is there and has anything but presets that were written here.
    """
    folder = Path(path)
    files = kind.folder_files(files)
    gone = [name for name in written_files(folder, kind) if name not in files]
    make_folder(folder)
    with locked(folder):
        write_together(folder, files, gone=gone)


def written_files(folder: Path, kind: PresetFormat) -> list[str]:
    """Returns the names of the files of a folder in which hosts find presets; none if it is not there.

    Args:
        folder: The folder.
        kind: Its format.

    Raises:
        StorageError: If it has anything but presets that were written here.
    """
    before = sorted(file for file in folder.iterdir() if not file.name.startswith(".")) if folder.is_dir() else []
    for file in before:
        # It may be the folder of a plug-in itself, or hold presets that somebody saved.
        if file.suffix not in kind.extensions or not kind.wrote(file.name, read_bytes(file)):
            raise StorageError(f"cannot write {folder}: {file.name} is there, which is no preset that was written here")
    return [file.name for file in before]


def format_of(path: str | os.PathLike[str]) -> PresetFormat | None:
    """Returns the format that the extension of `path` stands for, if there is one.

    Example:
        >>> type(format_of("ROM1A.SYX")).__name__
        'Syx'
    """
    suffix = Path(path).suffix.lower()
    for name in formats:
        candidate = formats[name]()
        if suffix in candidate.extensions or suffix == candidate.folder != "":
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


@dataclass(frozen=True)
class _Inside:
    """Where in a file we are.

    Args:
        budget: What may still be unpacked.
        strict: See `read_presets`.
        zips: How many zip archives we are in.
        depth: How many containers of any kind we are in.
    """

    budget: UnpackBudget
    strict: bool
    zips: int = 0
    depth: int = 0


def _read(path: Path, data: bytes, inside: _Inside) -> ReadReport:
    if is_zip(data):
        if inside.zips == _MOST_ZIPS:
            raise PresetError("an archive in an archive in an archive: unpack it first")
        return _read_archive(data, replace(inside, zips=inside.zips + 1, depth=inside.depth + 1))
    wrapped = inside.budget.unwrap(data) if inside.depth < _DEEPEST else None
    if wrapped:
        plain = path if format_of(path) else path.with_suffix("")  # a.syx.gz is an a.syx
        try:
            report = _read(plain, wrapped.data, replace(inside, depth=inside.depth + 1))
        except PresetError as error:
            raise PresetError(f"{wrapped.kind}: {error}") from error
        note = "unpacked; bytes are counted in what is inside"
        return replace(report, notes=(note, *report.notes)).inside(wrapped.kind)
    reader, notes = _reader(path, data)
    report = reader.read(data)
    report = report.strict() if inside.strict else report
    return _named(replace(report, notes=(*notes, *report.notes)), path.stem)


def _named(report: ReadReport, stem: str) -> ReadReport:
    """Names a preset without a name after its file, if it is alone in there."""
    if len(report.presets) != 1 or report.rejected or report.presets[0].name.strip():
        return report
    return replace(report, presets=(replace(report.presets[0], name=one_line(readable(stem))),))


def _reader(path: Path, data: bytes) -> tuple[PresetFormat, tuple[str, ...]]:
    """The format of a file, that of its extension first, and a note if that is another."""
    by_extension = format_of(path)
    if by_extension and by_extension.recognises(data):
        return by_extension, ()
    for name in formats if len(data) <= LARGEST_GUESS else ():
        candidate = formats[name]()
        if candidate.recognises(data):
            kind = candidate.extensions[0]
            note = f"is called {path.suffix.lower()}, but its content is that of a {kind} file"
            return candidate, (note,) if by_extension else ()
    refuse_other_archives(data)
    if by_extension:
        return by_extension, ()  # whose error says best what is wrong
    if path.suffix.lower() in _OTHERS_OF_VITAL:
        raise PresetError(f"{_OTHERS_OF_VITAL[path.suffix.lower()]} of Vital, not a preset")
    raise PresetError(f"not a preset file of a known format ({', '.join(formats)})")


def _read_archive(data: bytes, inside: _Inside) -> ReadReport:
    """Reads all presets of a zip; each of its files has as many places as its report, at least one."""
    archive = opened_zip(data)
    found = _Found()
    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
        path = Path(entry.filename)
        if entry.filename.endswith("/") or path.name.startswith(".") or "__MACOSX" in path.parts:
            continue
        named = format_of(path) is not None or path.suffix.lower() in ARCHIVES
        if path.suffix.lower() in NO_PRESETS or not (named or entry.file_size <= LARGEST_GUESS):
            found.others.append(path)
            continue
        try:
            found.add(path, _read(path, inside.budget.unpack(archive, entry), inside))
        except PresetError as error:
            if inside.budget.left < 0:
                raise
            if named or is_encrypted(entry):
                found.reject(path, str(error))
            else:
                found.others.append(path)
    return found.report()


def _read_folder(folder: Path, inside: _Inside) -> ReadReport:
    """Reads all presets of a folder with a manifest, which LV2 calls a bundle."""
    found = _Found()
    for path in sorted(folder.glob("*.ttl")):
        data = read_bytes(path, limit=_LARGEST)
        try:
            found.add(path.relative_to(folder), _read(path, data, inside))
        except PresetError as error:
            if path.name != _MANIFEST:
                found.reject(path.relative_to(folder), str(error))
    if not found.count:
        raise PresetError("a folder of LV2 without presets")
    return found.report()


class _Found:
    """What was found in an archive or folder so far."""

    def __init__(self) -> None:
        self.others: list[Path] = []
        self._presets: list[Preset] = []
        self._places: list[int] = []
        self._rejected: list[Rejected] = []
        self._mended: list[Mended] = []
        self._notes: list[str] = []
        self._slots = 0

    def add(self, path: Path, read: ReadReport) -> None:
        """Adds the presets of a file, at the places after those of the files before."""
        before = self._slots
        named = read.inside(one_line(path.as_posix()))
        self._presets += named.presets
        self._places += [place + before for place in named.places]
        self._rejected += [replace(fault, voice=fault.voice and fault.voice + before) for fault in named.rejected]
        self._mended += [replace(fault, voice=fault.voice and fault.voice + before) for fault in named.mended]
        self._notes += named.notes
        self._slots += max(1, read.count)

    def reject(self, path: Path, reason: str) -> None:
        """Adds a file that cannot be read, which has one place."""
        self.add(path, ReadReport((), (Rejected(1, reason),)))

    @property
    def count(self) -> int:
        """How many places it has."""
        return self._slots

    def report(self) -> ReadReport:
        """Returns all of it, with a note of the files that are no presets."""
        kinds = Counter(one_line(path.suffix.lower()) or "without an ending" for path in self.others)
        listed = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        if not self._slots:
            raise PresetError(f"an archive without presets ({listed or 'it is empty'})")
        note = (f"{len(self.others):,} files in it are no presets: {listed}",) if listed else ()
        return ReadReport(
            presets=tuple(self._presets),
            rejected=tuple(self._rejected),
            notes=(*self._notes, *note),
            mended=tuple(self._mended),
            places=tuple(self._places),
            slots=self._slots,
        )


def owner(data: bytes) -> str:
    """Returns the id of the plug-in a preset is for, "" if unknown.

    It is four letters of a VST2, 32 digits of a VST3, the address of an LV2 plug-in.

    Example:
        >>> owner(b"anything")
        ''
    """
    return plugin_id(data) or class_id(data) or applies_to(data)
