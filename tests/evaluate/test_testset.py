"""Sounds of a folder: what a list tells of them, and what is guessed."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from patchflow.engines import Note
from patchflow.engines.tone import Tone
from patchflow.errors import AudioError, StorageError
from patchflow.evaluate.predictions import SCORE_RATE
from patchflow.evaluate.testset import read_recordings, recordings_fingerprint


def save(folder: Path, name: str, pitch: int = 57, length: float = 0.6, rate: int = SCORE_RATE) -> None:
    sound = Tone().render(np.array([0.25, 0.8, 0.9]), Note(pitch, 100, 0.4, length), rate)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / name, sound, rate)


def test_without_a_list_folders_are_categories_and_notes_are_guessed(tmp_path: Path):
    save(tmp_path, "voices/b.flac", 57)
    save(tmp_path, "a.wav", 69)
    (tmp_path / "readme.txt").write_text("no sound")

    found = read_recordings(tmp_path)

    assert [(r.name, r.category, r.pitch, r.note_known) for r in found] == [
        ("a.wav", "", 69, False),
        ("voices/b.flac", "voices", 57, False),
    ]


def test_a_list_tells_category_and_note(tmp_path: Path):
    save(tmp_path, "x/a.wav", 57)
    save(tmp_path, "x/b.wav", 57)
    save(tmp_path, "x/unlisted.wav", 57)
    (tmp_path / "manifest.csv").write_text("file,category,pitch_midi\nx/a.wav,bass,44.9\nx/b.wav,bell,\n")

    found = read_recordings(tmp_path)

    assert [(r.name, r.category, r.pitch, r.note_known) for r in found] == [
        ("x/a.wav", "bass", 45, True),
        ("x/b.wav", "bell", 57, False),
    ]


def test_a_list_may_be_json(tmp_path: Path):
    save(tmp_path, "a.wav")
    (tmp_path / "sounds.json").write_text('[{"file": "a.wav", "pitch_midi": 45}]')

    assert [(r.category, r.pitch, r.note_known) for r in read_recordings(tmp_path)] == [("", 45, True)]


def test_sounds_are_at_one_rate_and_no_longer_than_is_asked_for(tmp_path: Path):
    save(tmp_path, "a.wav", length=2.0, rate=22_050)

    found = read_recordings(tmp_path, seconds=0.5)[0]

    assert len(found.samples) == pytest.approx(0.5 * SCORE_RATE, rel=0.01)
    assert 0.02 <= found.hold <= 0.5


def test_another_note_makes_another_print(tmp_path: Path):
    save(tmp_path, "a.wav")
    prints = []
    for pitch in (45, 45, 46):
        (tmp_path / "m.csv").write_text(f"file,pitch_midi\na.wav,{pitch}\n")
        prints.append(recordings_fingerprint(read_recordings(tmp_path)))

    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("file,pitch_midi\na.wav,high\n", AudioError, r"a.wav: pitch_midi='high': not in \[0, 127\]"),
        ("file,pitch_midi\na.wav,128\n", AudioError, r"pitch_midi='128': not in \[0, 127\]"),
        ("file,pitch_midi\na.wav,inf\n", AudioError, r"pitch_midi='inf': not in \[0, 127\]"),
        ("file\nb.wav\n", StorageError, r"cannot read .*b.wav: no such file"),
        ("name\na.wav\n", StorageError, "every entry needs a file"),
        ("file\n", StorageError, "has no sounds"),
        ("file\nm.csv\n", AudioError, "m.csv"),
    ],
)
def test_a_list_that_is_wrong_is_refused(tmp_path: Path, text: str, error: type[Exception], message: str):
    save(tmp_path, "a.wav")
    (tmp_path / "m.csv").write_text(text)

    with pytest.raises(error, match=message):
        read_recordings(tmp_path)


def test_two_lists_are_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("file\n")
    (tmp_path / "b.json").write_text("[]")

    with pytest.raises(StorageError, match="keep one list"):
        read_recordings(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="no such folder"):
        read_recordings(tmp_path / "none")
