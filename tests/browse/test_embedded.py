"""Tests for `patchflow.browse.embedded`: the presets that come with the package, and the format of their files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchflow.browse import embedded
from patchflow.browse.embedded import (
    BANKS,
    EmbeddedPresets,
    embedded_preset,
    embedded_presets,
    embedded_shelf,
    opened_shelf,
    points_of,
    steps_of,
)
from patchflow.browse.shelf import MEASURED, WIDTH, Shelf, ear_version, embedded_synths
from patchflow.engines import engines, save_presets
from patchflow.errors import OptionError, StorageError, UnknownName
from patchflow.presets import Library, read_presets
from patchflow.presets.preset import CATEGORIES, category_from_name
from tests import plain_ear

COUNTS = {"dexed": 2_000, "vital": 1_000}
FEW = ("Sequence",)  # which no single note is
SYNTHS = embedded_synths()


def small(count: int = 5, **changes: Any) -> EmbeddedPresets:
    """Presets of the tone engine."""
    rng = np.random.default_rng(0)
    space = engines["tone"].space
    vectors = rng.normal(size=(count, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = EmbeddedPresets(
        "tone",
        space.names,
        np.arange(1, count + 1),
        steps_of(space.snap(rng.random((count, len(space)))), space.cells),
        [f"Bright Pad {number}" for number in range(count)],
        [f"BritPad{number}" for number in range(count)],
        ["Pad"] * count,
        [("bright", "long")] * count,
        ear_version(),
        vectors,
        rng.normal(size=(count, MEASURED)),
        {"made": "here"},
    )
    return replace(made, **changes)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(embedded, "BANKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("synth", SYNTHS)
def test_as_many_as_were_promised_all_named_in_range_and_in_every_category(synth: str):
    presets = embedded_presets(synth)
    points = presets.points(engines[synth].space)

    assert len(presets) == COUNTS[synth]
    assert presets.synth == synth
    assert len(set(presets.names)) == len(presets)
    assert len(set(presets.short_names)) == len(presets)
    assert max(map(len, presets.short_names)) <= 10
    assert all(name.isascii() for name in presets.names)
    assert points.min() >= 0
    assert points.max() <= 1
    np.testing.assert_array_equal(engines[synth].space.snap(points), points)
    assert len(np.unique(presets.steps, axis=0)) == len(presets)
    assert np.isfinite(presets.measures).all()
    assert {category_from_name(name) for name in presets.names} == set(presets.categories)
    kinds = set(CATEGORIES) - set(FEW)
    assert set(presets.categories) == kinds
    assert (BANKS / f"{synth}.safetensors").stat().st_size < 1.2e6


@pytest.mark.parametrize("synth", SYNTHS)
def test_the_present_ear_has_listened_to_all(synth: str):
    shelf = Shelf.embedded(synth)

    assert embedded_presets(synth).ear == ear_version()
    assert shelf.unknown == 0
    assert shelf.in_bank.all()
    np.testing.assert_allclose(np.linalg.norm(shelf.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("synth", SYNTHS)
def test_names_say_what_is_measured(synth: str):
    presets = embedded_presets(synth)
    bright = np.array(["bright" in tags for tags in presets.tags])
    dark = np.array(["dark" in tags for tags in presets.tags])

    assert 0.15 < bright.mean() < 0.25
    assert presets.measures[bright, 0].min() > np.median(presets.measures[:, 0])
    assert presets.measures[bright, 0].min() > presets.measures[dark, 0].max()


def test_exported_voices_of_the_dx7_open_again_with_their_names(tmp_path: Path):
    if "dexed" not in SYNTHS:
        pytest.skip("no presets of dexed are embedded")
    presets = [embedded_preset("dexed", number) for number in (1, 2, 700, 2_000)]

    save_presets(tmp_path / "bank.syx", presets)
    again = read_presets(tmp_path / "bank.syx").presets

    assert [preset.name for preset in again][:4] == [preset.name for preset in presets]
    assert [dict(preset.values) for preset in again[:4]] == [dict(preset.values) for preset in presets]


def test_exported_presets_of_vital_open_again(tmp_path: Path):
    if "vital" not in SYNTHS:
        pytest.skip("no presets of vital are embedded")
    preset = embedded_preset("vital", 5)

    save_presets(tmp_path / "one.vital", [preset])
    again = read_presets(tmp_path / "one.vital").presets[0]

    space = engines["vital"].space
    assert again.name == preset.name
    np.testing.assert_allclose(space.encode(again.values), space.encode(preset.values), atol=1e-5)


def test_a_file_is_read_as_it_was_written(tmp_path: Path):
    presets = small()

    presets.save(tmp_path / "tone.safetensors")
    again = EmbeddedPresets.load(tmp_path / "tone.safetensors")

    np.testing.assert_array_equal(again.steps, presets.steps)
    np.testing.assert_array_equal(again.ids, presets.ids)
    np.testing.assert_allclose(again.vectors, presets.vectors, atol=1e-3)
    np.testing.assert_allclose(again.measures, presets.measures, rtol=1e-6)
    assert (again.names, again.short_names, again.tags) == (presets.names, presets.short_names, presets.tags)
    assert (again.synth, again.parameters, again.ear) == (presets.synth, presets.parameters, presets.ear)


def test_a_byte_a_parameter_is_the_preset_again():
    space = engines["tone"].space
    steps = steps_of(space.snap(np.random.default_rng(1).random((50, len(space)))), space.cells)

    np.testing.assert_array_equal(steps_of(points_of(steps, space.cells), space.cells), steps)


def test_a_shelf_has_numbers_names_and_tags(folder: Path):
    small(ids=np.array([1, 2, 4, 5, 9])).save(folder / "tone.safetensors")

    shelf = embedded_shelf("tone")

    assert [entry.id for entry in shelf.entries] == [1, 2, 4, 5, 9]
    assert shelf.entries[2].name == "Bright Pad 2"
    assert shelf.entries[2].tags == ("bright", "long")
    assert embedded_preset("tone", 4).name == "BritPad2"
    with pytest.raises(UnknownName, match="tone:3"):
        embedded_preset("tone", 3)


def test_what_another_ear_says_is_not_known(folder: Path):
    small(ear="0123456789abcdef").save(folder / "tone.safetensors")

    shelf = embedded_shelf("tone")

    assert shelf.unknown == len(shelf) == 5
    assert not shelf.vectors.any()
    assert np.isfinite(shelf.measures).all()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.9])
def test_a_file_that_is_cut_off_is_one_clear_line(folder: Path, share: float):
    path = folder / "tone.safetensors"
    small().save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])

    with pytest.raises(StorageError, match=r"tone\.safetensors: no embedded presets, or damaged") as caught:
        embedded_shelf("tone")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": np.array([1, 2, 2, 4, 5])},
        {"ids": np.array([0, 1, 2, 3, 4])},
        {"names": ["one"]},
        {"vectors": np.zeros((5, 3), np.float32)},
        {"vectors": np.full((5, WIDTH), np.nan, np.float32)},
        {"measures": np.zeros((4, MEASURED))},
        {"steps": np.zeros((4, 3), np.uint8)},
    ],
)
def test_parts_that_do_not_fit_together_are_refused(folder: Path, changes: dict[str, Any]):
    small(5, **changes).save(folder / "tone.safetensors")

    with pytest.raises(StorageError, match="or damaged"):
        embedded_shelf("tone")


def test_presets_of_other_parameters_are_refused_when_they_are_asked_for(folder: Path):
    small(parameters=("wave", "decay", "colour")).save(folder / "tone.safetensors")

    assert len(embedded_shelf("tone")) == 5
    with pytest.raises(StorageError, match="other parameters"):
        embedded_preset("tone", 1)


def test_both_is_the_library_first_then_the_embedded_bank(library: Library, monkeypatch: pytest.MonkeyPatch):
    plain_ear.put_in(monkeypatch, bank=plain_ear.saws([0.3, 1.5]))
    library.add(plain_ear.saws([0.1]), lambda synth: engines[synth].space)
    told: list[str] = []

    shelf = opened_shelf(library, tell=told.append)

    assert [entry.id for entry in shelf.entries] == [1, 1, 2]
    assert shelf.in_bank.tolist() == [False, True, True]
    assert len(told) == 1
    assert told[0].startswith("nobody has listened to 1 of 1 presets of the library yet")
    assert len(opened_shelf(library, "library")) == 1
    assert len(opened_shelf(library, "bank")) == 2


def test_without_a_library_the_embedded_bank_is_used_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plain_ear.put_in(monkeypatch, bank=plain_ear.saws([0.3, 1.5]))
    told: list[str] = []

    shelf = opened_shelf(Library(tmp_path / "none.sqlite"), tell=told.append)

    assert len(shelf) == 2
    assert [line.partition(" (")[0] for line in told] == ["no library yet"]
    assert not (tmp_path / "none.sqlite").exists()


def test_a_place_that_is_none_or_empty_is_refused(library: Library, monkeypatch: pytest.MonkeyPatch):
    plain_ear.put_in(monkeypatch)

    with pytest.raises(OptionError, match="in='cloud': not one of both, library, bank"):
        opened_shelf(library, "cloud")
    with pytest.raises(OptionError, match="there is no embedded bank"):
        opened_shelf(library, "bank")
