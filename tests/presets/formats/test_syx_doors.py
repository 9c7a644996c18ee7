"""DX7 files as people have them: odd headers, bare banks, clock bytes, and names of what they are not."""

import tracemalloc
from functools import cache

import numpy as np
import pytest

from patchflow.errors import PresetError
from patchflow.presets import Mended, Preset, ReadReport
from patchflow.presets.dx7 import SPACE
from patchflow.presets.formats._dx7_voice import PACKED, BareVoices, find_voices
from patchflow.presets.formats.syx import Syx


@cache
def voices(count: int) -> tuple[Preset, ...]:
    points = np.random.default_rng(7).random((count, len(SPACE)))
    return tuple(Preset("dexed", SPACE.decode(point), name=f"VOICE {i}") for i, point in enumerate(points))


@cache
def bank() -> bytes:
    return Syx().write(voices(32))


@cache
def single() -> bytes:
    return Syx().write(voices(1))


BARE = slice(6, 4102)


def changed(data: bytes, changes: dict[int, int]) -> bytes:
    content = bytearray(data)
    for byte, value in changes.items():
        content[byte] = value
    return bytes(content)


def read(data: bytes) -> ReadReport:
    assert Syx().recognises(data)
    return Syx().read(data)


def lines(report: ReadReport) -> list[str]:
    return [str(odd) for odd in report.mended]


# Headers


@pytest.mark.parametrize(("high", "low"), [(0x20, 0x01), (0x00, 0x00), (0x1F, 0x7F), (0x01, 0x1B), (0x7F, 0x7F)])
def test_a_bank_with_another_count_is_read(high: int, low: int):
    report = read(changed(bank(), {4: high, 5: low}))

    assert report.presets == voices(32)
    said = f"count {high:02X} {low:02X} instead of 20 00"
    assert lines(report) == [f"the dump at byte 0 has in its header {said}; read anyway"]


@pytest.mark.parametrize(("high", "low"), [(0x01, 0x1C), (0x00, 0x00), (0x01, 0x1A), (0x20, 0x00), (0x02, 0x1B)])
def test_a_single_voice_with_another_count_is_read(high: int, low: int):
    report = read(changed(single(), {4: high, 5: low}))

    assert report.presets == voices(1)
    assert f"count {high:02X} {low:02X} instead of 01 1B" in lines(report)[0]


@pytest.mark.parametrize(
    ("byte", "value", "said"),
    [
        (1, 0x41, "maker 41 instead of 43"),
        (2, 0x10, "device byte 10 instead of 00 to 0F"),
        (2, 0x7F, "device byte 7F instead of 00 to 0F"),
        (3, 0x04, "format 04 instead of"),
        (3, 0x19, "format 19 instead of"),
    ],
)
def test_another_header_is_read_if_length_and_voices_are_those_of_a_dx7(byte: int, value: int, said: str):
    for data, expected in ((bank(), voices(32)), (single(), voices(1))):
        report = read(changed(data, {byte: value}))
        assert report.presets == expected
        assert said in lines(report)[0]


def test_another_header_around_something_else_is_not_read():
    with pytest.raises(PresetError, match="a bank of 32 voices of a 4-operator synth"):
        Syx().read(changed(bank(), {3: 4})[:6] + bytes(4096) + b"\x00\xf7")


def test_a_header_that_is_off_is_refused_by_a_strict_reader():
    with pytest.raises(PresetError, match="count 20 01 instead of 20 00"):
        read(changed(bank(), {5: 1})).strict()


def test_dumps_joined_without_an_end_are_all_read():
    report = read(bank()[:-1] + single()[:-1] + bank())

    assert report.presets == (*voices(32), *voices(1), *voices(32))


def test_bytes_between_checksum_and_end_are_left_out():
    report = read(bank()[:-1] + b"\x00\x00\x1a\xf7")

    assert report.presets == voices(32)
    assert lines(report) == ["the dump at byte 0 has 3 bytes between its checksum and its end; left out"]


def test_a_closed_dump_without_checksum_is_read():
    report = read(bank()[:4102] + b"\xf7")

    assert report.presets == voices(32)
    assert report.notes == ("the dump at byte 0 has no checksum; read anyway",)


def test_a_single_voice_cut_off_in_its_name_is_read():
    report = read(single()[: 6 + 145 + 3])

    assert report.presets == (Preset("dexed", voices(1)[0].values, name="VOI"),)
    assert lines(report) == ["voice 1 'VOI': the last 7 letters of its name are cut off"]


def test_a_single_voice_cut_off_before_its_name_is_lost():
    report = Syx().read(single()[: 6 + 140])

    assert not report.presets
    assert report.count == 1
    assert [str(bad) for bad in report.rejected] == ["the dump at byte 0 is cut off: 1 of 1 voices are missing"]


def test_a_bank_without_its_end_has_damaged_bytes_that_look_like_an_end():
    report = read(changed(bank()[:-1], {6 + 128 * 3 + 120: 0xF7, 6 + 128 * 9 + 119: 0xF0}))

    assert len(report.presets) == 32
    assert [odd.voice for odd in report.mended] == [4, 10]


