"""The shipped weights for amsynth."""

from pathlib import Path

import pytest

from patchflow import Matcher
from patchflow.engines import engines
from patchflow.match.proposals import FromModel
from patchflow.models import shipped, weights_of


@pytest.fixture(autouse=True)
def no_weights_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path))


def test_they_are_for_amsynth_as_it_is_described_when_it_is_added(amsynth: str):
    assert weights_of(amsynth, engines[amsynth].space) == shipped("amsynth") is not None


@pytest.mark.slow
def test_a_match_begins_from_them(amsynth: str):
    (arm,) = Matcher.load(amsynth).arms
    (proposer,) = arm.proposers

    assert isinstance(proposer, FromModel)


def test_they_are_left_alone_when_the_description_was_changed(amsynth: str, synths: Path, amsynth_described: Path):
    text = (amsynth_described / "amsynth.toml").read_text()
    synths.mkdir(exist_ok=True)
    (synths / "amsynth.toml").write_text(text.replace("high = 1.0", "high = 0.9", 1))

    assert weights_of(amsynth, engines[amsynth].space) is None
