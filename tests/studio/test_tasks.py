"""What jobs do is what the command line does, and what is found on the way can be played."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from patchflow.audio.sound import from_array
from patchflow.audio.sound_file import load
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, UnknownName
from patchflow.explore.good_presets import GoodPresets
from patchflow.explore.turned_path import turn_preset
from patchflow.explore.vary import breed, vary
from patchflow.match import Matcher
from patchflow.match.output.match_files import match_files
from patchflow.match.output.writer import Report
from patchflow.presets import Preset, check
from patchflow.studio.tasks import KINDS, KeptPreset, Workshop, lock_of
from patchflow.studio.worker import Reporter

RATE = 44_100
SAW = Preset("tone", {"wave": "saw", "decay": 0.4, "gain": -12.0}, name="Saw")
SINE = Preset("tone", {"wave": "sine", "decay": 1.5, "gain": -10.0}, name="Sine")


class Listener:
    """Gets what a reporter says; cancels after so many findings."""

    def __init__(self, cancel_after: int = 1_000_000) -> None:
        self.found: list[dict[str, Any]] = []
        self.progress: list[dict[str, Any]] = []
        self.cancel_after = cancel_after
        self.reporter = Reporter(self.hear)

    def hear(self, kind: str, content: Any) -> None:
        {"found": self.found, "progress": self.progress}[kind].append(content)
        if len(self.found) >= self.cancel_after:
            self.reporter.cancel()


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    return Workshop()


def sound() -> Any:
    samples = Tone().render(Tone.space.encode(SAW.values), Note(57, 100, 0.5, 0.8), RATE)
    return from_array(samples, RATE)


def match_order(**asked: Any) -> dict[str, Any]:
    request = {
        "kind": "match", "synths": ["tone"], "seconds": None, "renders": 150, "candidates": 3, "note": None, "lock": [],
        "seed": 5, "trim_db": None, "like": {}, **asked,
    }  # fmt: skip
    return {"request": request, "sound": sound(), "on": None, "library": None, "presets": []}


def order(*presets: Preset, **asked: Any) -> dict[str, Any]:
    return {"request": asked, "library": None, "presets": list(presets)}


def test_a_job_finds_what_a_matcher_finds(workshop: Workshop):
    result = workshop.perform("match", match_order(), Listener().reporter)
    found = Matcher.load("tone").match(sound(), renders=150, candidates=3, seed=5)

    values = [one["preset"].preset.values for one in result["candidates"]]
    assert sorted(map(str, values)) == sorted(str(one.preset.values) for one in found.candidates)
    assert result["renders"] == found.renders
    assert result["uncertainty"].keys() == found.uncertainty.keys()


def test_a_job_finds_the_same_again_and_again(workshop: Workshop):
    first = workshop.perform("match", match_order(), Listener().reporter)
    workshop.perform("match", match_order(seed=6), Listener().reporter)
    again = workshop.perform("match", match_order(), Listener().reporter)

    assert {**first, "seconds": 0} == {**again, "seconds": 0}


@pytest.mark.slow
def test_a_job_of_two_synths_finds_what_a_matcher_of_both_finds(workshop: Workshop):
    asked = match_order(synths=["dexed", "tone"], renders=120)
    result = workshop.perform("match", asked, Listener().reporter)
    found = Matcher.load(["dexed", "tone"]).match(sound(), renders=120, candidates=3, seed=5)

    values = [one["preset"].preset.values for one in result["candidates"]]
    assert sorted(map(str, values)) == sorted(str(one.preset.values) for one in found.candidates)
    assert result["synths"] == ["dexed", "tone"]


def test_the_distances_are_those_that_the_command_line_writes(workshop: Workshop, tmp_path: Path):
    path = tmp_path / "saw.wav"
    soundfile.write(path, sound().samples, RATE, subtype="FLOAT")
    (done,) = match_files("tone", [path], tmp_path / "out", renders=150, candidates=3, seed=5)
    assert isinstance(done, Report)
    result = workshop.perform("match", {**match_order(), "sound": load(path)}, Listener().reporter)

    written = [(one["parameters"], one["distances"]["perceptual"]) for one in done.summary["candidates"]]
    told = [(one["preset"].preset.values, one["distance"]) for one in result["candidates"]]
    for (parameters, distance), (values, own) in zip(written, told, strict=True):
        assert parameters == values
        assert own == pytest.approx(distance, abs=2e-3)


def test_candidates_are_told_while_it_goes_on_and_can_be_played(workshop: Workshop):
    heard = Listener()
    result = workshop.perform("match", match_order(renders=600), heard.reporter)

    assert heard.found
    for one in heard.found[0]["candidates"]:
        preset = one["preset"].preset
        check(preset, Tone.space)
        note = one["note"]
        assert np.abs(Tone().render(Tone.space.encode(preset.values), Note(**note), RATE)).max() > 0
    assert set(result["candidates"][0]) == set(heard.found[0]["candidates"][0])
    best = [content["candidates"][0]["distance"] for content in heard.found]
    assert best == sorted(best, reverse=True)


def test_to_tell_what_was_found_changes_nothing_in_the_search():
    matcher = Matcher.load("tone")
    plain = matcher.match(sound(), renders=200, seed=1)
    told: list[object] = []
    watched = matcher.match(sound(), renders=200, seed=1, found=told.append)

    assert told
    assert [one.preset for one in watched.candidates] == [one.preset for one in plain.candidates]


def test_a_candidate_says_what_the_page_shows(workshop: Workshop):
    best = workshop.perform("match", match_order(), Listener().reporter)["candidates"][0]

    assert isinstance(best["preset"], KeptPreset)
    assert best["note"].keys() == {"pitch", "velocity", "hold", "length"}
    assert best["closeness"]
    assert best["tuning"] == "in tune"
    for one in best["differences"]:
        assert {"name", "unit", "candidate", "target", "text", "counts"} <= one.keys()
    assert isinstance(best["gain_db"], float)


def test_candidates_are_called_as_the_files_of_the_command_call_them(workshop: Workshop):
    order = match_order()
    order["sound"] = replace(order["sound"], path=Path("glockenspiel.wav"))
    found = workshop.perform("match", order, Listener().reporter)["candidates"]

    assert [one["preset"].preset.name for one in found] == ["glockenspiel", "glocken 2", "glocken 3"]


def test_a_match_that_is_cancelled_keeps_the_best(workshop: Workshop):
    heard = Listener(cancel_after=1)
    result = workshop.perform("match", match_order(renders=None, seconds=600.0), heard.reporter)

    assert result["stopped"] == "cancelled"
    assert result["candidates"]
    assert not result["complete"]


def test_a_match_keeps_what_is_locked(workshop: Workshop):
    result = workshop.perform("match", match_order(lock={"wave": "sine"}), Listener().reporter)

    assert {one["preset"].preset.values["wave"] for one in result["candidates"]} == {"sine"}


def test_variations_are_those_of_the_library(workshop: Workshop):
    asked = {"amount": 0.2, "count": 1, "how": "both", "sections": [], "lock": [], "seed": 2, "renders": 60}
    result = workshop.perform("vary", order(SAW, **asked), Listener().reporter)
    found = vary(GoodPresets.load("tone", None), SAW, 0.2, count=1, seed=2, renders=60)

    assert [one["preset"].preset for one in result["presets"]] == [child.preset for child in found.children]
    one = result["presets"][0]
    assert one["moves"][0].keys() == {"name", "before", "after", "size"}
    assert "dB" in one["text"]
    assert one["preset"].origin == "variation of Saw, amount 0.2"
    assert result["notes"] == list(found.remarks)


def test_children_of_two_are_those_of_the_library(workshop: Workshop):
    first = Preset("dexed", engines["dexed"].space.decode(engines["dexed"].space.default()), name="Init")
    asked = {"share": 0.5, "count": 1, "sections": [], "lock": [], "seed": 0, "renders": 40}
    with pytest.raises(OptionError, match="sound the same"):
        workshop.perform("breed", order(first, first, **asked), Listener().reporter)
    with pytest.raises(OptionError, match="sound the same"):
        breed(engines["dexed"], first, first, renders=40)


def test_a_turn_is_that_of_the_library(workshop: Workshop):
    asked = {"words": {"length": -1.0}, "steps": 2, "lock": [], "seed": 0}
    result = workshop.perform("turn", order(SAW, **asked), Listener().reporter)
    turned = turn_preset(SAW, {"length": -1.0}, steps=2)

    assert result["preset"].preset == turned.preset
    assert len(result["presets"]) == 3
    assert result["text"][0].startswith("length: ")
    assert result["moves"][0]["name"] == "decay"


def test_a_morph_leads_from_one_to_the_other(workshop: Workshop):
    asked = {"steps": 3, "lock": [], "seed": 0, "renders": 200}
    result = workshop.perform("morph", order(SAW, SINE, **asked), Listener().reporter)

    presets = [one["preset"].preset for one in result["presets"]]
    assert (presets[0].values["wave"], presets[-1].values["wave"]) == ("saw", "sine")
    assert (result["rows"], result["columns"]) == (1, 3)


def test_a_training_that_is_cancelled_leaves_no_weights(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path / "weights"))
    heard = Listener()
    heard.reporter.cancel()

    with pytest.raises(KeyboardInterrupt):
        workshop.perform("train", order(synth="tone", minutes=1.0), heard.reporter)
    assert heard.progress
    assert not (tmp_path / "weights" / "tone.safetensors").exists()


def test_what_there_is_nothing_to_make_of_is_said(workshop: Workshop):
    with pytest.raises(OptionError, match="asks for nothing that can be made"):
        workshop.perform("make", order(text="xyzzy", synth="dexed", count=1, seed=0, renders=10), Listener().reporter)
    with pytest.raises(UnknownName, match="no synth named"):
        workshop.perform("match", match_order(synths=["tune"]), Listener().reporter)


def test_there_is_a_method_for_every_kind():
    assert set(KINDS) == {"match", "vary", "breed", "turn", "morph", "make", "train", "listen"}
    assert lock_of(["op1", "op2"]) == {"op1": None, "op2": None}
