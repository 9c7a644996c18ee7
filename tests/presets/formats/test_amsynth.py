"""Text banks of amsynth."""

import re

import pytest

from patchflow.presets.formats import formats

AMSYNTH = formats["amsynth"]()
ONE = b"amSynth\n<preset> <name> Two Words\n<parameter> amp_decay 0.5\n<parameter> osc_mix -1e-3\nEOF\n"


def test_names_and_parameters_are_kept_to_the_letter():
    assert AMSYNTH.write(AMSYNTH.read(ONE).presets) == ONE


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"<parameter> amp_decay", "line 3: .* is not <parameter> NAME VALUE"),
        (b"<parameter> amp_decay 0.5 1", "line 3: .* is not <parameter> NAME VALUE"),
        (b"<parameter> amp_decay five", "line 3: amp_decay=five: not a finite number"),
        (b"<parameter> amp_decay nan", "line 3: amp_decay=nan: not a finite number"),
        (b"<parameter> osc_mix 1", "line 4: osc_mix comes twice"),
        (b"\xff", "line 3: .* is not <parameter> NAME VALUE"),
    ],
)
def test_a_damaged_preset_is_rejected_and_the_others_are_read(line: bytes, said: str):
    bank = ONE.replace(b"<parameter> amp_decay 0.5", line).replace(b"EOF\n", b"") + ONE.partition(b"\n")[2]

    report = AMSYNTH.read(bank)

    assert [preset.name for preset in report.presets] == ["Two Words"]
    assert report.rejected[0].voice == 1
    assert re.fullmatch(said, report.rejected[0].reason)


def test_a_bank_that_was_cut_off_is_noted():
    assert "cut off" in AMSYNTH.read(ONE.removesuffix(b"EOF\n")).notes[0]


def test_windows_line_ends_do_no_harm():
    assert AMSYNTH.read(ONE.replace(b"\n", b"\r\n")).presets == AMSYNTH.read(ONE).presets
