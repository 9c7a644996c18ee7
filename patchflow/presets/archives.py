"""What preset files come in: zip archives, compressed files and Macintosh files, and a limit for what is unpacked.

References:
    PKWARE, APPNOTE.TXT (zip); Apple, MacBinary II (1987)
"""

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from typing import NamedTuple

from ..errors import PresetError

__all__ = ["ARCHIVES", "UnpackBudget", "Wrapped", "is_encrypted", "is_zip", "opened_zip", "refuse_other_archives"]

ARCHIVES = (".vitalbank", ".zip")
"""Usual endings of archives of preset files."""

_MOST_FILES = 10_000  # in an archive
_ENCRYPTED = 1  # a flag of a file in an archive
_READ_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, ValueError, KeyError,
)  # fmt: skip
_COMPRESSED = ((b"\x1f\x8b", "gzip"), (b"x", "zlib"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"))
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"SIT!": "a StuffIt archive",
    b"StuffIt": "a StuffIt archive",
    b"(This file must be converted with BinHex": "a BinHex file",
}


class Wrapped(NamedTuple):
    """The one file in another.

    Args:
        kind: What the other is, e.g. `"gzip data"`.
        data: The content of the one.
    """

    kind: str
    data: bytes


class UnpackBudget:
    """How many bytes a file, with all that is inside it, may be unpacked to.

    Args:
        limit: In bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.left = limit

    def unpack(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        """Returns the content of a file in an archive.

        Raises:
            PresetError: If it is encrypted or damaged, or more than there may still be.
        """
        if is_encrypted(entry):
            raise PresetError("encrypted: unpack the archive with its password first")
        try:
            # What is unpacked is counted, because archives lie about it.
            with archive.open(entry) as file:
                data = file.read(self.left + 1)
        except _READ_ERRORS as error:
            raise PresetError(f"damaged in the archive: {error}") from error
        return self._take(data)

    def unwrap(self, data: bytes) -> Wrapped | None:
        """Returns the file in a compressed file, as much of it as is whole, or in a MacBinary file; None if it is none.

        Raises:
            PresetError: If it is more than there may still be.
        """
        for magic, kind in _COMPRESSED:
            if data.startswith(magic):
                plain = self._decompressed(data, kind)
                return None if plain is None else Wrapped(f"{kind} data", plain)
        fork = _data_fork(data)
        return None if fork is None else Wrapped("a MacBinary file", fork)

    def _decompressed(self, data: bytes, kind: str) -> bytes | None:
        if kind in ("gzip", "zlib"):
            codec = zlib.decompressobj(wbits=31 if kind == "gzip" else 15)
        else:
            codec = bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor()
        try:
            plain = codec.decompress(data, self.left + 1)
        except _READ_ERRORS:
            return None
        return self._take(plain)

    def _take(self, data: bytes) -> bytes:
        self.left -= len(data)
        if self.left < 0:
            raise PresetError(f"more than {self._limit // 2**20} MiB when it is unpacked")
        return data


def is_zip(data: bytes) -> bool:
    """Returns whether a file is a zip archive."""
    return data.startswith((b"PK\3\4", b"PK\5\6"))


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    """Returns whether a file in an archive needs a password."""
    return bool(entry.flag_bits & _ENCRYPTED)


def opened_zip(data: bytes) -> zipfile.ZipFile:
    """Returns a zip archive, opened for reading.

    Raises:
        PresetError: If it is damaged or has too many files.
    """
    # Counted before it is opened, because a list of a million files fills the memory.
    if data.count(b"PK\1\2") > _MOST_FILES:
        raise PresetError(f"an archive of more than {_MOST_FILES:,} files")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _READ_ERRORS as error:
        raise PresetError(f"a damaged zip archive: {error}") from error


def refuse_other_archives(data: bytes) -> None:
    """Refuses archives that are not unpacked here.

    Raises:
        PresetError: If it is one.
    """
    for magic, what in _OTHERS.items():
        if data.startswith(magic):
            raise PresetError(f"{what}, which cannot be opened here: unpack it first")


def _data_fork(data: bytes) -> bytes | None:
    """The file in a MacBinary file: after 128 bytes of name, type and sizes."""
    if len(data) <= 128 or data[0] or data[74] or data[82] or not 1 <= data[1] <= 63:
        return None
    name = data[2 : 2 + data[1]]
    size = int.from_bytes(data[83:87])
    if not size or 128 + size > len(data) or any(code < 0x20 for code in name):
        return None
    return data[128 : 128 + size]
