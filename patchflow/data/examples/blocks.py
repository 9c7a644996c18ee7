"""Blocks of examples in the making: one file each, whole or not there at all."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from ...errors import StorageError
from ...storage import read_bytes, write_atomically
from .hearing import Heard

__all__ = ["join_blocks", "save_block"]

_NAMES = tuple(field.name for field in fields(Heard))


def save_block(path: Path, parts: Sequence[Heard]) -> None:
    """Writes what was heard of the presets of a block.

    Args:
        path: The file.
        parts: Their sounds, in order.

    Raises:
        StorageError: If it cannot be written.
    """
    buffer = io.BytesIO()
    joined = _joined(parts)
    np.savez(buffer, **{name: getattr(joined, name) for name in _NAMES})
    write_atomically(path, buffer.getvalue())


def join_blocks(paths: Sequence[Path]) -> Heard:
    """Returns what is in several blocks, in order.

    Raises:
        StorageError: If one is damaged.
    """
    return _joined([_load(path) for path in paths])


def _joined(parts: Sequence[Heard]) -> Heard:
    return Heard(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES})


def _load(path: Path) -> Heard:
    try:
        with np.load(io.BytesIO(read_bytes(path)), allow_pickle=False) as data:
            return Heard(**{name: data[name] for name in _NAMES})
    except (AttributeError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise StorageError(f"{path}: damaged ({error}). Remove it; the same command makes it again.") from error