# Real-time bytes


@pytest.mark.parametrize("places", [[6], [1], [3, 5], [4101], [4102], [4103], list(range(6, 4000, 61))])
@pytest.mark.parametrize("clock", [0xF8, 0xFA, 0xFE, 0xFF])
def test_real_time_bytes_inside_a_dump_are_left_out(places: list[int], clock: int):
    content = bytearray(bank())
    for place in reversed(places):
        content.insert(place, clock)

    report = read(bytes(content))

    assert report.presets == voices(32)
    assert lines(report)[0].startswith(f"the dump at byte 0 has {len(places)} real-time byte")
    assert not report.notes


def test_real_time_bytes_inside_a_single_voice_are_left_out():
    data = single()[:80] + b"\xf8\xfe" + single()[80:120] + b"\xf8" + single()[120:]

    assert read(data + bank()).presets == (*voices(1), *voices(32))


def test_bytes_are_counted_in_the_file_where_real_time_bytes_were_taken_out():
    data = changed(bank(), {6 + 117: 49})

    assert read(data[:20] + b"\xf8\xf8" + data[20:]).mended[1].byte == 6 + 117 + 2


def test_a_high_byte_in_a_dump_of_the_right_length_is_a_damaged_byte():
    report = read(changed(bank(), {6: 0xF8}))

    assert lines(report)[0] == "voice 1 'VOICE 0': 1 byte has bit 7 set (byte 6), which is left out"


# Names


def with_name(data: bytes, name: bytes) -> bytes:
    return data[: 6 + 118] + name.ljust(10) + data[6 + 128 :]


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        (b"\xcb\xdf\xb1\xc9 1", "ﾋﾟｱﾉ 1"),
        (b"\xcd\xde\xb0\xbd", "ﾍﾞｰｽ"),
        (b"FM \xcd\xde\xb0\xbd", "FM ﾍﾞｰｽ"),
        (b"BR\xc1SS   1", "BRASS   1"),
        (b"\xc2\xd2\xc1\xd3\xd3\xa0\xa0\xa0\xb1\xa0", "BRASS   1"),
        (b"P\xe9\xe1no", "Piano"),
    ],
)
def test_a_name_with_bit_7_is_readable(stored: bytes, name: str):
    report = read(with_name(bank(), stored))

    assert report.presets[0].name == name
    assert report.presets[0].values == voices(1)[0].values
    assert [odd.voice for odd in report.mended] == [1]


def test_katakana_is_said():
    assert lines(read(with_name(bank(), b"\xcb\xdf\xb1\xc9"))) == [
        "voice 1 'ﾋﾟｱﾉ': its name has 4 half-width katakana letters, which have bit 7 set; they are kept"
    ]


def test_katakana_is_written_in_roman_letters():
    report = read(with_name(bank(), b"\xcb\xdf\xb1\xc9 1"))

    assert Syx().write(report.presets)[6 + 118 : 6 + 128] == b"piano 1   "


# Bare voices


@pytest.mark.parametrize("lost", range(6))
def test_a_bank_that_has_lost_the_start_of_its_header_is_read(lost: int):
    assert read(bank()[1 + lost :]).presets == voices(32)


@pytest.mark.parametrize("before", [b"", b"\x00", b"abc", bytes(128), bytes(512), b"\xf7"])
@pytest.mark.parametrize("behind", [b"\x1a", b"\xf7", b"\x00" * 8, b"\x00" * 128, b"\x1a" * 127, b"\xff" * 4000])
def test_a_bare_bank_with_rests_is_read(before: bytes, behind: bytes):
    report = read(before + bank()[BARE] + behind)

    assert report.presets == voices(32)
    size = len(before) + len(behind)
    if len(before) % 128 or len(behind) % 128:
        plural = "s" if size > 1 else ""
        skipped = Mended(0, f"skipped {size:,} byte{plural} before, between or behind the voices")
        assert (report.mended, report.notes) == ((skipped,), ())


def test_bare_banks_with_rests_between_are_read():
    rest = bank()[4102:]

    assert read((bank()[BARE] + rest) * 3).presets == voices(32) * 3


def test_a_bare_bank_keeps_damaged_voices_in_their_places():
    report = read(changed(bank()[BARE], dict.fromkeys(range(100), 127)))

    assert report.presets[1:] == voices(32)[1:]
    assert report.mended[0].voice == 1


def test_a_bare_bank_cut_off_keeps_its_whole_voices():
    assert read(bank()[6 : 6 + 4096 - 40]).presets == voices(31)


@pytest.mark.parametrize("letter", [b" ", b"\x00"])
def test_a_bare_bank_without_names_is_read(letter: bytes):
    rows = [bank()[6 + 128 * i :][:118] + letter * 10 for i in range(32)]

    report = read(b"".join(rows))

    assert [preset.name for preset in report.presets] == [""] * 32
    assert [preset.values for preset in report.presets] == [voice.values for voice in voices(32)]


def test_a_bare_bank_with_high_bits_is_read():
    report = read(changed(bank()[BARE], {118: bank()[124] | 0x80, 300: bank()[306] | 0x80}))

    assert report.presets[:2] == voices(2)
    assert [odd.voice for odd in report.mended] == [1, 3]


