"""The interface every preset file format fulfils, and what reading a file gives back."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from ...errors import PresetError
from ..preset import Preset

__all__ = ["Finding", "Mended", "PresetFormat", "ReadReport", "Rejected", "only_preset"]


@dataclass(frozen=True)
class Finding:
    """What is wrong with a preset of a file, or with the file.

    Args:
        voice: The preset's place in the file, from 1; 0 for the file, or a part of it.
        reason: What is wrong, in words.
        name: Its name, as far as it can be read.
        byte: Position of the offending byte in the file, from 0; None if no single byte is to blame.
        value: What is stored there.
        allowed: Smallest and largest value allowed there.

    Example:
        >>> print(Finding(7, "algorithm (byte 884) is 40, not in [0, 31]", "BRASS", 884, 40, (0, 31)))
        voice 7 'BRASS': algorithm (byte 884) is 40, not in [0, 31]
    """

    voice: int
    reason: str
    name: str = ""
    byte: int | None = None
    value: int | None = None
    allowed: tuple[int, int] | None = None

    def __str__(self) -> str:
        if not self.voice:
            return self.reason
        name = f" {self.name!r}" if self.name else ""
        return f"voice {self.voice}{name}: {self.reason}"


@dataclass(frozen=True)
class Rejected(Finding):
    """A preset that was not read, and why; see `Finding`."""


@dataclass(frozen=True)
class Mended(Finding):
    """A fault that was put right, with what was done; see `Finding`.

    The preset was read, as programs of the field read it, but somebody who asks for strictness does not want it.

    Example:
        >>> print(Mended(2, "feedback (byte 246) is 9, taken as 7", "BRASS", 246, 9, (0, 7)))
        voice 2 'BRASS': feedback (byte 246) is 9, taken as 7
    """


F = TypeVar("F", bound=Finding)


@dataclass(frozen=True)
class ReadReport:
    """What was found in a preset file.

    Args:
        presets: The presets that were read, in the order of the file.
        rejected: Those that were not.
        notes: What else a user should know, e.g. that a checksum is wrong.
        mended: What was wrong with presets that were read, or with the file, and was put right.
        places: The place in the file of each preset, from 1; without gaps if not given. Rejected and missing
            presets keep their places.
        slots: How many places the file has, if it says so: those after the last preset are empty or lost.
    """

    presets: tuple[Preset, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    mended: tuple[Mended, ...] = ()
    places: tuple[int, ...] = ()
    slots: int = 0

    def __post_init__(self) -> None:
        if not self.places:
            object.__setattr__(self, "places", tuple(range(1, len(self.presets) + 1)))
        if len(self.places) != len(self.presets):
            raise ValueError(f"{len(self.places)} places of {len(self.presets)} presets")

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for all that was not read, was mended or is worth knowing."""
        return tuple(map(str, (*self.rejected, *self.mended, *self.notes)))

    @property
    def count(self) -> int:
        """How many places the file has, as far as is known: at least up to the last preset, read or rejected."""
        return max((self.slots, *self.places, *(rejected.voice for rejected in self.rejected)))

    def inside(self, where: str) -> "ReadReport":
        """Returns the report with what the presets were in, e.g. `"a MIDI file"`, before every reason and note."""

        def prefixed(fault: F) -> F:
            return replace(fault, reason=f"{where}: {fault.reason}")

        return replace(
            self,
            rejected=tuple(map(prefixed, self.rejected)),
            notes=tuple(f"{where}: {note}" for note in self.notes),
            mended=tuple(map(prefixed, self.mended)),
        )

    def strict(self) -> "ReadReport":
        """Returns the report of a reader that mends nothing: what was mended is rejected.

        Raises:
            PresetError: If the file itself was mended.

        Example:
            >>> report = ReadReport((Preset("tone", {}, "A"), Preset("tone", {}, "B")), mended=(Mended(1, "odd"),))
            >>> report.strict().places
            (2,)
        """
        for fault in self.mended:
            if not fault.voice:
                raise PresetError(fault.reason)
        mended = {fault.voice: fault for fault in reversed(self.mended)}  # the first of each
        refused = [Rejected(f.voice, f.reason, f.name, f.byte, f.value, f.allowed) for f in mended.values()]
        rejected = sorted((*self.rejected, *refused), key=lambda fault: fault.voice)
        kept = [(place, preset) for place, preset in zip(self.places, self.presets, strict=True) if place not in mended]
        return ReadReport(
            presets=tuple(preset for _, preset in kept),
            rejected=tuple(rejected),
            notes=self.notes,
            places=tuple(place for place, _ in kept),
            slots=self.slots,
        )


class PresetFormat(abc.ABC):
    """A file format: bytes to presets and back.

    `read(write(presets))` gives back every value; `tests/contracts/test_formats.py` holds every
    format to that.

    Example:
        >>> from patchflow.presets import Preset
        >>> from patchflow.presets.formats import formats
        >>> json = formats["json"]()
        >>> data = json.write([Preset("tone", {"wave": "saw"}, name="Pluck")])
        >>> json.read(data).presets[0].name
        'Pluck'
    """

    synth: ClassVar[str]
    """Name of the only engine whose presets it holds, or "" if it holds any."""
    extensions: ClassVar[tuple[str, ...]]
    """File name endings in lower case with the dot, the usual one first."""
    opaque: ClassVar[bool] = False
    """Whether only the synth can read the values in its files: presets then have just `state`, see `Engine.unpack`."""
    single: ClassVar[bool] = False
    """Whether a file holds one preset and no more; of others that are read, there may be several in one."""
    folder: ClassVar[str] = ""
    """Ending of folders in which hosts find such files, see `folder_files`; "" if they open a file wherever it is."""

    def filler(self) -> Preset | None:
        """Returns what to write at a place whose preset was lost; None if a file has no numbered places."""
        return None

    def folder_files(self, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """Returns the files of a folder in which hosts find presets.

        Args:
            files: What `write` returned, by file name.
        """
        return files

    def wrote(self, name: str, data: bytes) -> bool:
        """Returns whether a file of such a folder was written here, so that it may be replaced.

        Args:
            name: Of the file.
            data: Its content.
        """
        return False

    @abc.abstractmethod
    def recognises(self, data: bytes) -> bool:
        """Returns whether the content looks like this format, whatever the file is called."""

    @abc.abstractmethod
    def read(self, data: bytes) -> ReadReport:
        """Reads the content of a file.

        Args:
            data: The whole file, from any source: nothing in it is trusted.

        Returns:
            The good presets and the reasons why others were rejected.

        Raises:
            PresetError: If the content is not of this format at all.
        """

    @abc.abstractmethod
    def write(self, presets: Sequence[Preset]) -> bytes:
        """Returns the content of a file that holds `presets`.

        Args:
            presets: At least one; complete and with allowed values.

        Raises:
            PresetError: If there are none, or one does not fit the format.
            UnknownName: If one has a parameter that its synth does not have.
        """


def only_preset(presets: Sequence[Preset], extension: str) -> Preset:
    """Returns the preset that a file is to hold.

    Args:
        presets: What is to be written.
        extension: Of the file, for errors.

    Raises:
        PresetError: If there are none or several.

    Example:
        >>> only_preset([Preset("tone", {}, "Ping")], ".fxp").name
        'Ping'
    """
    if not presets:
        raise PresetError(f"{extension}: no preset to write")
    if len(presets) > 1:
        raise PresetError(f"{extension}: a file holds one preset, not {len(presets):,}")
    return presets[0]
