"""A DX7 gets what differs, never faster than it was said, and what it sends is taken in."""

import time
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchflow.engines import engines
from patchflow.errors import OptionError
from patchflow.osc.dx7_link import SysexSender, parameter_change
from patchflow.presets import Library, Preset, dx7
from patchflow.presets.formats import formats

VOICE = 155


def voice_of(preset: Preset) -> bytes:
    return formats["syx"]().write([preset])[6 : 6 + VOICE]


class Dx7:
    """A synth that takes dumps and parameter changes, as the manual says."""

    def __init__(self) -> None:
        self.voice = bytearray(VOICE)
        self.sizes: list[int] = []
        self.times: list[float] = []

    def take(self, data: bytes) -> None:
        assert (data[0], data[1], data[-1]) == (0xF0, 0x43, 0xF7)
        assert max(data[1:-1]) < 0x80
        self.sizes.append(len(data))
        self.times.append(time.monotonic())
        if data[2] >> 4 == 1:
            assert data[3] >> 2 == 0
            self.voice[data[3] << 7 | data[4]] = data[5]
        elif data[3] == 0:
            assert (data[4] << 7 | data[5], len(data)) == (VOICE, VOICE + 8)
            assert (sum(data[6:-1])) & 0x7F == 0
            self.voice[:] = data[6:-2]

    def wait_for(self, voice: bytes) -> None:
        end = time.monotonic() + 10
        while bytes(self.voice) != voice:
            assert time.monotonic() < end
            time.sleep(0.002)


@pytest.fixture
def synth() -> Dx7:
    return Dx7()


def rates(synth: Dx7) -> list[float]:
    """Bytes a second from each message to the next."""
    gaps = np.diff(synth.times)
    return [size / gap for size, gap in zip(synth.sizes, gaps, strict=False)]


def test_the_first_voice_is_sent_whole_and_then_what_differs(synth: Dx7, voices: list[Preset]):
    sender = SysexSender(synth.take, rate=100_000, gap=0.0)
    first = voice_of(voices[0])
    sender.want(first)
    synth.wait_for(first)
    changed = bytearray(first)
    changed[7] = 12
    changed[144] = 3
    sender.want(bytes(changed))
    synth.wait_for(bytes(changed))
    sender.close()

    assert synth.sizes == [VOICE + 8, 7, 7]


def test_where_much_differs_the_whole_voice_is_sent(synth: Dx7, voices: list[Preset]):
    sender = SysexSender(synth.take, rate=100_000, gap=0.0)
    first = voice_of(voices[0])
    sender.want(first)
    synth.wait_for(first)
    other = bytes((first[place] + 1) % 4 if place < 24 else first[place] for place in range(VOICE))
    sender.want(other)
    synth.wait_for(other)
    sender.close()

    assert synth.sizes == [VOICE + 8, VOICE + 8]


def test_what_does_not_differ_is_not_sent(synth: Dx7, voices: list[Preset]):
    sender = SysexSender(synth.take, rate=100_000, gap=0.0)
    for _ in range(5):
        sender.want(voice_of(voices[0]))
        synth.wait_for(voice_of(voices[0]))
    time.sleep(0.05)
    sender.close()

    assert len(synth.sizes) == 1


@pytest.mark.parametrize("rate", [1_000.0, 3_000.0])
def test_it_is_never_faster_than_it_was_said(synth: Dx7, voices: list[Preset], rate: float):
    sender = SysexSender(synth.take, rate=rate, gap=0.0)
    voice = bytearray(voice_of(voices[0]))
    for number in range(300):  # 3 times 100 values, ten times as many as the cable carries
        voice[number % 3] = number // 3
        sender.want(bytes(voice))
        time.sleep(0.001)
    synth.wait_for(bytes(voice))
    sender.close()

    assert max(rates(synth)) <= rate
    assert len(synth.sizes) < 150  # the newest of each; what came in between was left out


