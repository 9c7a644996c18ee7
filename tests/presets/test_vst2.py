"""VST2 programs and banks: written, read, cut off, lying, and random."""

import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patchflow.errors import PresetError
from patchflow.presets import Preset
from patchflow.presets.formats import PresetFormat, formats
from patchflow.presets.vst2 import Program, Vst2Bank, parse_bank, parse_program, plugin_id, program_of

CHUNK = Program("amsy", 3, 41, "Pluck", b"whatever it stores")
PLAIN = Program("mine", 1, 2, "Plain", struct.pack(">2f", 0.25, 1.0), plain=True)
FXP, FXB = formats["fxp"](), formats["fxb"]()


def test_the_bytes_are_those_of_the_published_layout():
    assert PLAIN.pack() == (
        b"CcnK" + struct.pack(">I", 56) + b"FxCk" + struct.pack(">I", 1) + b"mine" + struct.pack(">II", 1, 2)
        + b"Plain".ljust(28, b"\0") + struct.pack(">2f", 0.25, 1.0)
    )  # fmt: skip
    assert CHUNK.pack()[8:12] == b"FPCh"
    assert CHUNK.pack()[56:] == struct.pack(">I", 18) + b"whatever it stores"


@pytest.mark.parametrize("program", [CHUNK, PLAIN], ids=["chunk", "plain"])
def test_a_program_is_read_as_it_was_written(program: Program):
    assert parse_program(program.pack()) == program
    assert plugin_id(program.pack()) == program.plugin


@pytest.mark.parametrize(
    "bank",
    [Vst2Bank("amsy", 1, 128, b"all of it"), Vst2Bank("mine", 1, 3, programs=(PLAIN, PLAIN, PLAIN))],
    ids=["chunk", "plain"],
)
def test_a_bank_is_read_as_it_was_written(bank: Vst2Bank):
    assert parse_bank(bank.pack()) == bank


@pytest.mark.parametrize("size", [0, 4, 5])
def test_a_size_that_hosts_leave_out_or_count_otherwise_is_no_fault(size: int):
    data = CHUNK.pack()

    assert parse_program(data[:4] + struct.pack(">I", size) + data[8:]) == CHUNK


@pytest.mark.parametrize("program", [CHUNK, PLAIN], ids=["chunk", "plain"])
def test_every_cut_is_one_clear_line(program: Program):
    data = program.pack()
    for end in range(len(data)):
        with pytest.raises(PresetError) as error:
            parse_program(data[:end])
        assert "\n" not in str(error.value)
        assert "cut off" in str(error.value) or end < 4


@pytest.mark.parametrize(
    ("place", "data", "said"),
    [
        (0, b"RIFF", "does not begin with CcnK"),
        (8, b"FBCh", "not a preset: a bank"),
        (8, b"Fooo", "not a preset: of an unknown kind b'Fooo'"),
        (12, struct.pack(">I", 3), r"version=3: of the container, not in \[1, 2\]"),
        (4, struct.pack(">I", 1_000), "cut off: it says it has 1,008 bytes, but there are 78"),
        (56, struct.pack(">I", 19), "cut off in its chunk of 19 bytes: 18 of 19 bytes are there"),
        (56, struct.pack(">I", 17), "1 bytes follow its end, at byte 77"),
        (56, struct.pack(">I", 2**32 - 1), "cut off in its chunk of 4,294,967,295 bytes"),
    ],
)
def test_what_is_wrong_is_said(place: int, data: bytes, said: str):
    whole = CHUNK.pack()

    with pytest.raises(PresetError, match=said):
        parse_program(whole[:place] + data + whole[place + len(data) :])


def test_a_count_that_lies_is_found():
    data = PLAIN.pack()

    with pytest.raises(PresetError, match="cut off in its 3 parameters: 8 of 12 bytes"):
        parse_program(data[:24] + struct.pack(">I", 3) + data[28:])


def test_a_bank_with_fewer_presets_than_it_says_is_an_error():
    data = Vst2Bank("mine", 1, 3, programs=(PLAIN, PLAIN)).pack()

    with pytest.raises(PresetError, match="says it has 3 presets, but there are 2"):
        parse_bank(data)


def test_a_bank_and_its_program_are_made_of_each_other():
    bank = FXB.write([Preset("", {}, name="Pluck", state=CHUNK.pack())])

    assert program_of(bank, "Pluck").content == CHUNK.content
    assert FXP.write([Preset("", {}, name="Pluck", state=bank)])[8:12] == b"FPCh"


def test_banks_of_chunks_hold_one_preset():
    with pytest.raises(PresetError, match="one preset, not 2"):
        FXB.write([Preset("", {}, state=CHUNK.pack())] * 2)


def test_presets_of_two_plug_ins_do_not_make_a_bank():
    with pytest.raises(PresetError, match="different plug-ins"):
        FXB.write([Preset("", {}, state=program.pack()) for program in (CHUNK, PLAIN)])


@pytest.mark.parametrize("kind", ["fxp", "fxb", "amsynth"])
def test_presets_of_other_synths_are_refused(kind: str):
    with pytest.raises(PresetError, match="Saw: is not of"):
        formats[kind]().write([Preset("tone", {"wave": "saw"}, name="Saw")])


def test_a_preset_is_called_what_it_is_called_now():
    assert (
        FXP.read(FXP.write([Preset("", {}, name="New \u00e9\u4e00", state=CHUNK.pack())])).presets[0].name
        == "New \u00e9?"
    )


mutated = st.tuples(
    st.sampled_from([CHUNK.pack(), PLAIN.pack(), Vst2Bank("mine", 1, 2, programs=(PLAIN, PLAIN)).pack()]),
    st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=8)), max_size=4),
    st.integers(0, 400),
).map(lambda drawn: _mutate(*drawn))


def _mutate(data: bytes, changes: list[tuple[int, bytes]], end: int) -> bytes:
    for place, new in changes:
        data = data[:place] + new + data[place + len(new) :]
    return data[:end]


def read_or_refuse(kind: PresetFormat, data: bytes) -> None:
    try:
        presets = kind.read(data).presets
    except PresetError as error:
        lines = str(error).count("\n")
    else:
        lines = 0
        assert kind.read(kind.write(presets[:1])).presets[0].name == presets[0].name
    assert lines == 0


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(b"CcnK".__add__), mutated))
@example(b"CcnK")
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes):
    for kind in (FXP, FXB):
        read_or_refuse(kind, data)
