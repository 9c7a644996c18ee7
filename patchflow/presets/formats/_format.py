"""The interface every preset file format fulfils, and what reading a file gives back."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...errors import PresetError
from ..preset import Preset

__all__ = ["PresetFormat", "ReadReport", "Rejected", "only_preset"]


@dataclass(frozen=True)
class Rejected:
    """A preset of a file that was not read, and why.

    Args:
        voice: Its place in the file, from 1; 0 for a whole dump.
        reason: What is wrong, in words.
        name: Its name, as far as it can be read.
        byte: Position of the offending byte in the file, from 0; None if no single byte is to blame.
        value: What is stored there.
        allowed: Smallest and largest value allowed there.

    Example:
        >>> print(Rejected(7, "algorithm (byte 884) is 40, not in [0, 31]", "BRASS", 884, 40, (0, 31)))
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
class ReadReport:
    """What was found in a preset file.

    Args:
        presets: The good presets, in the order of the file.
        rejected: The bad ones.
        notes: What else a user should know, e.g. that a checksum is wrong.
    """

    presets: tuple[Preset, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()


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
    """Whether a file holds one preset and no more."""

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
