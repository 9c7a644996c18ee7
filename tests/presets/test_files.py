"""Preset files on disk: the right format for each, one clear error, never half a file."""

import errno
import io
import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from patchflow.errors import PresetError, StorageError, UnknownName
from patchflow.presets import ParamSpace, Preset, Steps, check, read_presets, write_presets
from patchflow.presets.dx7 import SPACE
from patchflow.presets.files import format_of
from patchflow.presets.formats import formats
from patchflow.presets.vital import CORE
from patchflow.presets.vst2 import Program, Vst2Bank
from patchflow.presets.vst3 import VstPreset

INIT = Preset("dexed", SPACE.decode(SPACE.default()), name="INIT")
PLAIN = Program("mine", 1, 2, "Plain", bytes(8), plain=True)
CONTENT = {
    ".syx": formats["syx"]().write([INIT]),
    ".vital": formats["vital"]().write([Preset("vital", CORE.decode(CORE.default()), name="Saw")]),
    ".fxp": PLAIN.pack(),
    ".fxb": Vst2Bank("mine", 1, 2, programs=(PLAIN, PLAIN)).pack(),
    ".vstpreset": VstPreset("AB" * 16, b"anything", name="Pad").pack(),
    ".bank": b"amSynth\n<preset> <name> Pluck\n<parameter> amp_decay 0.5\nEOF\n",
    ".json": formats["json"]().write([Preset("tone", {"wave": "saw"}, name="Saw")]),
}


@pytest.mark.parametrize("name", ["a.syx", "a.SYX", "a.json"])
def test_the_extension_says_the_format(tmp_path: Path, name: str):
    write_presets(tmp_path / name, [INIT])

    assert read_presets(tmp_path / name).presets == (INIT,)
    assert ((tmp_path / name).read_bytes()[0] == 0xF0) == (name != "a.json")


@pytest.mark.parametrize("name", ["syx", "json"])
def test_the_content_says_the_format_of_other_extensions(tmp_path: Path, name: str):
    write_presets(tmp_path / "a.bin", [INIT], format=name)

    assert read_presets(tmp_path / "a.bin").presets == (INIT,)


