"""Files of one call: their names, which overwrite neither each other nor a sound, and all of them written at once."""

import hashlib
import itertools
import json
import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import StorageError
from ...parsing import read_object
from ...presets.preset import ascii_name
from ...printable import without_hidden
from ...storage import json_text, locked, readable, writable_folder, write_together

__all__ = ["MOST", "OutputNames", "bank_name", "candidate_name", "choose_names", "file_name", "write_set"]

_LONGEST = 255  # bytes of a file name, on all usual disks
_COMPARISON = "-ab.wav"
MOST = 32
"""Candidates, at most."""

_FORBIDDEN = frozenset('<>:"/\\|?*')  # on Windows, and so on most sticks
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"]
)  # which Windows opens in place of a file, whatever the ending

_LARGEST = 2**26  # bytes of a file of numbers


@dataclass(frozen=True)
class OutputNames:
    """The files of one sound, all in one folder.

    Args:
        folder: Where they are.
        stem: What their names begin with.
        endings: Of the preset file of each candidate, best first, with the dot.

    Example:
        >>> names = OutputNames(Path("out"), "kick", (".syx", ".vital", ".syx"))
        >>> [path.name for path in names.presets]
        ['kick.syx', 'kick-2.vital', 'kick-3.syx']
    """

    folder: Path
    stem: str
    endings: tuple[str, ...] = ()

    @property
    def presets(self) -> tuple[Path, ...]:
        """A preset file for every candidate, best first."""
        files = []
        for rank, ending in enumerate(self.endings, 1):
            number = f"-{rank}" if rank > 1 else ""
            files.append(self.folder / f"{self.stem}{number}{ending}")
        return tuple(files)

    @property
    def sounds(self) -> tuple[Path, ...]:
        """What every candidate sounds like, best first, called like the presets."""
        return self.each(".wav").presets

    @property
    def comparison(self) -> Path:
        """The target before each candidate, in one sound."""
        return self.folder / f"{self.stem}{_COMPARISON}"

    @property
    def picture(self) -> Path:
        """The target beside the candidates."""
        return self.folder / f"{self.stem}.png"

    @property
    def summary(self) -> Path:
        """Everything in numbers."""
        return self.folder / f"{self.stem}.json"

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return (*self.presets, *self.sounds, self.comparison, self.picture, self.summary)

    def each(self, ending: str, count: int | None = None) -> "OutputNames":
        """Returns the names with one ending for all candidates.

        Args:
            ending: With the dot.
            count: How many candidates there are; as many as there were if not given.
        """
        return replace(self, endings=(ending,) * (len(self.endings) if count is None else count))


def choose_names(
    sounds: Sequence[Path], folder: Path, extensions: Sequence[str], count: int, *, kept: Sequence[Path] = ()
) -> tuple[OutputNames, ...]:
    """Returns the names of the files of every sound, yet without endings of presets: a search tells which come when.

    They begin with the sound's own name, as far as every disk takes it, see `file_name`. Where that would overwrite a
    file of another sound, the bank or one of the sounds themselves, `_2`, `_3` ... is added; upper and lower case are
    the same, and so are letters with accents however they are put together, as on some disks.

    Args:
        sounds: Files to match.
        folder: Where to write.
        extensions: Endings that a preset file may have, with the dot; not `.json`, which is the summary's.
        count: How many candidates there may be for each.
        kept: Further files that must not be overwritten.

    Example:
        >>> kicks = [Path("a/kick.wav"), Path("b/kick.wav")]
        >>> [names.stem for names in choose_names(kicks, Path("out"), [".syx", ".vital"], 4)]
        ['kick', 'kick_2']
    """
    # Compared are whole resolved paths, so that a folder that is written in two ways is the same. All banks there can
    # be are reserved as well.
    resolved = Path(os.path.realpath(folder))  # other than `resolve`, it takes links that go in a loop
    taken = _keys(Path(os.path.realpath(path)) for path in (*sounds, *kept))
    for extension in extensions:
        taken |= _keys(resolved / bank_name(n, extension) for n in range(1, len(sounds) + 1))
    longest = _longest_name(resolved)
    numbered = [len(f"-{MOST}{extension}".encode()) for extension in (*extensions, ".wav")]
    endings = max(len(_COMPARISON), *numbered)
    chosen: list[OutputNames] = []
    for sound in sounds:
        possible = (OutputNames(resolved, stem) for stem in _stems(sound, endings, longest))
        free = next(names for names in possible if not taken & _possible(names, extensions, count))
        taken |= _possible(free, extensions, count)
        chosen.append(replace(free, folder=folder))
    return tuple(chosen)


def bank_name(number: int, extension: str) -> str:
    """Returns the name of the file with the best presets of all sounds.

    Example:
        >>> bank_name(1, ".syx"), bank_name(2, ".syx")
        ('patchflow-bank.syx', 'patchflow-bank-2.syx')
    """
    ending = f"-{number}" if number > 1 else ""
    return f"patchflow-bank{ending}{extension}"


def candidate_name(stem: str, rank: int) -> str:
    """Returns the name of a candidate's preset; the number of the second and later is within a DX7's ten letters.

    Args:
        stem: What the sound is called.
        rank: From 1, the best.

    Example:
        >>> [candidate_name("Glockenspiel", rank) for rank in (1, 2, 12)]
        ['Glockenspiel', 'Glocken 2', 'Glocken 12']
        >>> candidate_name("Сопрано", 2)
        'Сопрано 2'
    """
    if rank == 1:
        return stem
    # As the DX7 would write it: letters of another script may become several of its own.
    short = stem[:7] if len(ascii_name(stem[:7])) <= 7 else ascii_name(stem, 7)
    return f"{short.rstrip()} {rank}".strip()


