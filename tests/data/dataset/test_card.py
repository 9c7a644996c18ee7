"""The card of a data set: its header is YAML, its numbers are those that were counted."""

import json

import pytest

from patchflow.data.dataset.card import card, space_text
from patchflow.presets import Choice, Knob, ParamSpace, Steps

COUNTS = {
    "drawn": 5000, "failed": 1, "silent": 234, "clipped": 17, "duplicates": 8, "twins": 99, "kept": 4757, "families": 77
}  # fmt: skip
VERSIONS = {"patchflow": "0.1.0"}


def test_the_header_says_where_the_files_are_and_the_licence(recipe):
    yaml = pytest.importorskip("yaml")  # comes with the datasets library

    header = yaml.safe_load(card(recipe(license="cc-by-4.0", title='A "set": x'), COUNTS, VERSIONS, 3).split("---")[1])

    assert header["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*"}]
    assert (header["license"], header["pretty_name"]) == ("cc-by-4.0", 'A "set": x')
    assert header["size_categories"] == ["1K<n<10K"]


def test_every_count_is_in_it(recipe):
    text = card(recipe(), COUNTS, VERSIONS, 3)

    for line in ("| drawn | 5,000 |", "play | 1 (left out) |", "| 234 (left out) |",
                 "| 17 (turned down, see `gain_db`) |", "| 8 (left out) |", "(within 1 dB) | 99 (kept",
                 "| **4,757** in 77 families |"):  # fmt: skip
        assert line in text


def test_what_is_kept_is_called_kept(recipe):
    text = card(recipe(drop=("clipped",), radius_db=0.0), COUNTS, VERSIONS, 3)

    for line in ("| 234 (kept) |", "| 17 (left out) |", "| 8 (kept) |", "(not looked for) | 99"):
        assert line in text


def test_every_parameter_is_described():
    space = ParamSpace((Choice("wave", ("a", "b")), Knob("cut", 20.0, 9e3, "Hz", log=True), Steps("oct", -2, 2)))

    found = json.loads(space_text(space))

    assert [entry["kind"] for entry in found] == ["choice", "knob", "steps"]
    assert (found[0]["options"], found[1]["unit"], found[1]["log"], found[2]["low"]) == (["a", "b"], "Hz", True, -2)
