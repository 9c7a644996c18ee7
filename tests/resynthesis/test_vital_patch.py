"""`patchflow.resynthesis.vital_patch`: the preset as an instrument, played by Vital."""

import numpy as np
import pytest

from patchflow.engines import Engine, Note, engines
from patchflow.presets import Preset
from patchflow.presets.formats.vital import Vital
from patchflow.presets.vital import NEWEST
from patchflow.resynthesis import Options, Resynthesis
from patchflow.resynthesis.vital_patch import MACROS, vital_document
from tests.resynthesis.recordings import RATE, note_with_release, spectrum_gap, tone, white

KEY = 60
HZ = 261.63


@pytest.fixture(scope="module")
def vital() -> Engine:
    return engines["vital"]()


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    t = np.arange(RATE) / RATE
    swelling = np.minimum(1, t / 0.05) * (1 + 0.3 * np.sin(2 * np.pi * 2 * t))
    return (tone(HZ, 1.0) * swelling).astype(np.float32)


@pytest.fixture(scope="module")
def found(recording: np.ndarray) -> Resynthesis:
    return Resynthesis.of(recording, RATE)


@pytest.fixture(scope="module")
def preset(found: Resynthesis) -> Preset:
    return found.vital("Tone")


def played(engine: Engine, preset: Preset, note: Note) -> np.ndarray:
    engine.build_on(preset.state)
    return engine.render(engine.space.encode(preset.values), note, RATE)


def level(samples: np.ndarray) -> float:
    """In dB."""
    return 20 * float(np.log10(np.sqrt(np.square(samples).mean()) + 1e-9))


def partial(samples: np.ndarray, hz: float) -> float:
    """Frequency of the highest peak within a semitone of a frequency."""
    size = 4 * len(samples)
    magnitude = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    step = RATE / size
    first = int(hz / 2 ** (1 / 12) / step)
    last = int(hz * 2 ** (1 / 12) / step) + 1
    return (first + int(magnitude[first:last].argmax())) * step


def test_all_is_in_the_document(found: Resynthesis, preset: Preset):
    document = vital_document(found)
    settings = document["settings"]
    table = settings["wavetables"][0]

    assert document["synth_version"] == table["version"] == NEWEST
    assert table["full_normalize"] is False
    assert settings["osc_1_random_phase"] == 0
    assert settings["lfos"][0]["num_points"] == len(settings["lfos"][0]["points"]) // 2 <= 100
    assert [document[f"macro{n}"] for n in range(1, 5)] == [name.upper() for name in MACROS]
    text = Vital().write([preset])
    assert len(text) < 1_000_000
    again = Vital().read(text)
    assert (again.mended, again.rejected) == ((), ())
    assert again.presets[0].state == preset.state


def test_a_file_stays_below_its_limit():
    rich = tone(220, 2.0) + white(2.0)
    for most in (300_000, 2_000_000):
        text = Vital().write([Resynthesis.of(rich, RATE, options=Options(most_bytes=most)).vital("Rich")])
        assert most / 3 < len(text) <= most


def test_one_document_does_not_change_the_next(found: Resynthesis, preset: Preset):
    Resynthesis.of(white(0.3), RATE).vital("Noise")

    assert found.vital("Tone") == preset
    assert b'"name":"position"' in preset.state


@pytest.mark.slow
def test_vital_plays_what_was_recorded(vital: Engine, recording: np.ndarray, found: Resynthesis, preset: Preset):
    sound = played(vital, preset, Note(KEY, 100, found.course.hold, 1.0))

    scale = 10 ** ((level(recording) - level(sound)) / 20)
    assert spectrum_gap(recording, scale * sound) < 2.5


@pytest.mark.slow
@pytest.mark.parametrize("key", [24, 36, 48, 60, 72, 84, 96])
def test_it_is_in_tune_on_every_key(vital: Engine, preset: Preset, key: int):
    sound = played(vital, preset, Note(key, 100, 1.5, 1.5))[RATE // 4 :]

    for k in (1, 2, 4):
        hz = k * HZ * 2 ** ((key - KEY) / 12)
        assert abs(1200 * np.log2(partial(sound, hz) / hz)) < 10, k


@pytest.mark.slow
def test_a_held_key_goes_on_without_a_click_and_a_release_ends_it(vital: Engine, found: Resynthesis, preset: Preset):
    sound = played(vital, preset, Note(KEY, 100, 4.0, 5.0))
    at = np.arange(len(sound)) / RATE

    held = level(sound[(at > 3) & (at < 4)])
    assert held > level(sound[(at > 0.5) & (at < 1)]) - 6
    assert level(sound[at > 4.6]) < held - 60
    # The tone has nothing above 2 kHz: what is there at a turn of the path is a click.
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / RATE) < 6_000] = 0
    high = np.abs(np.fft.irfft(spectrum, len(sound)))
    assert found.path.loop is not None
    turn = found.path.seconds - found.path.loop
    for time in np.arange(found.path.seconds, 3.9, turn / 2):
        near = np.abs(at - time) < 0.03
        assert high[near].max() < 1e-3 * np.abs(sound).max()


