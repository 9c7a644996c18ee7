"""The best preset of every sound, 32 to a file."""

from pathlib import Path

from ..presets import Preset
from ..presets.formats import PresetFormat
from ..storage import write_atomically
from .names import bank_name

__all__ = ["SIZE", "Bank"]

SIZE = 32


class Bank:
    """Preset files that grow by a preset a sound; after 32 the next file begins.

    Each is whole after every `add`, so that an interrupted run leaves what it has.

    Args:
        folder: Where to write.
        extension: Ending of the files, with the dot.
        writer: How presets become bytes.
        filler: Follows a lone preset, since one alone would make a single-voice file.
    """

    def __init__(self, folder: Path, extension: str, writer: PresetFormat, filler: Preset) -> None:
        self.folder, self.extension, self.writer, self.filler = folder, extension, writer, filler
        self.presets: list[Preset] = []

    def add(self, preset: Preset) -> dict[str, str | int]:
        """Writes the preset after those before it.

        Returns:
            The file's name and the place in it, from 1.

        Raises:
            StorageError: If the file cannot be written.
        """
        number, place = divmod(len(self.presets), SIZE)
        path = self.folder / bank_name(number + 1, self.extension)
        page = [*self.presets[number * SIZE :], preset]
        write_atomically(path, self.writer.write(page if len(page) > 1 else [*page, self.filler]))
        self.presets.append(preset)
        return {"file": path.name, "voice": place + 1}