def test_after_a_dump_there_is_a_silence(synth: Dx7, voices: list[Preset]):
    sender = SysexSender(synth.take, rate=100_000, gap=0.1)
    sender.want(voice_of(voices[0]))
    synth.wait_for(voice_of(voices[0]))
    sender.want(voice_of(voices[1]))
    synth.wait_for(voice_of(voices[1]))
    sender.close()

    assert np.diff(synth.times)[0] >= 0.1


def test_a_parameter_that_moves_all_the_time_leaves_others_their_turn(synth: Dx7, voices: list[Preset]):
    sender = SysexSender(synth.take, rate=2_000, gap=0.0)
    voice = bytearray(voice_of(voices[0]))
    sender.want(bytes(voice))
    synth.wait_for(bytes(voice))
    voice[100] = 42
    for number in range(40):
        voice[0] = number
        sender.want(bytes(voice))
        time.sleep(0.002)

    assert synth.voice[100] == 42
    sender.close()


@given(st.integers(0, 15), st.integers(0, 154), st.integers(0, 99))
def test_a_parameter_change_has_seven_bytes_that_say_what(channel: int, number: int, value: int):
    data = parameter_change(channel, number, value)

    assert len(data) == 7
    assert max(data[1:-1]) < 0x80
    assert (data[2] & 15, (data[3] & 3) << 7 | data[4], data[5]) == (channel, number, value)


@pytest.mark.parametrize("rate", [0, -1, 1e9])
def test_a_rate_that_makes_no_sense_is_refused(synth: Dx7, rate: float):
    with pytest.raises(OptionError, match="sysex_rate="):
        SysexSender(synth.take, rate=rate)


# ---- in live control


@pytest.fixture
def dexed(live: Callable, wire):
    """Live control of a DX7 at a port, on MIDI channel 3."""
    return live(synth="dexed", midi_out=wire, sysex=True, sysex_rate=1_000_000, channel=2)


def bytes_of(wire) -> list[bytes]:
    return [bytes(message.bytes()) for message in wire.of("sysex")]


def test_a_preset_reaches_the_synth_and_then_its_changes(dexed, wire, voices: list[Preset]):
    dexed.patch.take(voices)
    wire.wait_for(1)
    dexed.settle()
    time.sleep(0.2)
    before = len(wire.of("sysex"))
    dexed.send("/param/voice/feedback", 1.0)
    wire.wait_for(before + 1)

    sent = bytes_of(wire)
    synth = Dx7()
    for data in sent:
        synth.take(data)
    assert bytes(synth.voice) == voice_of(dexed.patch.preset)
    assert sent[-1] == parameter_change(2, dx7.NAMES.index("feedback"), 7)


def test_all_in_hand_are_sent_as_a_bank(dexed, wire, voices: list[Preset]):
    dexed.patch.take(voices)
    dexed.send("/sysex/send", "bank")
    dexed.wait("/sysex/sent")
    wire.wait_for(2)

    bank = max(bytes_of(wire), key=len)
    assert (len(bank), bank[2]) == (4_104, 2)
    assert [preset.name for preset in formats["syx"]().read(bank).presets][:3] == ["VOICE 1", "VOICE 2", "VOICE 3"]


def test_a_dump_can_be_asked_for(dexed, wire):
    dexed.send("/sysex/request", "voice")
    dexed.settle()
    wire.wait_for(2)

    assert bytes((0xF0, 0x43, 0x22, 0x00, 0xF7)) in bytes_of(wire)


def test_another_synth_takes_no_sysex(live: Callable, wire):
    with pytest.raises(OptionError, match="synth=tone: takes no SysEx"):
        live(synth="tone", midi_out=wire, sysex=True)


def test_of_a_subset_the_whole_voice_is_sent(live: Callable, wire):
    control = live(synth="dexed_16", midi_out=wire, sysex=True, sysex_rate=1_000_000)
    path = next(iter(control.server.table.parameter_paths.values()))
    control.send(path, 1.0)
    control.settle()
    wire.wait_for(1)
    time.sleep(0.2)

    synth = Dx7()
    for data in bytes_of(wire):
        synth.take(data)
    assert bytes(synth.voice) == voice_of(engines["dexed_16"].whole(control.patch.preset))


# ---- from the synth


