"""Names that overwrite nothing; and files of a call, which appear together, none of an earlier call among them."""

import hashlib
import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchflow.errors import StorageError
from patchflow.match.output.names import bank_name, choose_names, write_set

STEMS = st.sampled_from(["a", "A", "a-2", "a_2", "a-2_2", "a_2-2", "patchflow-bank", "patchflow-bank-2", "b"])
SOUNDS = st.tuples(st.sampled_from(["x", "y", "out"]), STEMS, st.sampled_from([".wav", ".flac"]))


@given(st.lists(SOUNDS, min_size=1, max_size=40, unique=True), st.integers(1, 5))
@settings(deadline=None)
def test_no_two_files_are_the_same_and_none_is_a_sound(parts, count):
    sounds = [Path(folder, stem + ending) for folder, stem, ending in parts]

    chosen = choose_names(sounds, Path("out"), (".syx",), count)
    files = [str(path).lower() for names in chosen for path in names.each(".syx", count).all]
    files += [str(Path("out", bank_name(n, ".syx"))) for n in range(1, len(sounds) // 32 + 2)]

    assert len(set(files)) == len(files)
    assert not set(files) & {str(path).lower() for path in sounds}


def test_a_lone_sound_keeps_its_name():
    (names,) = choose_names([Path("in/kick.wav")], Path("out"), (".syx",), 2)

    assert [path.name for path in names.each(".syx", 2).all] == [
        "kick.syx", "kick-2.syx", "kick.wav", "kick-2.wav", "kick-ab.wav", "kick.png", "kick.json",
    ]  # fmt: skip


@pytest.mark.parametrize("folder", [".", "sub/.."])
def test_the_sounds_own_folder_is_seen_however_it_is_written(tmp_path, monkeypatch, folder):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)

    (names,) = choose_names([tmp_path / "kick.wav"], Path(folder), (".syx",), 1)

    assert names.stem == "kick_2"


def stem_of(name: str, extension: str = ".syx", count: int = 4) -> str:
    (names,) = choose_names([Path("in", name)], Path("out"), (extension,), count)
    assert all(len(path.name.encode()) <= 255 for path in names.each(extension, count).all)
    return names.stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("con.wav", "con_"),
        ("NUL.v2.wav", "NUL_.v2"),
        ("com1.wav", "com1_"),
        ("COM¹.wav", "COM¹_"),
        ("conin$ .wav", "conin$ _"),
        ("console.wav", "console"),
        ('a:b?"<>|*\\c.wav', "a_b_______c"),
        ("a\nb\x1b[31m.wav", "a_b_[31m"),
        ("a\u202egnp.wav", "a_gnp"),
        ("a\u200bb\xad\ufeff.wav", "a_b__"),
        ("👩\u200d🎤.wav", "👩\u200d🎤"),
        ("kick..wav", "kick."),
        ("日本語 🎹.wav", "日本語 🎹"),
        (".wav", ".wav"),
    ],
)
def test_names_are_those_that_every_disk_takes(name, stem):
    assert stem_of(name) == stem


@pytest.mark.parametrize("letter", ["a", "é", "語", "🎹"])
@pytest.mark.parametrize("extension", [".syx", ".preset.json"])
def test_long_names_are_cut_between_letters_and_stay_two(letter, extension):
    length = 252 // len(letter.encode()) - 1

    one, two = (stem_of(f"{letter * length}{last}.wav", extension) for last in "12")

    assert one != two
    assert one[:-9] == two[:-9] == letter * len(one[:-9])
    assert len(one.encode()) > 225


def test_a_name_that_just_fits_is_kept():
    longest = 255 - len("-32.syx")

    assert stem_of("a" * longest + ".wav") == "a" * longest
    assert stem_of("a" * (longest + 1) + ".wav").endswith("~" + sha256(b"a" * (longest + 1)).hexdigest()[:8])


def test_long_names_of_one_run_that_are_alike_stay_two():
    sounds = [Path(folder, "a" * 251 + ".wav") for folder in ("x", "y")]

    one, two = (names.each(".syx", 4) for names in choose_names(sounds, Path("out"), (".syx",), 4))

    assert {path.name for path in one.all}.isdisjoint(path.name for path in two.all)
    assert all(len(path.name) <= 255 for path in two.all)


def test_letters_with_accents_are_the_same_however_they_are_put_together():
    chosen = choose_names([Path("x/e\u0301.wav"), Path("y/\u00e9.wav")], Path("out"), (".syx",), 1)

    assert chosen[1].stem == "\u00e9_2"


def test_a_disk_with_shorter_names_gets_shorter_ones(monkeypatch):
    monkeypatch.setattr(os, "pathconf", lambda *_: 143)

    (names,) = choose_names([Path("a" * 200 + ".wav")], Path("out"), (".syx",), 32)

    assert max(len(path.name) for path in names.each(".syx", 32).all) == 143


