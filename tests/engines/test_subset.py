"""Engines with fewer parameters: the whole synth, with all else as in one voice."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

import patchflow
from patchflow.engines import Note, Selection, Subset, engines, load_presets, save_presets, selection_text, subset_of
from patchflow.engines._subset import parse_selection
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError, MissingDependency, PresetError
from patchflow.metrics.log_mel_l1 import log_mel_l1
from patchflow.presets import Preset, dx7

SIZES = (16, 32, 64)
NOTE = Note(60, 100, 0.3, 0.5)
RANKED = Path(patchflow.__file__).parent.parent / "benchmarks" / "results" / "parameters_dexed.csv"
SHORT = Selection("short", "tone", ("gain", "decay"), {"wave": "saw", "decay": 0.1, "gain": -6.0})

GOOD = selection_text(SHORT, "A saw.")


def of_dexed(size: int = 16) -> type[Subset]:
    found = engines[f"dexed_{size}"]
    assert issubclass(found, Subset)
    return found


def voices(count: int = 6) -> np.ndarray:
    return dx7.SPACE.snap(np.random.default_rng(0).random((count, len(dx7.SPACE))))


def add(synths: Path, text: str, name: str = "short") -> None:
    (synths / "subsets").mkdir(parents=True, exist_ok=True)
    (synths / "subsets" / f"{name}.toml").write_text(text)


@pytest.mark.parametrize("size", SIZES)
def test_it_sounds_as_the_whole_synth_with_the_completed_preset(size: int):
    small, whole = of_dexed(size)(), engines["dexed"]()

    for point in small.projected(voices()):
        np.testing.assert_array_equal(small.render(point, NOTE), whole.render(small.completed(point), NOTE))


def test_a_projection_keeps_the_free_values_and_nothing_else():
    small = of_dexed()
    before, after = (dx7.SPACE.decode(point) for point in (voices()[0], small.completed(small.projected(voices()[0]))))

    for name, value in after.items():
        assert value == (before[name] if name in small.space.index else small.selection.voice[name])


def test_projecting_what_was_completed_changes_nothing():
    small = of_dexed()
    points = small.projected(voices())

    np.testing.assert_array_equal(small.projected(small.completed(points)), points)


def test_its_fresh_preset_is_the_voice():
    small = of_dexed()

    assert dx7.SPACE.decode(small.completed(small.space.default())) == dict(small.selection.voice)


def test_a_number_between_two_steps_is_the_step_whose_cell_it_is_in():
    place = of_dexed().space.index["op2.output"]
    point = of_dexed().space.default()
    for u, step in [(0.0, 0), (0.499, 49), (0.501, 50), (1.0, 99)]:
        point[place] = u
        assert of_dexed().space.decode(point)["op2.output"] == step


def test_smaller_sets_are_parts_of_larger_ones():
    names = [set(of_dexed(size).space.names) for size in SIZES]

    assert [len(some) for some in names] == list(SIZES)
    assert names[0] < names[1] < names[2]


@pytest.mark.parametrize("size", SIZES)
def test_the_sets_are_those_that_were_measured_to_move_the_sound_most(size: int):
    with RANKED.open() as file:
        ranked = [row["parameter"] for row in csv.DictReader(file)]

    assert set(of_dexed(size).space.names) == set(ranked[:size])


def test_all_are_continuous():
    assert of_dexed(64).space.cells.min() >= 8


@pytest.mark.parametrize("operator", range(1, 7))
def test_every_operator_of_the_voice_is_heard(operator: int):
    voice = dx7.SPACE.encode(of_dexed().selection.voice)
    muted = voice.copy()
    muted[dx7.SPACE.index[f"op{operator}.output"]] = 0.0
    full, less = (torch.from_numpy(engines["dexed"]().render(point, Note(), 22_050)) for point in (voice, muted))

    assert log_mel_l1(less[None], full[None], 22_050).item() > 0.5


def test_its_file_holds_the_complete_voice(tmp_path: Path):
    small = of_dexed()
    point = small.projected(voices()[0])

    save_presets(tmp_path / "a.syx", [Preset("dexed_16", small.space.decode(point), name="Mine")])

    found = load_presets(tmp_path / "a.syx").presets[0]
    assert (found.synth, found.name) == ("dexed", "Mine")
    assert found.values == dx7.SPACE.decode(small.completed(point))


def test_a_file_of_the_whole_synth_can_be_read_as_far_as_there_are_parameters(tmp_path: Path):
    values = dx7.SPACE.decode(voices()[0])
    save_presets(tmp_path / "a.syx", [Preset("dexed", values, name="Mine")])

    found = load_presets(tmp_path / "a.syx", "dexed_16").presets[0]

    assert found == Preset("dexed_16", {name: values[name] for name in of_dexed().space.names}, name="Mine")


def test_its_json_file_holds_what_is_free(tmp_path: Path):
    preset = Preset("dexed_16", of_dexed().space.decode(of_dexed().space.default()), name="Mine")

    save_presets(tmp_path / "a.json", [preset])

    assert load_presets(tmp_path / "a.json", "dexed_16").presets == (preset,)


def test_a_file_of_another_synth_is_refused(tmp_path: Path):
    save_presets(tmp_path / "a.json", [Preset("tone", Tone.space.decode(Tone.space.default()))])

    with pytest.raises(PresetError, match="is for 'tone', not 'dexed_16'"):
        load_presets(tmp_path / "a.json", "dexed_16")


def test_an_incomplete_preset_of_the_whole_synth_is_refused(tmp_path: Path):
    save_presets(tmp_path / "a.json", [Preset("dexed", {"feedback": 3})])

    report = load_presets(tmp_path / "a.json", "dexed_16")

    assert "missing from the preset" in str(report.rejected[0])


def test_a_preset_with_a_value_that_is_not_allowed_is_not_completed():
    with pytest.raises(PresetError, match="op1.coarse=32"):
        of_dexed().whole(Preset("dexed_16", {**of_dexed().space.decode(of_dexed().space.default()), "op1.coarse": 32}))


def test_one_of_the_users_is_a_synth_as_well(synths: Path):
    add(synths, GOOD)

    assert "short" in engines
    assert list(engines) == sorted({*engines})
    assert engines["short"].space.names == ("gain", "decay")
    np.testing.assert_array_equal(
        engines["short"]().render(np.array([1.0, 0.5]), NOTE), Tone().render(np.array([0.75, 0.5, 1.0]), NOTE)
    )


def test_a_changed_file_is_another_synth(synths: Path):
    add(synths, GOOD)
    before = engines["short"]
    again = engines["short"]

    add(synths, GOOD.replace('  "gain",\n', ""))

    assert again is before
    assert engines["short"].space.names == ("decay",)


def test_what_is_written_is_read(synths: Path):
    selection = of_dexed(64).selection

    assert parse_selection(selection_text(selection, "Two\nlines."), "dexed_64") == selection


@pytest.mark.parametrize("size", [16, 32])
def test_one_of_a_plugin_that_was_not_added_says_so(size: int, synths: Path):
    with pytest.raises(MissingDependency, match=f"amsynth_{size} needs the synth 'amsynth'.*patchflow synth add"):
        engines[f"amsynth_{size}"]


def test_one_of_one_with_fewer_parameters_is_refused(synths: Path):
    add(synths, GOOD)
    add(synths, GOOD.replace('"tone"', '"short"'), "shorter")

    with pytest.raises(EngineError, match="shorter.toml: engine='short': has fewer parameters itself"):
        engines["shorter"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"decay",', '"decoy",', "no parameter of tone named 'decoy'. Did you mean 'decay'"),
        ('"decay",', '"gain",', "'gain' is not a text, or comes twice"),
        ('"decay",', "7,", "7 is not a text, or comes twice"),
        ('"decay" = 0.1', '"decay" = 9.1', "decay=9.1: not in"),
        ('"decay" = 0.1', "", "decay: missing from the preset"),
        ('"decay" = 0.1', '"decoy" = 0.1', "no parameter named 'decoy'"),
        ('engine = "tone"', "engine = 3", "engine=3: not a text in quotes"),
        ('engine = "tone"', "", "engine: missing"),
        ('engine = "tone"', 'engine = "tone"\nsize = 3', "size=3: unknown key. Known: engine, parameters, voice."),
        ("[voice]", "[voice", "toml: "),
    ],
)
def test_a_wrong_file_is_one_line(old: str, new: str, message: str, synths: Path):
    add(synths, GOOD.replace(old, new))

    with pytest.raises(EngineError) as error:
        engines["short"]

    assert str(error.value).startswith(str(synths))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_one_line(synths: Path):
    add(synths, GOOD)
    (synths / "subsets" / "short.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(EngineError, match="short.toml"):
        engines["short"]


def test_what_cannot_be_heard_is_reset_only_where_that_is_so_of_the_whole_voice():
    lfo = Selection("lfo", "dexed", ("lfo.pitch_mod",), {**of_dexed().selection.voice, "lfo.pitch_depth": 50})
    Lfo = subset_of(lfo, engines["dexed"])
    off, default = Lfo.space.encode({"lfo.pitch_mod": 0}), Lfo.space.default()

    np.testing.assert_array_equal(Lfo().canonical(np.stack([off, default])), np.stack([off, default]))


def test_what_cannot_be_heard_becomes_the_voices():
    small = of_dexed()
    point = small.space.default()
    point[small.space.index["op2.output"]] = 0.5 / 100
    moved = point.copy()
    moved[small.space.index["op2.coarse"]] = 0.9

    np.testing.assert_array_equal(small().canonical(moved[None])[0], point)


@pytest.mark.slow
def test_presets_of_a_plugin_go_through_its_own_files(amsynth: str, tmp_path: Path):
    small = engines["amsynth_16"]
    point = small.space.snap(np.random.default_rng(0).random(16))

    save_presets(tmp_path / "a.fxp", [Preset("amsynth_16", small.space.decode(point), name="Mine")])

    found = load_presets(tmp_path / "a.fxp", "amsynth_16").presets[0]
    np.testing.assert_allclose(small.space.encode(found.values), point, atol=1e-5)  # its file has six digits
