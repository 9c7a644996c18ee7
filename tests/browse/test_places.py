"""Places of presets: known planes are found again, nothing moves later, silence is nowhere."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from patchflow.browse.places import (
    ENOUGH,
    AxisMeaning,
    axes_bytes,
    find_axes,
    meanings,
    most_like,
    nearest,
    places,
    spread_out,
)
from patchflow.browse.shelf import Shelf
from patchflow.ear import MEASURES
from patchflow.errors import MissingDependency, OptionError, StorageError
from patchflow.presets import Entry, Label

EAR = "0123456789abcdef"
WIDTH = 8


def test_sounds_of_a_plane_keep_their_distances(tmp_path: Path):
    flat = np.random.default_rng(0).normal(size=(50, 2)) * [3, 1]
    plane = np.linalg.qr(np.random.default_rng(1).normal(size=(WIDTH, 2)))[0]

    found = find_axes(flat @ plane.T, _unmeasured(50)).place(flat @ plane.T)

    ratio = _distances(found)[1:, 0] / _distances(flat)[1:, 0]
    assert ratio == pytest.approx(np.full(49, ratio[0]), rel=1e-6)
    assert found[:, 0].std() == pytest.approx(1, rel=1e-6)
    assert found[:, 0].std() > found[:, 1].std()


def test_a_direction_points_to_more_of_its_attribute():
    vectors = np.random.default_rng(0).normal(size=(60, WIDTH)) * ([5, 3] + [0.1] * (WIDTH - 2))
    measures = _unmeasured(60)
    measures[:, 0] = -vectors[:, 0]
    measures[:, 2] = vectors[:, 1]

    where = find_axes(vectors, measures).place(vectors)

    first, second = meanings(where, measures)
    assert isinstance(first, AxisMeaning)
    assert isinstance(second, AxisMeaning)
    assert (first.measure, second.measure) == (0, 2)
    assert first.correlation > 0.95
    assert second.correlation > 0.95


def test_a_direction_without_an_attribute_has_no_meaning():
    assert meanings(np.random.default_rng(0).normal(size=(9, 2)), _unmeasured(9)) == (None, None)


def test_presets_that_come_later_move_no_others(tmp_path: Path):
    first = _shelf(ENOUGH, seed=0)
    later = _shelf(300, seed=1)
    before = places(first, ear=EAR, folder=tmp_path)

    joined = Shelf(
        [*first.entries, *later.entries],
        np.concatenate([first.vectors, later.vectors]),
        np.concatenate([first.measures, later.measures]),
    )

    assert places(joined, ear=EAR, folder=tmp_path)[:ENOUGH] == pytest.approx(before, abs=1e-6)
    assert places(later, ear=EAR, folder=tmp_path) == pytest.approx(
        places(joined, ear=EAR, folder=tmp_path)[ENOUGH:], abs=1e-6
    )


def test_another_ear_has_directions_of_its_own(tmp_path: Path):
    places(_shelf(ENOUGH, seed=0), ear=EAR, folder=tmp_path)

    places(_shelf(ENOUGH, seed=1), ear="f" * 16, folder=tmp_path)

    assert len(list(tmp_path.iterdir())) == 2


def test_directions_of_few_presets_are_not_kept(tmp_path: Path):
    places(_shelf(ENOUGH - 1), ear=EAR, folder=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_directions_of_a_part_are_not_kept(tmp_path: Path):
    whole = _shelf(ENOUGH + 20)

    places(whole.where(np.arange(ENOUGH)), ear=EAR, folder=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_shipped_directions_place_whatever_is_on_the_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    axes = find_axes(_shelf(50, seed=3).vectors, _unmeasured(50))
    shipped = tmp_path / "axes.npz"
    shipped.write_bytes(axes_bytes(axes, EAR))
    # `patchflow.browse.places` is the function
    monkeypatch.setattr(sys.modules["patchflow.browse.places"], "shipped_axes_file", lambda: shipped)
    told: list[str] = []

    few = places(_shelf(3), ear=EAR, folder=tmp_path / "kept", tell=told.append)

    assert few == pytest.approx(axes.place(_shelf(3).vectors))
    assert told == []
    # of another ear they are not taken, which is said
    places(_shelf(3), ear="f" * 16, folder=tmp_path / "kept", tell=told.append)
    assert told == ["no directions are shipped for this ear, so places of 3 presets move when others come"]


def test_silence_is_nowhere(tmp_path: Path):
    shelf = _shelf(5)
    shelf.vectors[2] = 0
    shelf.vectors[3] = np.nan

    found = places(shelf, ear=EAR, folder=tmp_path)

    assert np.isnan(found).all(axis=1).tolist() == [False, False, True, True, False]


def test_a_single_preset_is_in_the_middle(tmp_path: Path):
    assert places(_shelf(1), ear=EAR, folder=tmp_path).tolist() == [[0, 0]]


def test_no_preset_has_no_place(tmp_path: Path):
    assert places(_shelf(0), ear=EAR, folder=tmp_path).shape == (0, 2)


def test_a_damaged_file_of_directions_is_named(tmp_path: Path):
    places(_shelf(ENOUGH), ear=EAR, folder=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])

    with pytest.raises(StorageError, match=r"axes-0123456789abcdef\.npz: damaged .*Remove it"):
        places(_shelf(3), ear=EAR, folder=tmp_path)


def test_directions_of_another_ear_are_not_used(tmp_path: Path):
    other = find_axes(_shelf(9, seed=2).vectors, _unmeasured(9))
    tmp_path.joinpath(f"axes-{EAR}.npz").write_bytes(axes_bytes(other, "f" * 16))

    found = places(_shelf(9), ear=EAR, folder=tmp_path)

    assert found == pytest.approx(find_axes(_shelf(9).vectors, _unmeasured(9)).place(_shelf(9).vectors), abs=1e-6)


def test_an_unknown_way_is_refused(tmp_path: Path):
    with pytest.raises(OptionError, match="how=tsne: not pca or umap"):
        places(_shelf(3), how="tsne", ear=EAR, folder=tmp_path)


def test_without_umap_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "umap", None)

    with pytest.raises(MissingDependency, match="pip install"):
        places(_shelf(9), how="umap", ear=EAR, folder=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("umap") is None, reason="UMAP is not installed")
@pytest.mark.filterwarnings("ignore")
def test_by_umap_too_nothing_moves_later(tmp_path: Path):
    shelf = _shelf(ENOUGH + 20)
    first = Shelf(shelf.entries[:ENOUGH], shelf.vectors[:ENOUGH], shelf.measures[:ENOUGH])
    before = places(first, how="umap", ear=EAR, folder=tmp_path)

    after = places(shelf, how="umap", ear=EAR, folder=tmp_path)

    assert np.array_equal(after[:ENOUGH], before)
    # a new one lies between those that it is like
    assert (after[ENOUGH:] >= before.min(axis=0)).all()
    assert (after[ENOUGH:] <= before.max(axis=0)).all()
    assert len(np.unique(after[ENOUGH:], axis=0)) == 20
    assert np.array_equal(places(shelf, how="umap", ear=EAR, folder=tmp_path), after)


def test_what_is_spread_out_is_far_apart():
    angles = np.radians([0, 1, 90, 91, 180])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    assert spread_out(vectors, 3).tolist() == [0, 2, 4]
    assert spread_out(vectors, 9).tolist() == [0, 1, 2, 3, 4]


def test_the_nearest_come_first_and_none_is_its_own_neighbour():
    angles = np.radians([0, 10, 30, 100])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert nearest(vectors, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert nearest(vectors[:1], 2).shape == (1, 0)


def test_what_has_a_sound_is_heard_as_itself():
    angles = np.radians([0, 10, 30, 100])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert most_like(vectors, [0, 3]).tolist() == [0, 0, 0, 1]
    assert most_like(vectors, []).tolist() == [-1, -1, -1, -1]


def _shelf(count: int, seed: int = 0) -> Shelf:
    vectors = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    entries = [Entry(number, "tone", (Label(f"Sound {number}"),)) for number in range(1, count + 1)]
    return Shelf(entries, vectors, _unmeasured(count))


def _unmeasured(count: int) -> np.ndarray:
    return np.full((count, len(MEASURES)), np.nan)


def _distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=2)
