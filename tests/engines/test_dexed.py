"""The Dexed engine where it goes beyond the contract: what a DX7 is known to do, and voices moved by cents."""

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.engines.dexed import Dexed
from patchflow.presets import Value, dx7

RATE = 44_100
ALL_OFF: dict[str, Value] = {f"op{n}.output": 0 for n in range(1, 7)}

NOTE = Note(69, 100, 1.0, 1.0)


def play(note: Note = NOTE, **changes: Value) -> np.ndarray:
    values = {
        **Dexed.space.decode(Dexed.space.default()),
        **{name.replace("_", ".", 1): v for name, v in changes.items()},
    }
    return Dexed().render(Dexed.space.encode(values), note, RATE)


def loudest_hz(sound: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * RATE / len(sound))


def test_a_voice_with_all_operators_off_is_silent():
    values = {**Dexed.space.decode(Dexed.space.default()), **ALL_OFF}
    sound = Dexed().render(Dexed.space.encode(values), Note(hold=0.5, length=1.0), RATE)

    assert np.abs(sound).max() < 1e-3


@pytest.mark.parametrize(("pitch", "hz"), [(57, 220), (69, 440), (81, 880)])
def test_middle_a_is_440_hz(pitch: int, hz: float):
    assert loudest_hz(play(Note(pitch, 100, 1.0, 1.0))) == pytest.approx(hz, abs=1.5)


@pytest.mark.parametrize(("coarse", "factor"), [(0, 0.5), (1, 1), (2, 2), (3, 3)])
def test_coarse_multiplies_the_frequency(coarse: int, factor: float):
    assert loudest_hz(play(op1_coarse=coarse)) == pytest.approx(440 * factor, abs=1.5)


def test_fixed_mode_does_not_follow_the_key():
    low, high = (loudest_hz(play(Note(p, 100, 1.0, 1.0), op1_mode="fixed", op1_coarse=2)) for p in (48, 84))

    assert low == high == pytest.approx(100, abs=1.5)


def test_modulation_adds_overtones():
    plain, bright = play(), play(op2_output=80)

    def overtones(sound: np.ndarray) -> float:
        spectrum = np.abs(np.fft.rfft(sound)) ** 2
        return float(spectrum[600:].sum() / spectrum.sum())

    assert overtones(plain) < 0.01
    assert overtones(bright) > 0.1


def test_operators_two_to_six_are_the_ones_named_so():
    # all are carriers in algorithm 32, so each is heard at its own ratio
    ratios: dict[str, Value] = {f"op{n}_coarse": n for n in range(1, 7)}

    found = [
        loudest_hz(play(NOTE, algorithm="32", op1_output=0, **{f"op{n}_output": 99}, **ratios)) for n in range(2, 7)
    ]

    assert found == pytest.approx([440 * n for n in range(2, 7)], abs=1.5)


SPACE = Dexed.space
PITCH = [f"pitch.level{i}" for i in range(1, 5)]
RATIOS = {"op2.output": 70, "op2.coarse": 4, "op3.output": 80, "op3.coarse": 2, "op4.output": 60, "op4.coarse": 0}


def voice(**changes: Value) -> np.ndarray:
    return SPACE.encode({**SPACE.decode(SPACE.default()), **changes})


def moved(point: np.ndarray, cents: float, *locked: str) -> np.ndarray:
    free = np.array([name not in locked for name in SPACE.names])
    return Dexed().transposed(point[None], np.array([cents]), free)[0]


def changes(point: np.ndarray, cents: float, *locked: str) -> dict[str, Value]:
    """The values that are others than before."""
    before = SPACE.decode(point)
    after = SPACE.decode(moved(point, cents, *locked))
    return {name: value for name, value in after.items() if value != before[name]}


