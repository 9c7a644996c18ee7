"""The error tree."""

import inspect
import pickle

import pytest

from patchflow import errors
from patchflow.errors import PatchflowError, UnknownName

TREE = {
    name: item
    for name, item in vars(errors).items()
    if inspect.isclass(item) and issubclass(item, BaseException) and item.__module__ == errors.__name__
}


def test_the_documented_tree_is_the_real_one():
    listed = [
        line.split()[1] for line in (errors.__doc__ or "").splitlines() if line.strip().startswith(("*", "+", "-"))
    ]

    assert listed[0] == "PatchflowError"
    assert sorted(listed) == sorted(TREE) == sorted(errors.__all__)


@pytest.mark.parametrize("name", sorted(set(TREE) - {"PatchflowError"}))
def test_every_error_is_caught_by_the_one_root(name: str):
    assert issubclass(TREE[name], PatchflowError)


def test_a_near_miss_is_suggested():
    assert str(UnknownName("metric", "log_mel_l2", ["sot", "log_mel_l1"])) == (
        "no metric named 'log_mel_l2'. Did you mean 'log_mel_l1'?"
    )


def test_a_short_list_is_shown_whole():
    assert str(UnknownName("synth", "oboe", ["tone", "dexed"])) == "no synth named 'oboe'. Known: dexed, tone."


def test_a_long_list_is_cut_and_counted():
    known = [f"op{i:02}" for i in range(15)]

    assert str(UnknownName("parameter", "oboe", known)).endswith("op10, op11 and 3 more.")


def test_an_empty_list_says_none():
    assert str(UnknownName("preset", "oboe", [])).endswith("Known: none.")


def test_an_unknown_name_crosses_a_process_border():
    error = UnknownName("synth", "dexd", ["dexed"])

    assert str(pickle.loads(pickle.dumps(error))) == str(error)
