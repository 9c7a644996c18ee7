"""The picture: a PNG that shows what it is given."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from patchflow.match.output.picture import Panel, plot

RATE = 44_100


def sine(hz: float, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def image(*panels: Panel) -> np.ndarray:
    return imread(io.BytesIO(plot(panels, RATE)))


def test_the_same_sounds_give_the_same_bytes():
    panels = [Panel(sine(440), "Target", "a.wav"), Panel(sine(220), "1.00 dB", "A3")]

    assert plot(panels, RATE) == plot(panels, RATE)


def test_a_column_for_each_sound_at_100_dots_an_inch():
    widths = [image(*[Panel(sine(440), "x", "y")] * n).shape[1] for n in (1, 2, 3)]

    assert np.diff(widths).tolist() == [260, 260]


def test_a_higher_tone_is_drawn_higher():
    assert brightest_row(4_000) < brightest_row(1_000) < brightest_row(200)


def brightest_row(hz: float) -> int:
    picture = image(Panel(sine(hz, 1.0), "", ""))[:, :, :3].sum(2)
    return int(picture[225:432, 100:320].mean(1).argmax())


def test_an_octave_takes_the_same_room_in_the_bass_as_in_the_treble():
    rows = [brightest_row(440 * 2**octave) for octave in (-3, -2, 0, 1, 3, 4)]

    assert rows[0] - rows[1] == pytest.approx(rows[2] - rows[3], abs=2)
    assert rows[2] - rows[3] == pytest.approx(rows[4] - rows[5], abs=2)
    assert rows[0] - rows[1] > 20


def test_a_bass_and_the_note_above_are_seen_apart():
    rows = [brightest_row(hz) for hz in (65.4, 73.4)]

    assert rows[0] - rows[1] == pytest.approx(4, abs=1)


def test_four_lines_of_words_do_not_touch_each_other_or_the_waveform():
    words = "Wg|"
    picture = image(Panel(0.01 * sine(440), words, words, (words, words)), Panel(sine(440), "", ""))

    inked = (np.abs(picture[:112, 95:330, :3] - picture[0, 0, :3]).sum((1, 2)) > 1).astype(int)
    assert (np.diff(inked) == 1).sum() == 4
    assert not inked[-8:].any()


def test_a_quieter_candidate_is_drawn_smaller():
    loud, quiet = Panel(sine(440), "", ""), Panel(0.1 * sine(440), "", "")

    def filled(panel: Panel) -> float:
        cyan = image(loud, panel)[:210, 345:, :3] @ [-1, 0.5, 0.5]
        return float((cyan > 0.2).mean())

    assert filled(quiet) < 0.5 * filled(loud)


@pytest.mark.parametrize("samples", [1, 2, 441, 44_100 * 6])
def test_any_length_can_be_drawn(samples):
    assert image(Panel(np.ones(samples, np.float32), "x", "y")).shape[0] == 490


def test_silence_can_be_drawn():
    picture = image(Panel(np.zeros(4_410, np.float32), "x", "y"))

    assert picture[300, 200, :3].max() < 0.15  # a line at an octave is fainter


@pytest.mark.parametrize("words", ["$x_{", "音 🎹", "a" * 300, "tab\tnew\nline", ""])
def test_any_words_can_be_drawn(words):
    assert image(Panel(sine(440), words, words)).shape == image(Panel(sine(440), "x", "y")).shape


def test_a_mark_for_right_to_left_text_turns_nothing_around():
    written = image(Panel(sine(440), "x", "bell\u202egpj.wav"))
    spelt = image(Panel(sine(440), "x", r"bell\u202egpj.wav"))

    assert np.array_equal(written, spelt)


def test_no_more_than_six_columns_are_drawn():
    panels = [Panel(sine(440), "x", "y")] * 9

    assert plot(panels, RATE) == plot(panels[:6], RATE)


@pytest.mark.parametrize("letter", ["i", "W", "語"])
def test_long_words_do_not_reach_into_the_next_panel(letter):
    few, many = (image(*[Panel(sine(440), letter * n, letter * n, (letter * n,) * 2)] * 2) for n in (0, 300))

    changed = np.abs(few - many)[:105].sum((0, 2)) > 0
    assert changed[328:348].sum() == 0
    assert changed[95:320].sum() > 100
