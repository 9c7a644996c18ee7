"""DX7 dumps: what is written is read, what is damaged is named, what is odd is noted."""

import contextlib
from functools import cache

import dexed
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchflow.errors import PresetError
from patchflow.presets import Preset, ReadReport
from patchflow.presets.dx7 import LIMITS, SPACE, bytes_from_points
from patchflow.presets.formats.syx import Syx

CLOSE = b"\xf7"
LETTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
NAMES = st.text(LETTERS, max_size=10).map(str.rstrip)


@cache
def voices(count: int, seed: int = 0) -> tuple[Preset, ...]:
    points = np.random.default_rng(seed).random((count, len(SPACE)))
    return tuple(Preset("dexed", SPACE.decode(point), name=f"VOICE {i}") for i, point in enumerate(points))


@cache
def bank(seed: int = 0) -> bytes:
    return Syx().write(voices(32, seed))


def damaged(data: bytes, byte: int, value: int) -> bytes:
    return data[:byte] + bytes((value,)) + data[byte + 1 :]


def names(report: ReadReport) -> list[str]:
    return [preset.name for preset in report.presets]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(NAMES, min_size=1, max_size=34))
def test_what_is_written_is_read(seed: int, called: list[str]):
    points = np.random.default_rng(seed).random((len(called), len(SPACE)))
    presets = [Preset("dexed", SPACE.decode(p), name=name) for p, name in zip(points, called, strict=True)]

    report = Syx().read(Syx().write(presets))

    assert report.presets[: len(presets)] == tuple(presets)
    assert not report.rejected
    assert not report.notes


def every_value() -> tuple[Preset, ...]:
    """Voices that among them have every value of every parameter."""
    points = [(np.minimum(cell, SPACE.cells - 1) + 0.5) / SPACE.cells for cell in range(max(SPACE.cells))]
    return tuple(Preset("dexed", SPACE.decode(point)) for point in points)


def test_every_value_of_every_parameter_survives_in_a_bank():
    assert Syx().read(Syx().write(every_value())).presets[:100] == every_value()


def test_every_value_of_every_parameter_survives_alone():
    for preset in every_value():
        assert Syx().read(Syx().write([preset])).presets == (preset,)


def test_one_preset_is_a_message_of_163_bytes():
    assert len(Syx().write(voices(1))) == 163


@pytest.mark.parametrize(("count", "banks"), [(2, 1), (32, 1), (33, 2), (65, 3)])
def test_more_presets_are_banks_of_4104_bytes(count: int, banks: int):
    assert len(Syx().write(voices(count))) == banks * 4104


def test_a_bank_is_filled_up_with_the_init_voice():
    state = Syx().read(Syx().write(voices(5))).presets[5:]

    assert state == (Preset("dexed", SPACE.decode(SPACE.default()), name="INIT VOICE"),) * 27


def test_our_single_voice_is_what_dexed_reads():
    preset = voices(1)[0]
    theirs = dexed.Patch.from_sysex(Syx().write([preset])[6:161])

    assert theirs.to_sysex()[:145] == bytes_from_points(SPACE.encode(preset.values)).tobytes()
    assert theirs.name == "VOICE 0   "


def test_our_bank_is_what_dexed_reads(tmp_path):
    presets = voices(32)
    (tmp_path / "a.syx").write_bytes(Syx().write(presets))
    theirs = dexed.Patch.load_bank(str(tmp_path / "a.syx"))

    ours = [bytes_from_points(SPACE.encode(preset.values)).tobytes() for preset in presets]
    assert [patch.to_sysex()[:145] for patch in theirs] == ours
    assert [patch.name.rstrip() for patch in theirs] == [preset.name for preset in presets]


def test_a_bank_of_dexed_is_read_and_written_byte_for_byte(tmp_path):
    raw = [bytes_from_points(SPACE.encode(preset.values)).tobytes() for preset in voices(32, seed=1)]
    patches = [dexed.Patch.from_sysex(data + b"E.PIANO \\~" + b"\x3f") for data in raw]
    dexed.Patch.save_to_bank(str(tmp_path / "a.syx"), patches)
    data = (tmp_path / "a.syx").read_bytes()

    report = Syx().read(data)

    assert [bytes_from_points(SPACE.encode(preset.values)).tobytes() for preset in report.presets] == raw
    assert Syx().write(report.presets) == data


def test_a_value_above_its_limit_becomes_the_limit_and_is_said():
    report = Syx().read(damaged(bank(), 6 + 3 * 128 + 117, 49))

    (odd,) = report.mended
    assert (odd.voice, odd.name, odd.byte, odd.value, odd.allowed) == (4, "VOICE 3", 507, 49, (0, 48))
    assert str(odd) == "voice 4 'VOICE 3': transpose (byte 507) is 49, taken as 48"
    assert report.presets[3].values["transpose"] == 24
    assert names(report) == [f"VOICE {i}" for i in range(32)]


