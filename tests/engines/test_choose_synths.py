"""Which synths search, by what was asked for."""

import pytest

from patchflow.engines import _engines as module
from patchflow.engines import choose_synths, engines
from patchflow.errors import MissingDependency, OptionError, UnknownName


def test_nobody_asked_for_a_synth_so_the_embedded_ones_search():
    chosen = choose_synths()

    assert (chosen.names, chosen.optional, chosen.left_out) == (("dexed", "vital"), {"dexed", "vital"}, {})


def test_who_is_asked_for_by_name_searches_once_and_is_not_optional():
    chosen = choose_synths(["tone", "dexed", "tone"])

    assert (chosen.names, chosen.optional) == (("tone", "dexed"), frozenset())


def test_all_are_the_embedded_ones_and_the_plug_ins_that_were_added(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "described", lambda: ["added"])
    monkeypatch.setattr(type(engines), "__getitem__", lambda _, name: type(name, (), {"space": None}))

    assert choose_synths(["all"]).names == ("dexed", "vital", "added")
    assert choose_synths(["tone", "all"]).names == ("tone", "dexed", "vital", "added")
    assert choose_synths(["tone", "all"]).optional == {"dexed", "vital", "added"}


def test_of_all_one_whose_package_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch):
    look_up = type(engines).__getitem__

    def missing(self: object, name: str) -> object:
        if name == "vital":
            raise MissingDependency("needs the package 'vita'")
        return look_up(engines, name)

    monkeypatch.setattr(type(engines), "__getitem__", missing)

    assert choose_synths().names == ("dexed",)
    assert choose_synths().left_out == {"vital": "needs the package 'vita'"}
    with pytest.raises(MissingDependency, match="vita"):
        choose_synths(["dexed", "vital"])


def test_a_locked_part_leaves_out_who_lacks_it_unless_it_was_asked_for_by_name():
    assert choose_synths(lock=["op6"]).names == ("dexed",)
    chosen = choose_synths(["dexed", "tone"], ["op6", "wave"])
    assert (chosen.names, chosen.left_out) == (("dexed", "tone"), {})
    assert (chosen.who_has("op6"), chosen.who_has("wave"), chosen.who_has("op7")) == (("dexed",), ("tone",), ())
    with pytest.raises(UnknownName, match="named 'op7'"):
        choose_synths(["dexed", "tone"], ["op7"])


def test_parts_that_no_synth_has_together_are_an_error():
    with pytest.raises(OptionError, match="without vital: .*'op6'; without dexed: .*'osc_1'"):
        choose_synths(lock=["op6", "osc_1"])


@pytest.mark.parametrize("name", ["dx7", "DX7", "Dx7"])
def test_a_dx7_is_played_by_dexed(name: str):
    assert engines.known_as(name) == "dexed"


def test_a_synth_of_that_name_goes_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(engines), "__contains__", lambda _, name: name == "dx7")

    assert engines.known_as("dx7") == "dx7"
