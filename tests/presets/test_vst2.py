"""VST2 programs and banks: written, read, cut off, lying, and random."""

import math
import re
import struct
from dataclasses import replace

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
        (56, struct.pack(">I", 19), "cut off in its chunk of 19 bytes: 18 of 19 bytes are there"),
        (56, struct.pack(">I", 2**32 - 1), "cut off in its chunk of 4,294,967,295 bytes"),
    ],
)
def test_what_is_wrong_is_said(place: int, data: bytes, said: str):
    whole = CHUNK.pack()

    with pytest.raises(PresetError, match=said):
        parse_program(whole[:place] + data + whole[place + len(data) :])


def changed(data: bytes, place: int, new: bytes) -> bytes:
    return data[:place] + new + data[place + len(new) :]


def test_a_count_that_lies_in_a_file_of_another_length_is_a_cut():
    data = changed(changed(PLAIN.pack(), 24, struct.pack(">I", 3)), 4, struct.pack(">I", 60))

    with pytest.raises(PresetError, match="cut off in its 3 parameters: 8 of 12 bytes"):
        parse_program(data)


WHOLE = CHUNK.pack()
DAMAGED = [
    (
        "size counts the whole file",
        changed(WHOLE, 4, struct.pack(">I", 78)),
        "its size is given as 78 bytes, and is 70",
    ),
    ("size too large", changed(WHOLE, 4, struct.pack(">I", 1_000)), "its size is given as 1,000 bytes, and is 70"),
    ("size too small", changed(WHOLE, 4, struct.pack(">I", 3)), "its size is given as 3 bytes, and is 70"),
    ("size reversed", changed(WHOLE, 4, struct.pack("<I", 70)), "its size is given as 1,174,405,120 bytes, and is 70"),
    ("trailing, counted", changed(WHOLE, 4, struct.pack(">I", 74)) + bytes(4), "4 bytes follow its end, at byte 78"),
    ("trailing", WHOLE + bytes(4), "4 bytes follow its end, at byte 78, and are left out"),
    ("chunk size reversed", changed(WHOLE, 56, struct.pack("<I", 18)), "size of its chunk has its lowest byte first"),
    ("chunk size 0", changed(WHOLE, 56, bytes(4)), "its chunk is said to have 0 bytes, and has 18"),
]


@pytest.mark.parametrize(("data", "said"), [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED])
def test_a_program_that_hosts_load_is_mended_to_the_byte(data: bytes, said: str):
    report = FXP.read(data)

    assert report.presets == (Preset("", {}, name="Pluck", state=WHOLE),)
    assert len(report.mended) == 1
    assert said in report.problems[0]
    with pytest.raises(PresetError, match=re.escape(said)):
        report.strict()


def test_a_chunk_size_that_is_too_small_is_taken_as_hosts_do():
    report = FXP.read(changed(WHOLE, 56, struct.pack(">I", 17)))

    assert parse_program(report.presets[0].state).content == b"whatever it store"
    assert report.problems[-1] == "1 bytes follow its end, at byte 77, and are left out"


def test_a_count_that_lies_in_a_whole_file_is_mended():
    report = FXP.read(changed(PLAIN.pack(), 24, struct.pack(">I", 3)))

    assert report.presets[0].state == PLAIN.pack()
    assert report.problems == ("it says it has 3 parameters, and has 2",)


def test_a_parameter_that_is_no_number_is_named():
    with pytest.raises(PresetError, match=r"parameter 2 \(byte 60\) is nan: not a finite number"):
        parse_program(changed(PLAIN.pack(), 60, struct.pack(">f", math.nan)))


@pytest.mark.parametrize(
    "bank", [Vst2Bank("mine", 1, 3, b"all of it"), Vst2Bank("mine", 1, 2, programs=(PLAIN, PLAIN))]
)
def test_a_bank_of_version_2_goes_to_the_host_as_version_1(bank: Vst2Bank):
    second = changed(changed(bank.pack(), 12, struct.pack(">I", 2)), 28, struct.pack(">I", 1))

    report = FXB.read(second)

    assert [preset.state[12:16] for preset in report.presets] == [struct.pack(">I", 1)] * len(report.presets)
    assert not report.problems
    assert FXB.write(report.presets) == bank.pack()


