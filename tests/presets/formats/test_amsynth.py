"""Text banks of amsynth."""

import re

import pytest

from patchflow.presets import Preset
from patchflow.presets.formats import formats
from patchflow.presets.formats.amsynth import PARAMETERS
from patchflow.presets.vst2 import program_of

AMSYNTH = formats["amsynth"]()
ONE = b"amSynth\n<preset> <name> Two Words\n<parameter> amp_decay 0.5\n<parameter> osc_mix -1e-3\nEOF\n"
P = b"<parameter> "


def text_of(preset: Preset) -> str:
    """What the plug-in gets."""
    return program_of(preset.state).content.decode()


def value_of(preset: Preset, parameter: str) -> str:
    (found,) = re.findall(rf"<parameter> {parameter} (\S+)\n", text_of(preset))
    return found


def with_line(line: bytes) -> bytes:
    """Two presets, of which the first has one other line, which is the third of the file."""
    bank = ONE.replace(b"<parameter> amp_decay 0.5", line).replace(b"EOF\n", b"")
    return bank + ONE.partition(b"\n")[2]


def test_names_and_parameters_are_kept_to_the_letter():
    written = AMSYNTH.write(AMSYNTH.read(ONE).presets)

    assert written.startswith(ONE.removesuffix(b"EOF\n"))
    assert AMSYNTH.write(AMSYNTH.read(written).presets) == written


def test_parameters_that_are_not_there_are_at_amsynths_defaults():
    report = AMSYNTH.read(ONE)

    assert re.findall(r"<parameter> (\S+) ", text_of(report.presets[0]))[:2] == ["amp_decay", "osc_mix"]
    assert {value_of(report.presets[0], name) for name in ("amp_sustain", "filter_type")} == {"1", "0"}
    assert value_of(report.presets[0], "master_vol") == "0.67"
    assert text_of(report.presets[0]).count("<parameter>") == len(PARAMETERS) == 41
    assert not report.problems


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"<parameter> amp_decay 0.5 1", "line 3: .* is not <parameter> NAME VALUE"),
        (b"<parameter> amp_decay five", "line 3: amp_decay=five: not a finite number"),
        (b"<parameter> amp_decay nan", "line 3: amp_decay=nan: not a finite number"),
        (b"<parameter> amp_decay \x1b]0;x", r"line 3: amp_decay=\\x1b]0;x: not a finite number"),
    ],
)
def test_a_damaged_preset_is_rejected_and_the_others_are_read(line: bytes, said: str):
    report = AMSYNTH.read(with_line(line))

    assert [preset.name for preset in report.presets] == ["Two Words"]
    assert report.places == (2,)
    assert report.rejected[0].voice == 1
    assert re.fullmatch(said, report.rejected[0].reason)


@pytest.mark.parametrize(
    ("line", "parameter", "value", "said"),
    [
        (P + b"future_knob 0.5", "amp_decay", "0", "amsynth has no parameter 'future_knob', and it is left out"),
        (P + b"amp_decay", "amp_decay", "0", "'<parameter> amp_decay' is not <parameter> NAME VALUE, and is left out"),
        (b"\xff", "amp_decay", "0", r"'\xff' is not <parameter> NAME VALUE, and is left out"),
        (P + b"osc_mix 1", "osc_mix", "-1e-3", "osc_mix comes twice, and the last one counts"),
        (P + b"amp_decay 9", "amp_decay", "2.5", "amp_decay=9 is not in [0, 2.5], taken as 2.5"),
        (P + b"filter_cutoff -2e3", "filter_cutoff", "-0.5", "filter_cutoff=-2e3 is not in [-0.5, 1.5], taken as -0.5"),
        (P + b"amp_decay 0,5", "amp_decay", "0.5", "amp_decay=0,5 is taken as 0.5"),
    ],
)  # fmt: skip
def test_what_amsynth_passes_over_or_limits_is_said(line: bytes, parameter: str, value: str, said: str):
    report = AMSYNTH.read(with_line(line))

    number = 4 if "twice" in said else 3
    assert [str(fault) for fault in report.mended] == [f"voice 1 'Two Words': line {number}: {said}"]
    assert value_of(report.presets[0], parameter) == value
    assert report.strict().places == (2,)


def test_a_preset_without_parameters_is_amsynths_first():
    report = AMSYNTH.read(b"amSynth\n<preset> <name> Bare\nEOF\n")

    assert text_of(report.presets[0]).count("<parameter>") == 41
    assert report.problems == ("voice 1 'Bare': line 2: a preset without parameters, which are at amsynth's defaults",)


def test_a_parameter_of_no_use_and_a_property_are_passed_over():
    lines = b"<parameter> unused 1\n<property> tuning_file x\n\n"

    assert AMSYNTH.read(with_line(lines + b"<parameter> amp_decay 0.5")) == AMSYNTH.read(
        with_line(b"<parameter> amp_decay 0.5")
    )


def test_the_plug_in_never_takes_a_parameter_for_the_name():
    (preset,) = AMSYNTH.read(ONE.replace(b"Two Words", b"")).presets

    assert preset.name == ""
    assert text_of(preset).startswith("amSynth1.0preset\n<preset> <name> Unnamed\n<parameter> amp_decay 0.5\n")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Größe".encode(), "Größe"),
        ("Größe".encode("latin-1"), "Größe"),
        (b"a\x85b", "a…b"),
        (b"\x1b[31mRed\t1 ", "[31mRed 1"),
        (b"<parameter> x", "x"),
    ],
)
def test_names_are_shown_as_they_were_meant(raw: bytes, name: str):
    (preset,) = AMSYNTH.read(ONE.replace(b"Two Words", raw)).presets

    assert preset.name == name
    assert AMSYNTH.read(AMSYNTH.write([preset])).presets == (preset,)


def test_a_preset_that_was_exported_alone_is_read():
    (preset,) = AMSYNTH.read(ONE).presets

    report = AMSYNTH.read(program_of(preset.state).content)

    assert report.presets == (preset,)
    assert not report.problems


def test_a_bank_that_was_cut_off_is_noted():
    assert "cut off" in AMSYNTH.read(ONE.removesuffix(b"EOF\n")).notes[0]


@pytest.mark.parametrize(
    "data",
    [ONE.replace(b"\n", b"\r\n"), ONE.replace(b"\n", b"\r"), b"\xef\xbb\xbf" + ONE, ONE + bytes(7), ONE.rstrip()],
    ids=["Windows", "old Mac", "byte order mark", "zeros", "no last line end"],
)
def test_line_ends_and_what_editors_add_do_no_harm(data: bytes):
    assert AMSYNTH.recognises(data)
    assert AMSYNTH.read(data) == AMSYNTH.read(ONE)
