"""Relations: equal sounds are found, near ones are those of brute force, families are the same in every shard."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.data.dataset import DatasetRecipe, Job, dedupe, read_pool
from patchflow.data.dataset.dedupe import Relations, relate
from patchflow.data.dataset.parquet import packed, read_table
from patchflow.engines.tone import Tone

COUNT = 120


def related(recipe: DatasetRecipe, folder: Path) -> tuple[Relations, dict[int, dict]]:
    """Relates items, and gives the rows of all that have a sound."""
    job = Job(recipe, read_pool(recipe, Tone()))
    parts = [folder / f"part-{shard}" for shard in range(recipe.shards)]
    for shard, part in enumerate(parts):
        part.write_bytes(packed(job, job.items(Tone(), recipe.numbers(shard))))
    rows = {row["id"]: row for part in parts for row in read_table(part).to_pylist()}
    return relate(parts, recipe, job.pool), rows


@pytest.fixture
def few_sounds(recipe) -> DatasetRecipe:
    """A recipe by which many sounds come out equal."""
    return recipe(
        items=COUNT,
        plain=0.6,
        crossed=0.2,
        jittered=0.1,
        pitch=(60, 61),
        velocity=(100, 100),
        hold=(0.1, 0.1),
        radius_db=2.0,
    )


def test_of_equal_sounds_the_first_is_kept(few_sounds: DatasetRecipe, tmp_path: Path):
    found, rows = related(few_sounds, tmp_path)

    first = {}
    for number, row in rows.items():
        first.setdefault(row["audio"]["bytes"], number)
    assert found.families[:, 0].tolist() == sorted(first.values())
    assert found.counts["duplicates"] == len(rows) - len(first) > 0


def test_equal_sounds_can_be_kept_in_one_family(recipe, few_sounds: DatasetRecipe, tmp_path: Path):
    found, rows = related(DatasetRecipe.of_values({**few_sounds.plain_values(), "drop": ["silent"]}), tmp_path)
    family = dict(found.families.tolist())

    assert set(family) == set(rows)
    for row in rows.values():
        assert {family[i] for i in rows if rows[i]["sound"] == row["sound"]} == {family[row["id"]]}


def test_families_are_joined_by_nearness_presets_and_parents_and_by_nothing_else(
    few_sounds: DatasetRecipe, tmp_path: Path
):
    found, rows = related(few_sounds, tmp_path)
    group = {number: number for number in rows}

    def find(number: int) -> int:
        return number if group[number] == number else find(group[number])

    for a in rows.values():
        for b in rows.values():
            prints = [np.frombuffer(row["print"], np.uint8).astype(float) for row in (a, b)]
            near = abs(prints[0] - prints[1]).mean() <= 2.0 * 255 / 80
            if near or a["parameters"] == b["parameters"] or a["parent"] == b["parent"] >= 0:
                group[find(a["id"])] = find(b["id"])
    family = dict(found.families.tolist())
    for a in family:
        for b in family:
            assert (family[a] == family[b]) == (find(a) == find(b))
    assert 1 < found.counts["families"] < len(family)


def test_families_are_numbered_as_they_come(few_sounds: DatasetRecipe, tmp_path: Path):
    family = related(few_sounds, tmp_path)[0].families[:, 1]

    _, first = np.unique(family, return_index=True)
    assert (np.diff(first) > 0).all()
    assert set(family) == set(range(len(first)))


@pytest.mark.parametrize("slab", [0.5, 2.0, 100.0])
def test_slabs_lose_no_pair(slab: float, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dedupe, "_SLAB", slab)
    rng = np.random.default_rng(0)
    base = rng.integers(0, 200, (30, 4, 5))
    prints = np.clip(np.repeat(base, 4, axis=0) + rng.integers(-6, 7, (120, 4, 5)), 0, 255).astype(np.uint8)

    pairs = dedupe._twins(prints, 4.0, lambda _: None)

    wide = prints.astype(float)
    expected = {(i, j) for i in range(120) for j in range(i + 1, 120) if abs(wide[i] - wide[j]).mean() <= 4.0}
    assert {(int(i), int(j)) for i, j in pairs} == expected
    assert expected


def test_without_a_radius_nothing_is_compared(recipe, tmp_path: Path):
    found, rows = related(recipe(radius_db=0.0), tmp_path)

    assert found.counts["twins"] == 0
    assert {row["print"] for row in rows.values()} == {b""}


def test_counts_add_up(few_sounds: DatasetRecipe, tmp_path: Path):
    counts = related(few_sounds, tmp_path)[0].counts

    assert counts["drawn"] == COUNT
    assert counts["kept"] == COUNT - counts["silent"] - counts["failed"] - counts["duplicates"]
    assert counts["silent"] > 0