def hz(point: np.ndarray, pitch: int = 60) -> float:
    """The frequency of a pure tone, by the phase of its Fourier transform in two windows."""
    sound = Dexed().render(point, Note(pitch, 100, 2.0, 2.0), RATE)[RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    return float(spectrum.argmax() * RATE / 2**20)


@pytest.mark.parametrize(
    ("cents", "levels", "semitones"),
    [
        (700, 50, 7),
        (-1200, 50, -12),
        (37.5, 51, 0),
        (-37.5, 49, 0),
        (12.5, 53, -1),
        (50, 54, -1),
        (-50, 46, 1),
        (87.5, 47, 2),
        (225, 48, 3),
    ],
)
def test_eighths_of_a_semitone_are_transposition_and_pitch_envelope(cents: float, levels: int, semitones: int):
    wanted: dict[str, Value] = {} if levels == 50 else dict.fromkeys(PITCH, levels)
    if semitones:
        wanted["transpose"] = semitones

    assert changes(voice(), cents) == wanted


@pytest.mark.parametrize("pitch", [36, 60, 84])
def test_what_is_heard_has_moved_by_that_much(pitch: int):
    detuning = [f"op{n}.detune" for n in range(1, 7)]
    before = hz(voice(), pitch)
    for cents in (-1137.5, -700.0, -62.5, 12.5, 25.0, 475.0, 1200.0):
        after = hz(moved(voice(), cents, *detuning), pitch)
        assert 1200 * np.log2(after / before) == pytest.approx(cents, abs=1.5)


@pytest.fixture(scope="module")
def middle() -> float:
    """The frequency of C6 in the middle of the pitch envelope."""
    return hz(voice(), 84)


@pytest.mark.parametrize("level", [*range(5, 33), 60, 80, *range(84, 94), 97, 99])
def test_every_level_of_the_pitch_envelope_is_worth_what_the_table_says(level: int, middle: float):
    at = voice(**dict.fromkeys(PITCH, level))

    back = moved(at, -1200 * np.log2(hz(at, 84) / middle))

    # An entry that is a unit off would be 37.5 cents.
    assert 1200 * np.log2(hz(back, 84) / middle) == pytest.approx(0, abs=6.5)


def test_a_few_cents_are_detuning_alike():
    point = voice(**{"op2.output": 70, "op1.detune": 2, "op2.detune": -3})

    assert changes(point, 5) == {"op1.detune": 5, "op2.detune": 0}
    assert changes(point, -5) == {"op1.detune": -1, "op2.detune": -6}
    assert changes(point, -11, *PITCH) == {"op1.detune": -2, "op2.detune": -7}


def test_a_moving_envelope_keeps_its_shape():
    point = voice(**dict(zip(PITCH, (70, 50, 40, 50), strict=True)))

    assert changes(point, 37.5) == dict(zip(PITCH, (71, 51, 41, 51), strict=True))


def test_an_envelope_at_its_end_moves_in_large_steps():
    # From 127 to 115 units, which is 450 cents lower
    assert changes(voice(**dict.fromkeys(PITCH, 99)), -50) == {**dict.fromkeys(PITCH, 98), "transpose": 4}


def test_octaves_beyond_the_transposition_are_ratios():
    high = voice(transpose=20, **RATIOS)
    low = voice(transpose=-20, **RATIOS)

    assert changes(high, 1200) == {"op1.coarse": 2, "op2.coarse": 8, "op3.coarse": 4, "op4.coarse": 1}
    # Half of the half is no ratio, so that an octave lower is out of reach, and eight levels of 37.5 cents are all.
    assert changes(low, -1200) == {"transpose": -24, **dict.fromkeys(PITCH, 42)}
    assert changes(voice(transpose=-24, **{**RATIOS, "op4.coarse": 2}), -1200) == {
        "op1.coarse": 0,
        "op2.coarse": 2,
        "op3.coarse": 1,
        "op4.coarse": 1,
    }


def test_octaves_are_ratios_where_the_speed_of_envelopes_follows_the_key():
    scaled = {"op1.rate_scaling": 3}

    assert changes(voice(), 1200) == {"transpose": 12}
    assert changes(voice(**scaled), 1200) == {"op1.coarse": 2}
    assert changes(voice(**scaled), 1900) == {"op1.coarse": 2, "transpose": 7}
    assert changes(voice(**scaled), -1200) == {"op1.coarse": 0}
    # Out of reach for ratios
    assert changes(voice(**{"op1.coarse": 17}, **scaled), 1200) == {"transpose": 12}
    # What is not heard does not matter.
    assert changes(voice(**{"op2.rate_scaling": 7, "op2.output": 0}), 1200) == {"transpose": 12}


def test_fixed_frequencies_move_only_where_they_are_the_pitch():
    fixed = {"op1.mode": "fixed", "op1.coarse": 2, "op1.fine": 90}
    click = {"op3.mode": "fixed", "op3.coarse": 2, "op3.fine": 90, "op3.output": 80}

    # 100 steps are a decade: 12 log2(10) cents each
    assert changes(voice(**fixed), 12 * np.log2(10) * 20) == {"op1.coarse": 3, "op1.fine": 10}
    assert changes(voice(**click), 100) == {"transpose": 1}
    assert hz(moved(voice(**fixed), 1200)) == pytest.approx(2 * hz(voice(**fixed)), rel=0.012)


def test_modulators_of_a_carrier_that_hardly_moves_are_the_pitch():
    noise = {"op1.mode": "fixed", "op1.coarse": 0, "op1.fine": 0, "op2.output": 99}

    assert changes(voice(**noise), 300) == {"transpose": 3}


def test_level_scaling_stays_on_its_keys():
    point = voice(**{"op1.right_depth": 40, "op1.breakpoint": 39})

    assert changes(point, -500) == {"transpose": -5, "op1.breakpoint": 34}


def test_what_is_locked_stays():
    point = voice(**RATIOS)

    assert set(changes(point, 1210, "transpose")) >= {"op1.coarse", "op2.coarse", "op3.coarse", "op4.coarse"}
    assert changes(point, 30, "pitch.level1", "op1.detune") == {}
    assert changes(point, 490, "pitch.level1", "op1.detune") == {"transpose": 5}
    assert changes(point, 1234, *SPACE.names) == {}


def test_voices_are_moved_each_by_its_own_cents_and_stay_canonical():
    rng = np.random.default_rng(0)
    points = dx7.canonical(rng.random((200, len(SPACE))))
    cents = np.where(np.arange(200) % 4 == 0, 0, rng.uniform(-2000, 2000, 200))

    together = Dexed().transposed(points, cents)

    np.testing.assert_array_equal(together[::4], points[::4])
    np.testing.assert_array_equal(together, np.array([moved(*each) for each in zip(points, cents, strict=True)]))
    np.testing.assert_array_equal(dx7.canonical(together), together)
