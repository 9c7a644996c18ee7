"""The files a match writes, under names that overwrite neither each other nor a sound."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
        endings = ("", *(f"-{n}" for n in range(2, self.count + 1)))
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
    taken = _keys(path.resolve() for path in sounds)
    taken |= _keys(folder.resolve() / bank_name(n, extension) for n in range(1, len(sounds) + 1))
    chosen: list[OutputNames] = []
    for sound in sounds:
        stem = readable(sound.stem)
        stems = (f"{stem}_{n}" if n > 1 else stem for n in itertools.count(1))
        names = (OutputNames(folder.resolve(), stem, extension, count) for stem in stems)
        free = next(candidate for candidate in names if not taken & _keys(candidate.all))
        taken |= _keys(free.all)
        chosen.append(OutputNames(folder, free.stem, extension, count))
    return tuple(chosen)


def bank_name(number: int, extension: str) -> str:
    """Returns the name of the file with the best presets of all sounds.

    Example:
        >>> bank_name(1, ".syx"), bank_name(2, ".syx")
        ('patchflow-bank.syx', 'patchflow-bank-2.syx')
    """
    return f"patchflow-bank{f'-{number}' if number > 1 else ''}{extension}"


def _keys(paths: Iterable[Path]) -> set[str]:
    return {str(path).casefold() for path in paths}
