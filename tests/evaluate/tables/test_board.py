"""Result folders are sorted into boards, and what cannot be compared is refused."""

from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.evaluate.tables.board import boards_of, read_results, read_tags
from tests.evaluate.folders import line, write_result

LINES = [line(k, 0.1 * k) for k in range(4)]


def test_small_and_paper_size_are_never_on_one_board(tmp_path: Path):
    write_result(tmp_path / "a", "vae", LINES, size="small")
    write_result(tmp_path / "b", "vae", LINES, size="paper")
    write_result(tmp_path / "c", "nearest", LINES, size="")

    boards = boards_of(read_results([tmp_path]))

    assert [(board.size, [row.name for row in board.rows]) for board in boards] == [
        ("paper", ["vae", "nearest"]),
        ("small", ["vae", "nearest"]),
    ]


def test_synths_have_boards_of_their_own_by_number_of_parameters(tmp_path: Path):
    write_result(tmp_path / "a", "vae", LINES, synth="tone_64", parameters=64)
    write_result(tmp_path / "b", "vae", LINES, synth="tone_16", parameters=16)
    write_result(tmp_path / "c", "vae", LINES, synth="bell_16", parameters=16)

    boards = boards_of(read_results([tmp_path]))

    assert [(board.series, board.parameters) for board in boards] == [("bell", 16), ("tone", 16), ("tone", 64)]


def test_variants_of_a_model_are_rows_of_their_own(tmp_path: Path):
    write_result(tmp_path / "a", "cnn", LINES, sizes={"gated": 1, "width": 8})
    write_result(tmp_path / "b", "cnn", LINES, sizes={"width": 8})

    assert [row.name for row in boards_of(read_results([tmp_path]))[0].rows] == [
        "cnn",
        "cnn (gated=1)",
    ]


def test_a_size_that_most_of_the_board_have_is_no_part_of_a_name(tmp_path: Path):
    for row in ("cnn", "mlp", "vae"):
        write_result(tmp_path / row, row, LINES, sizes={"parameter_loss": "cross_entropy"})
    write_result(tmp_path / "classes", "cnn", LINES, sizes={"parameter_loss": "classification"})

    names = [row.name for row in boards_of(read_results([tmp_path]))[0].rows]

    assert names == ["mlp", "cnn", "cnn (parameter_loss=classification)", "vae"]


def test_rows_stand_in_the_order_of_the_paper(tmp_path: Path):
    for row in ("posterior", "ae", "mlp", "flow_reg"):
        write_result(tmp_path / row, row, LINES)
    for row in ("oracle", "mean"):
        write_result(tmp_path / row, row, LINES, size="")

    names = [row.name for row in boards_of(read_results([tmp_path]))[0].rows]

    assert names == ["mlp", "ae", "flow_reg", "posterior", "mean", "oracle"]


def test_folds_and_seeds_are_means_of_one_row(tmp_path: Path):
    write_result(tmp_path / "a", "vae", [line(0, 1.0), line(1, 3.0)], fold=0)
    write_result(tmp_path / "b", "vae", [line(2, 5.0)], fold=1)

    row = boards_of(read_results([tmp_path]))[0].rows[0]

    assert row.means("mss").tolist() == [2.0, 5.0]
    assert row.count() == 3


def test_sounds_of_a_family_count_as_one(tmp_path: Path):
    write_result(tmp_path / "a", "vae", [line(0, 1.0, 7), line(1, 3.0, 7), line(2, 9.0, 8)], seed=0)
    write_result(tmp_path / "b", "vae", [line(0, 2.0, 7), line(1, 2.0, 7), line(2, 1.0, 8)], seed=1)

    row = boards_of(read_results([tmp_path]))[0].rows[0]
    assert row.by_family("rms") == {7: 2.0, 8: 5.0}
    assert row.means("rms").tolist() == [5.5, 1.5]
    assert (row.count(), row.families()) == (3, 2)


def test_a_number_that_is_not_defined_is_left_out_of_the_mean(tmp_path: Path):
    write_result(tmp_path / "a", "vae", [line(0, 1.0), line(1, None)])

    assert boards_of(read_results([tmp_path]))[0].rows[0].means("mss").tolist() == [1.0]


def test_one_folder_named_twice_is_read_once(tmp_path: Path):
    write_result(tmp_path / "a", "vae", LINES)

    assert len(read_results([tmp_path, tmp_path / "a"])) == 1


@pytest.mark.parametrize(
    ("other", "lines", "message"),
    [
        ({"row": "ae", "data": "e"}, LINES, "of other examples than"),
        ({"row": "ae"}, LINES[:2], "same --most"),
        ({"row": "vae"}, LINES, "both are vae of fold 0, seed 0"),
        ({"row": "ae", "items": 9}, LINES, "4 of 9 items. Finish it: patchflow evaluate"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, other: dict, lines: list, message: str):
    write_result(tmp_path / "a", "vae", LINES)
    write_result(tmp_path / "b", other.pop("row"), lines, **other)

    with pytest.raises(StorageError, match=message):
        boards_of(read_results([tmp_path]))


def test_a_folder_without_results_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match=r"has no results.jsonl. Make it: patchflow evaluate"):
        read_results([tmp_path])


def test_results_that_are_older_than_a_metric_have_no_number_of_it(tmp_path: Path):
    old = line(0, 1.0)
    del old["mss"]
    write_result(tmp_path / "a", "vae", [old])
    row = boards_of(read_results([tmp_path]))[0].rows[0]

    assert (row.by_family("mss"), row.by_family("rms")) == ({}, {0: 1.0})


def test_one_folder_named_twice_has_its_tags_once(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "tags.json").write_text("{}")

    assert len(read_tags([tmp_path, tmp_path / "a"])) == 1


@pytest.mark.parametrize(("place", "key"), [(0, "synth"), (2, "family")])
def test_a_line_without_what_it_has_to_tell_is_named(tmp_path: Path, place: int, key: str):
    path = write_result(tmp_path / "a", "vae", LINES) / "results.jsonl"
    lines = path.read_text().splitlines()
    lines[place] = lines[place].replace(f'"{key}"', '"else"')
    path.write_text("\n".join(lines) + "\n")

    with pytest.raises(StorageError, match=rf"line {place + 1} is damaged \(no {key}\)"):
        read_results([tmp_path])


def test_a_damaged_summary_is_refused(tmp_path: Path):
    write_result(tmp_path / "a", "vae", LINES)
    (tmp_path / "a" / "summary.json").write_text('{"capacity": 3')

    with pytest.raises(StorageError, match=r"summary.json: damaged"):
        read_results([tmp_path])