def test_a_bank_with_fewer_presets_than_it_says_has_those():
    report = FXB.read(Vst2Bank("mine", 1, 3, programs=(PLAIN, PLAIN)).pack())

    assert [preset.name for preset in report.presets] == ["Plain", "Plain"]
    assert report.problems == ("it says it has 3 presets, but there are 2",)


def test_a_bank_with_more_presets_than_it_says_has_them_all():
    report = FXB.read(Vst2Bank("mine", 1, 1, programs=(PLAIN, PLAIN)).pack())

    assert len(report.presets) == 2
    assert report.problems == ("it says it has 1 presets, but there are 2",)


def test_a_bank_that_is_cut_off_keeps_its_whole_presets():
    report = FXB.read(Vst2Bank("mine", 1, 3, programs=(PLAIN,) * 3).pack()[:-2])

    assert report.places == (1, 2)
    assert report.problems[0] == "voice 3: cut off in its 2 parameters: 6 of 8 bytes are there"


def test_a_preset_whose_count_lies_does_not_lose_those_after_it():
    data = Vst2Bank("mine", 1, 3, programs=(PLAIN,) * 3).pack()
    second = 156 + len(PLAIN.pack())

    report = FXB.read(changed(data, second + 24, struct.pack(">I", 1_000)))

    assert report.places == (1, 3)
    assert [rejected.voice for rejected in report.rejected] == [2]


def test_a_bank_of_both_kinds_of_presets_is_read():
    report = FXB.read(Vst2Bank("mine", 1, 3, programs=(PLAIN, replace(CHUNK, plugin="mine"), PLAIN)).pack())

    assert [preset.state[8:12] for preset in report.presets] == [b"FxCk", b"FPCh", b"FxCk"]


def test_bytes_after_a_bank_are_left_out():
    bank = Vst2Bank("mine", 1, 2, programs=(PLAIN, PLAIN)).pack()

    report = FXB.read(bank + b"\0" * 100)

    assert FXB.write(report.presets) == bank
    assert report.problems == (f"100 bytes follow its end, at byte {len(bank)}, and are left out",)


NAMES = [
    ("Größe シンセ".encode(), "Größe シンセ"),
    ("Größe".encode("latin-1"), "Größe"),
    ("Brian’s €".encode("cp1252"), "Brian’s €"),
    ("シンセ".encode("cp932"), "シンセ"),
    (b"A" * 28, "A" * 28),
    (("Grö" + "ß" * 20).encode()[:28], "Grö" + "ß" * 12),
    ("Café au lait, crème brûlée é".encode("latin-1"), "Café au lait, crème brûlée é"),
    (b"One\0Two", "One"),
    (b"  Tab\tBell\a\x7f ", "TabBell"),
    (b"A\x81\x8dB", "AB"),
]


@pytest.mark.parametrize(("raw", "name"), NAMES)
def test_names_are_read_in_the_code_they_are_in(raw: bytes, name: str):
    assert FXP.read(changed(WHOLE, 28, raw.ljust(28, b"\0"))).presets[0].name == name


def test_a_name_that_fits_only_in_latin_1_is_written_so():
    report = FXP.read(FXP.write([Preset("", {}, name="é" * 20, state=WHOLE)]))

    assert report.presets[0].name == "é" * 20


@pytest.mark.parametrize(("name", "kept"), [("é" * 28, "é" * 13), ("ж" * 20, "ж" * 13), ("aж" * 20, "aж" * 9)])
def test_names_that_do_not_fit_are_cut_between_letters(name: str, kept: str):
    report = FXP.read(FXP.write([Preset("", {}, name=name, state=WHOLE)]))

    assert report.presets[0].name == kept


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
    written = FXP.write([Preset("", {}, name="New \u00e9\u4e00", state=CHUNK.pack())])

    assert FXP.read(written).presets[0].name == "New \u00e9\u4e00"


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