def file_name(stem: str, ending: str, longest: int = _LONGEST) -> str:
    """Returns a name that every disk takes.

    * Signs that Windows does not allow, those that cannot be seen and those that turn the direction of text become `_`.
    * A name of a device of Windows, such as `con` or `nul`, gets a `_`.
    * What is too long is cut, and gets eight digits that are made of the whole: two long names that begin alike stay
      two.

    Args:
        stem: What the name is to begin with.
        ending: What it ends with.
        longest: The most bytes it may have.

    Example:
        >>> file_name("what?", ".wav"), file_name("NUL", ".syx"), file_name("a" * 300, ".wav")[-14:]
        ('what_.wav', 'NUL_.syx', 'a~9835fa6b.wav')
    """
    return _fitting(_portable(stem), longest - len(ending.encode())) + ending


def write_set(
    folder: Path,
    files: Mapping[str, bytes],
    numbers: str,
    content: Mapping[str, Any],
    *,
    exact: bool = False,
    kept: Collection[str] = (),
) -> dict[str, Any]:
    """Writes files and the numbers that describe them: all of them or, whatever happens, none.

    Calls of the same name write the same file of numbers, and it holds a checksum of every other file. So what an
    earlier call wrote and this one does not, such as a fifth child where there are four now, goes: it would look like a
    part of this one. What anybody has changed since stays, and so does everything that no numbers name.

    Args:
        folder: Where to write; made if it is not there.
        files: The content of each file by its name, but for the numbers.
        numbers: Name of the file of numbers.
        content: What it holds; its `format` says of which command, and `files` is added.
        exact: Whether all numbers keep all digits, see `json_text`.
        kept: Names of files of earlier calls that never go, such as what was recorded.

    Returns:
        What the file of numbers holds.

    Raises:
        StorageError: If a file cannot be written; then what was there before still is.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     folder = Path(name)
        ...     _ = write_set(folder, {"a-1.syx": b"one", "a-2.syx": b"two"}, "a.json", {"format": "children"})
        ...     _ = write_set(folder, {"a-1.syx": b"three"}, "a.json", {"format": "children"})
        ...     sorted(path.name for path in folder.glob("a*"))
        ['a-1.syx', 'a.json']
    """
    whole = {**content, "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    text = json.dumps(whole, indent=1, allow_nan=False) if exact else json_text(whole, indent=1, ascii_only=True)
    with writable_folder(folder), locked(folder):
        gone = [name for name in _earlier(folder, numbers, str(content["format"])) if name not in kept]
        write_together(folder, {**files, numbers: f"{text}\n".encode()}, gone=gone)
    return whole


def _stems(sound: Path, endings: int, longest: int) -> Iterator[str]:
    """What the names of a sound's files may begin with, the wanted first, without end."""
    stem = readable(sound.stem)
    yield file_name(stem, "", longest - endings)
    for n in itertools.count(2):
        yield file_name(stem, f"_{n}", longest - endings)


def _portable(stem: str) -> str:
    letters = ["_" if letter in _FORBIDDEN else letter for letter in without_hidden(stem, "_")]
    first, dot, rest = "".join(letters).partition(".")
    if first.rstrip(" ").upper() in _DEVICES:
        first = f"{first}_"
    return first + dot + rest


def _fitting(stem: str, most: int) -> str:
    data = stem.encode()
    if len(data) <= most:
        return stem
    mark = f"~{hashlib.sha256(data).hexdigest()[:8]}"
    return data[: most - len(mark)].decode("utf-8", "ignore") + mark


def _longest_name(folder: Path) -> int:
    """The most bytes that a disk allows; encrypted ones allow fewer than others."""
    try:
        return min(_LONGEST, os.pathconf(folder, "PC_NAME_MAX"))
    except (AttributeError, OSError, ValueError):  # Windows; a folder that is not there; a disk that does not say
        return _LONGEST


def _possible(names: OutputNames, extensions: Sequence[str], count: int) -> set[str]:
    """All files that there may be of a sound, as they are compared."""
    files: set[str] = set()
    for extension in extensions:
        files |= _keys(names.each(extension, count).all)
    return files


def _keys(paths: Iterable[Path]) -> set[str]:
    """Paths as they are compared: upper and lower case are the same, and so are composed and decomposed letters."""
    return {unicodedata.normalize("NFC", str(path)).casefold() for path in paths}


def _earlier(folder: Path, numbers: str, kind: str) -> list[str]:
    """Files that an earlier call wrote, as its numbers say, unless somebody has changed them."""
    try:
        content = read_object(folder / numbers, _LARGEST)
        if content.get("format") != kind:
            return []
        checksums = {str(name): str(digest) for name, digest in content["files"].items()}
    except (StorageError, AttributeError, KeyError):
        return []
    # Numbers may come from anybody: none name a file of another folder.
    return [name for name, digest in checksums.items() if Path(name).name == name and _holds(folder / name, digest)]


def _holds(path: Path, digest: str) -> bool:
    """Whether a file has a checksum; what is no file, or cannot be read, has none."""
    if not path.is_file() or path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
