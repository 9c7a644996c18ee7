"""Preset files on disk: the right format for each, one clear error, never half a file."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from patchflow.errors import PresetError, StorageError, UnknownName
from patchflow.presets import ParamSpace, Preset, Steps, check, read_presets, write_presets
from patchflow.presets.dx7 import SPACE
from patchflow.presets.files import format_of

INIT = Preset("dexed", SPACE.decode(SPACE.default()), name="INIT")


@pytest.mark.parametrize("name", ["a.syx", "a.SYX", "a.json"])
def test_the_extension_says_the_format(tmp_path: Path, name: str):
    write_presets(tmp_path / name, [INIT])

    assert read_presets(tmp_path / name).presets == (INIT,)
    assert ((tmp_path / name).read_bytes()[0] == 0xF0) == (name != "a.json")


@pytest.mark.parametrize("name", ["syx", "json"])
def test_the_content_says_the_format_of_other_extensions(tmp_path: Path, name: str):
    write_presets(tmp_path / "a.bin", [INIT], format=name)

    assert read_presets(tmp_path / "a.bin").presets == (INIT,)


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