@pytest.mark.parametrize("wrong", [".syx", ".vital", ".fxp", ".fxb", ".vstpreset", ".bank", ".json"])
@pytest.mark.parametrize("right", [".syx", ".vital", ".fxp", ".fxb", ".vstpreset", ".bank", ".json"])
def test_the_content_says_the_format_whatever_the_file_is_called(tmp_path: Path, right: str, wrong: str):
    (tmp_path / f"a{wrong}").write_bytes(CONTENT[right])

    report = read_presets(tmp_path / f"a{wrong}")

    writer = format_of(f"a{right}")
    assert writer
    assert replace(report, notes=()) == writer.read(CONTENT[right])
    note = (f"is called {wrong}, but its content is that of a {right} file",)
    assert report.notes == (() if right == wrong else note)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize("name", ["a.vitalbank", "a.zip", "a.vital", "a.bin"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_all_presets_of_an_archive_are_read_in_the_order_of_their_paths(tmp_path: Path, name: str, method: int):
    files = {
        "Ann/Presets/b.vital": CONTENT[".vital"],
        "Ann/Presets/a.fxp": CONTENT[".fxp"],
        "Ann/Presets/._b.vital": b"resource fork",
        "__MACOSX/b.vital": b"resource fork",
        "Ann/Wavetables/t.vitaltable": b"{}",
        "Ann/readme": b"hello",
        "Ann/empty/": b"",
        "Ann/one.wav": b"RIFF",
        "Ann/two.wav": b"RIFF",
        "two.syx": CONTENT[".fxb"],
    }
    (tmp_path / name).write_bytes(zipped(files, method))

    report = read_presets(tmp_path / name)

    assert [preset.name for preset in report.presets] == ["Plain", "Saw", "Plain", "Plain"]
    assert report.places == (1, 2, 3, 4)
    assert report.problems == (
        "two.syx: is called .syx, but its content is that of a .fxb file",
        "4 files in it are no presets: 1 .vitaltable, 2 .wav, 1 without an ending",
    )


def test_a_bad_file_of_an_archive_has_a_place_and_says_which_it_is(tmp_path: Path):
    files = {
        "a.vital": CONTENT[".vital"],
        "b.vital": b"{",
        "c.fxp": CONTENT[".fxp"] + bytes(4),
        "d.vital": CONTENT[".vital"],
    }
    (tmp_path / "a.zip").write_bytes(zipped(files))

    report = read_presets(tmp_path / "a.zip")
    strict = read_presets(tmp_path / "a.zip", strict=True)

    assert (report.places, strict.places) == ((1, 3, 4), (1, 4))
    assert report.problems[0].startswith("voice 2: b.vital: not a preset file: ")
    assert report.problems[1] == "c.fxp: 4 bytes follow its end, at byte 64, and are left out"
    assert [rejected.voice for rejected in strict.rejected] == [2, 3]


def test_a_preset_without_a_name_in_an_archive_is_called_as_its_file(tmp_path: Path):
    nameless = CONTENT[".json"].replace(b"Saw", b"")
    (tmp_path / "a.zip").write_bytes(zipped({"x/Warm\x1bBass.json": nameless}))

    assert read_presets(tmp_path / "a.zip").presets[0].name == "Warm Bass"


def test_a_bank_of_vital_in_an_archive_is_read_and_one_deeper_is_not(tmp_path: Path):
    bank = zipped({"x.vital": CONTENT[".vital"]})
    (tmp_path / "a.zip").write_bytes(zipped({"a.vitalbank": bank, "b.zip": zipped({"c.vitalbank": bank})}))

    report = read_presets(tmp_path / "a.zip")

    assert report.places == (1,)
    assert str(report.rejected[0]) == (
        "voice 2: b.zip: c.vitalbank: an archive in an archive in an archive: unpack it first"
    )


def test_an_encrypted_file_is_named(tmp_path: Path):
    data = bytearray(zipped({"a.vital": CONTENT[".vital"]}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.vitalbank").write_bytes(data)

    report = read_presets(tmp_path / "a.vitalbank")

    assert report.problems == ("voice 1: a.vital: encrypted: unpack the archive with its password first",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped({}), "an archive without presets (it is empty)"),
        (zipped({"a.wav": b"", "b": b""}), "an archive without presets (1 .wav, 1 without an ending)"),
        (zipped({"a.vital": b"{}" * 99})[:50], "a damaged zip archive: "),
        (zipped({f"{i}": b"" for i in range(10_001)}), "an archive of more than 10,000 files"),
        (b"7z\xbc\xaf\x27\x1c\0", "a 7-Zip archive, which cannot be opened here: unpack it first"),
        (b"Rar!\x1a\7", "a RAR archive, which cannot be opened here: unpack it first"),
    ],
    ids=["empty", "no presets", "cut off", "too many", "7-Zip", "RAR"],
)
def test_an_archive_that_cannot_be_read_says_why(tmp_path: Path, data: bytes, said: str):
    (tmp_path / "a.zip").write_bytes(data)

    with pytest.raises(PresetError, match=re.escape(said)) as error:
        read_presets(tmp_path / "a.zip")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("depth", [1, 2])
def test_an_archive_is_not_unpacked_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int):
    monkeypatch.setattr("patchflow.presets.files._LARGEST", 2**20)
    data = zipped({f"{i}.fxp": bytes(2**18) for i in range(5)})
    (tmp_path / "a.zip").write_bytes(data if depth == 1 else zipped({"a.zip": data}))

    with pytest.raises(PresetError, match="more than 1 MiB when it is unpacked"):
        read_presets(tmp_path / "a.zip")


def test_a_large_file_of_an_unknown_kind_is_not_guessed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.presets.files.LARGEST_GUESS", 100)
    (tmp_path / "a.bin").write_bytes(CONTENT[".vital"])
    (tmp_path / "a.zip").write_bytes(zipped({"a.bin": CONTENT[".vital"], "b.vital": CONTENT[".vital"]}))

    assert len(read_presets(tmp_path / "a.zip").presets) == 1
    with pytest.raises(PresetError, match="not a preset file of a known format"):
        read_presets(tmp_path / "a.bin")


def test_a_damaged_file_in_an_archive_is_rejected_and_the_others_are_read(tmp_path: Path):
    data = bytearray(zipped({"a.vital": CONTENT[".vital"], "b.fxp": CONTENT[".fxp"]}, zipfile.ZIP_STORED))
    data[100] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(data)

    report = read_presets(tmp_path / "a.zip")

    assert report.places == (2,)
    assert str(report.rejected[0]) == "voice 1: a.vital: damaged in the archive: Bad CRC-32 for file 'a.vital'"


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.vitallfo", "an LFO shape of Vital"), ("a.vitaltable", "a wavetable of Vital"), ("a.vitalskin", "a skin of")],
)
def test_other_files_of_vital_are_called_what_they_are(tmp_path: Path, name: str, said: str):
    (tmp_path / name).write_bytes(b"{}")

    with pytest.raises(PresetError, match=said):
        read_presets(tmp_path / name)


