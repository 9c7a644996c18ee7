"""Selections of a synth's parameters on disk: one TOML file each."""

import tomllib
from pathlib import Path
from typing import Any

from ..errors import EngineError
from ..presets import Value
from ..settings import check_table, quoted
from ._description_file import read_synth_file, synth_files, synths_folder
from ._subset import Selection

__all__ = ["parse_selection", "read_selection", "selection_text", "subset_files"]

_OWN = Path(__file__).parent / "subsets"
_LARGEST = 2**20  # bytes
_KEYS = {"engine": str, "parameters": list, "voice": dict}


def subset_files() -> dict[str, Path]:
    """Returns the files by their synths: those that come along, and those in `subsets` beside the descriptions.

    Raises:
        StorageError: If the folder cannot be read.
    """
    found: dict[str, Path] = {}
    for folder in (synths_folder() / "subsets", _OWN):
        found |= synth_files(folder)
    return found


def read_selection(path: Path) -> Selection:
    """Reads a selection.

    Raises:
        StorageError: If the file cannot be read.
        EngineError: If it is not a selection; one line names file, key and value.
    """
    return read_synth_file(path, parse_selection, _LARGEST)


def parse_selection(text: str, name: str) -> Selection:
    r"""Returns the selection in a text; see `read_selection`.

    Example:
        >>> parse_selection('engine = "tone"\nparameters = []\n[voice]', "a")
        Traceback (most recent call last):
        patchflow.errors.EngineError: parameters=[]: none
    """
    table: dict[str, Any] = tomllib.loads(text)
    check_table(table, _KEYS, tuple(_KEYS), EngineError)
    names = table["parameters"]
    if not names:
        raise EngineError("parameters=[]: none")
    for parameter in names:
        if not isinstance(parameter, str) or names.count(parameter) > 1:
            raise EngineError(f"parameters: {parameter!r} is not a text, or comes twice")
    return Selection(name, table["engine"], tuple(names), table["voice"])


def selection_text(selection: Selection, about: str) -> str:
    r"""Returns the content of a file that `read_selection` reads.

    Args:
        selection: What to write.
        about: What it says on top.

    Example:
        >>> text = selection_text(Selection("a", "tone", ("gain",), {"wave": "saw", "gain": -6.0}), "The level alone.")
        >>> parse_selection(text, "a").voice["wave"]
        'saw'
    """
    head = "".join(f"# {line}\n" for line in about.splitlines())
    names = "".join(f"  {quoted(name)},\n" for name in selection.parameters)
    voice = "".join(f"{quoted(name)} = {_value(value)}\n" for name, value in selection.voice.items())
    return f'{head}\nengine = "{selection.engine}"\nparameters = [\n{names}]\n\n[voice]\n{voice}'


def _value(value: Value) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)
