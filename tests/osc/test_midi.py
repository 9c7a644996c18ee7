"""Controls pick their value up, learn, notes find their way, the clock moves along the path."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mido
import mido.sockets
import pytest

from patchflow.errors import MissingDependency, OptionError, PatchflowError
from patchflow.osc import ports
from patchflow.osc.midi import FIRST_CONTROL
from patchflow.osc.ports import open_input, open_output

MACRO_1 = FIRST_CONTROL


def turn(live, *values: int, control: int = MACRO_1, channel: int = 0) -> None:
    for value in values:
        live.desk.receive(mido.Message("control_change", control=control, value=value, channel=channel))
        live.settle()


@pytest.fixture
def played(live: Callable, wire):
    """Live control of the smallest synth, with a MIDI output that has been told where all knobs are."""
    control = live(synth="tone", midi_out=wire)
    wire.wait_for(8, "control_change")
    wire.messages.clear()
    return control


# ---- soft takeover


def test_a_control_that_is_elsewhere_moves_nothing(live_tone):
    turn(live_tone, 10, 20, 30)

    assert live_tone.patch.macros.places[0] == 0.5


def test_a_control_picks_its_value_up_where_it_passes_it(live_tone):
    turn(live_tone, 10, 40, 100, 90)

    assert live_tone.patch.macros.places[0] == pytest.approx(90 / 127)


def test_a_control_picks_its_value_up_where_it_is_near_it(live_tone):
    turn(live_tone, 64, 127)

    assert live_tone.patch.macros.places[0] == 1.0


def test_a_control_lets_go_of_a_value_that_another_one_moved(live_tone):
    turn(live_tone, 64, 70)
    live_tone.send("/param/macro/1", 0.1)
    live_tone.settle()
    turn(live_tone, 71, 72)
    kept = live_tone.patch.macros.places[0]
    turn(live_tone, 5)

    assert kept == pytest.approx(0.1)
    assert live_tone.patch.macros.places[0] == pytest.approx(5 / 127)


def test_a_parameter_in_steps_stays_picked_up(live: Callable):
    control = live(synth="dexed")
    control.send("/learn/param", "feedback")
    control.settle()
    turn(control, 0, control=50)
    turn(control, *range(1, 128), control=50)

    assert control.patch.preset.values["feedback"] == 7


# ---- learn


def test_the_next_control_that_moves_is_learned(live_tone):
    live_tone.send("/learn", 2)
    live_tone.settle()
    live_tone.desk.receive(mido.Message("control_change", control=99, value=3))

    assert live_tone.wait("/learned") == [99, "macro/2"]
    turn(live_tone, 64, 127, control=99)
    assert live_tone.patch.macros.places[1] == 1.0


def test_a_macro_that_learned_forgets_its_old_control(live_tone):
    live_tone.send("/learn", 1)
    live_tone.settle()
    turn(live_tone, 64, control=99)
    turn(live_tone, 64, 127)

    assert live_tone.patch.macros.places[0] != 1.0


def test_a_control_can_be_taken_away(live_tone):
    live_tone.send("/learn/clear", 1)
    live_tone.settle()
    turn(live_tone, 64, 127)

    assert live_tone.patch.macros.places[0] == 0.5


def test_a_control_learns_a_parameter(live_tone):
    live_tone.send("/learn/param", "gain")
    live_tone.settle()
    turn(live_tone, 0, 127, 64, control=99)

    assert live_tone.patch.parameter("gain")[0] == pytest.approx(64 / 127)


def test_controls_of_nothing_are_ignored(live_tone):
    before = live_tone.patch.preset
    turn(live_tone, 0, 64, 127, control=7)

    assert live_tone.patch.preset is before


# ---- MPE, programs, notes


def test_mpe_timbre_turns_a_macro(live_tone):
    live_tone.send("/mpe/macro", 3)
    live_tone.settle()
    turn(live_tone, 100, control=74, channel=5)

    assert live_tone.patch.macros.places[2] == pytest.approx(100 / 127)


def test_a_program_chooses_among_the_presets_in_hand(live: Callable, voices, wire):
    control = live(synth="dexed", midi_out=wire)
    control.patch.take(voices, 0)
    control.desk.receive(mido.Message("program_change", program=2))

    assert control.wait("/patch") == ["VOICE 3", 3, 3]


def test_a_program_that_is_not_there_is_an_error(live_tone):
    live_tone.desk.receive(mido.Message("program_change", program=0))

    assert live_tone.wait("/error") == ["/candidate: no preset in hand"]


def test_notes_go_through_moved(played, wire):
    played.send("/pitch/shift", 2)
    played.send("/pitch/octave", -1)
    played.settle()
    played.desk.receive(mido.Message("note_on", note=60, velocity=90))
    played.settle()
    played.send("/pitch/shift", 5)
    played.settle()
    played.desk.receive(mido.Message("note_off", note=60))
    played.settle()

    assert [(one.type, one.note) for one in wire.messages] == [("note_on", 50), ("note_off", 50)]
    assert wire.messages[0].velocity == 90


def test_osc_notes_are_played_and_velocity_0_releases_them(played, wire):
    played.send("/mnote", 64.0, 100.0)
    played.send("/mnote", 64.0, 0.0)
    played.send("/mnote/rel", 65.0, 30.0)
    played.send("/pbend", 0.0, 1.0)
    played.settle()

    assert [one.type for one in wire.messages] == ["note_on", "note_off", "note_off", "pitchwheel"]
    assert wire.messages[-1].pitch == 8_191


def test_a_key_that_comes_twice_is_released_twice(played, wire):
    for _ in range(2):
        played.send("/mnote", 64, 100)
    played.send("/allnotesoff")
    played.settle()

    assert [one.type for one in wire.messages] == ["note_on", "note_off", "note_on", "note_off", "control_change"]


def test_a_knob_with_lights_follows_what_others_turn(played, wire):
    played.send("/param/macro/1", 1.0)
    (fed,) = wire.wait_for(1, "control_change")

    assert (fed.control, fed.value) == (MACRO_1, 127)


def test_a_knob_is_not_sent_back_what_it_says_itself(played, wire):
    turn(played, 64, 70, 80)
    played.settle()

    assert wire.messages == []


# ---- clock


@pytest.fixture
def on_path(live: Callable):
    """Live control with a path of two places that lasts 2 beats."""
    control = live(synth="tone")
    control.send("/path/add", 0.0, 0.0, 1, 2)
    control.send("/path/add", 1.0, 1.0, 1, 2)
    control.send("/path/beats", 2.0)
    control.settle()
    return control


def tick(live, *messages: str, count: int = 1) -> None:
    for message in messages:
        for _ in range(count if message == "clock" else 1):
            live.desk.receive(mido.Message(message))
    live.settle()


@pytest.mark.parametrize(
    ("ticks", "place"), [(0, 0.0), (1, 0.0), (13, 0.25), (25, 0.5), (48, 47 / 48), (49, 0.0), (61, 0.25)]
)
def test_the_clock_moves_along_the_path_in_beats(on_path, ticks: int, place: float):
    tick(on_path, "start", "clock", count=ticks)

    assert on_path.patch.parameter("gain")[0] == pytest.approx(place, abs=1e-6)


def test_a_clock_that_stands_moves_nothing(on_path):
    tick(on_path, "start", "clock", count=13)
    tick(on_path, "stop")
    tick(on_path, "clock", count=12)
    stopped = on_path.patch.parameter("gain")[0]
    tick(on_path, "continue", "clock", count=12)

    assert stopped == pytest.approx(0.25)
    assert on_path.patch.parameter("gain")[0] == pytest.approx(0.5)


def test_a_clock_that_stands_leaves_what_others_move(on_path):
    tick(on_path, "start", "clock", count=13)
    tick(on_path, "stop")
    on_path.send("/path/play", 0.75)
    on_path.settle()
    tick(on_path, "clock", count=3)

    assert on_path.patch.parameter("gain")[0] == pytest.approx(0.75)


def test_a_song_position_is_a_place_of_the_path(on_path):
    on_path.desk.receive(mido.Message("songpos", pos=2))  # 2 sixteenths
    on_path.settle()

    assert on_path.patch.parameter("gain")[0] == pytest.approx(0.25)


def test_without_a_path_the_clock_says_nothing(live_tone):
    for message in ("start", "clock", "clock"):
        live_tone.desk.receive(mido.Message(message))

    assert live_tone.settle() == []


# ---- ports


class Served(NamedTuple):
    """A MIDI port over TCP."""

    port: mido.sockets.PortServer
    name: str


@pytest.fixture
def served() -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    with mido.sockets.PortServer("127.0.0.1", number) as port:
        yield Served(port, f"tcp:127.0.0.1:{number}")
        for client in port.ports:
            client.close()


def test_messages_come_in_over_a_connection(served: Served):
    got: list[Any] = []
    closer = open_input(served.name, got.append)
    client: Any = served.port.accept()
    for message in (mido.Message("note_on", note=60), mido.Message("sysex", data=(67, 1, 2)), mido.Message("clock")):
        client.send(message)
    end = time.monotonic() + 5
    while len(got) < 3 and time.monotonic() < end:
        time.sleep(0.005)
    client.close()
    closer.close()

    assert [message.type for message in got] == ["note_on", "sysex", "clock"]


def test_messages_go_out_over_a_connection(served: Served):
    out = open_output(served.name)
    client: Any = served.port.accept()
    out.send(mido.Message("control_change", control=20, value=64))
    got = client.receive()
    out.close()
    client.close()

    assert (got.control, got.value) == (20, 64)


def test_a_port_that_nobody_serves_is_an_error():
    with pytest.raises(OptionError, match=r"midi='tcp:127.0.0.1:1': cannot be opened \("):
        open_output("tcp:127.0.0.1:1")


@pytest.mark.parametrize("name", ["tcp:", "tcp:here", "tcp:here:0", "tcp:here:99999", "tcp:here:x"])
def test_a_connection_is_a_host_and_a_port(name: str):
    with pytest.raises(OptionError, match="not of the form tcp:HOST:PORT"):
        open_input(name, print)


def test_without_a_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ports, "_PACKAGES", ("a_package_that_is_not_there",))

    with pytest.raises(MissingDependency, match=r"pip install 'patchflow\[live\]'"):
        open_output("anything")


def test_a_port_that_is_not_there_is_one_line():
    with pytest.raises(PatchflowError) as caught:
        open_output("no such port")

    assert "\n" not in str(caught.value)
    assert "no such port" in str(caught.value) or "pip install" in str(caught.value)


@pytest.mark.skipif(not Path("/dev/snd/seq").exists(), reason="this machine has no ALSA sequencer")
def test_a_port_of_our_own_is_found_and_carries_sysex():
    got: list[Any] = []
    closer = open_input("virtual", got.append)
    out = open_output("patchflow live")
    sent = [mido.Message("control_change", control=20, value=1), mido.Message("sysex", data=tuple(range(100)) * 40)]
    for message in sent:
        out.send(message)
    end = time.monotonic() + 5
    while len(got) < 2 and time.monotonic() < end:
        time.sleep(0.005)
    out.close()
    closer.close()

    assert got == sent