@pytest.mark.parametrize("value", [0x80, 0xF0, 0xF7, 0xFF])
@pytest.mark.parametrize("byte", [0, 11, 110, 120])
def test_bit_7_of_a_byte_is_left_out_and_said(byte: int, value: int):
    report = Syx().read(damaged(bank(), 6 + 128 + byte, value))
    masked = Syx().read(damaged(bank(), 6 + 128 + byte, value & 0x7F))

    assert report.presets == masked.presets
    odd = report.mended[0]
    assert (odd.voice, odd.byte, odd.value, odd.allowed) == (2, 134 + byte, value, (0, 127))
    assert odd.reason == f"1 byte has bit 7 set (byte {134 + byte}), which is left out"


@pytest.mark.parametrize("position", range(145))
def test_each_parameter_of_a_single_voice_is_limited(position: int):
    plain = Syx().write(voices(1))
    report = Syx().read(damaged(plain, 6 + position, 100))

    limit = int(LIMITS[position])
    assert report.presets == Syx().read(damaged(plain, 6 + position, limit)).presets
    assert [(odd.voice, odd.byte, odd.value, odd.allowed) for odd in report.mended] == [
        (1, 6 + position, 100, (0, limit))
    ]


def test_several_faults_of_a_voice_are_one_line():
    data = damaged(damaged(bank(), 6, 100), 7, 101)

    assert [odd.reason for odd in Syx().read(data).mended] == [
        "op6.rate1 (byte 6) is 100, taken as 99, op6.rate2 (byte 7) is 101, taken as 99"
    ]


def test_many_faults_of_a_voice_are_counted():
    (odd,) = Syx().read(bank()[:6] + b"\x7f" * 11 + bank()[17:]).mended

    assert odd.reason.endswith("op6.level1 (byte 10) is 127, taken as 99, and 6 more like it")


def test_a_strict_reader_rejects_what_was_mended():
    report = Syx().read(damaged(bank(), 6 + 3 * 128 + 117, 49)).strict()

    assert [str(bad) for bad in report.rejected] == ["voice 4 'VOICE 3': transpose (byte 507) is 49, taken as 48"]
    assert report.places == (*range(1, 4), *range(5, 33))


def test_unused_bits_are_ignored_and_noted():
    plain = bank()
    odd = damaged(plain, 6 + 11, plain[6 + 11] | 0x70)

    report = Syx().read(odd)

    assert report.presets == Syx().read(plain).presets
    assert "1 voices of the dump at byte 6 set unused bits, which are ignored" in report.notes


def test_a_wrong_checksum_is_noted_and_the_voices_are_read():
    data = damaged(bank(), 4102, bank()[4102] ^ 1)

    report = Syx().read(data)

    assert len(report.presets) == 32
    assert f"the dump at byte 0 has checksum {data[4102]} but its bytes give {data[4102] ^ 1}" in report.notes[0]


def test_voices_without_header_are_read():
    assert Syx().read(bank()[6:4102]).presets == Syx().read(bank()).presets


def test_two_banks_without_headers_are_read():
    assert len(Syx().read(bank(0)[6:4102] + bank(1)[6:4102]).presets) == 64


@pytest.mark.parametrize("size", [155, 156])
def test_a_single_voice_without_header_is_read(size: int):
    data = (Syx().write(voices(1))[6:161] + b"\x3f")[:size]

    assert Syx().read(data).presets == voices(1)


def test_a_packed_voice_without_header_is_read():
    assert Syx().read(bank()[6 : 6 + 128]).presets == voices(32)[:1]


@pytest.mark.parametrize("size", [128, 155, 4096])
def test_nameless_zeros_are_not_voices(size: int):
    with pytest.raises(PresetError, match="not a DX7 file"):
        Syx().read(bytes(size))


@pytest.mark.parametrize("channel", range(16))
def test_any_channel_is_read(channel: int):
    assert len(Syx().read(damaged(bank(), 2, channel)).presets) == 32


def test_several_dumps_of_both_kinds_are_read_and_numbered_through():
    single = damaged(Syx().write(voices(1)), 6, 100)

    report = Syx().read(bank(0) + single + bank(1))

    assert report.presets[:32] + report.presets[33:] == Syx().read(bank(0)).presets + Syx().read(bank(1)).presets
    assert [odd.voice for odd in report.mended] == [33]
    assert report.places == tuple(range(1, 66))


def test_other_messages_and_loose_bytes_are_skipped_and_noted():
    other = b"\xf0\x43\x10\x01\x02\x03\xf7"

    report = Syx().read(other + b"abc" + bank() + other)

    assert len(report.presets) == 32
    assert report.notes == (
        "skipped 2 other messages, 14 bytes, the first at byte 0: a parameter change of a Yamaha synth",
        "skipped 3 bytes outside of messages",
    )


