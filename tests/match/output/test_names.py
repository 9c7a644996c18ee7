"""Names that overwrite nothing."""

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchflow.match.output.names import bank_name, choose_names

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
