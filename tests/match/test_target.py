"""Hearing: what the search is told about a recording."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchflow.audio import Sound
from patchflow.audio.pitch import NoteGuess, Pitch
from patchflow.engines import Note
from patchflow.errors import OptionError
from patchflow.match.target import LONGEST, SEARCH_RATE, prepare_target


def tone(seconds: float, rate: int = 22_050, hz: float = 440.0, before: float = 0.0) -> Sound:
    """A steady tone after silence."""
    sound = np.sin(2 * np.pi * hz * np.arange(np.ceil(seconds * rate)) / rate)
    return Sound(np.concatenate([np.zeros(round(before * rate)), sound]).astype(np.float32), rate)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_silence_before_is_cut_and_told(rate: int):
    target = prepare_target(tone(0.5, rate, before=0.25))

    assert target.trim_offset == pytest.approx(0.25, abs=0.002)
    assert target.length == pytest.approx(0.5, abs=0.003)


def test_the_threshold_decides_what_is_silence():
    samples = np.concatenate([np.full(2_205, 0.01), tone(0.3).samples]).astype(np.float32)

    assert prepare_target(Sound(samples, 22_050), trim_db=-30).trim_offset == pytest.approx(0.1, abs=0.002)
    assert prepare_target(Sound(samples, 22_050), trim_db=-50).trim_offset == 0


@pytest.mark.parametrize("rate", [8_000, 44_100, 192_000])
def test_any_rate_becomes_that_of_the_search(rate: int):
    target = prepare_target(tone(0.5, rate))

    spectrum = np.abs(np.fft.rfft(target.samples))
    assert target.rate == SEARCH_RATE
    assert target.source_rate == rate
    assert spectrum.argmax() * SEARCH_RATE / len(target.samples) == pytest.approx(440, abs=3)


def test_a_long_sound_is_cut():
    assert prepare_target(tone(9.0)).length == LONGEST


def test_the_note_is_guessed():
    target = prepare_target(tone(0.5, hz=220))

    assert target.guesses[0].pitch == 57
    assert len({guess.pitch for guess in target.guesses}) == len(target.guesses) > 1


@pytest.mark.parametrize("note", [0, 60, 127])
def test_a_given_note_is_the_only_one(note: int):
    (guess,) = prepare_target(tone(0.5), note=note).guesses

    assert (guess.pitch, guess.confidence) == (note, 1.0)


def test_the_key_is_held_no_longer_than_the_sound_lasts():
    for seconds in (0.01, 0.02, 0.3, 5.0):
        target = prepare_target(tone(seconds))
        assert 0 < target.hold <= target.length


def test_a_release_is_heard():
    sound = tone(1.0)
    fade = np.exp(-np.maximum(np.arange(22_050) / 22_050 - 0.4, 0) / 0.05)

    assert prepare_target(replace(sound, samples=sound.samples * fade.astype(np.float32))).hold == pytest.approx(
        0.4, abs=0.1
    )


@pytest.mark.parametrize("rate", [4_000, 8_000, 22_050, 44_100, 48_000, 192_000])
def test_the_shortest_sound_can_be_played(rate: int):
    target = prepare_target(tone(0.01, rate, hz=1_000))

    note = Note(60, 100, target.hold, target.length)

    assert note.samples(SEARCH_RATE) == len(target.samples)


def test_gain_changes_nothing():
    loud, soft = tone(1.0), replace(tone(1.0), samples=tone(1.0).samples * np.float32(0.1))

    assert [guess.pitch for guess in prepare_target(soft).guesses] == [
        guess.pitch for guess in prepare_target(loud).guesses
    ]
    assert prepare_target(soft).hold == pytest.approx(prepare_target(loud).hold)


def test_the_file_is_named(tmp_path: Path):
    assert prepare_target(replace(tone(0.2), path=tmp_path / "bell.wav")).name == "bell.wav"


def test_the_recording_is_only_read():
    sound = tone(0.5, before=0.1)
    before = sound.samples.copy()

    prepare_target(sound)

    np.testing.assert_array_equal(sound.samples, before)


@pytest.mark.parametrize("note", [-1, 128])
def test_an_impossible_note_is_refused(note: int):
    with pytest.raises(OptionError, match=rf"note={note}: not in \[0, 127\]"):
        prepare_target(tone(0.1), note=note)


@pytest.mark.parametrize("trim_db", [0.0, 3.0, -120.5, float("nan"), float("-inf")])
def test_an_impossible_threshold_is_refused(trim_db: float):
    with pytest.raises(OptionError, match=r"trim_db=.*: not in \[-120, 0\)"):
        prepare_target(tone(0.1), trim_db=trim_db)


def noisy(offset: float = 0.0) -> Sound:
    sound = tone(0.5, before=0.5)
    noise = 0.003 * np.random.default_rng(0).standard_normal(len(sound.samples))
    return replace(sound, samples=(0.5 * sound.samples + noise + offset).astype(np.float32))


def test_noise_before_is_cut_and_told_unless_a_threshold_is_given():
    target = prepare_target(noisy())

    assert target.trim_offset == pytest.approx(0.5, abs=0.002)
    assert len(target.notes) == 1
    assert target.notes[0].startswith("0.50 s before the sound are noise, and left out")
    assert prepare_target(noisy(), trim_db=-50).trim_offset < 0.01
    assert prepare_target(noisy(), trim_db=-50).notes == ()


def test_an_offset_is_removed_from_the_target_and_from_what_it_is_compared_with():
    target = prepare_target(noisy(0.1))

    assert target.trim_offset == pytest.approx(0.5, abs=0.002)
    assert target.notes[0] == "a constant offset of 0.1 is removed"
    assert target.recording
    assert abs(float(np.mean(target.recording.samples))) < 0.002


def test_what_sounds_is_kept_where_the_key_is_told():
    target = prepare_target(tone(0.5, hz=32.7), note=36)

    (guess,) = target.guesses
    assert (guess.pitch, guess.confidence) == (36, 1.0)
    assert guess.cents == pytest.approx(-1_200, abs=5)
    assert target.f0 == pytest.approx(32.7, abs=0.1)


@pytest.mark.parametrize("note", [None, 60])
def test_noise_has_no_pitch_to_tune_to(note: int | None):
    noise = np.random.default_rng(0).standard_normal(22_050).astype(np.float32)

    target = prepare_target(Sound(noise, 22_050), note=note)

    assert (target.pitched, target.f0) == (False, None)
    assert target.guesses[0].cents == 0
    assert target.remark == "no clear pitch, as of a drum or of noise: it is matched without tuning"
    assert (target.notes, target.sounding) == ((), None)


@pytest.mark.parametrize("cents", [-40, -32, 0, 12, 40])
def test_the_tuning_of_a_tone_is_measured(cents: int):
    hz = 440 * 2 ** (cents / 1_200)

    target = prepare_target(tone(0.5, hz=hz))

    assert target.pitched
    assert target.f0 == pytest.approx(hz, abs=0.3)
    assert target.guesses[0].cents == pytest.approx(cents, abs=1.5)
    assert bool(target.remark) == (abs(cents) > 20)


def test_what_is_odd_about_the_pitch_is_not_among_what_was_mended():
    target = prepare_target(noisy(0.1))
    odd = noisy(0.1)
    bent = np.sin(2 * np.pi * 440 * 2 ** (0.4 / 12) * np.arange(len(odd.samples)) / 22_050)
    odd = replace(odd, samples=np.where(np.arange(len(bent)) > 11_025, 0.5 * bent, odd.samples).astype(np.float32))

    found = prepare_target(odd)
    said = re.fullmatch(r"it sounds (\d+) cents above A4", found.remark)
    assert said
    assert float(said[1]) == pytest.approx(40, abs=1)
    assert (found.notes, target.remark) == (target.notes, "")


def test_what_sounds_is_not_the_key_that_is_likeliest(monkeypatch: pytest.MonkeyPatch):
    pitch = Pitch((NoteGuess(60, 0.5, 10.0), NoteGuess(48, 0.4, 10.0)), True, 48.1)
    monkeypatch.setattr("patchflow.match.target.estimate_pitch", lambda *_: pitch)

    target = prepare_target(tone(0.5))

    assert (target.guesses[0].pitch, target.sounding) == (60, 48.1)
    assert target.f0 == pytest.approx(440 * 2 ** ((48.1 - 69) / 12))
    assert replace(target, sounding=None).f0 == pytest.approx(440 * 2 ** ((60.1 - 69) / 12))
