"""Preset files from one format to another."""

from dataclasses import dataclass
from pathlib import Path

from ..engines import load_presets, save_presets
from ..errors import PresetError
from ..presets import ReadReport

__all__ = ["Converted", "convert_file"]


@dataclass(frozen=True)
class Converted:
    """What became of the presets of a file.

    Args:
        file: What was written.
        read: What was found in the file that was read.
    """

    file: Path
    read: ReadReport


def convert_file(source: Path, target: Path, synth: str = "") -> Converted:
    """Reads a preset file and writes its presets into another, whole or not at all.

    Args:
        source: A preset file of any format.
        target: Where to; its extension says the format.
        synth: Which synth the presets are for; whose they are if "".

    Raises:
        PresetError: If `source` is no preset file or has no good preset, or one does not fit the other format.
        EngineError: If a plug-in is needed and cannot be loaded.
        StorageError: If a file cannot be read or written.
    """
    read = load_presets(source, synth)
    if not read.presets:
        reason = f": {read.rejected[0]}" if read.rejected else ""
        raise PresetError(f"{source}: no preset to convert{reason}")
    try:
        save_presets(target, read.presets)
    except PresetError as error:
        about = "" if str(target) in str(error) else f"{target}: "
        raise PresetError(f"{about}{error}") from error
    return Converted(target, read)
