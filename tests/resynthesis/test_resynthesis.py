"""`patchflow.resynthesis`: a recording taken apart, without a synth."""

import numpy as np
import pytest

from patchflow.errors import AudioError
from patchflow.resynthesis import Options, Resynthesis
from patchflow.resynthesis.course import TableWalk
from patchflow.resynthesis.pitch_track import follow_pitch, harmonic_powers
from patchflow.resynthesis.spectra import buzz, line_amplitudes, line_phases
from patchflow.resynthesis.wave_table import (
    WaveTable,
    band_gap,
    choose_frames,
    noise_loop,
    pitch_points,
)
from tests.resynthesis.recordings import RATE, harmonic, note_with_release, spectrum_gap, tone, white


def test_octaves_are_told_by_empty_harmonics():
    pitch, track = follow_pitch(tone(5_000.0, harmonics=1), RATE)
    assert track is not None
    assert track.hz == pytest.approx(5_000, abs=3)
    assert "above 4 kHz" in pitch.remark

    powers = harmonic_powers(tone(220.0, harmonics=4), RATE, 110.0)
    assert powers[[0, 2, 4, 6]].max() < 1e-4 * powers[[1, 3, 5, 7]].min()


def test_a_common_pitch_of_several_notes_is_remarked():
    third = tone(4 * 65.4, 1.5, 1) + tone(5 * 65.4, 1.5, 1) + tone(6 * 65.4, 1.5, 1)
    pitch, track = follow_pitch(third, RATE)

    assert track is not None
    assert track.hz == pytest.approx(65.4, abs=0.1) or "several notes" in pitch.remark
    assert pitch.remark


