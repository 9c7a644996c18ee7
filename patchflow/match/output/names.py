"""Names of the files a match writes, which overwrite neither each other nor a sound."""

import hashlib
import itertools
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...printable import without_hidden
from ...storage import readable

__all__ = ["MOST", "OutputNames", "bank_name", "choose_names", "file_name"]

_LONGEST = 255  # bytes of a file name, on all usual disks
_COMPARISON = "-ab.wav"
MOST = 32
"""Candidates, at most."""

_FORBIDDEN = frozenset('<>:"/\\|?*')  # on Windows, and so on most sticks
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"]
)  # which Windows opens in place of a file, whatever the ending


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
