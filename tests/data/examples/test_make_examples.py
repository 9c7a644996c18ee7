"""Making examples: what a folder holds is what the engine plays, whatever interrupts the making."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.data.bank import Bank
from patchflow.data.examples import Examples
from patchflow.data.examples import make_examples as make_module
from patchflow.data.examples.make_examples import make_examples
from patchflow.engines import Note, Subset, engines
from patchflow.errors import PresetError, StorageError, UnknownName
from patchflow.features.descriptors import describe
from patchflow.features.inputs import inputs


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_module, "_BLOCK", 16)


@pytest.mark.parametrize("input", [*inputs])
def test_items_are_what_the_engine_plays(input: str, recipe, tmp_path: Path):
    make_examples(recipe(input=input), tmp_path / "a")
    examples, kind = Examples(tmp_path / "a"), inputs[input]

    for row in (0, 7, 20):
        pitch, velocity, hold = examples.notes[row].tolist()
        note = Note(int(pitch), int(velocity), hold, kind.length)
        sound = torch.from_numpy(engines["short"]().render(examples.points[row], note, kind.rate))
        expected = kind.of(sound[None], kind.rate)[0].numpy()
        np.testing.assert_allclose(examples.mels[row], expected, rtol=1e-3, atol=1e-3)


def test_presets_are_the_banks_as_far_as_the_synth_has_parameters(recipe, bank: Path, tmp_path: Path):
    make_examples(recipe(), tmp_path / "a")
    found, small = Examples(tmp_path / "a"), engines["short"]
    assert issubclass(small, Subset)

    expected = small.projected(Bank.load(bank).points)[[0, *range(2, 34)]].astype(np.float32)

    np.testing.assert_array_equal(found.points, expected)
    assert found.names.tolist() == Bank.load(bank).names[[0, *range(2, 34)]].tolist()


def test_what_became_of_each_preset_is_counted(recipe, tmp_path: Path):
    counts = make_examples(recipe(), tmp_path / "a").counts

    assert {key: counts[key] for key in ("presets", "distinct", "silent", "items")} == {
        "presets": 36, "distinct": 35, "silent": 2, "items": 33,
    }  # fmt: skip
    assert sum(counts["test"]) == 33


def test_the_banks_families_stay_together(recipe, tmp_path: Path):
    make_examples(recipe(), tmp_path / "a")
    family = Examples(tmp_path / "a").family

    assert (family[1:33:2] == family[2:33:2]).all()


def test_presets_that_sound_alike_are_one_family(recipe, tmp_path: Path):
    families = [make_examples(recipe(radius_db=r), tmp_path / f"{r}").counts["families"] for r in (0.01, 1.0, 20.0)]

    assert families[0] > families[1] > families[2] == 1


def test_families_of_presets_that_became_equal_are_joined(recipe, bank: Path, tmp_path: Path):
    before = Bank.load(bank)
    points = before.points.copy()
    points[3, 1:] = points[20, 1:]  # of families 1 and 10
    points[[3, 20], 0] = 0.25, 0.75
    Bank(points, before.family, before.names, before.split).save(bank)

    make_examples(recipe(), tmp_path / "a")

    examples = Examples(tmp_path / "a")
    of = dict(zip(examples.names.tolist(), examples.family.tolist(), strict=True))
    assert of[before.names[2]] == of[before.names[21]]


@pytest.mark.parametrize("stage", ["render", "relate", "write"])
def test_an_interrupted_making_ends_up_the_same_to_the_byte(stage: str, recipe, contents, tmp_path: Path):
    def stop(state) -> None:
        if state.stage == stage and state.done >= min(state.total, 20) * (stage != "write"):
            raise KeyboardInterrupt

    make_examples(recipe(), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        make_examples(recipe(), tmp_path / "parts", stop)

    made = make_examples(recipe(), tmp_path / "parts")

    assert made.rendered < 35
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_examples_that_are_there_are_left_alone(recipe, contents, tmp_path: Path):
    make_examples(recipe(), tmp_path / "a")
    before = contents(tmp_path / "a")

    assert make_examples(recipe(), tmp_path / "a").rendered == 0
    assert contents(tmp_path / "a") == before


def test_the_number_of_threads_does_not_matter(recipe, contents, tmp_path: Path):
    for threads in (1, 3):
        make_examples(recipe(), tmp_path / f"{threads}", threads=threads)

    assert contents(tmp_path / "1") == contents(tmp_path / "3")


def test_another_recipe_is_refused(recipe, tmp_path: Path):
    make_examples(recipe(), tmp_path / "a")

    with pytest.raises(StorageError, match="folds=5, not 4"):
        make_examples(recipe(folds=4), tmp_path / "a")


def test_another_voice_of_the_same_synth_is_refused(recipe, synths: Path, tmp_path: Path):
    make_examples(recipe(), tmp_path / "a")
    file = synths / "subsets" / "short.toml"
    file.write_text(file.read_text().replace('"saw"', '"sine"'))

    with pytest.raises(StorageError, match="holds a data set of short="):
        make_examples(recipe(), tmp_path / "a")


def test_a_folder_of_something_else_is_refused(recipe, tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.txt").write_text("")

    with pytest.raises(StorageError, match="is not empty and holds no examples"):
        make_examples(recipe(), tmp_path / "a")


def test_a_damaged_block_is_named(recipe, tmp_path: Path):
    def stop(state) -> None:
        if state.stage == "relate":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_examples(recipe(), tmp_path / "a", stop)
    block = tmp_path / "a" / ".work" / "block-00001.npz"
    block.write_bytes(block.read_bytes()[:1000])

    with pytest.raises(StorageError, match=r"block-00001.npz: damaged .* Remove it"):
        make_examples(recipe(), tmp_path / "a")


def test_a_bank_of_another_synth_is_refused(recipe, tmp_path: Path):
    with pytest.raises(StorageError, match="has 3 parameters, not the 16 of synth 'dexed_16' or the 145 of 'dexed'"):
        make_examples(recipe(synth="dexed_16"), tmp_path / "a")


def test_an_unknown_synth_is_named(recipe, tmp_path: Path):
    with pytest.raises(UnknownName, match="no synth named 'shirt'"):
        make_examples(recipe(synth="shirt"), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_presets_that_nobody_hears_are_one_error(recipe, bank: Path, tmp_path: Path):
    silent = Bank.load(bank)
    silent.points[:, 2] = 0
    silent.save(bank)

    with pytest.raises(PresetError, match="presets can be heard: give another bank"):
        make_examples(recipe(), tmp_path / "a")


def test_fewer_items_are_some_of_the_banks(recipe, bank: Path, tmp_path: Path):
    counts = make_examples(recipe(items=12), tmp_path / "a").counts

    assert counts["presets"] == 12
    assert set(Examples(tmp_path / "a").names) < set(Bank.load(bank).names)


def test_attributes_by_name_are_for_whole_synths_only(recipe, tmp_path: Path):
    for synth in ("tone", "short"):
        make_examples(recipe(synth=synth), tmp_path / synth)

    assert ("Natural", "Synthetic") in Examples(tmp_path / "tone").attributes
    assert ("Natural", "Synthetic") not in Examples(tmp_path / "short").attributes


def test_a_tagged_sound_is_what_its_tag_says(recipe, tmp_path: Path):
    make_examples(recipe(synth="tone"), tmp_path / "a")
    examples, engine = Examples(tmp_path / "a"), engines["tone"]()
    column = examples.attributes.index(("Dark", "Bright"))
    sounds = [torch.from_numpy(engine.render(point, Note(), 22_050)) for point in examples.points]

    centroid = describe(torch.stack(sounds), 22_050)["brightness"].numpy()
    dark, bright = (centroid[examples.tags[:, column] == sign] for sign in (-1, 1))

    assert len(dark)
    assert len(bright)
    assert dark.max() < bright.min()


@pytest.mark.slow
def test_it_works_for_the_dx7(recipe, tmp_path: Path):
    from patchflow.presets import dx7

    points = dx7.SPACE.snap(np.random.default_rng(0).random((24, 145)))
    Bank(points, np.arange(24), np.full(24, "A"), np.full(24, "train")).save(tmp_path / "dx7.npz")

    made = make_examples(recipe(synth="dexed_16", bank=str(tmp_path / "dx7.npz")), tmp_path / "a")

    examples = Examples(tmp_path / "a", synth="dexed_16")
    assert len(examples) == made.counts["items"] == 24
    assert json.loads((tmp_path / "a" / "origin.json").read_text())["versions"].keys() >= {"dexed-py", "dexed_16"}
