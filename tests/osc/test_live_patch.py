"""What messages do to the preset, and what they answer."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from patchflow.engines import engines
from patchflow.errors import OptionError, StorageError
from patchflow.explore.macro_knobs import MacroKnobs
from patchflow.osc.live_macros import native_value, normal_value
from patchflow.osc.live_patch import LivePatch
from patchflow.presets import Preset, read_presets
from patchflow.presets.files import write_presets

SPACE = engines["dexed"].space


@given(st.sampled_from(SPACE.parameters), st.floats(0, 1))
def test_a_value_comes_back_from_its_place(parameter, share: float):
    value = native_value(parameter, share)

    assert native_value(parameter, normal_value(parameter, value)) == value


@pytest.mark.parametrize("synth", ["dexed", "vital", "tone"])
def test_0_is_the_lowest_value_and_1_the_highest(synth: str):
    for parameter in engines[synth].space.parameters:
        assert native_value(parameter, 0.0) == parameter.value(0.0)
        assert native_value(parameter, 1.0) == parameter.value(1.0)
        assert normal_value(parameter, parameter.value(1.0)) == pytest.approx(1.0)


@pytest.fixture
def dexed(live: Callable, voices: list[Preset], tmp_path: Path):
    """Live control of the DX7 with three voices in hand, the first is loaded."""
    write_presets(tmp_path / "three.syx", voices)
    control = live(synth="dexed")
    control.send("/patch/load", "three.syx")
    control.settle()
    return control


def test_a_parameter_is_set_and_echoed_with_its_own_value(dexed):
    dexed.send("/param/op1/output", 0.5)

    place, text = dexed.wait("/param/op1/output")

    assert (round(place, 4), text) == (round(50 / 99, 4), "50")
    assert dexed.patch.preset.values["op1.output"] == 50


@pytest.mark.parametrize(("sent", "value"), [(-3.0, 0), (7.0, 99)])
def test_what_is_beyond_the_range_is_clipped(dexed, sent: float, value: int):
    dexed.send("/param/op2/output", 0.5)
    dexed.send("/param/op2/output", sent)
    dexed.settle()

    assert dexed.patch.preset.values["op2.output"] == value


def test_what_did_not_change_is_not_sent(dexed):
    dexed.send("/param/op1/output", 0.5)
    dexed.settle()
    dexed.send("/param/op1/output", 0.5)

    assert dexed.settle() == []


def test_a_macro_moves_parameters_and_its_middle_is_the_preset_itself(dexed):
    before = dict(dexed.patch.preset.values)
    dexed.send("/param/macro/1", 0.9)
    came = dexed.settle()
    turned = dict(dexed.patch.preset.values)
    dexed.send("/param/macro/1", 0.5)
    dexed.settle()

    moved = {path for path, _ in came if path.startswith("/param/") and "macro" not in path}
    assert turned != before
    assert len(moved) == sum(turned[name] != before[name] for name in before)
    assert dexed.patch.preset.values == before


def test_a_parameter_that_was_set_is_left_by_macros(dexed):
    dexed.send("/param/macro/1", 0.9)
    dexed.settle()
    moved = next(name for name in SPACE.names if dexed.patch.preset.values[name] != dexed.patch.hand[0].values[name])
    dexed.send(dexed.server.table.parameter_paths[moved], 0.25)
    dexed.settle()
    kept = dexed.patch.preset.values[moved]
    dexed.send("/param/macro/1", 0.1)
    dexed.settle()

    assert dexed.patch.preset.values[moved] == kept


def test_a_new_preset_puts_macros_in_the_middle(dexed):
    dexed.send("/param/macro/2", 0.9)
    dexed.settle()
    dexed.send("/patch/incr")
    came = dexed.settle()

    assert ("/param/macro/2", [0.5]) in [(path, values[:1]) for path, values in came]
    assert dexed.patch.preset == dexed.patch.hand[1]


def test_next_and_previous_go_round(dexed):
    places = []
    for path in ("/patch/incr", "/patch/decr", "/patch/decr", "/patch/incr"):
        dexed.send(path)
        places.append(dexed.wait("/patch")[1])
        dexed.settle()

    assert places == [2, 1, 32, 1]


def test_a_voice_of_a_bank_is_loaded(dexed):
    dexed.send("/patch/load", "three.syx:3")

    assert dexed.wait("/patch") == ["VOICE 3", 3, 32]


def test_a_saved_preset_is_read_back_as_it_was(dexed, tmp_path: Path):
    dexed.send("/param/voice/feedback", 1.0)
    dexed.send("/patch/save", "mine.syx")
    dexed.send("/param/voice/feedback", 0.0)
    dexed.wait("/patch/saved")

    assert read_presets(tmp_path / "mine.syx").presets[0].values["feedback"] == 7


def test_what_is_frozen_is_kept_back_and_the_newest_goes_out(dexed):
    dexed.send("/set_freeze_mode", 1)
    dexed.settle()
    dexed.send("/param/op1/output", 0.3)
    dexed.send("/param/op1/output", 0.6)
    kept_back = dexed.settle()
    dexed.send("/set_freeze_mode", 0)

    assert kept_back == []
    assert dexed.wait("/param/op1/output")[1] == "59"


@pytest.mark.parametrize("name", ["../out.syx", "/etc/passwd", "a/../../b.syx", "link/x.syx"])
@pytest.mark.parametrize("path", ["/patch/load", "/patch/save", "/match", "/encode", "/render"])
def test_nothing_outside_the_folder_is_touched(live, tmp_path: Path, path: str, name: str):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    control = live(synth="tone", folders=(inside,))
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}

    control.send(path, name)
    (error,) = control.wait("/error")

    assert error.startswith(f"{path}: file=")
    assert "Name another with --folder" in error
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("name", ["x" * 300 + ".syx", "x" * 5000, "round/x.syx", "no\0.syx"])
def test_a_name_that_no_file_can_have_is_refused(live, tmp_path: Path, name: str):
    (tmp_path / "round").symlink_to(tmp_path / "round")
    control = live(synth="tone", folders=(tmp_path,))

    with pytest.raises(StorageError, match="not a name that a file can have"):
        control.patch.inside(name)


def test_a_path_leads_from_one_preset_to_another(dexed, tmp_path: Path):
    for number in ("5", "6"):
        dexed.send("/add_preset_path", number)
    ends = []
    for ratio in (0.0, 1.0):
        dexed.send("/play_path", ratio)
        dexed.settle()
        ends.append(dexed.patch.preset.values)

    assert ends == [dexed.patch.by_id(number).values for number in ("5", "6")]


@pytest.mark.parametrize("use_z", [0, 1])
def test_half_way_is_neither_end(live, use_z: int):
    control = live(synth="dexed", model=None)
    for number in ("5", "6"):
        control.send("/add_preset_path", number)
    control.send("/set_path_use_z", use_z)
    control.send("/play_path", 0.5)
    control.settle()

    middle = SPACE.encode(control.patch.preset.values)
    ends = [SPACE.encode(control.patch.by_id(number).values) for number in ("5", "6")]
    assert all(np.abs(middle - end).max() > 0.05 for end in ends)


def test_decoding_goes_to_the_place_and_says_where_it_is(live):
    control = live(synth="dexed", model=None)
    control.send("/decode", 0.75, -0.5, 3, 4)
    came = control.wait("/z_pos")

    assert came[3 * 2 : 5 * 2] == [3, 0.75, 4, -0.5]
    assert len(came) == 2 * 145


def test_a_place_is_the_same_however_often_it_is_gone_to_with_macros_turned(live):
    control = live(synth="dexed", model=None)
    control.send("/load_preset", "5")
    control.send("/param/macro/1", 0.9)
    control.settle()
    heard = []
    for x in (0.5, -0.5, 0.5):
        control.send("/decode", x, 0.25, 0, 1)
        control.settle()
        heard.append(control.patch.preset.values)

    assert heard[0] == heard[2] != heard[1]
    assert control.patch.macros.places[0] == pytest.approx(0.9)
    assert control.patch.base.values != control.patch.preset.values


def test_a_match_brings_candidates_while_parameters_go_on(live, tmp_path: Path):
    tone = engines["tone"]()
    from patchflow.engines import Note

    point = tone.space.encode({"wave": "saw", "decay": 0.3, "gain": -6.0})
    soundfile.write(tmp_path / "beep.wav", tone.render(point, Note(62, 100, 0.5, 0.7)), 44_100)
    control = live(synth="tone")
    control.send("/match", "beep.wav", 1.0)
    control.send("/param/amp/gain", 0.25)
    meanwhile = control.collect("/param/amp/gain")
    came = control.collect("/patch")

    assert "/candidate" not in dict(meanwhile)
    assert dict(came)["/candidate"][0] >= 1
    assert control.patch.hand[0].values["wave"] == "saw"
    assert control.patch.target_note == 62


def test_a_match_that_is_stopped_keeps_the_best_so_far(live, tmp_path: Path):
    sine = np.sin(np.arange(22_050) * 0.1)
    soundfile.write(tmp_path / "sine.wav", sine, 22_050)
    control = live(synth="tone")
    control.send("/match", "sine.wav", 500.0)
    control.wait("/match/progress")
    control.send("/match/stop")

    assert control.wait("/candidate")[0] == 1


def test_a_rendered_file_is_the_note_that_was_asked_for(live_tone, tmp_path: Path):
    live_tone.send("/set_pitch_octave", 1)
    live_tone.send("/render", "note.wav", 57)
    live_tone.wait("/rendered")
    samples, rate = soundfile.read(tmp_path / "note.wav")

    from patchflow.audio.pitch import estimate_pitch

    assert estimate_pitch(samples.astype(np.float32), rate).guesses[0].pitch == 69


@pytest.mark.parametrize(
    ("path", "values", "said"),
    [
        ("/patch/load", ["none.syx"], "no such file"),
        ("/patch/load", ["note.txt"], "not a preset file"),
        ("/patch/load", ["three.syx:40"], "voice=40"),
        ("/patch/save", ["x.xyz"], "no format has this extension"),
        ("/candidate", [99], "place=99: not in [1, 32]"),
        ("/load_preset", ["abc"], "id='abc': not the number of a preset"),
        ("/load_preset", [99_999_999], "no preset of the embedded bank"),
        ("/play_path", [0.5], "path=0: has to have two places"),
        ("/decode", [0.0, 0.0, 0, 200], "dimension=200: not in [0, 144]"),
        ("/decode", [99.0, 0.0, 0, 1], "x=99.0: not a number in [-8, 8]"),
        ("/macro/word", [1, "loudness"], "no macro named 'loudness'"),
        ("/macro/word", [1, "attack"], "attack: is turned by another macro"),
        ("/params", ["nothing", 0.5], "no parameter named 'nothing'"),
        ("/set_dataset", ["diva"], "no bank named 'diva'"),
        ("/set_model", ["nothing"], "nothing"),
        ("/match", ["note.txt"], "note.txt"),
        ("/encode", ["none.wav"], "none.wav"),
        ("/render", ["x.mp3"], "not a .wav or .flac file"),
        ("/sysex/send", [], "no synth to send SysEx to"),
        ("/mnote", [60.0, 100.0], "no MIDI output"),
        ("/learn/param", ["nothing"], "no parameter named 'nothing'"),
        ("/param/macro/1", ["loud"], "value='loud': not a number"),
        ("/param/macro/1", [], "0 arguments: it takes value"),
        ("/param/macro/1", [0.5, 0.5], "2 arguments: it takes value"),
        ("/decode_hand", [0.5], "1 arguments: it takes x d, up to 6 times"),
        ("/nothing", [], "no OSC address named '/nothing'"),
    ],
)
def test_a_mistake_is_one_error_and_nothing_changes(dexed, tmp_path: Path, path: str, values: list, said: str):
    (tmp_path / "note.txt").write_text("no sound and no preset")
    before = dexed.patch.preset
    dexed.send(path, *values)
    (error,) = dexed.wait("/error")

    assert error.startswith(f"{path}: ") or path in ("/match", "/encode", "/set_model")
    assert said in error
    assert "\n" not in error
    assert dexed.patch.preset is before
    assert dexed.settle() == []


@pytest.mark.skipif(os.name == "nt", reason="has no such names")
def test_a_name_that_would_command_a_terminal_is_only_text(live_tone):
    live_tone.send("/patch/load", "\x1b]0;title\x07.json")

    assert "\x1b" not in live_tone.wait("/error")[0]


class Slow:
    """Long work that is done when the test says so."""

    def __init__(self, *, busy: bool = False) -> None:
        self.busy = busy
        self.begun: list[tuple[Callable, Callable]] = []

    def start(self, what: str, task: Callable, then: Callable) -> None:
        if self.busy:
            raise OptionError(f"busy: {what} was not begun")
        self.begun.append((task, then))

    def finish(self) -> None:
        task, then = self.begun.pop(0)
        then(task())


class Quiet:
    """Nobody listens."""

    def send(self, path: str, *values: float | str) -> None:
        pass

    def send_parameters(self, preset: Preset, changed: Sequence[str], *, whole: bool) -> None:
        pass


def test_macros_that_were_measured_of_the_preset_before_are_measured_again(tmp_path: Path):
    slow = Slow()
    patch = LivePatch("tone", Quiet(), slow, (tmp_path,))
    saw = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}, name="SAW")
    patch.arrive(Preset("tone", {"wave": "sine", "decay": 1.5, "gain": -30.0}, name="BEFORE"))
    patch.set_macro(3, 1.0)
    patch.flush()
    patch.arrive(saw)
    patch.set_macro(3, 1.0)
    while slow.begun:
        slow.finish()
        patch.flush()

    wanted = MacroKnobs(saw).turned({"length": 2.0}).preset.values
    assert patch.preset.values["decay"] == pytest.approx(wanted["decay"], rel=1e-9)


def test_macros_that_could_not_be_measured_are_tried_again(tmp_path: Path):
    slow = Slow(busy=True)
    patch = LivePatch("tone", Quiet(), slow, (tmp_path,))
    patch.set_macro(3, 1.0)
    with pytest.raises(OptionError, match="busy"):
        patch.flush()
    slow.busy = False
    patch.set_macro(3, 1.0)
    patch.flush()
    slow.finish()
    patch.flush()

    assert patch.macros.is_ready
