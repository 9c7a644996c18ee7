"""Names of the files a match writes, which overwrite neither each other nor a sound."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..storage import readable

__all__ = ["OutputNames", "bank_name", "choose_names"]


@dataclass(frozen=True)
class OutputNames:
    """The files of one sound, all in one folder.

    Args:
        folder: Where they are.
        stem: What their names begin with.
        extension: Ending of preset files, with the dot.
        count: How many candidates there may be.

    Example:
        >>> names = OutputNames(Path("out"), "kick", ".syx", 3)
        >>> [path.name for path in names.presets]
        ['kick.syx', 'kick-2.syx', 'kick-3.syx']
    """

    folder: Path
    stem: str
    extension: str
    count: int

    @property
    def presets(self) -> tuple[Path, ...]:
        """A preset file for every candidate, best first."""
        endings = ["", *(f"-{n}" for n in range(2, self.count + 1))]
        return tuple(self.folder / f"{self.stem}{ending}{self.extension}" for ending in endings)

    @property
    def audio(self) -> Path:
        """The best candidate's sound."""
        return self.folder / f"{self.stem}.wav"

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
        return (*self.presets, self.audio, self.picture, self.summary)


def choose_names(sounds: Sequence[Path], folder: Path, extension: str, count: int) -> tuple[OutputNames, ...]:
    """Returns the names of the files of every sound.

    They begin with the sound's own name. Where that would overwrite a file of another sound, the bank
    or one of the sounds themselves, `_2`, `_3` ... is added; upper and lower case are the same, as on some disks.

    Args:
        sounds: Files to match.
        folder: Where to write.
        extension: Ending of preset files, with the dot; not `.json`, which is the summary's.
        count: How many candidates there may be for each.

    Example:
        >>> kicks = [Path("a/kick.wav"), Path("b/kick.wav")]
        >>> [names.stem for names in choose_names(kicks, Path("out"), ".syx", 4)]
        ['kick', 'kick_2']
    """
    # Compared are whole resolved paths, so that a folder that is written in two ways is the same. All banks there can
    # be are reserved as well.
    resolved = folder.resolve()
    taken = _keys(path.resolve() for path in sounds)
    taken |= _keys(resolved / bank_name(n, extension) for n in range(1, len(sounds) + 1))
    chosen: list[OutputNames] = []
    for sound in sounds:
        possible = (OutputNames(resolved, stem, extension, count) for stem in _stems(sound))
        free = next(names for names in possible if not taken & _keys(names.all))
        taken |= _keys(free.all)
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


def _stems(sound: Path) -> Iterator[str]:
    """What the names of a sound's files may begin with, the wanted first, without end."""
    stem = readable(sound.stem)
    yield stem
    for n in itertools.count(2):
        yield f"{stem}_{n}"


def _keys(paths: Iterable[Path]) -> set[str]:
    """Paths as they are compared: upper and lower case are the same, as on some disks."""
    return {str(path).casefold() for path in paths}