@pytest.mark.parametrize("count", [1, 5, 48])
def test_any_number_of_bare_voices_is_read(count: int):
    rows = (bank()[BARE] * 2)[: 128 * count]

    assert read(rows).presets == (*voices(32), *voices(32))[:count]


@pytest.mark.parametrize("lost", range(1, 7))
def test_a_single_voice_that_has_lost_the_start_of_its_header_is_read(lost: int):
    assert read(single()[lost:]).presets == voices(1)


def other_files() -> list[bytes]:
    """Files of like sizes that are no voices."""
    rng = np.random.default_rng(0)
    made: list[bytes] = []
    for size in (128, 155, 156, 160, 1024, 4096, 4097, 4104, 4224, 8192):
        made += [bytes(size), b"\xff" * size, b" " * size, b"A1 " * (size // 3), bytes(range(100)) * (size // 100)]
        made += [(b"The quick brown fox jumps over 13 lazy dogs.\n" * 200)[:size]]
        for most in (2, 8, 32, 100, 128, 256):
            made += [rng.integers(0, most, size, dtype=np.uint8).tobytes() for _ in range(10)]
        sine = 8000 * np.sin(np.arange(size // 2) / 7)
        made += [sine.astype("<i2").tobytes(), (sine / 100).astype("<i2").tobytes()]
        made += [np.arange(size // 4, dtype="<u4").tobytes(), rng.normal(size=size // 4).astype("<f4").tobytes()]
    return made


def test_other_files_are_not_taken_for_bare_voices():
    taken = [data[:16] for data in other_files() if Syx().recognises(data)]

    assert taken == []


# What it is instead

NAMED = {
    "voice of a 4-op": (b"\xf0\x43\x00\x03\x00\x5d" + bytes(94) + b"\xf7", "a voice of a 4-operator synth"),
    "bank of a 4-op": (
        b"\xf0\x43\x00\x04\x20\x00" + bytes(4097) + b"\xf7",
        "a bank of 32 voices of a 4-operator synth",
    ),
    "aced": (b"\xf0\x43\x00\x7e\x00\x21LM  8976AE" + bytes(24) + b"\xf7", "voice of a TX81Z"),
    "dx7ii": (b"\xf0\x43\x00\x7e\x00\x3dLM  8973PE" + bytes(52) + b"\xf7", "performances of a DX7II"),
    "tuning": (b"\xf0\x43\x00\x7e\x00\x3dLM  MCRYE " + bytes(52) + b"\xf7", "a micro-tuning"),
    "amem": (b"\xf0\x43\x00\x06\x08\x60" + bytes(1121) + b"\xf7", "supplements of 32 voices of a DX7II"),
    "tx7": (b"\xf0\x43\x00\x01\x00\x5e" + bytes(95) + b"\xf7", "function data of a TX7"),
    "fb01": (b"\xf0\x43\x75\x00\x00\x00\xf7", "data of an FB-01"),
    "request": (b"\xf0\x43\x20\x09\xf7", "a request for a dump"),
    "roland": (b"\xf0\x41\x10\x14\x12\xf7", "a message for a Roland synth"),
    "korg": (b"\xf0\x42\x30\x58\x40\xf7", "a message for a Korg synth"),
    "casio": (b"\xf0\x44\x00\x00\x70\xf7", "a message for a Casio synth"),
    "novation": (b"\xf0\x00\x20\x29\x01\xf7", "a message for a Novation synth"),
    "universal": (b"\xf0\x7e\x7f\x06\x01\xf7", "a universal message"),
}


@pytest.mark.parametrize("what", NAMED)
def test_what_is_no_dx7_voice_is_named(what: str):
    data, said = NAMED[what]

    with pytest.raises(PresetError, match="not a DX7 file: ") as refused:
        Syx().read(data)

    assert said in str(refused.value)
    assert not Syx().recognises(data)


@pytest.mark.parametrize("what", NAMED)
def test_what_stands_beside_voices_is_named(what: str):
    data, said = NAMED[what]

    report = read(bank() + data)

    assert report.presets == voices(32)
    assert said in report.notes[0]
    assert report.notes[0].startswith(f"skipped 1 other message, {len(data):,} bytes, the first at byte 4104: ")


def test_a_bare_bank_of_a_four_operator_synth_is_named():
    row = bytes(range(57)) + b"FourOp    " + bytes(61)

    with pytest.raises(PresetError, match="a bank of 32 voices of a 4-operator synth"):
        Syx().read(row * 32)


@pytest.mark.parametrize("part", [b"\xf0", b"\xf0\x43\x00\x09\x20\x00", b"\0"])
def test_a_long_file_of_something_else_takes_little_memory(part: bytes):
    data = part * (2**21 // len(part) // 128 * 128)
    tracemalloc.start()

    assert find_voices(data) == []
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**23


def test_a_long_file_of_voices_is_read_whole():
    data = bank()[BARE] * 40

    assert find_voices(data) == [BareVoices(PACKED, 0, 32 * 40)]
