"""Names that overwrite nothing."""

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

    chosen = choose_names(sounds, Path("out"), ".syx", count)
    files = [str(path).lower() for names in chosen for path in names.all]
    files += [str(Path("out", bank_name(n, ".syx"))) for n in range(1, len(sounds) // 32 + 2)]

    assert len(set(files)) == len(files)
    assert not set(files) & {str(path).lower() for path in sounds}


def test_a_lone_sound_keeps_its_name():
    (names,) = choose_names([Path("in/kick.wav")], Path("out"), ".syx", 2)

    assert [path.name for path in names.all] == ["kick.syx", "kick-2.syx", "kick.wav", "kick.png", "kick.json"]


@pytest.mark.parametrize("folder", [".", "sub/.."])
def test_the_sounds_own_folder_is_seen_however_it_is_written(tmp_path, monkeypatch, folder):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)

    (names,) = choose_names([tmp_path / "kick.wav"], Path(folder), ".syx", 1)

    assert names.stem == "kick_2"
