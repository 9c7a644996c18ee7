"""Folders of examples: written by who makes them, read by who builds the site; `sections.py` says what they hold."""

import dataclasses
import io
import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from sections import SECTIONS, Clip

from patchflow.audio.loudness import loudness, match_loudness
from patchflow.audio.sound_file import mp3_bytes
from patchflow.errors import AudioError, StorageError
from patchflow.parsing import read_object, shown
from patchflow.storage import write_atomically

__all__ = ["LOUDNESS_LUFS", "VERSION", "clips_of", "read_examples", "write_about", "write_clip"]

VERSION = 1
"""Of the format. A folder with another is refused."""

LOUDNESS_LUFS = -23.0
"""Integrated loudness of every sound, so that one can be compared with the next."""

_ABOUT = "about.json"
_EXACT_LU = 0.2
_QUALITY = 0.6  # of the MP3 encoder, 0 best to 1 smallest: about 60 kbit/s for one channel


def write_clip(path: Path, samples: np.ndarray, rate: int, label: str) -> Clip:
    """Writes a sound as the site wants it, and returns how `about.json` names it.

    Args:
        path: Where to write; ends in `.mp3`.
        samples: Mono, shape `(T,)`.
        rate: Sample rate, in Hz: one that MP3 has.
        label: See `Clip`.

    Raises:
        AudioError: If the sound is silent, or the name ends otherwise.
        StorageError: If the file cannot be written.
    """
    if path.suffix != ".mp3":
        raise AudioError(f"{path}: does not end in .mp3.")
    if not np.abs(samples).max(initial=0.0) > 0:
        raise AudioError(f"{path}: {label} is silent, and nothing to listen to.")
    levelled = match_loudness(samples, rate, LOUDNESS_LUFS).samples
    data = mp3_bytes(levelled, rate, _QUALITY)
    # The encoder leaves out the highest frequencies, so noise comes out softer: what is missing is added before it.
    heard, _ = soundfile.read(io.BytesIO(data))
    lost = LOUDNESS_LUFS - loudness(heard, rate)
    if abs(lost) > _EXACT_LU:
        data = mp3_bytes(match_loudness(levelled, rate, LOUDNESS_LUFS + lost).samples, rate, _QUALITY)
    write_atomically(path, data)
    return Clip(path.name, label)


def write_about(folder: Path, section: Any) -> None:
    """Writes `about.json` of a folder whose sounds are written.

    Args:
        folder: One of `site/examples`.
        section: An object of one of the classes of `SECTIONS`.

    Raises:
        StorageError: If a sound that it names is not there, or the file cannot be written.
    """
    names = {kind: name for name, kind in SECTIONS.items()}
    found = {"version": VERSION, "section": names[type(section)], **dataclasses.asdict(section)}
    text = json.dumps(_rounded(found), indent=1, ensure_ascii=False)
    # Read back before it is written: what cannot be shown is found by who makes it.
    _checked(folder, json.loads(text))
    write_atomically(folder / _ABOUT, f"{text}\n".encode())


def read_examples(folder: Path) -> dict[str, tuple[tuple[Path, Any], ...]]:
    """Returns the examples of each section that has any: folders and objects of the classes of `SECTIONS`.

    Args:
        folder: With a folder a set of examples; need not exist.

    Raises:
        StorageError: If a folder has no `about.json`, is of another version, or lacks a file or a value.
    """
    found: dict[str, list[tuple[Path, Any]]] = {}
    folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    for place in folders:
        about = place / _ABOUT
        if not about.is_file():
            raise StorageError(f"{place}: has no {_ABOUT}, so it is no folder of examples.")
        values = read_object(about)
        found.setdefault(str(values.get("section")), []).append((place, _checked(place, values)))
    return {name: tuple(sets) for name, sets in found.items()}


def _checked(folder: Path, values: dict[str, Any]) -> Any:
    """The section of an `about.json`, whose sounds are all there."""
    where = f"{folder / _ABOUT}"
    values = dict(values)
    version = values.pop("version", None)
    if version != VERSION:
        raise StorageError(f"{where}: version={shown(version)}: not {VERSION}; make the examples again.")
    name = values.pop("section", None)
    if name not in SECTIONS:
        raise StorageError(f"{where}: section={shown(name)}: not one of {', '.join(SECTIONS)}.")
    section = _made(SECTIONS[name], values, where)
    for clip in clips_of(section):
        if Path(clip.file).name != clip.file or not (folder / clip.file).is_file():
            raise StorageError(f"{where}: names {clip.file!r}, and there is no such file beside it.")
    return section


def _made(kind: Any, value: Any, where: str) -> Any:
    """A value of JSON as what a field is: a dataclass, a tuple, a table, a number or a text."""
    origin = typing.get_origin(kind)
    parts = typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _made_object(kind, value, where)
    if origin is tuple and isinstance(value, list):
        if parts[-1] is not Ellipsis and len(value) != len(parts):
            raise StorageError(f"{where}: {shown(value)} is not {len(parts)} values.")
        kinds = [parts[0]] * len(value) if parts[-1] is Ellipsis else parts
        pairs = zip(kinds, value, strict=True)
        return tuple(_made(one, item, f"{where}[{i}]") for i, (one, item) in enumerate(pairs))
    if origin is Mapping and isinstance(value, dict):
        return {key: _made(parts[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind in (int, str) and type(value) is kind:
        return value
    raise StorageError(f"{where}: {shown(value)} is not {_called(kind)}.")


def _made_object(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise StorageError(f"{where}: {shown(value)} is not a table.")
    types_of = typing.get_type_hints(kind)
    needed = {field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING}
    if missing := sorted(needed - set(value)):
        raise StorageError(f"{where}: lacks {missing[0]!r}.")
    if unknown := sorted(set(value) - set(types_of)):
        raise StorageError(f"{where}: has {unknown[0]!r}, which {kind.__name__} does not know.")
    return kind(**{key: _made(types_of[key], item, f"{where}: {key}") for key, item in value.items()})


def _called(kind: Any) -> str:
    words = {float: "a number", int: "a whole number", str: "a text"}
    return words.get(kind, "a list" if typing.get_origin(kind) is tuple else "a table")


def clips_of(value: Any) -> Iterator[Clip]:
    """Yields all sounds in a section, wherever they stand."""
    if isinstance(value, Clip):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from clips_of(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from clips_of(item)


def _rounded(value: Any) -> Any:
    """Numbers with five digits after the point: more would only make the files larger."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(item) for item in value]
    return value
