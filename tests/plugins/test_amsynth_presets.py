"""Presets of a real plug-in, amsynth: read, written, and opened by the plug-in itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchflow.data.dataset import DatasetRecipe, read_pool
from patchflow.engines import Note, engines, load_presets, save_presets, unpacked
from patchflow.engines import Plugin as Engine
from patchflow.errors import PatchflowError, PresetError
from patchflow.hosts import HostProcess
from patchflow.presets import Preset, ReadReport, check, read_presets
from patchflow.presets.formats import formats
from patchflow.presets.vst2 import Program

NOTE = Note(52, 80, hold=0.5, length=1.0)


@pytest.fixture
def engine(amsynth: str) -> Engine:
    made = engines[amsynth]()
    assert isinstance(made, Engine)
    return made


@pytest.fixture
def random_presets(amsynth: str) -> list[Preset]:
    space = engines[amsynth].space
    points = space.snap(np.random.default_rng(5).random((6, len(space))))
    return [Preset(amsynth, space.decode(point), name=f"Random {i}") for i, point in enumerate(points)]


def opened(file: Path, plugin: Path) -> np.ndarray:
    """What a plug-in plays that knows of nothing but the file, as float32, shape `(2, T)`."""
    asked = {"pitch": NOTE.pitch, "velocity": NOTE.velocity, "hold": NOTE.hold, "samples": NOTE.samples(44_100)}
    with HostProcess("dawdreamer", {"path": str(plugin)}) as host:
        return np.frombuffer(host.ask("render", asked, file.read_bytes()).data, np.float32).reshape(2, -1)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".fxp", ".fxb"])
def test_the_plug_in_opens_what_is_written_and_sounds_exactly_so(
    engine: Engine, random_presets: list[Preset], amsynth_plugin: Path, tmp_path: Path, ending: str
):
    for preset in random_presets[:4]:
        file = tmp_path / f"a{ending}"
        save_presets(file, [preset])

        np.testing.assert_array_equal(
            opened(file, amsynth_plugin).mean(0, dtype=np.float32), engine.play(file.read_bytes(), NOTE)
        )


def test_the_values_that_are_read_from_a_file_sound_like_the_file(engine: Engine, random_presets: list[Preset]):
    """To the last bit but for what the plug-in makes of the last bit of a value."""
    for preset in map(engine.pack, random_presets):
        file, values = engine.play(preset.state, NOTE), engine.render(engine.space.encode(preset.values), NOTE)

        np.testing.assert_allclose(values, file, atol=1e-3 * np.abs(file).max())
        assert np.abs(file).max() > 0.0001


@pytest.mark.slow
def test_what_is_read_is_what_was_written_to_six_digits(random_presets: list[Preset], tmp_path: Path):
    """Amsynth stores no more."""
    for preset in random_presets:
        save_presets(tmp_path / "a.fxp", [preset])
        (again,) = load_presets(tmp_path / "a.fxp").presets

        assert (again.name, again.synth) == (preset.name, preset.synth)
        assert again.values == {
            name: value if isinstance(value, int | str) else pytest.approx(value, abs=2e-4)
            for name, value in preset.values.items()
        }


def test_a_preset_that_was_read_is_written_as_it_was(random_presets: list[Preset], tmp_path: Path):
    save_presets(tmp_path / "a.fxp", random_presets[:1])
    save_presets(tmp_path / "b.fxp", load_presets(tmp_path / "a.fxp").presets)

    assert (tmp_path / "a.fxp").read_bytes() == (tmp_path / "b.fxp").read_bytes()


def test_every_preset_that_comes_with_amsynth_fits_the_space(amsynth_banks: Path):
    report = load_presets(amsynth_banks / "amsynth_factory.bank")

    assert len(report.presets) > 20
    assert not report.rejected
    for preset in report.presets:
        check(preset, engines["amsynth"].space)


def test_presets_that_are_read_together_are_what_they_are_alone(engine: Engine, amsynth_banks: Path):
    read = formats["amsynth"]().read((amsynth_banks / "PatriksBank01.bank").read_bytes())
    few = read.presets[:12]
    text = b"amSynth1.0preset\n<preset> <name> A\n<parameter> amp_attack 0.5\n"
    part = Preset("", {}, "Sets one", state=Program("amsy", 0, 1, "A", text).pack())
    mixed = [few[0], part, *few, Preset("", {}, "Foreign", state=Program("abcd", 0, 1, "", b"x").pack())]

    together = engine.unpack_all(mixed)

    assert together[:-1] == [engine.unpack(preset) for preset in mixed[:-1]]
    assert str(together[-1]) == "Foreign: is for the plug-in 'abcd', and amsynth is 'amsy'"


@pytest.mark.slow
def test_a_preset_of_a_bank_sounds_as_the_plug_in_plays_its_text(
    engine: Engine, amsynth_banks: Path, tmp_path: Path, amsynth_plugin: Path
):
    read = formats["amsynth"]().read((amsynth_banks / "PatriksBank01.bank").read_bytes())
    for preset in read.presets[::40]:
        (tmp_path / "a.fxp").write_bytes(preset.state)
        (known,) = unpacked(ReadReport((preset,)), "amsynth").presets

        sound = engine.render(engine.space.encode(known.values), NOTE)

        text = opened(tmp_path / "a.fxp", amsynth_plugin).mean(0, dtype=np.float32)
        np.testing.assert_allclose(sound, text, atol=1e-3 * np.abs(text).max())


@pytest.mark.slow
def test_a_bank_goes_through_other_formats_and_back(amsynth_banks: Path, tmp_path: Path):
    first = load_presets(amsynth_banks / "amsynth_factory.bank").presets[:8]
    save_presets(tmp_path / "a.bank", first)
    save_presets(tmp_path / "b.json", load_presets(tmp_path / "a.bank").presets)
    save_presets(tmp_path / "c.bank", load_presets(tmp_path / "b.json").presets)

    again = load_presets(tmp_path / "c.bank").presets

    assert [(preset.name, preset.values) for preset in again] == [(preset.name, preset.values) for preset in first]


def test_a_preset_of_another_plug_in_is_refused_by_its_id(amsynth: str, tmp_path: Path):
    (tmp_path / "a.fxp").write_bytes(Program("ZASF", 1, 16, "Pad", b"anything").pack())

    with pytest.raises(PresetError, match="'ZASF', which no synth is known to be.*patchflow synth add"):
        load_presets(tmp_path / "a.fxp")
    report = load_presets(tmp_path / "a.fxp", amsynth)

    assert report.rejected[0].reason == "Pad: is for the plug-in 'ZASF', and amsynth is 'amsy'"


def test_of_two_synths_that_take_a_preset_one_must_be_chosen(
    amsynth_described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_presets: list[Preset]
):
    save_presets(tmp_path / "a.fxp", random_presets[:1])
    text = (amsynth_described / "amsynth.toml").read_text()
    (tmp_path / "synths").mkdir()
    for name in ("one", "two"):
        (tmp_path / "synths" / f"{name}.toml").write_text(text)
    monkeypatch.setenv("PATCHFLOW_SYNTHS", str(tmp_path / "synths"))

    with pytest.raises(PresetError, match="the synths one, two take presets of the plug-in 'amsy'. Choose"):
        load_presets(tmp_path / "a.fxp")
    assert load_presets(tmp_path / "a.fxp", "two").presets[0].synth == "two"


def test_a_preset_beyond_the_limits_of_the_description_is_reported(
    amsynth_described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_presets: list[Preset]
):
    save_presets(tmp_path / "a.bank", random_presets)
    text = (amsynth_described / "amsynth.toml").read_text()
    at = text.index("low = 0.0", text.index('name = "amp_sustain"'))
    (tmp_path / "synths").mkdir()
    (tmp_path / "synths" / "amsynth.toml").write_text(text[:at] + "low = 0.5" + text[at + 9 :])
    monkeypatch.setenv("PATCHFLOW_SYNTHS", str(tmp_path / "synths"))
    too_low = [preset.name for preset in random_presets if float(preset.values["amp_sustain"]) < 0.5]

    report = load_presets(tmp_path / "a.bank")

    assert [voice.name for voice in report.rejected] == too_low
    assert all("amp_sustain=" in voice.reason and "not in [0.5, 1]" in voice.reason for voice in report.rejected)
    assert len(report.presets) == len(random_presets) - len(too_low)


def test_data_sets_are_made_of_its_own_files(
    engine: Engine, random_presets: list[Preset], amsynth: str, tmp_path: Path
):
    save_presets(tmp_path / "a.fxb", random_presets[:1])

    pool = read_pool(DatasetRecipe(synth=amsynth, presets=(str(tmp_path / "a.fxb"),)), engine)

    np.testing.assert_allclose(pool.points[0], engine.space.encode(random_presets[0].values), atol=1e-5)


def test_presets_that_are_unpacked_together_are_what_each_is_alone(engine: Engine, amsynth_banks: Path):
    presets = read_presets(amsynth_banks / "amsynth_factory.bank").presets[:20]

    together = engine.unpack_all(presets)

    assert together == [engine.unpack(preset) for preset in presets]


def test_what_a_preset_leaves_out_is_not_that_of_the_preset_before(engine: Engine, amsynth_banks: Path):
    full = read_presets(amsynth_banks / "amsynth_factory.bank").presets[:4]
    bank = b"amSynth\n<preset> <name> Bare\n<parameter> amp_decay 0.5\nEOF\n"
    (bare,) = formats["amsynth"]().read(bank).presets

    assert engine.unpack_all([*full, bare, full[0]])[4] == engine.unpack(bare)


def test_one_that_the_plug_in_does_not_take_costs_the_others_nothing(engine: Engine, amsynth_banks: Path):
    good = read_presets(amsynth_banks / "amsynth_factory.bank").presets[:3]
    wrong = replace(good[0], state=b"CcnK" + bytes(100), name="wrong")

    found = engine.unpack_all([good[0], wrong, good[1], good[2]])

    assert found == [engine.unpack(good[0]), found[1], engine.unpack(good[1]), engine.unpack(good[2])]
    assert isinstance(found[1], PatchflowError)
