"""What is said about sounds that are no steady single note, and about their tuning."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from patchflow.audio.pitch import Pitch, estimate_pitch
from patchflow.audio.pitch.estimate import NOTES, _spread
from patchflow.audio.pitch.remarks import UNPITCHED

RATE = 44_100
TIME = np.arange(round(1.5 * RATE)) / RATE
RNG = np.random.default_rng(0)


def saw(pitch: float | np.ndarray, seconds: float = 1.5) -> np.ndarray:
    """A tone with all harmonics, whose pitch may move."""
    frequency = np.broadcast_to(440 * 2 ** ((np.asarray(pitch) - 69) / 12), (round(seconds * RATE),))
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    count = min(30, int(15_000 / frequency.max()))
    return sum((np.sin(k * phase) / k for k in range(1, count + 1)), np.zeros(len(phase)))


def sine(pitch: float) -> np.ndarray:
    return np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * TIME)


def heard(x: np.ndarray) -> Pitch:
    return estimate_pitch(x.astype(np.float32), RATE)


@pytest.mark.parametrize(
    ("notes", "names"),
    [
        ((48, 52, 55), "C3, E3, G3"),
        ((57, 60, 64), "A3, C4, E4"),
        ((52, 55, 60), "E3, G3, C4"),
        ((60, 64, 67, 71), "C4, E4, G4, B4"),
        ((60, 64), "C4, E4"),
        ((48, 55), "C3, G3"),
    ],
)
def test_a_chord_is_named_and_its_lowest_note_is_taken(notes: tuple[int, ...], names: str):
    found = heard(sum((saw(note) for note in notes), np.zeros(len(TIME))))

    assert found.remark == f"several notes sound at once ({names}): the search takes {names.split(',')[0]}"
    assert found.guesses[0].pitch == notes[0]
    assert found.sounding == pytest.approx(notes[0], abs=0.05)
    assert set(notes) <= {guess.pitch for guess in found.guesses} | set(notes[3:])


def harmonics(pitch: float, numbers: tuple[int, ...]) -> np.ndarray:
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    return sum((np.sin(2 * np.pi * k * frequency * TIME) for k in numbers), np.zeros(len(TIME)))


@pytest.mark.parametrize("note", [36, 48, 57, 60])
@pytest.mark.parametrize("weak", [0.0, 0.05])
def test_a_note_without_its_fundamental_is_no_chord(note: int, weak: float):
    found = heard(harmonics(note, (2, 3, 4, 6, 9)) + weak * harmonics(note, (1, 5, 7)))

    assert (found.guesses[0].pitch, found.remark) == (note, "")
    assert found.sounding == pytest.approx(note, abs=0.05)


def test_notes_beyond_the_keyboard_are_told_as_its_last():
    chances = _spread(np.array([110.0, 114.0]), 110.0)

    assert chances.sum() == pytest.approx(2)
    assert NOTES[chances.argmax()] == 108


def test_an_octave_is_one_note():
    found = heard(saw(48) + saw(60))

    assert (found.guesses[0].pitch, found.remark) == (48, "")


def test_one_note_after_the_other_is_no_chord():
    assert "at once" not in heard(np.concatenate([saw(48, 0.75), saw(52, 0.75)])).remark


@pytest.mark.parametrize(
    ("start", "semitones", "said"),
    [(45, 12, "A2 to A3"), (69, -7, "A4 to D4"), (60, 3, "C4 to D#4")],
)
def test_a_glide_is_told_by_its_ends(start: int, semitones: int, said: str):
    found = heard(saw(start + semitones * TIME / TIME[-1]))

    assert found.remark == f"the pitch glides from {said}"
    assert found.pitched
    assert min(start, start + semitones) <= found.guesses[0].pitch <= max(start, start + semitones)


def test_a_glide_that_arrives_is_the_note_where_it_rests():
    found = heard(saw(45 + 12 * np.clip(TIME / 0.4, 0, 1)))

    assert found.guesses[0].pitch == 57
    assert found.guesses[0].cents == pytest.approx(0, abs=5)
    assert found.remark.startswith("the pitch glides from ")
    assert found.remark.endswith(" to A3")


@pytest.mark.parametrize(("times", "depth"), [(5.5, 0.5), (3.0, 0.4), (6.5, 1.0)])
def test_a_vibrato_is_tuned_to_its_middle(times: float, depth: float):
    found = heard(saw(69 + depth * np.sin(2 * np.pi * times * TIME)))

    said = re.fullmatch(r"vibrato, (.*) times a second, (.*) cents either way", found.remark)
    assert said
    assert float(said[1]) == pytest.approx(times, abs=0.3)
    assert float(said[2]) == pytest.approx(100 * depth, rel=0.25)
    assert found.guesses[0].pitch == 69
    assert found.guesses[0].cents == pytest.approx(0, abs=8)


FEW_PARTIALS = {
    "sine": (1.0,),
    "whistle": (1.0, 0.02),
    "ocarina": (1.0, 0.3),
    "triangle": (1.0, 0.0, -1 / 9, 0.0, 1 / 25, 0.0, -1 / 49),
}


def few(kind: str, pitch: float | np.ndarray) -> np.ndarray:
    """A tone of few partials, whose pitch may move, with a short attack and release."""
    frequency = np.broadcast_to(440 * 2 ** ((np.asarray(pitch) - 69) / 12), TIME.shape)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    tone = sum((a * np.sin(k * phase) for k, a in enumerate(FEW_PARTIALS[kind], 1)), np.zeros(len(phase)))
    return tone * np.clip(np.minimum(TIME / 0.02, (TIME[-1] - TIME) / 0.05), 0, 1)


@pytest.mark.parametrize("kind", FEW_PARTIALS)
@pytest.mark.parametrize("note", [36, 48, 60, 72, 84])
@pytest.mark.parametrize("depth", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("times", [5.0, 7.0])
def test_a_vibrato_of_few_partials_is_told(kind: str, note: int, depth: float, times: float):
    found = heard(few(kind, note + depth * np.sin(2 * np.pi * times * TIME)))

    said = re.fullmatch(r"vibrato(?: or a trill)?, (.*) times a second, (.*) cents either way", found.remark)
    assert said
    assert float(said[1]) == pytest.approx(times, abs=0.4)
    # The network smooths what it hears: of the depth, half may be left.
    assert 0.4 < float(said[2]) / (100 * depth) < 1.2
    assert found.pitched
    assert found.guesses[0].pitch == note
    assert found.sounding == pytest.approx(note, abs=0.15)


@pytest.mark.parametrize("kind", FEW_PARTIALS)
@pytest.mark.parametrize("note", [36, 48, 60, 72])
@pytest.mark.parametrize("level", ["tremolo", "dying"])
def test_a_vibrato_of_few_partials_is_told_whatever_the_level_does(kind: str, note: int, level: str):
    gain = 1 - 0.9 * (0.5 + 0.5 * np.sin(2 * np.pi * 4.3 * TIME)) if level == "tremolo" else np.exp(-2 * TIME)

    found = heard(gain * few(kind, note + np.sin(2 * np.pi * 6 * TIME)))

    assert found.remark.startswith("vibrato, ")
    assert found.guesses[0].pitch == note
    assert found.sounding == pytest.approx(note, abs=0.15)


@pytest.mark.parametrize("kind", FEW_PARTIALS)
@pytest.mark.parametrize("note", [36, 48, 60, 72])
@pytest.mark.parametrize("depth", [0.0, 0.2])
def test_hardly_any_vibrato_of_few_partials_is_a_steady_note(kind: str, note: int, depth: float):
    found = heard(few(kind, note + depth * np.sin(2 * np.pi * 6 * TIME)))

    assert found.pitched
    assert found.remark == ""
    assert found.sounding == pytest.approx(note, abs=0.1)


@pytest.mark.parametrize("kind", FEW_PARTIALS)
@pytest.mark.parametrize("note", [36, 48, 60, 72])
@pytest.mark.parametrize("semitones", [-12, 4])
def test_a_glide_of_few_partials_is_told(kind: str, note: int, semitones: int):
    found = heard(few(kind, note + semitones * TIME / TIME[-1]))

    assert found.pitched
    assert found.remark.startswith("the pitch glides from ")


def test_a_slow_vibrato_is_told():
    t = np.arange(4 * RATE) / RATE

    assert heard(saw(60 + 0.5 * np.sin(2 * np.pi * 1.0 * t), 4.0)).remark.startswith("vibrato, 1.0 times a second, ")


def scoops(note: float, size: float, times: tuple[float, ...], seconds: float, width: float) -> np.ndarray:
    """A note whose pitch goes away and comes back at some times."""
    t = np.arange(round(seconds * RATE)) / RATE
    away = sum((np.exp(-np.square((t - time) / width)) for time in times), np.zeros(len(t)))
    return saw(note + size * away, seconds)


@pytest.mark.parametrize("note", [48, 57, 69])
def test_two_notes_in_a_row_are_no_vibrato_and_one_of_them_sounds(note: int):
    found = heard(saw(np.repeat([note, note + 1], round(0.28 * RATE)), 0.56))

    assert found.remark == ""
    assert found.sounding is not None
    assert min(abs(found.sounding - note), abs(found.sounding - note - 1)) < 0.05


@pytest.mark.parametrize("note", [48, 57, 69])
def test_a_repeated_note_that_begins_with_a_scoop_is_no_vibrato(note: int):
    found = heard(scoops(note, -1.2, (0, 0.25, 0.5, 0.75, 1.0, 1.25), 1.5, 0.04))

    assert found.remark == ""
    assert found.sounding == pytest.approx(note, abs=0.15)


@pytest.mark.parametrize("note", [48, 57, 69])
def test_one_bend_of_a_short_note_is_no_vibrato(note: int):
    assert heard(scoops(note, 0.8, (0.15,), 0.35, 0.05)).remark == ""


@pytest.mark.parametrize("times", [5.0, 7.0])
@pytest.mark.parametrize(("note", "names"), [(48, "C3 and C#3"), (57, "A3 and A#3"), (69, "A4 and A#4")])
def test_a_trill_is_told_by_its_notes(note: int, names: str, times: float):
    found = heard(saw(note + (np.sin(2 * np.pi * times * TIME) > 0)))

    said = re.fullmatch(r"a trill between (.*), (.*) times a second", found.remark)
    assert said
    assert said[1] == names
    assert float(said[2]) == pytest.approx(times, abs=0.3)


def test_a_siren_is_told_by_its_range():
    found = heard(saw(69 + 6 * np.sin(2 * np.pi * TIME)))

    assert found.remark == "the pitch moves between D#4 and D#5"
    assert found.pitched


@pytest.mark.parametrize(("note", "cents"), [(36, 15), (57, 15), (60, 30), (69, 10)])
def test_detuned_voices_are_tuned_to_their_middle(note: int, cents: int):
    found = heard(saw(note - cents / 200) + saw(note + cents / 200))

    assert re.fullmatch(r"voices \d+ cents apart sound on [A-G]#?\d", found.remark)
    assert float(found.remark.split()[1]) == pytest.approx(cents, abs=1)
    assert found.guesses[0].pitch == note
    assert found.guesses[0].cents == pytest.approx(0, abs=cents / 2 + 1)


@pytest.mark.parametrize("sound", [sine, saw], ids=["sine", "saw"])
def test_a_sub_below_30_hz_is_heard_and_told(sound: Callable[[float], np.ndarray]):
    found = heard(sound(21))

    assert found.remark == "the fundamental is 27.5 Hz (A0): below 30 Hz it is felt more than heard"
    assert found.guesses[0].pitch == 21
    assert found.guesses[0].f0 == pytest.approx(27.5, abs=0.1)


@pytest.mark.parametrize("note", [28, 36, 48, 60, 72, 84])
@pytest.mark.parametrize("cents", [40, -40, 25])
def test_a_tuning_between_keys_is_told(note: int, cents: int):
    found = heard(saw(note + cents / 100))

    side = "above" if cents > 0 else "below"
    said = re.fullmatch(rf"it sounds (\d+) cents {side} [A-G]#?\d", found.remark)
    assert said
    assert float(said[1]) == pytest.approx(abs(cents), abs=1)
    assert found.guesses[0].pitch == note
    assert found.guesses[0].cents == pytest.approx(cents, abs=1)


@pytest.mark.parametrize("note", [36, 45, 57, 60, 64, 69, 84])
def test_a_tuning_to_432_hz_is_told(note: int):
    found = heard(saw(note - 0.3177))

    said = re.fullmatch(r"it sounds (\d+) cents below [A-G]#?\d, as if A were tuned to 432 Hz", found.remark)
    assert said
    assert float(said[1]) == pytest.approx(31.8, abs=1)
    assert found.guesses[0].cents == pytest.approx(-31.8, abs=1)


FALLING = 50 * (1 + 4 * np.exp(-TIME / 0.03))
DRUMS = {
    "noise": RNG.standard_normal(len(TIME)),
    "short noise": RNG.standard_normal(2_000),
    "hat": np.diff(RNG.standard_normal(len(TIME)), 2) * np.exp(-TIME[2:] / 0.05),
    "snare": (RNG.standard_normal(len(TIME)) + 0.5 * np.sin(2 * np.pi * 190 * TIME)) * np.exp(-TIME / 0.08),
    "kick": np.sin(2 * np.pi * np.cumsum(FALLING) / RATE) * np.exp(-TIME / 0.12),
    "tom": np.sin(2 * np.pi * np.cumsum(110 * (1 + 0.6 * np.exp(-TIME / 0.08))) / RATE) * np.exp(-TIME / 0.15),
    "tone lost in noise": RNG.standard_normal(len(TIME)) + 0.2 * saw(60),
}


@pytest.mark.parametrize("sound", DRUMS)
def test_drums_and_noise_have_no_pitch(sound: str):
    found = heard(DRUMS[sound])

    assert (found.pitched, found.sounding, found.remark) == (False, None, UNPITCHED)
    assert all(guess.cents == 0 for guess in found.guesses)


ORDINARY = {
    "a little chorus": saw(57.025) + saw(56.975),
    "saw": saw(48),
    "dying": saw(48) * np.exp(-TIME / 0.3),
    "short": saw(60, 0.2),
    "bass": saw(24),
    "sine": sine(60),
    "a little out of tune": saw(60.12),
    "a little vibrato": saw(60 + 0.1 * np.sin(2 * np.pi * 5 * TIME)),
    "tremolo": saw(57) * (1 + 0.8 * np.sin(2 * np.pi * 6 * TIME)),
    "deep tremolo": saw(57) * (1 + np.sin(2 * np.pi * 5 * TIME)),
    "repeated": saw(57) * np.clip(TIME * 4 % 1 / 0.04, 0, 1) * np.clip((0.8 - TIME * 4 % 1) / 0.04, 0, 1),
    "with noise": saw(60) + 0.3 * RNG.standard_normal(len(TIME)),
    "hollow": sine(60) + 0.5 * np.sin(2 * np.pi * 3 * 261.6256 * TIME),
    "no fundamental": saw(36) - sine(36),
    "stretched": sum(np.sin(2 * np.pi * 110 * k * np.sqrt(1 + 3e-4 * k * k) * TIME) / k for k in range(1, 20)),
}


@pytest.mark.parametrize("sound", ORDINARY)
def test_an_ordinary_note_is_nothing_to_speak_of(sound: str):
    found = heard(ORDINARY[sound])

    assert found.pitched
    assert found.remark == ""


def bell(ratios: tuple[float, ...]) -> np.ndarray:
    return sum((np.exp(-TIME * r) * np.sin(2 * np.pi * 440 * r * TIME) / r for r in ratios), np.zeros(len(TIME)))


CLANGS = {
    "bell": bell((0.5, 1, 1.183, 1.506, 2, 2.514, 2.662, 3.011, 4.166)),
    "FM bell": np.sin(2 * np.pi * 440 * TIME + 3 * np.exp(-2 * TIME) * np.sin(2 * np.pi * 622.2 * TIME)),
    "ring": np.sin(2 * np.pi * 440 * TIME) * np.sin(2 * np.pi * 623 * TIME) * np.exp(-TIME),
    "ring modulated saw": saw(57) * np.sin(2 * np.pi * 317 * TIME),
}


@pytest.mark.parametrize("sound", CLANGS)
def test_an_inharmonic_sound_is_neither_a_chord_nor_out_of_tune(sound: str):
    assert heard(CLANGS[sound]).remark in ("", UNPITCHED)
