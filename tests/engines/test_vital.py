"""Vital: what cannot be heard, modulations in any slot, and presets of one's own files."""

import json
from dataclasses import replace

import numpy as np
import pytest

from patchflow.data.sampler import jitter
from patchflow.engines import Note
from patchflow.engines.vital import Vital
from patchflow.engines.vital_full import VitalFull
from patchflow.errors import PresetError
from patchflow.hosts import HostProcess
from patchflow.presets import ParamSpace, Preset
from patchflow.presets.formats.vital import Vital as Format
from patchflow.presets.vital import CORE, FULL
from tests.vital_files import document, packed

pytestmark = pytest.mark.slow

RATE = 22_050
NOTE = Note(60, 100, hold=0.2, length=0.3)


def lively(space: ParamSpace, seed: int) -> np.ndarray:
    """A preset that is heard: half of its parts are changed, but not its loudness."""
    rng = np.random.default_rng(seed)
    point = space.default()
    for group, members in space.groups.items():
        if rng.random() < 0.5 and group not in ("env_1", "voice"):
            changed = np.array(members)[rng.random(len(members)) < rng.random()]
            point[changed] = rng.random(len(changed))
    point[space.index["osc_1.on"]] = 0.75
    return space.snap(point)


def changed(**values: float | str) -> np.ndarray:
    """The fresh preset with other values, by names with __ for the dot."""
    own = {name.replace("__", "."): value for name, value in values.items()}
    return CORE.encode(CORE.decode(CORE.default()) | own)


@pytest.mark.parametrize("engine", [Vital, VitalFull])
def test_what_is_reset_cannot_be_heard(engine: type[Vital] | type[VitalFull]):
    player, heard = engine(), 0
    for seed in range(12):
        point = lively(engine.space, seed)
        canonical = player.canonical(point[None])[0]
        sound = player.render(point, NOTE, RATE)
        np.testing.assert_array_equal(sound, player.render(canonical, NOTE, RATE))
        heard += bool(np.abs(sound).max() > 0.001)
        assert (canonical != point).any()
    assert heard >= 6


def test_a_distortion_by_an_oscillator_that_is_off_keeps_it():
    point = changed(osc_1__distortion_type="FM <- Osc 2", osc_2__on="Off", osc_2__transpose=7)

    assert CORE.decode(Vital().canonical(point[None])[0])["osc_2.transpose"] == 7


def test_an_lfo_that_a_file_uses_beyond_the_core_is_kept():
    state = {"settings": {"modulations": [{"source": "", "destination": ""}] * 8 + [ROUTE]}}
    point = changed(lfo_2__frequency=7.0)
    engine = Vital()
    alone = CORE.decode(engine.canonical(point[None])[0])["lfo_2.frequency"]

    engine.build_on(json.dumps(state).encode())

    assert CORE.decode(engine.canonical(point[None])[0])["lfo_2.frequency"] == pytest.approx(7.0)
    assert alone == pytest.approx(2.0)


ROUTE = {"source": "lfo_2", "destination": "osc_1_level"}


@pytest.mark.parametrize("slots", [(1, 2), (2, 7), (8, 3)])
def test_modulations_sound_as_in_a_file_whatever_their_slots(slots: tuple[int, int]):
    first, second = slots
    values = {
        f"modulation_{first}__source": "lfo_1",
        f"modulation_{first}__destination": "osc_1_level",
        f"modulation_{first}__amount": 0.5,
        f"modulation_{first}__bipolar": "On",
        f"modulation_{second}__source": "env_2",
        f"modulation_{second}__destination": f"modulation_{first}_amount",
        f"modulation_{second}__amount": 0.7,
    }
    assert_sounds_as_its_file(changed(**values))


@pytest.mark.parametrize("again", ["lfo_1", "slide"])
def test_modulations_that_cannot_be_connected_one_by_one_sound_as_in_a_file(again: str):
    values = {f"modulation_{n}__source": again for n in (2, 5)}
    values |= {f"modulation_{n}__destination": "osc_1_transpose" for n in (2, 5)}
    assert_sounds_as_its_file(changed(modulation_2__amount=0.3, modulation_5__amount=-0.1, **values))


def assert_sounds_as_its_file(point: np.ndarray) -> None:
    data = Format().write([Preset("vital", CORE.decode(point))])
    asked = {"pitch": NOTE.pitch, "velocity": NOTE.velocity, "hold": NOTE.hold, "length": NOTE.length + 1 / RATE}
    with HostProcess("vita") as host:
        expected = np.frombuffer(host.ask("render", asked, data, rate=RATE).data, np.float32)[: NOTE.samples(RATE)]

    np.testing.assert_array_equal(Vital().render(point, NOTE, RATE), expected)


def test_all_parameters_and_the_core_play_the_same_file_alike():
    point = lively(CORE, 3)
    data = Format().write([Preset("vital", CORE.decode(point))])
    values = FULL.decode(FULL.default()) | dict(Format().read(data).presets[0].values)
    full = replace(Format().read(data).presets[0], synth="vital_full", values=values)

    sound = VitalFull().render(FULL.encode(full.values), NOTE, RATE)

    np.testing.assert_array_equal(sound, Vital().render(point, NOTE, RATE))


def test_first_and_later_renders_on_a_rest_are_the_same_and_so_is_a_return_to_it():
    preset = Format().read(packed(document())).presets[0]
    rng = np.random.default_rng(0)
    point = jitter(CORE, CORE.encode(preset.values)[None], rng)[0]
    engine = Vital(passing=1)
    fresh = engine.render(point, NOTE, RATE)
    engine.build_on(preset.state)

    first, second = engine.render(point, NOTE, RATE), engine.render(point, NOTE, RATE)
    engine.build_on(b"")
    again = engine.render(point, NOTE, RATE)
    engine.build_on(preset.state)

    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, engine.render(point, NOTE, RATE))
    np.testing.assert_array_equal(fresh, again)
    assert np.abs(first - fresh).max() > 0.01


def test_a_process_that_was_started_for_one_preset_on_a_rest_plays_others_as_they_are():
    preset = Format().read(packed(document())).presets[0]
    own = CORE.encode(preset.values)
    others = jitter(CORE, np.repeat(own[None], 3, 0), np.random.default_rng(0))
    whole = Vital()
    by_changes = Vital(passing=0)
    for engine in (whole, by_changes):
        engine.build_on(preset.state)

    by_changes.render(own, NOTE, RATE)

    for point in others:
        np.testing.assert_array_equal(by_changes.render(point, NOTE, RATE), whole.render(point, NOTE, RATE))


def test_a_damaged_rest_is_refused():
    with pytest.raises(PresetError, match="damaged"):
        Vital().build_on(b"{")