def receive(live, data: bytes) -> None:
    live.desk.receive(mido.Message("sysex", data=data[1:-1]))


def test_a_voice_that_comes_in_is_played_and_kept(dexed, wire, voices: list[Preset], tmp_path: Path):
    wire.wait_for(1)
    time.sleep(0.1)
    before = len(wire.of("sysex"))
    receive(dexed, formats["syx"]().write([voices[1]]))
    assert dexed.wait("/imported") == [1, 0]
    dexed.settle()
    time.sleep(0.1)

    assert dexed.patch.preset.values == voices[1].values
    assert [entry.name for entry in Library(tmp_path / "library.sqlite").search("VOICE")] == ["VOICE 2"]
    assert len(wire.of("sysex")) == before  # what the synth sent is not sent back to it


def test_a_bank_that_comes_in_is_in_hand_and_kept_once(dexed, voices: list[Preset], tmp_path: Path):
    bank = formats["syx"]().write(voices)
    receive(dexed, bank)
    first = dexed.wait("/imported")
    receive(dexed, bank)

    assert first == [4, 28]  # three, and the voice that fills the bank up
    assert dexed.wait("/imported") == [0, 32]
    assert len(dexed.patch.hand) == 32
    assert len(Library(tmp_path / "library.sqlite")) == 4


def test_what_a_synth_says_of_a_byte_is_not_sent_back(synth: Dx7, voices: list[Preset]):
    sender = SysexSender(synth.take, rate=1_000_000, gap=0.0)
    voice = voice_of(voices[0])
    number = dx7.NAMES.index("op3.output")
    sender.want(voice)
    synth.wait_for(voice)
    sender.know_byte(number, 77)
    sender.add(parameter_change(0, 155, 1))  # wakes it, and says that it is at work
    time.sleep(0.1)
    sender.close()

    assert len(synth.sizes) == 2
    assert bytes(synth.voice) == voice


def test_a_knob_that_is_turned_at_the_synth_turns_the_parameter(dexed, wire):
    wire.wait_for(1)
    time.sleep(0.1)
    before = len(wire.of("sysex"))
    receive(dexed, parameter_change(2, dx7.NAMES.index("op3.output"), 77))

    assert dexed.wait("/param/op3/output")[1] == "77"
    time.sleep(0.1)
    assert len(wire.of("sysex")) == before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bytes((0xF0, 0x43, 0, 0, 1, 0x1B, *range(20), 0xF7)), "SysEx dump of 27 bytes"),
        (bytes((0xF0, 0x43, 0, 0xF7)), "none of a DX7"),
        (bytes((0xF0, 0xF7)), "none of a DX7"),
        (bytes((0xF0, 0x41, 1, 2, 3, 0xF7)), "none of a DX7"),
        (bytes((0xF0, 0x43, 0x70, 1, 2, 0xF7)), "unknown byte 0x70"),
        (bytes((0xF0, 0x43, 0x10, 1, 2, 0xF7)), "a parameter change of 6 bytes"),
        (parameter_change(0, dx7.NAMES.index("feedback"), 9), "feedback=9: not in [0, 7]"),
    ],
)
def test_sysex_that_is_cut_off_or_strange_is_one_error(dexed, data: bytes, said: str):
    before = dexed.patch.preset
    receive(dexed, data)
    (error,) = dexed.wait("/error")

    assert said in error
    assert "\n" not in error
    assert dexed.patch.preset is before
    dexed.settle()


def test_a_wrong_checksum_is_said_and_the_voice_taken(dexed, voices: list[Preset]):
    data = bytearray(formats["syx"]().write([voices[0]]))
    data[-2] ^= 1
    receive(dexed, bytes(data))

    assert "checksum" in dexed.wait("/print")[0]
    assert dexed.wait("/imported") == [1, 0]


def test_a_dump_that_a_new_message_cuts_off_is_none():
    parser = mido.Parser()
    parser.feed(bytes((0xF0, 0x43, 0, 0, 1, 0x1B, *range(50))))
    parser.feed(mido.Message("note_on", note=60).bytes())

    assert [message.type for message in parser] == ["note_on"]
