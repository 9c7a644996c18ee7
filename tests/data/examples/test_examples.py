"""Reading examples: parts that keep apart, statistics and tags of the training part alone, and no damaged folder."""

import json
from pathlib import Path

import numpy as np
import pytest

from patchflow.data.bank import PARTS, deal
from patchflow.data.examples import Content, Examples, write_examples
from patchflow.data.examples.attributes import MEASURED_ATTRIBUTES
from patchflow.errors import OptionError, StorageError

COUNT, FOLDS = 60, 3
FAMILY = np.arange(COUNT) // 2
ARRAYS = ("mels", "points", "notes", "family", "parts", "names", "category", "measures")


def content(**changes) -> Content:
    rng = np.random.default_rng(0)
    names = np.array([f"tone {k}" for k in range(COUNT)])
    settings = {
        "synth": "short",
        "parameters": ("decay", "gain"),
        "input": "paper",
        "mels": rng.standard_normal((COUNT, 4, 5)).astype(np.float16),
        "points": rng.random((COUNT, 2)).astype(np.float32),
        "notes": np.tile(np.array([60, 100, 3], np.float32), (COUNT, 1)),
        "family": FAMILY,
        "parts": deal(FAMILY, FOLDS, 0.1, 0),
        "names": names,
        "category": np.full(COUNT, "Lead"),
        "attributes": MEASURED_ATTRIBUTES[:2],
        "measures": rng.standard_normal((COUNT, 2)).astype(np.float32),
    }
    return Content(**{**settings, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_examples(tmp_path / "a", content())
    return tmp_path / "a"


def test_what_was_written_is_read(folder: Path):
    found, written = Examples(folder), content()

    for name in ("mels", "points", "notes", "family", "names", "category"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))
    assert (found.synth, found.input, found.parameters) == ("short", "paper", ("decay", "gain"))
    assert found.attributes == (("Dark", "Bright"), ("Clean", "Dirty"))
    assert (len(found), found.folds) == (COUNT, FOLDS)


@pytest.mark.parametrize("fold", range(FOLDS))
def test_parts_are_all_and_share_no_family(fold: int, folder: Path):
    examples = Examples(folder, fold)
    rows = [examples.rows(part) for part in PARTS]

    assert sorted(np.concatenate(rows).tolist()) == list(range(COUNT))
    families = [set(examples.family[some]) for some in rows]
    assert not families[0] & families[1] | families[0] & families[2] | families[1] & families[2]


def test_test_sets_of_the_folds_are_all(folder: Path):
    rows = [Examples(folder, fold).rows("test") for fold in range(FOLDS)]

    assert sorted(np.concatenate(rows).tolist()) == list(range(COUNT))


def test_taking_gives_the_same_rows_of_everything(folder: Path):
    examples, rows = Examples(folder, 1), np.array([5, 3])

    for taken, values in zip(examples.take(rows), ("mels", "points", "notes", "tags"), strict=True):
        np.testing.assert_array_equal(taken, getattr(examples, values)[rows])


def test_statistics_are_those_of_numpy(folder: Path):
    examples, rows = Examples(folder), np.array([1, 2, 40])
    mean, std = examples.statistics(rows)

    chosen = content().mels[rows].astype(float)
    np.testing.assert_allclose(mean, chosen.mean((0, 2))[:, None], rtol=1e-5)
    np.testing.assert_allclose(std, chosen.std((0, 2))[:, None], rtol=1e-5)


def test_statistics_and_tags_do_not_depend_on_what_is_not_trained_on(folder: Path, tmp_path: Path):
    before = Examples(folder, 2)
    training, others = before.rows("train"), np.concatenate([before.rows("valid"), before.rows("test")])
    mels, measures = content().mels.copy(), content().measures
    assert measures is not None
    mels[others] += 9
    measures[others] += 9
    write_examples(tmp_path / "b", content(mels=mels, measures=measures))

    after = Examples(tmp_path / "b", 2)

    for old, new in zip(before.statistics(training), after.statistics(training), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(before.tags[training], after.tags[training])


def test_words_of_another_fold_may_begin_elsewhere(folder: Path):
    tags = [Examples(folder, fold).tags for fold in range(FOLDS)]

    assert any((tags[0] != other).any() for other in tags[1:])


def test_a_band_that_never_changes_can_be_divided_by(tmp_path: Path):
    write_examples(tmp_path / "a", content(mels=np.zeros((COUNT, 4, 5))))

    assert (Examples(tmp_path / "a").statistics(np.arange(3))[1] > 0).all()


def test_without_pairs_there_are_no_tags(tmp_path: Path):
    write_examples(tmp_path / "a", content(attributes=(), measures=None))

    assert Examples(tmp_path / "a").tags.shape == (COUNT, 0)


def test_statistics_of_nothing_are_a_bug(folder: Path):
    with pytest.raises(ValueError, match="rows: none"):
        Examples(folder).statistics(np.array([], int))


def test_rows_of_another_fold_than_that_of_the_tags_are_a_bug(folder: Path):
    with pytest.raises(ValueError, match=r"fold=2: these are of fold 1; open Examples\(folder, fold=2\)"):
        Examples(folder, 1).rows("train", 2)


def test_an_unknown_part_is_a_bug(folder: Path):
    with pytest.raises(ValueError, match="part='dev': not one of train, valid, test"):
        Examples(folder).rows("dev")


@pytest.mark.parametrize("fold", [-1, 3])
def test_a_fold_that_is_not_there_is_named(fold: int, folder: Path):
    with pytest.raises(OptionError, match=rf"fold={fold}: not in \[0, 2\]"):
        Examples(folder, fold)


def test_examples_of_another_synth_are_refused(folder: Path):
    with pytest.raises(StorageError, match="holds examples of synth 'short', not 'dexed_16'"):
        Examples(folder, synth="dexed_16")


def test_an_empty_folder_is_none(tmp_path: Path):
    with pytest.raises(StorageError, match="holds no examples"):
        Examples(tmp_path)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("kept", [0, 60, 0.5, 0.99])
def test_a_truncated_file_is_refused(name: str, kept: float, folder: Path):
    data = (folder / f"{name}.npy").read_bytes()
    (folder / f"{name}.npy").write_bytes(data[: int(kept if kept > 1 else kept * len(data))])

    with pytest.raises(StorageError, match=f"{name}.npy: is not as it was written"):
        Examples(folder)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_missing_file_is_refused(name: str, folder: Path):
    (folder / f"{name}.npy").unlink()

    with pytest.raises(StorageError, match=f"{name}.npy: no such file"):
        Examples(folder)


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "mels"])
def test_a_single_wrong_byte_is_found(name: str, folder: Path):
    data = bytearray((folder / f"{name}.npy").read_bytes())
    data[-1] ^= 1
    (folder / f"{name}.npy").write_bytes(data)

    with pytest.raises(StorageError, match="not as it was written"):
        Examples(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 3}, "version=3, not the 2 of this patchflow"),
        ({"format": "other"}, "holds no examples"),
        ({"files": {}}, "'mels' is missing"),
        ({"files": {"mels": {}}}, "about.json: damaged"),
        ({"files": 3}, "about.json: damaged"),
        ({"attributes": [["Dark"]]}, "about.json: damaged"),
        ({"attributes": 3}, "about.json: damaged"),
        ({"attributes": []}, None),
        ({"tagged": "much"}, "about.json: damaged"),
        ({"parameters": ["decay"]}, "do not fit together"),
    ],
)
def test_a_wrong_description_is_one_line(change: dict, message: str | None, folder: Path):
    about = json.loads((folder / "about.json").read_text())
    (folder / "about.json").write_text(json.dumps(about | change))

    with pytest.raises(StorageError) as error:
        Examples(folder)

    assert (message or "do not fit together") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
def test_a_damaged_description_is_refused(text: str, folder: Path):
    (folder / "about.json").write_text(text)

    with pytest.raises(StorageError, match="about.json: damaged"):
        Examples(folder)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="file"):
        write_examples(tmp_path / "file" / "a", content())
