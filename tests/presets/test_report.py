"""The report of reading a file: places of presets, and what strict readers make of what was mended."""

import pytest

from patchflow.errors import PresetError
from patchflow.presets import Mended, Preset, ReadReport, Rejected

A, B, C = (Preset("tone", {}, name=name) for name in "ABC")


def test_places_without_gaps_if_not_given() -> None:
    assert ReadReport((A, B)).places == (1, 2)


def test_as_many_places_as_presets() -> None:
    with pytest.raises(ValueError, match="1 places of 2 presets"):
        ReadReport((A, B), places=(3,))


def test_rejected_presets_keep_their_places() -> None:
    report = ReadReport((A, C), (Rejected(2, "odd"), Rejected(4, "odd")), places=(1, 3))
    assert report.count == 4


def test_places_behind_the_last_preset_count() -> None:
    assert ReadReport((A,), slots=32).count == 32
    assert ReadReport((A,), mended=(Mended(1, "odd"),), slots=32).strict().count == 32


def test_a_strict_report_rejects_what_was_mended() -> None:
    faults = (Mended(3, "first"), Mended(3, "second"), Mended(1, "third", "A", 7, 9, (0, 8)))
    report = ReadReport((A, B, C), (Rejected(2, "odd"),), ("note",), faults, places=(1, 3, 4)).strict()
    assert report.presets == (C,)
    assert report.places == (4,)
    assert report.rejected == (Rejected(1, "third", "A", 7, 9, (0, 8)), Rejected(2, "odd"), Rejected(3, "first"))
    assert report.notes == ("note",)
    assert report.mended == ()


def test_a_strict_report_refuses_a_file_that_was_mended() -> None:
    with pytest.raises(PresetError, match="clock bytes"):
        ReadReport((A,), mended=(Mended(0, "clock bytes left out"),)).strict()
