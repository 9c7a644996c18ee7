"""Result files: whole lines, gone on with, never mixed."""

from pathlib import Path

import pytest

from patchflow.errors import StorageError
from patchflow.evaluate.results import open_results, read_lines

HEAD = {"row": "vae", "fold": 0, "items": 3}


def test_what_was_appended_is_read(tmp_path: Path):
    open_results(tmp_path / "new" / "r.jsonl", HEAD).append([{"item": 1, "rms": 0.5}, {"item": 2, "rms": None}])

    found = read_lines(tmp_path / "new" / "r.jsonl")

    assert found.head["row"] == "vae"
    assert found.items == [{"item": 1, "rms": 0.5}, {"item": 2, "rms": None}]


@pytest.mark.parametrize("left", ["{", '{"item": 3, "rms": 0.', '{"item": 3, "rms": 0.1}'])
def test_a_line_that_was_cut_off_is_written_anew(tmp_path: Path, left: str):
    path = tmp_path / "r.jsonl"
    open_results(path, HEAD).append([{"item": 1}, {"item": 2}])
    path.write_text(path.read_text() + left)

    assert read_lines(path).done == {1, 2}
    lines = open_results(path, HEAD)
    lines.append([{"item": 3}])

    assert lines.done == {1, 2, 3}
    assert read_lines(path).items == [{"item": 1}, {"item": 2}, {"item": 3}]


def test_a_file_without_a_whole_line_is_begun_anew(tmp_path: Path):
    (tmp_path / "r.jsonl").write_text('{"format": "patchf')

    assert open_results(tmp_path / "r.jsonl", HEAD).done == set()
    assert read_lines(tmp_path / "r.jsonl").head["items"] == 3


def test_results_of_other_weights_are_not_gone_on_with(tmp_path: Path):
    open_results(tmp_path / "r.jsonl", HEAD | {"weights": "a"}).append([{"item": 1}])

    with pytest.raises(StorageError, match=r'weights="a", not "b". Remove it, or give --again'):
        open_results(tmp_path / "r.jsonl", HEAD | {"weights": "b"})


def test_again_begins_anew(tmp_path: Path):
    open_results(tmp_path / "r.jsonl", HEAD | {"weights": "a"}).append([{"item": 1}])

    assert open_results(tmp_path / "r.jsonl", HEAD | {"weights": "b"}, again=True).done == set()
    assert read_lines(tmp_path / "r.jsonl").items == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a result file"),
        ("[]\n", "line 1 is damaged"),
        ('{"format": "other"}\n', "not a result file"),
        ('{"format": "patchflow results 1"}\n{"item": 1}\n{"it\n{"item": 3}\n', "line 3 is damaged"),
        ('{"format": "patchflow results 1"}\n{"rms": 1}\n', "line 2 is damaged"),
        ('{"format": "patchflow results 1"}\n\xff\xfe\n', "line 2 is damaged"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "r.jsonl").write_text(text, "latin-1")

    with pytest.raises(StorageError, match=message):
        read_lines(tmp_path / "r.jsonl")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(StorageError, match="no such file"):
        read_lines(tmp_path / "r.jsonl")