@pytest.mark.slow
def test_a_release_is_played_when_the_key_is_let_go_however_late(vital: Engine):
    recorded = note_with_release(0.8, 40, 0.4)
    found = Resynthesis.of(recorded, RATE)
    preset = found.vital("Note")
    early = played(vital, preset, Note(KEY, 100, found.course.hold, 1.2))
    late = played(vital, preset, Note(KEY, 100, 3.0, 3.6))

    def course(sound: np.ndarray) -> np.ndarray:
        at = np.arange(0.1, 1.15, 0.05)
        return np.array([level(sound[round(t * RATE) :][: RATE // 20]) for t in at])

    wanted = course(recorded)
    loud = wanted > wanted.max() - 35
    gap = course(early) - wanted
    assert np.ptp(gap[loud]) < 5
    assert level(late[round(2.5 * RATE) : 3 * RATE]) == pytest.approx(level(early[RATE // 2 : RATE * 3 // 4]), abs=1)
    fallen = [level(late[round(t * RATE) :][: RATE // 20]) - level(late[2 * RATE : 3 * RATE]) for t in (3.1, 3.3)]
    assert fallen == pytest.approx([-12.5, -32.5], abs=4)
    assert level(late[round(3.55 * RATE) :]) < level(late[2 * RATE : 3 * RATE]) - 70


@pytest.mark.slow
def test_noise_by_a_loop_is_as_loud_as_it_was_and_nothing_else_sounds(vital: Engine):
    t = np.arange(RATE) / RATE
    swelling = white(1.0) * np.interp(t, [0, 0.5, 1], [0.1, 1, 0.3]).astype(np.float32)
    preset = Resynthesis.of(swelling, RATE, options=Options(noise="loop")).vital("Noise")
    sound = played(vital, preset, Note(KEY, 100, 1.0, 1.0))

    louder = [level(sound[part]) - level(swelling[part]) for part in np.array_split(np.arange(RATE), 5)]
    assert np.ptp(louder) < 3
    spectrum = np.abs(np.fft.rfft(sound))
    assert spectrum.max() < 12 * np.sqrt(np.square(spectrum).mean())


@pytest.mark.slow
def test_soft_keys_are_softer(vital: Engine, preset: Preset):
    levels = [level(played(vital, preset, Note(KEY, velocity, 0.5, 0.5))) for velocity in (30, 80, 127)]

    assert levels[0] < levels[1] - 3 < levels[2] - 5


@pytest.mark.slow
def test_what_died_away_stays_so(vital: Engine):
    t = np.arange(RATE) / RATE
    plucked = tone(220, 1.0) * np.exp(-4 * t).astype(np.float32)
    preset = Resynthesis.of(plucked, RATE).vital("Plucked")
    sound = played(vital, preset, Note(57, 100, 3.5, 3.5))

    fallen = [level(sound[round(s * RATE) :][: RATE // 5]) for s in (0.1, 0.8, 1.5, 3.0)]
    assert fallen[1] == pytest.approx(fallen[0] - 24.3, abs=4)
    assert fallen[2] < fallen[1] - 12
    assert fallen[3] < fallen[0] - 55


@pytest.mark.slow
def test_macros_do_what_they_are_called(vital: Engine):
    t = np.arange(RATE) / RATE
    fading = np.stack([np.sin(2 * np.pi * k * HZ * t) * np.exp(-k * t) for k in range(1, 9)]).sum(0)
    note = (0.1 * fading * np.minimum(1, t / 0.4) + 0.05 * white(1.0)).astype(np.float32)
    document_of = Resynthesis.of(note, RATE).vital("Note")

    def moved(number: int, value: float) -> np.ndarray:
        text = Vital().write([document_of]).decode()
        key = f'"macro_control_{number}":'
        start = text.index(key) + len(key)
        end = start + min(text[start:].index(sign) for sign in ",}")
        changed = Vital().read((text[:start] + str(value) + text[end:]).encode()).presets[0]
        return played(vital, changed, Note(KEY, 100, 1.0, 1.0))

    def centroid(sound: np.ndarray) -> float:
        magnitude = np.abs(np.fft.rfft(sound))
        return float((magnitude * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / magnitude.sum())

    start = slice(0, RATE // 20)
    assert level(moved(1, 0.5)[start]) > level(moved(1, 0.0)[start]) + 3
    between = [level(np.diff(moved(2, value))) for value in (0.0, 0.5, 1.0)]
    assert between[0] < between[1] - 3 < between[2] - 5
    bright = [centroid(moved(3, value)) for value in (0.0, 0.5, 1.0)]
    assert bright[0] < 0.7 * bright[1] < bright[2]
    attack = slice(RATE // 10, RATE // 5)
    assert level(moved(4, 0.0)[attack]) > level(moved(4, 0.5)[attack]) + 2 > level(moved(4, 1.0)[attack]) + 4