def test_a_bank_cut_off_keeps_its_whole_voices():
    report = Syx().read(bank()[: 6 + 5 * 128 + 100])

    assert names(report) == [f"VOICE {i}" for i in range(5)]
    assert [str(bad) for bad in report.rejected] == ["the dump at byte 0 is cut off: 27 of 32 voices are missing"]
    assert report.count == 32


def test_a_bank_cut_off_by_the_next_does_not_harm_it():
    report = Syx().read(bank(0)[:1000] + bank(1))

    assert report.presets[7:] == Syx().read(bank(1)).presets
    assert len(report.rejected) == 1


@pytest.mark.parametrize("change", [-300, -2, -1, 1, 7])
def test_a_bank_with_bytes_lost_or_added_is_rejected_whole(change: int):
    data = bank()[: 2000 + min(change, 0)] + bytes(max(change, 0)) + bank()[2000:]

    report = Syx().read(data)

    assert not report.presets
    assert f"holds {4097 + change:,} bytes before its end, not 4,097" in str(report.rejected[0])


def test_a_bank_without_its_last_byte_is_read_and_noted():
    report = Syx().read(bank()[:-1])

    assert len(report.presets) == 32
    assert report.notes == ("the dump at byte 0 does not end with F7; read anyway",)


def test_a_bank_counted_as_10_00_is_read():
    assert len(Syx().read(damaged(damaged(bank(), 4, 0x10), 5, 0)).presets) == 32


@pytest.mark.parametrize("data", [b"", b"\xf0", b"\xf7", b"RIFF" * 20, b"\xf0\x7e\x00\x06\x01\xf7", bytes(163)])
def test_what_has_no_voices_is_refused(data: bytes):
    with pytest.raises(PresetError, match="not a DX7 file"):
        Syx().read(data)


@pytest.mark.parametrize(
    ("name", "stored"),
    [("BÄSS é", b"BASS e    "), ("A\u4e2dB", b"AZhongB   "), ("¥→←", b"\x5c\x7e\x7f       "), ("x" * 20, b"x" * 10)],
)
def test_a_name_is_written_in_the_letters_of_the_synth(name: str, stored: bytes):
    assert Syx().write([Preset("dexed", voices(1)[0].values, name=name)])[151:161] == stored


def test_what_is_no_letter_is_read_as_a_space():
    data = damaged(damaged(Syx().write(voices(1)), 151, 0x07), 152, 0x7F)

    assert names(Syx().read(data)) == [" ←ICE 0"]


@pytest.mark.parametrize(
    ("presets", "message"),
    [
        ([], "no preset"),
        ([Preset("tone", {"wave": "saw"}, name="Saw")], "Saw: is for 'tone'"),
        ([Preset("dexed", {})], "op1.rate1: missing"),
        ([Preset("dexed", {**voices(1)[0].values, "feedback": 8})], r"feedback=8: not a whole number in \[0, 7\]"),
    ],
)
def test_what_does_not_fit_is_not_written(presets: list[Preset], message: str):
    with pytest.raises(PresetError, match=message):
        Syx().write(presets)


def one_damage(data: st.DataObject) -> bytes:
    """A file of dumps, with bytes changed, taken out and put in."""
    parts = st.sampled_from([bank(), Syx().write(voices(1)), bank()[:5], b"\xf0\x43\x00\x09\x20\x00", b"\xf7", b"\xf0"])
    content = bytearray(b"".join(data.draw(st.lists(parts | st.binary(max_size=200), max_size=3))))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 300))] = data.draw(st.binary(max_size=3))
    return bytes(content)


ALLOWED = {p.name: {p.value((i + 0.5) / p.cells) for i in range(p.cells)} for p in SPACE.parameters}
"""Every value of every parameter: quicker to ask, ten thousand times, than to encode."""


def hold_any_file_to_the_promises(data: bytes):
    """Whatever the bytes, no other error; what is taken is in range, what is not names a byte of the file."""
    report = ReadReport(())
    with contextlib.suppress(PresetError):
        report = Syx().read(data)

    for preset in report.presets:
        assert preset.values.keys() == ALLOWED.keys()
        assert all(value in ALLOWED[name] for name, value in preset.values.items())
    for odd in report.mended:
        assert odd.byte is None or data[odd.byte] > 127 or (odd.value or 0) > (odd.allowed or (0, 127))[1]
    assert len(report.presets) * 118 <= len(data)  # the name of a voice may be cut off


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_file_breaks_the_reader(data: st.DataObject):
    hold_any_file_to_the_promises(one_damage(data))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.data())
def test_ten_thousand_files_do_not_break_the_reader(data: st.DataObject):
    hold_any_file_to_the_promises(one_damage(data))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.binary(max_size=5000))
def test_ten_thousand_noises_do_not_break_the_reader(data: bytes):
    hold_any_file_to_the_promises(data)
