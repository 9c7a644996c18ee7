"""The notes of a voice, its tuning and its contours; and what is no melody."""

import importlib
from pathlib import Path

import numpy as np
import pytest

import patchflow
from patchflow.audio.sound import Sound
from patchflow.errors import AudioError
from patchflow.explore.melody import melody_of, voice_contours
from tests.explore.voices import RATE, hum

SCALE = (57, 59, 60, 62, 64)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """Returns a script by its name."""
    monkeypatch.syspath_prepend(str(Path(patchflow.__file__).parents[1] / "benchmarks"))
    return importlib.import_module


def test_notes_have_the_keys_and_times_that_were_sung():
    melody = melody_of(hum(SCALE))

    assert [note.key for note in melody.notes] == list(SCALE)
    np.testing.assert_allclose([note.onset for note in melody.notes], 0.1 + 0.5 * np.arange(5), atol=0.03)
    np.testing.assert_allclose([note.end for note in melody.notes], 0.5 + 0.5 * np.arange(5), atol=0.05)
    assert np.abs([note.pitch - key for note, key in zip(melody.notes, SCALE, strict=True)]).max() < 0.1


@pytest.mark.parametrize("cents", [-40, -20, 20, 40])
def test_notes_are_rounded_in_the_tuning_of_the_singer(cents: int):
    # One note is 15 cents sharper still: by itself it would be rounded to another key.
    off = (0, 0, 15 if cents > 0 else -15, 0, 0)
    sung = [key + (cents + more) / 100 for key, more in zip(SCALE, off, strict=True)]

    melody = melody_of(hum(sung))

    assert [note.key for note in melody.notes] == list(SCALE)
    assert melody.tuning == pytest.approx(cents + off[2] / 5, abs=8)
    assert melody.agreed
    assert f"{round(abs(melody.tuning))} cents {'above' if cents > 0 else 'below'} A = 440 Hz" in melody.remark


def test_what_shares_no_tuning_is_rounded_by_itself_and_said_so():
    melody = melody_of(hum([57.0, 59.33, 60.67, 62.0, 64.33, 65.67]))

    assert [note.key for note in melody.notes] == [57, 59, 61, 62, 64, 66]
    assert (melody.agreed, melody.tuning) == (False, 0.0)
    assert "share no tuning" in melody.remark


def test_one_pitch_is_struck_again_after_a_consonant():
    whole = hum([60], seconds=1.2, gap=0.0)
    # The mouth closes for a moment: not to silence, but by 10 dB.
    level = np.ones(len(whole.samples))
    for place in (0.4, 0.8):
        time = np.arange(len(level)) / RATE - place
        level *= 1 - 0.7 * np.exp(-np.square(time / 0.02))

    melody = melody_of(Sound((whole.samples * level).astype(np.float32), RATE))

    assert [note.key for note in melody.notes] == [60, 60, 60]
    np.testing.assert_allclose([note.onset for note in melody.notes], [0, 0.4, 0.8], atol=0.04)


def test_a_slow_tremolo_is_one_note():
    whole = hum([60], seconds=2.0, gap=0.0)
    time = np.arange(len(whole.samples)) / RATE
    trembling = whole.samples * (0.75 + 0.25 * np.sin(2 * np.pi * 5 * time))

    assert len(melody_of(Sound(trembling.astype(np.float32), RATE)).notes) == 1


def test_velocity_follows_the_level():
    notes = melody_of(hum([57, 59, 60], levels=[1.0, 0.5, 0.25])).notes

    # 6 dB less are half the level, and by the General MIDI rule a velocity divided by the square root of two.
    assert notes[0].velocity == 112
    assert notes[1].velocity == pytest.approx(112 / 2**0.5, abs=3)
    assert notes[2].velocity == pytest.approx(112 / 2, abs=3)


def test_brightness_is_that_of_the_attribute():
    sine = np.sin(np.arange(RATE) * 2 * np.pi * 1024 / RATE).astype(np.float32)

    brightness = voice_contours(sine, RATE).brightness

    np.testing.assert_allclose(brightness[5:-5], 10.0, atol=0.02)  # 2^10 Hz


def test_a_vowel_that_opens_has_a_path_upwards():
    time = np.arange(RATE) / RATE
    partials = [np.sin(2 * np.pi * 220 * k * time + k) * (0.2 + 0.8 * time) ** (k - 1) for k in range(1, 9)]
    tone = np.sum(partials, axis=0)

    melody = melody_of(Sound((0.1 * tone).astype(np.float32), RATE))
    path = melody.contours.brightness_path(melody.notes[0])

    assert np.mean(path[-10:]) - np.mean(path[:10]) > 0.5  # octaves
    assert np.mean(path) == pytest.approx(0, abs=1e-9)


def noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)


def drums() -> np.ndarray:
    hits = np.tile(np.exp(-np.arange(RATE // 4) / (0.02 * RATE)), 8)
    return np.random.default_rng(0).standard_normal(len(hits)) * hits * 0.3


def chord() -> np.ndarray:
    time = np.arange(2 * RATE) / RATE
    sound = np.zeros(len(time))
    for hz in (220.0, 277.18, 329.63):
        for k in range(1, 7):
            sound += 0.05 * np.sin(2 * np.pi * hz * k * time) / k
    return sound


BAD = {
    "noise": (noise, "noise at a steady level was found, without a pitch"),
    "drums": (drums, "hits without a steady pitch were found, as of drums"),
    "chord": (chord, r"several notes sound at once \(A3, C#4, E4\)"),
    "short": (lambda: hum([60]).samples[:1_500], "lasts 68 ms: at least 100 ms are needed"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_melody_is_refused_with_what_it_is(kind: str):
    make, reason = BAD[kind]

    with pytest.raises(AudioError, match=reason):
        melody_of(Sound(make().astype(np.float32), RATE))


def test_drums_are_counted():
    with pytest.raises(AudioError, match="8 hits"):
        melody_of(Sound(drums().astype(np.float32), RATE))


@pytest.mark.parametrize("number", [0, 5, 6, 9])
def test_notes_of_a_made_voice_are_found(benchmark, number: int):
    hummed = benchmark("hummed")
    sketches = benchmark("sketches")
    melody = hummed.hummed(hummed.STYLES[number], 1)

    scores = sketches.note_scores(melody.notes, sketches.by_patchflow(melody))

    assert scores["F1"] >= 0.9
    assert scores["cents"] < 20
    assert scores["onset, ms"] < 50


def test_a_note_is_found_once_and_only_near_it(benchmark):
    SungNote = benchmark("hummed").SungNote
    sung = [SungNote(0.0, 1.0, 60.0), SungNote(1.0, 2.0, 62.0), SungNote(2.0, 3.0, 64.0)]
    found = [
        SungNote(0.05, 1.0, 60.5),  # as late and as high as it may be
        SungNote(0.0, 1.0, 60.1),  # the same note again
        SungNote(1.06, 2.0, 62.0),  # too late
        SungNote(2.0, 3.0, 64.6),  # too high
    ]

    scores = benchmark("sketches").note_scores(sung, found)

    assert (scores["precision"], scores["recall"]) == (0.25, pytest.approx(1 / 3, abs=1e-4))
    assert scores["F1"] == pytest.approx(2 / 7, abs=1e-4)


def test_the_page_has_the_numbers_of_the_results(benchmark):
    sketches = benchmark("sketches")

    assert sketches.page() == sketches.PAGE.read_text("utf-8")