def test_the_result_of_a_match_is_called_what_it_is(tmp_path: Path):
    (tmp_path / "a.json").write_bytes(b'{"sound": {}, "candidates": [{"preset": "a-1.syx"}]}')

    with pytest.raises(
        PresetError, match="the result of a match, not a preset: its presets are in the files that it names"
    ):
        read_presets(tmp_path / "a.json")


def test_an_unknown_extension_needs_a_format(tmp_path: Path):
    with pytest.raises(PresetError, match=r"a\.wav: no format has this extension\. Use one of \.bank, .*\.json, \.syx"):
        write_presets(tmp_path / "a.wav", [INIT])


def test_an_unknown_format_is_named(tmp_path: Path):
    with pytest.raises(UnknownName, match=r"no format named 'sys'\. Did you mean 'syx'"):
        write_presets(tmp_path / "a", [INIT], format="sys")


def test_a_file_of_no_known_format_is_refused_by_name(tmp_path: Path):
    (tmp_path / "a.bin").write_bytes(b"hello")

    with pytest.raises(PresetError, match=r"a\.bin: not a preset file of a known format \(.*json, syx.*\)"):
        read_presets(tmp_path / "a.bin")


def test_a_damaged_file_is_refused_by_name(tmp_path: Path):
    (tmp_path / "a.json").write_bytes(b"{")

    with pytest.raises(PresetError, match=r"a\.json: not a preset file: .* at line 1, column 2"):
        read_presets(tmp_path / "a.json")


def test_a_missing_file_is_a_storage_error(tmp_path: Path):
    with pytest.raises(StorageError, match="no such file"):
        read_presets(tmp_path / "a.syx")


def test_a_preset_that_does_not_fit_leaves_the_old_file(tmp_path: Path):
    write_presets(tmp_path / "a.syx", [INIT])

    with pytest.raises(PresetError, match="is for 'tone'"):
        write_presets(tmp_path / "a.syx", [Preset("tone", {})])
    assert read_presets(tmp_path / "a.syx").presets == (INIT,)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StorageError, match=r"cannot write .*a\.syx: no space left on device"):
        write_presets(tmp_path / "a.syx", [INIT])
    assert list(tmp_path.iterdir()) == []


def test_a_name_without_a_known_extension_has_no_format():
    assert format_of("a.wav") is None


def test_a_preset_with_all_values_allowed_passes_the_check():
    check(INIT, SPACE)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"n": 4}, PresetError, r"n=4: not a whole number in \[0, 3\]"),
        ({"n": 2**53}, PresetError, "not a whole number"),
        ({"n": "1"}, PresetError, "n='1'"),
        ({}, PresetError, "n: missing"),
        ({"n": 1, "m": 1}, UnknownName, "no parameter named 'm'"),
    ],
)
def test_a_value_that_does_not_fit_fails_the_check(values: dict, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        check(Preset("x", values), ParamSpace((Steps("n", 0, 3),)))


def test_a_preset_without_a_name_is_called_as_its_file(tmp_path: Path):
    write_presets(tmp_path / "Warm Bass.json", [replace(INIT, name="")])

    assert read_presets(tmp_path / "Warm Bass.json").presets[0].name == "Warm Bass"


def test_presets_of_a_bank_keep_their_names_even_if_they_have_none(tmp_path: Path):
    write_presets(tmp_path / "bank.json", [replace(INIT, name=""), INIT])

    assert [preset.name for preset in read_presets(tmp_path / "bank.json").presets] == ["", "INIT"]


@pytest.mark.skipif(os.name != "posix", reason="such names are not possible elsewhere")
@pytest.mark.parametrize("stem", [b"a\xff", b"a\nb"])
def test_a_name_of_a_file_that_cannot_be_shown_is_mended(tmp_path: Path, stem: bytes):
    file = tmp_path / os.fsdecode(stem + b".json")
    write_presets(file, [replace(INIT, name="")])

    (preset,) = read_presets(file).presets
    write_presets(tmp_path / "again.json", [preset])

    assert read_presets(tmp_path / "again.json").presets == (preset,)