def test_a_comparison_never_overwrites_a_sound_of_that_name():
    sounds = [Path("kick.wav"), Path("kick-ab.wav"), Path("kick-2.wav")]

    names = choose_names(sounds, Path(), (".syx",), 2)

    assert not {path.name for found in names for path in found.each(".syx", 2).all} & {sound.name for sound in sounds}


def test_ranks_count_over_all_endings():
    (names,) = choose_names([Path("in/kick.wav")], Path("out"), (".syx", ".vital"), 2)

    assert [path.name for path in replace(names, endings=(".vital", ".syx")).presets] == ["kick.vital", "kick-2.syx"]


def test_a_sound_that_is_called_like_a_bank_of_any_synth_gets_another_name():
    (names,) = choose_names([Path("in/patchflow-bank.wav")], Path("out"), (".vital", ".syx"), 2)

    assert names.stem == "patchflow-bank_2"


NUMBERS = {"format": "children", "asked": 0.123456789}


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def wrote(folder: Path, count: int, kind: str = "children") -> None:
    files = {f"a-{number}.syx": f"{kind} {number}".encode() for number in range(1, count + 1)}
    write_set(folder, files, "a.json", {**NUMBERS, "format": kind})


def test_numbers_name_every_file_with_its_checksum(tmp_path):
    written = write_set(tmp_path / "new", {"a.syx": b"voice"}, "a.json", NUMBERS)

    digest = hashlib.sha256(b"voice").hexdigest()
    assert written == {**NUMBERS, "files": {"a.syx": digest}}
    content = json.loads((tmp_path / "new" / "a.json").read_text())
    assert content == {"format": "children", "asked": 0.123457, "files": {"a.syx": digest}}


def test_exact_numbers_keep_their_digits(tmp_path):
    written = write_set(tmp_path, {}, "a.json", NUMBERS, exact=True)

    assert json.loads((tmp_path / "a.json").read_text()) == written == {**NUMBERS, "files": {}}


def test_what_an_earlier_call_wrote_goes(tmp_path):
    wrote(tmp_path, 4)
    wrote(tmp_path, 2)

    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a.json"}
    wrote(tmp_path, 3)
    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a-3.syx", "a.json"}


def test_what_was_changed_or_is_not_ours_stays(tmp_path):
    (tmp_path / "a-9.syx").write_bytes(b"of the user")
    wrote(tmp_path, 4)
    (tmp_path / "a-3.syx").write_bytes(b"played with")
    (tmp_path / "target").write_bytes((tmp_path / "a-4.syx").read_bytes())
    (tmp_path / "a-4.syx").unlink()
    (tmp_path / "a-4.syx").symlink_to("target")
    wrote(tmp_path, 1)

    assert visible(tmp_path) == {"a-1.syx", "a-3.syx", "a-4.syx", "a-9.syx", "a.json", "target"}
    assert (tmp_path / "a-3.syx").read_bytes() == b"played with"


def test_files_of_another_command_stay(tmp_path):
    wrote(tmp_path, 3)
    wrote(tmp_path, 1, "path")

    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a-3.syx", "a.json"}


@pytest.mark.parametrize(
    "files",
    [{"../outside": "DIGEST"}, {"..": "DIGEST"}, {"folder": "DIGEST"}, {"a-7.syx": 3}, ["a-7.syx"], "a-7.syx", None],
    ids=["another folder", "the folder above", "a folder", "no digest", "a list", "a text", "none"],
)
def test_numbers_that_anyone_made_move_nothing(tmp_path, files):
    folder = tmp_path / "here"
    (folder / "folder").mkdir(parents=True)
    for path in (tmp_path / "outside", folder / "a-7.syx"):
        path.write_bytes(b"mine")
    digest = hashlib.sha256(b"mine").hexdigest()
    content = json.dumps({"format": "children", "files": files}).replace("DIGEST", digest)
    (folder / "a.json").write_text(content)
    wrote(folder, 1)

    assert (tmp_path / "outside").read_bytes() == b"mine"
    assert visible(folder) == {"folder", "a-1.syx", "a-7.syx", "a.json"}


def test_nothing_goes_where_nothing_can_be_written(tmp_path):
    wrote(tmp_path, 2)
    (tmp_path / "a-5.syx").mkdir()

    with pytest.raises(StorageError, match=r"a-5\.syx"):
        wrote(tmp_path, 5)
    assert visible(tmp_path) == {"a-1.syx", "a-2.syx", "a-5.syx", "a.json"}
    assert (tmp_path / "a-2.syx").read_bytes() == b"children 2"