def test_a_tone_has_its_key_its_harmonics_and_goes_on():
    found = Resynthesis.of(tone(442.0), RATE)
    table = found.voices[0].table

    assert (found.key, found.course.kind) == (69, "sustained")
    assert found.cents == pytest.approx(1200 * np.log2(442 / 440), abs=1.0)
    assert found.course.loop is not None
    middle = table.amplitudes[len(table.amplitudes) // 2]
    np.testing.assert_allclose(middle[:6], 0.2 / np.arange(1, 7), rtol=0.1)


def test_it_sounds_like_the_recording_without_a_synth():
    x = tone(220.0) + 0.05 * white(0.8)

    assert spectrum_gap(x, Resynthesis.of(x, RATE).sound()) < 2.5


def test_a_vibrato_is_followed_and_its_harmonics_stay_apart():
    t = np.arange(round(1.2 * RATE)) / RATE
    semitones = 0.6 * np.sin(2 * np.pi * 5 * t)
    turn = 2 * np.pi * np.cumsum(330 * 2 ** (semitones / 12)) / RATE
    _, track = follow_pitch(harmonic(turn), RATE)

    assert track is not None
    inside = (track.times > 0.1) & (track.times < 1.1)
    wanted = 69 + 12 * np.log2(330 / 440) + np.interp(track.times, t, semitones)
    assert 100 * np.abs(track.pitch - wanted)[inside].max() < 8
    found = Resynthesis.of(harmonic(turn), RATE)
    assert np.ptp(found.curve[1]) == pytest.approx(1.2, abs=0.15)
    assert len(Resynthesis.of(harmonic(turn), RATE, options=Options(follows=False)).curve[0]) == 0


def test_a_glissando_over_two_octaves_is_followed():
    t = np.arange(round(1.5 * RATE)) / RATE
    turn = 2 * np.pi * np.cumsum(220 * 2 ** (2 * t / 1.5)) / RATE
    found = Resynthesis.of(harmonic(turn), RATE)

    assert found.track is not None
    assert np.ptp(found.curve[1]) == pytest.approx(24, abs=2)
    assert any("glides" in note for note in found.notes)


def test_a_sound_that_dies_away_is_not_repeated():
    t = np.arange(RATE) / RATE
    found = Resynthesis.of(tone(220, 1.0) * np.exp(-2.5 * t).astype(np.float32), RATE)

    assert found.course.kind == "decaying"
    assert found.path.loop is None
    assert found.path.places[-1] == 256
    assert not found.voices[0].table.amplitudes[-1].any()


def test_noise_has_no_pitch_and_does_not_buzz():
    x = white(1.0)
    found = Resynthesis.of(x, RATE)

    assert found.track is None
    assert (found.key, found.tracks_key) == (60, False)
    assert spectrum_gap(x, found.sound()) < 4
    assert buzz(found.sound(), RATE) < 0.25


def test_a_chord_is_played_by_lines_that_are_near_its_notes():
    x = tone(261.63, 1.5) + tone(329.63, 1.5) + tone(392.0, 1.5)
    found = Resynthesis.of(x, RATE)

    assert any("several notes" in note and "search" not in note for note in found.notes)
    assert found.tracks_key
    assert spectrum_gap(x, found.sound()) < 6


def test_tones_without_a_pitch_follow_the_key():
    tones = np.sum([np.sin(2 * np.pi * hz * np.arange(RATE) / RATE) for hz in (211, 391, 587, 829, 1_301)], axis=0)
    found = Resynthesis.of((0.1 * tones).astype(np.float32), RATE)

    assert found.tracks_key
    assert spectrum_gap(0.1 * tones, found.sound()) < 4


@pytest.mark.parametrize("hz", [27.5, 5_000.0])
def test_very_low_and_very_high_tones_are_played(hz):
    x = tone(hz, harmonics=20 if hz < 100 else 1)

    assert spectrum_gap(x, Resynthesis.of(x, RATE).sound()) < 6


def test_what_is_short_long_clipped_or_silent_in_parts_is_said_or_done():
    short = Resynthesis.of(tone(440, 0.02), RATE)
    assert "it lasts only 20 ms" in short.notes
    assert np.isfinite(short.sound()).all()
    clipped = np.clip(8 * tone(220, 0.5), -0.9, 0.9)
    assert any("clipped" in note for note in Resynthesis.of(clipped, RATE).notes)
    gap = np.concatenate([tone(220, 0.3), np.zeros(RATE // 2, np.float32), tone(220, 0.3)])
    found = Resynthesis.of(gap, RATE)
    assert "0.5 s of it are silent: so are their frames" in found.notes
    played = found.sound()
    assert np.abs(played[round(0.5 * RATE) : round(0.6 * RATE)]).max() < 1e-3 * np.abs(played).max()
    with pytest.raises(AudioError, match="silent"):
        Resynthesis.of(np.zeros(RATE, np.float32), RATE)


@pytest.mark.parametrize(("fall_db", "seconds"), [(12, 0.15), (40, 0.15), (40, 0.6)])
def test_a_note_that_is_let_go_is_kept_up_as_long_as_its_key_is_held(fall_db: float, seconds: float):
    course = Resynthesis.of(note_with_release(1.0, fall_db, seconds), RATE).course

    assert (course.kind, course.released) == ("sustained", True)
    assert course.hold == pytest.approx(1.0, abs=0.1)
    assert course.hold + course.after == pytest.approx(1.0 + seconds, abs=0.01)
    assert course.loop is not None
    assert course.loop[1] == pytest.approx(course.hold, abs=0.011)


def test_a_tremolo_is_kept_up_too():
    t = np.arange(round(2.2 * RATE)) / RATE
    decibels = 5 * np.sin(2 * np.pi * 5 * t) - 40 * np.clip((t - 2) / 0.2, 0, 1)
    course = Resynthesis.of((tone(220, 2.2) * 10 ** (decibels / 20)).astype(np.float32), RATE).course

    assert course.kind == "sustained"
    assert course.hold == pytest.approx(2.0, abs=0.12)


@pytest.mark.parametrize("speed", [9.0, 25.0, 80.0])
def test_a_string_dies_away_however_slowly(speed: float):
    t = np.arange(2 * RATE) / RATE
    struck = tone(220, 2.0) * 10 ** (-speed * t / 20)

    assert Resynthesis.of(struck.astype(np.float32), RATE).course.kind in ("decaying", "ended")


def test_ticks_and_short_noise_are_not_repeated():
    ticks = np.zeros(3 * RATE, np.float32)
    ticks[::RATE] = 0.9
    burst = white(0.25)

    assert Resynthesis.of(ticks + 1e-5 * white(3.0), RATE).course.loop is None
    assert Resynthesis.of(burst, RATE).course.loop is None


def test_what_comes_after_the_release_is_heard_after_it():
    path = TableWalk.sustained(np.array([0.0, 0.5, 1.0, 1.1, 1.2]), (0.5, 1.0), end=1.3)

    np.testing.assert_allclose(path.at(np.array([0.5, 1.0, 1.5]), 9.0), [51, 102, 51])
    np.testing.assert_allclose(path.at(np.array([1.5, 1.6, 1.8]), 1.5), [51, 154, 256])
    np.testing.assert_allclose(path.at(np.array([1.1, 1.2, 1.3, 5.0]), 1.0), [154, 205, 256, 256])


def test_a_click_is_not_repeated():
    x = np.zeros(RATE // 50, np.float32)
    x[:3] = 0.8

    assert Resynthesis.of(x, RATE).course.kind == "ended"


def test_only_the_beginning_of_a_minute_is_used():
    found = Resynthesis.of(np.tile(tone(220, 1.0), 60), RATE)

    assert found.notes[0] == "only the first 10 s are used"
    assert found.seconds == pytest.approx(10)


def test_frames_are_where_a_curve_bends():
    curve = np.interp(np.arange(101), [0, 10, 50, 100], [0, 5, 5, 0])

    found = pitch_points(np.arange(101.0), curve, np.ones(101), most=8, least=1e-9)

    assert {0, 10, 50, 100} <= set(found.tolist())
    assert len(found) <= 8
    line = np.interp(np.arange(101), found, curve[found])
    np.testing.assert_allclose(line, curve, atol=1e-9)


def test_no_more_frames_are_chosen_than_asked_for():
    noise = np.random.default_rng(0).random(200)

    def error(first: int, last: int) -> np.ndarray:
        return noise[first + 1 : last]

    assert len(choose_frames(200, 12, error, least=0.0, fixed=(50,))) == 12


def test_a_path_goes_there_and_back_in_its_loop():
    path = TableWalk.sustained(np.array([0.0, 0.1, 0.5, 1.0]), (0.5, 1.0))

    np.testing.assert_allclose(path.times, [0, 0.1, 0.5, 1.0, 1.5])
    np.testing.assert_allclose(path.places, [0, 85, 171, 256, 171])
    np.testing.assert_allclose(path.at(np.array([1.0, 1.5, 2.0, 2.5, 3.0])), [256, 171, 256, 171, 256])


def test_phases_go_on_between_frames_and_levels_follow_square_roots():
    phases = np.array([[0.0], [0.9 * np.pi]])
    waves = WaveTable(np.array([0, 256]), np.ones((2, 1)), phases).all_waves()
    fading = WaveTable(np.array([0, 256]), np.array([[0.0], [1.0]]), np.zeros((2, 1))).all_waves()

    np.testing.assert_allclose(np.abs(waves).max(1), 1, atol=1e-3)
    np.testing.assert_allclose(fading[128].max(), 0.25, atol=1e-3)


def test_lines_have_the_power_of_noise():
    x = white(1.0)
    lines = line_amplitudes(x, RATE, 21.5, np.linspace(0.2, 0.8, 60))

    assert np.square(lines).sum(1).mean() / 2 == pytest.approx(np.square(x).mean(), rel=0.1)


def test_a_loop_of_noise_has_no_seam_and_the_level_of_the_noise():
    x = white(1.0)
    times = np.linspace(0, 1, 100)
    loop = noise_loop(x, RATE, times, times)
    played = loop.play(np.arange(RATE) / RATE, times, RATE)

    inside = slice(RATE // 5, 4 * RATE // 5)
    assert np.square(played[inside]).mean() == pytest.approx(np.square(x).mean(), rel=0.15)
    seam = abs(float(loop.samples[0] - loop.samples[-1]))
    assert seam <= np.abs(np.diff(loop.samples)).max()


def test_few_lines_are_rough_and_noise_is_not():
    phases = np.random.default_rng(0).uniform(-np.pi, np.pi, (1, 900))
    wave = WaveTable(np.zeros(1, int), np.ones((1, 900)), phases).waves()[0]
    turn = np.mod(21.5 * np.arange(RATE) / RATE, 1) * 2_048

    assert buzz(np.interp(turn, np.arange(2_048), wave), RATE) > 0.6
    assert buzz(white(1.0), RATE) < 0.3


def test_a_line_turns_as_a_tone_beside_it_does():
    hz = 1_005.0
    x = np.cos(2 * np.pi * hz * np.arange(RATE) / RATE + 0.3).astype(np.float32)
    times = np.linspace(0.2, 0.8, 40)
    phases = line_phases(x, RATE, 20.0, times, 60)[:, 49]

    wanted = 0.3 + 2 * np.pi * (hz - 1_000.0) * times
    off = np.mod(phases - wanted + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(off, 0, atol=0.02)


def test_what_plays_is_as_near_in_phase_as_in_level():
    x = tone(220.0) + 0.05 * white(0.8)
    found = Resynthesis.of(x, RATE)
    played = found.sound()

    inside = slice(RATE // 5, RATE * 3 // 5)
    assert float(np.corrcoef(played[inside], x[: len(played)][inside])[0, 1]) > 0.97


def test_one_table_for_all_has_the_key_of_the_pitch_and_follows_keys():
    found = Resynthesis.of(tone(220.0), RATE, options=Options(harmonics=False))

    assert [voice.kind for voice in found.voices] == ["lines"]
    assert (found.key, found.tracks_key) == (57, True)
    ratio = 220.0 / found.voices[0].hz
    assert ratio == pytest.approx(round(ratio), abs=1e-3)


def test_gaps_are_those_of_levels():
    x = white(0.5)

    assert band_gap(x, x, RATE) == 0
    assert band_gap(2 * x, x, RATE) == pytest.approx(6.02, abs=0.1)


@pytest.mark.parametrize(("hz", "seconds"), [(40.0, 0.1), (27.5, 0.15), (27.5, 0.4)])
def test_a_short_low_sound_is_taken_apart(hz: float, seconds: float):
    note = 69 + 12 * np.log2(hz / 440)

    found = Resynthesis.of(tone(hz)[: round(seconds * RATE)], RATE, note=note)

    assert found.key == round(note)
    assert found.seconds == pytest.approx(seconds, abs=1e-3)
