"""VST3 presets: written, read, cut off, lying, and random."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchflow.errors import PresetError
from patchflow.presets.formats import formats
from patchflow.presets.vst3 import VstPreset, class_id, from_juce, parse_vstpreset

WHOLE = VstPreset("0123456789ABCDEF" * 2, b"sound", b"screen", "Pluck", ((0, 0.25), (7, 1.0), (8, 1e-05)))
FORMAT = formats["vstpreset"]()


def chunks(data: bytes) -> dict[bytes, bytes]:
    """A reader of its own, as the format is published."""
    (place,) = struct.unpack_from("<q", data, 40)
    (count,) = struct.unpack_from("<i", data, place + 4)
    entries = [struct.unpack_from("<4sqq", data, place + 8 + 20 * i) for i in range(count)]
    return {kind: data[start : start + size] for kind, start, size in entries}


def test_it_is_read_as_it_was_written():
    assert parse_vstpreset(WHOLE.pack()) == WHOLE
    assert class_id(WHOLE.pack()) == WHOLE.plugin


def test_another_reader_finds_all_three_chunks():
    found = chunks(WHOLE.pack())

    assert list(found) == [b"Comp", b"Cont", b"Info"]
    assert (found[b"Comp"], found[b"Cont"]) == (b"sound", b"screen")
    assert b'id="MediaType" value="VstPreset"' in found[b"Info"]
    assert WHOLE.pack()[8:40] == WHOLE.plugin.encode()


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])))
def test_any_name_is_kept(name: str):
    printable = "".join(letter for letter in name if letter.isprintable())

    assert parse_vstpreset(VstPreset(WHOLE.plugin, b"", name=name).pack()).name == printable


def test_every_cut_is_one_clear_line():
    data = WHOLE.pack()
    for end in range(len(data)):
        with pytest.raises(PresetError) as error:
            parse_vstpreset(data[:end])
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("place", "data", "said"),
    [
        (0, b"RIFF", "does not begin with VST3"),
        (4, b"\x00", "version=0: of the container, not 1"),
        (8, b"hello", "not 32 hexadecimal digits"),
        (-68, b"Lisp", "its list of chunks is not at byte 386, where it is said to be"),
        (-64, b"\xff", "its list of chunks has 255 entries, not 0 to 128"),
        (-60, b"Bomp", "it has no Comp chunk, which holds the sound, but Bomp, Cont, Info"),
    ],
)
def test_what_is_wrong_is_said(place: int, data: bytes, said: str):
    whole = WHOLE.pack()
    place %= len(whole)

    with pytest.raises(PresetError, match=said):
        parse_vstpreset(whole[:place] + data + whole[place + len(data) :])


BYTES = WHOLE.pack()
PLACE = len(BYTES) - 68
DAMAGED = [
    (BYTES[:4] + b"\x02" + BYTES[5:], "version=2 of the container is read as version 1"),
    (BYTES[:40] + struct.pack("<q", 48) + BYTES[48:], f"its list of chunks is at byte {PLACE:,}, not at byte 48"),
    (BYTES[:40] + struct.pack("<q", -1) + BYTES[48:], f"its list of chunks is at byte {PLACE:,}, not at byte -1"),
    (BYTES[:40] + struct.pack("<q", PLACE - 2) + BYTES[48:], f"its list of chunks is at byte {PLACE:,}"),
    (BYTES + bytes(3), f"3 bytes follow its end, at byte {len(BYTES):,}, and are left out"),
]


@pytest.mark.parametrize(("data", "said"), DAMAGED, ids=[said for _, said in DAMAGED])
def test_what_can_be_mended_goes_on_as_it_should_have_been(data: bytes, said: str):
    report = FORMAT.read(data)

    assert [(preset.name, preset.state) for preset in report.presets] == [("Pluck", BYTES)]
    assert len(report.mended) == 1
    assert said in report.problems[0]


def test_a_preset_without_info_and_screen_is_read():
    head = struct.pack("<4si32sq", b"VST3", 1, WHOLE.plugin.lower().encode(), 53)
    bare = head + b"sound" + struct.pack("<4si4sqq", b"List", 1, b"Comp", 48, 5)

    report = FORMAT.read(bare)

    assert report.presets[0].state == bare
    assert not report.problems
    assert parse_vstpreset(bare) == VstPreset(WHOLE.plugin, b"sound")


def test_of_two_chunks_of_a_kind_the_first_counts():
    data = BYTES.replace(b"Cont" + struct.pack("<q", 53), b"Comp" + struct.pack("<q", 53))

    assert parse_vstpreset(data).component == b"sound"


def test_a_chunk_beyond_the_end_is_an_error():
    data = WHOLE.pack()
    entry = data.rindex(b"Comp")

    with pytest.raises(PresetError, match="chunk b'Comp' is said to be 1,000 bytes at byte 48"):
        parse_vstpreset(data[: entry + 12] + struct.pack("<q", 1000) + data[entry + 20 :])


@pytest.mark.parametrize("size", range(20))
def test_what_the_host_stores_is_unwrapped(size: int):
    letters = ".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"
    chunk = bytes(range(100, 100 + size))
    bits = "".join(f"{byte:08b}"[::-1] for byte in chunk)
    words = [bits[i : i + 6].ljust(6, "0")[::-1] for i in range(0, len(bits), 6)]
    text = f"{size}." + "".join(letters[int(word, 2)] for word in words)

    found = from_juce(f"VC2!...<VST3PluginState><IComponent>{text}</IComponent>".encode(), WHOLE.plugin)

    assert found == VstPreset(WHOLE.plugin, chunk)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.integers(0, 700), st.binary(max_size=8)).map(
            lambda change: WHOLE.pack()[: change[0]] + change[1] + WHOLE.pack()[change[0] + len(change[1]) :]
        ),
    )
)
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes):
    try:
        presets = FORMAT.read(data).presets
    except PresetError as error:
        lines = str(error).count("\n")
    else:
        lines = 0
        assert FORMAT.read(FORMAT.write(presets)).presets[0].name == presets[0].name
    assert lines == 0
