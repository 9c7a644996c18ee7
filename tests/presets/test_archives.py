"""Presets in zip archives, compressed files and Macintosh files, in one another, and more than can be unpacked."""

import bz2
import gzip
import io
import lzma
import re
import time
import zipfile
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from patchflow.errors import PresetError
from patchflow.presets import Preset, ReadReport, read_presets
from patchflow.presets.dx7 import SPACE
from patchflow.presets.formats.syx import Syx


@cache
def voices(seed: int = 0) -> tuple[Preset, ...]:
    points = np.random.default_rng(seed).random((32, len(SPACE)))
    return tuple(Preset("dexed", SPACE.decode(point), name=f"VOICE {i}") for i, point in enumerate(points))


@cache
def bank(seed: int = 0) -> bytes:
    return Syx().write(voices(seed))


def midi(data: bytes) -> bytes:
    """A MIDI file of one message of 4,104 bytes."""
    track = b"\0\xf0\xa0\x07" + data[1:] + b"\0\xff\x2f\0"
    return b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(track).to_bytes(4) + track


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def mac_binary(data: bytes) -> bytes:
    header = bytearray(128)
    header[1:12] = b"\x0aROM1A Bank"
    header[65:73] = b"SYSXDX7V"
    header[83:87] = len(data).to_bytes(4)
    return bytes(header) + data + bytes(-len(data) % 128)


def read(folder: Path, data: bytes, name: str = "a.syx") -> ReadReport:
    (folder / name).write_bytes(data)
    return read_presets(folder / name)


def test_banks_of_a_zip_are_read_in_the_order_of_their_names(tmp_path: Path):
    data = zipped({"z/b.syx": bank(2), "z/a.syx": bank(1), "z/": b"", "__MACOSX/z/._a.syx": bank(3)})

    assert read(tmp_path, data).presets == voices(1) + voices(2)


def test_after_a_bank_that_is_cut_off_the_next_keeps_its_places(tmp_path: Path):
    report = read(tmp_path, zipped({"a.syx": bank(1)[: 6 + 128 * 20], "b.syx": bank(2)}))

    assert report.places == (*range(1, 21), *range(33, 65))
    assert report.count == 64


def test_faults_in_a_zip_say_in_which_file(tmp_path: Path):
    damaged = bank()[:6] + b"\x64" + bank()[7:]

    report = read(tmp_path, zipped({"a.syx": bank(), "b.syx": damaged}))

    assert str(report.mended[0]) == "voice 33 'VOICE 0': b.syx: op6.rate1 (byte 6) is 100, taken as 99"


@pytest.mark.parametrize("name", ["a.syx", "a.syx.gz", "a.bin"])
@pytest.mark.parametrize("library", [gzip, zlib, bz2, lzma])
def test_a_compressed_bank_is_read_and_that_is_said(tmp_path: Path, library: ModuleType, name: str):
    report = read(tmp_path, library.compress(bank()), name)

    assert report.presets == voices()
    assert len(report.notes) == 1
    assert re.fullmatch("(gzip|zlib|bzip2|xz) data: unpacked; bytes are counted in what is inside", report.notes[0])


@pytest.mark.parametrize("inner", [bank(), bank()[6:4102], midi(bank()), gzip.compress(bank()), zipped({"x": bank()})])
def test_what_is_in_a_macbinary_file_is_read(tmp_path: Path, inner: bytes):
    assert read(tmp_path, mac_binary(inner)).presets == voices()


@pytest.mark.parametrize(
    "inner", [midi(bank()), zipped({"a.syx": bank()}), gzip.compress(bank()), bank().hex(" ").encode()]
)
def test_a_container_inside_a_zip_is_read(tmp_path: Path, inner: bytes):
    assert read(tmp_path, zipped({"inner": inner})).presets == voices()


def test_a_damaged_entry_is_said_and_others_are_read(tmp_path: Path):
    data = zipped({"a.syx": bank(1), "b.syx": bank(2)}, zipfile.ZIP_STORED)
    place = data.index(bank(1)) + 2000
    data = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]

    report = read(tmp_path, data)

    assert report.presets == voices(2)
    assert str(report.rejected[0]).startswith("voice 1: a.syx: damaged in the archive: Bad CRC-32")


@pytest.mark.parametrize(
    ("magic", "kind"),
    [
        (b"Rar!\x1a\x07\x00", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"SIT!", "a StuffIt archive"),
        (b"(This file must be converted with BinHex 4.0)", "a BinHex file"),
    ],
)
@pytest.mark.parametrize("name", ["a.syx", "a.vital", "a.rar"])
def test_other_archives_are_named(tmp_path: Path, name: str, magic: bytes, kind: str):
    for data in (magic + bytes(100), mac_binary(magic + bytes(100))):
        with pytest.raises(PresetError, match=f"{kind}, which cannot be opened here: unpack it first"):
            read(tmp_path, data, name)


def test_what_grows_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.presets.files._LARGEST", 2**20)
    half = gzip.compress(bytes(2**19 + 1))

    for data in (
        zipped({"a.syx": bytes(2**20 + 1)}),
        gzip.compress(bytes(2**22)),
        zipped({"a": gzip.compress(bytes(2**21))}),
        zipped({"a.syx": half, "b.syx": half}),  # what is unpacked of all files counts together
    ):
        with pytest.raises(PresetError, match="more than 1 MiB when it is unpacked"):
            read(tmp_path, data)


def test_zeros_are_no_voices_however_many(tmp_path: Path):
    begin = time.perf_counter()

    with pytest.raises(PresetError, match="gzip data: not a DX7 file: 67,108,864 bytes without a voice dump"):
        read(tmp_path, gzip.compress(bytes(2**26)))

    assert time.perf_counter() - begin < 5


def test_a_zip_in_a_zip_without_end_is_not_followed(tmp_path: Path):
    data = bank()
    for _ in range(50):
        data = zipped({"a.zip": data})

    (rejected,) = read(tmp_path, data).rejected

    assert rejected.reason.endswith("an archive in an archive in an archive: unpack it first")
