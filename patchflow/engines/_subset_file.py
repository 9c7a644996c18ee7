"""Selections of a synth's parameters on disk: one TOML file each."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from ..errors import EngineError, StorageError
from ..presets import Value
from ..storage import describe, read_bytes
from ._description_file import synths_folder
from ._subset import Selection

__all__ = ["parse_selection", "read_selection", "selection_text", "subset_files"]

_OWN = Path(__file__).parent / "subsets"
_LARGEST = 2**20  # bytes
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEYS = {"engine": str, "parameters": list, "voice": dict}


def subset_files() -> dict[str, Path]:
    """Returns the files by their synths: those that come along, and those in `subsets` beside the descriptions.

    Raises:
        StorageError: If the folder cannot be read.
    """
    found: dict[str, Path] = {}
    for folder in (synths_folder() / "subsets", _OWN):
        try:
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
        except OSError as error:
            raise StorageError(f"cannot read {folder}: {describe(error)}") from error
        found |= {path.stem: path for path in paths if path.suffix == ".toml" and _NAME.fullmatch(path.stem)}
    return found


def read_selection(path: Path) -> Selection:
    """Reads a selection.

    Raises:
        StorageError: If the file cannot be read.
        EngineError: If it is not a selection; one line names file, key and value.
    """
    try:
        return parse_selection(read_bytes(path, limit=_LARGEST).decode("utf-8"), path.stem)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, EngineError) as error:
        raise EngineError(f"{path}: {error}") from error


def parse_selection(text: str, name: str) -> Selection:
    r"""Returns the selection in a text; see `read_selection`.

    Example:
        >>> parse_selection('engine = "tone"\nparameters = []\n[voice]', "a")
        Traceback (most recent call last):
        patchflow.errors.EngineError: parameters=[]: none
    """
    table: dict[str, Any] = tomllib.loads(text)
    for key in {**_KEYS, **table}:
        if key not in _KEYS:
            raise EngineError(f"{key!r}: unknown key. Known: {', '.join(_KEYS)}.")
        if not isinstance(table.get(key), _KEYS[key]):
            raise EngineError(f"{key}={table.get(key)!r}: missing, or of the wrong kind")
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
    names = "".join(f"  {_quoted(name)},\n" for name in selection.parameters)
    voice = "".join(f"{_quoted(name)} = {_value(value)}\n" for name, value in selection.voice.items())
    return f'{head}\nengine = "{selection.engine}"\nparameters = [\n{names}]\n\n[voice]\n{voice}'


def _value(value: Value) -> str:
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
