"""Presets of several synths in one file."""

import zipfile
from pathlib import Path

import pytest

from patchflow.engines import load_presets
from patchflow.errors import PresetError
from patchflow.presets import Preset, write_presets
from patchflow.presets.vst2 import Program

TONE = Preset("tone", {"wave": "saw", "decay": 1.0, "gain": 0.0}, name="Pluck")


def test_a_preset_of_an_unknown_plug_in_costs_no_other(tmp_path: Path):
    strange = Preset("", {}, name="Strange", state=Program("XfsX", 1, 1, "Strange", b"anything").pack())
    write_presets(tmp_path / "a.json", [TONE])
    write_presets(tmp_path / "b.fxp", [strange])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "a.json", "b.json")
        archive.write(tmp_path / "b.fxp", "a.fxp")

    report = load_presets(tmp_path / "all.zip")

    assert report.presets == (TONE,)
    assert report.places == (2,)
    assert str(report.rejected[0]).startswith("voice 1 'Strange': is for the plug-in 'XfsX', which no synth is known")
    with pytest.raises(PresetError, match="is for the plug-in 'XfsX'"):
        load_presets(tmp_path / "b.fxp")


def test_presets_of_another_synth_than_was_asked_for_cost_no_other(tmp_path: Path):
    write_presets(tmp_path / "a.json", [Preset("organ", {"a": 1.0}, name="Other"), TONE])

    report = load_presets(tmp_path / "a.json", "tone")

    assert report.presets == (TONE,)
    assert [rejected.voice for rejected in report.rejected] == [1]
