"""Words from names say where they come from, or are refused; latent dimensions are named by what they do."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import patchflow
from patchflow.engines import Note, engines
from patchflow.errors import ModelError, OptionError, UnknownName
from patchflow.explore.audio_space import AudioSpace
from patchflow.explore.named_words import (
    LatentMacro,
    latent_moves,
    measure_latents,
    moved_along,
    named_words,
    refuse_missing,
)
from patchflow.explore.turned_path import turn_preset
from patchflow.features.measures import MEASURES
from patchflow.models import save_model
from patchflow.presets import Preset
from tests.small_models import MIXED, make

SAW = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}, name="Saw")
NOTE = Note(60, 100, 0.4, 0.5)
COLUMN = {attribute.name: column for column, attribute in enumerate(MEASURES)}
WORD = {
    "name": "naturalness",
    "low": "synthetic",
    "high": "natural",
    "weights": {"length": 2.0},
    "centre": -1.0,
    "step": {"length": 0.5},
    "names": {"natural": 1200, "synthetic": 34},
    "words": {"natural": ["flute"], "synthetic": ["laser"]},
    "told_apart": [0.81, 0.7, 0.9],
    "held_out": {"natural": 10, "synthetic": 9},
    "source": "tones",
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes words of one's own for the synth tone."""
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path))

    def write_words(synth: str = "tone", **changed: object) -> None:
        content = {"format": 1, "synth": synth, "words": [{**WORD, **changed}]}
        (tmp_path / "tone-words.json").write_text(json.dumps(content))

    return write_words


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(patchflow.__file__).parents[1] / "benchmarks"))
    return importlib.import_module("name_words")


def test_a_word_has_a_score_a_step_and_a_provenance(write):
    write()
    words = named_words("tone")
    word = words["natural"]
    measures = np.zeros((2, len(MEASURES)))
    measures[1, COLUMN["length"]] = 3.0

    assert set(words) == {"naturalness", "natural", "synthetic"}
    np.testing.assert_array_equal(word.score(measures), [1.0, 7.0])
    assert word.change(-2.0)[COLUMN["length"]] == -1.0
    assert np.count_nonzero(word.change(-2.0)) == 1
    assert (word.sign("natural"), word.sign("Synthetic"), word.sign("naturalness")) == (1.0, -1.0, 1.0)
    assert word.provenance == (
        "from 1,234 names of tones; tells 0.81 of held-out pairs apart (0.70 to 0.90; 0.5 is chance)"
    )


@pytest.mark.parametrize(("end", "direction"), [("natural", 1), ("synthetic", -1)])
def test_turning_a_word_turns_the_attributes_it_stands_for(write, end: str, direction: int):
    write()
    turned = turn_preset(SAW, {end: 0.5}, steps=2, note=NOTE)

    (word,) = turned.words
    (length,) = turned.reached
    spread = MEASURES[COLUMN["length"]].spread
    assert (word.word, word.asked, word.provenance) == (end, 0.5, named_words("tone")[end].provenance)
    assert word.attributes == {"length": pytest.approx(direction * 0.25 / spread, abs=1e-4)}
    assert length.name == "length"
    assert length.asked == word.attributes["length"]
    assert np.sign(length.changed) == direction
    assert word.changed > 0.1
    first, last = (step.sound["length"] for step in (turned.path.steps[0], turned.path.steps[-1]))
    assert word.changed == pytest.approx(direction * 2.0 * (last - first), abs=1e-3)
    assert turned.content()["words"][0]["word"] == end


def test_a_word_and_an_attribute_add_up(write):
    write()
    turned = turn_preset(SAW, {"natural": 1.0, "length": -0.1}, steps=2, note=NOTE)

    spread = MEASURES[COLUMN["length"]].spread
    assert turned.reached[0].asked == pytest.approx(0.5 / spread - 0.1, abs=1e-4)


def test_both_ends_at_once_are_refused(write):
    write()
    with pytest.raises(OptionError, match="synthetic: naturalness is asked for twice"):
        turn_preset(SAW, {"natural": 1.0, "synthetic": 1.0})


def test_a_word_that_is_nearly_one_is_suggested(write):
    write()
    with pytest.raises(UnknownName, match="no attribute named 'naturl'. Did you mean 'natural'"):
        turn_preset(SAW, {"naturl": 1.0})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"synth": "dexed"}, "of synth 'dexed'"),
        ({"step": {"loveliness": 1.0}}, "its attributes are not those that are measured"),
        ({"step": {}}, "its attributes are not those that are measured"),
        ({"centre": float("nan")}, "not all numbers are finite"),
        ({"names": {}}, "natural"),
    ],
)
def test_a_damaged_file_is_named(write, changed: dict[str, object], why: str):
    write(**changed)
    with pytest.raises(ModelError, match=f"tone-words.json: not words from names .*{why}"):
        named_words("tone")


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("natural", "natural: nothing measures it. It is learned from names of presets, and of tone none were"),
        ("Vintage", "vintage: cannot be turned: hardly any preset is called so"),
        ("wide", "wide: cannot be turned: synths are played in mono here"),
        ("loudness", "loudness: cannot be turned: every turn leaves the level as it is"),
    ],
)
def test_what_a_synth_does_not_have_is_refused_with_why(word: str, why: str):
    with pytest.raises(OptionError, match=why):
        turn_preset(SAW, {word: 1.0})


def test_what_is_measured_is_not_refused():
    for attribute in MEASURES[:-1]:
        refuse_missing(attribute.name, "tone")


def test_the_word_of_the_dx7_tells_held_out_voices_apart():
    word = named_words("dexed")["natural"]
    weights = np.array([word.weights.get(attribute.name, 0.0) for attribute in MEASURES])

    assert word.told_apart[1] > 0.5
    assert word.told_apart[1] < word.told_apart[0] < word.told_apart[2] < 1
    assert float(weights @ word.change(1.0)) == pytest.approx(1.0, abs=1e-3)
    assert not set(word.words["natural"]) & set(word.words["synthetic"])
    assert min(word.names.values()) > 500


def test_what_is_shipped_is_what_was_reported(script):
    word = named_words("dexed")["natural"]
    report = json.loads((Path(script.__file__).parent / "results" / "name_words.json").read_text())

    assert list(word.told_apart) == report["parts"]["test"]["told_apart"]
    assert word.names == report["parts"]["train"]["names"]
    assert word.words == {"natural": script.NATURAL, "synthetic": script.SYNTHETIC}


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("FLUTE 1", (1, "flute")),
        ("SYNBRASS 2", (-1, "syn")),
        ("E.PIANO 3", None),
        ("ElecPiano1", None),
        ("SYN-FLUTE", None),
        ("DIST.GUIT", None),
        ("BRASS 1", None),
    ],
)
def test_the_end_of_a_name(script, name: str, end: tuple[int, str] | None):
    assert script.end_of(name) == end


def test_pairs_that_are_told_apart_are_counted(script):
    ends = np.array([1, 1, -1, -1])

    assert script.area(np.array([3.0, 2, 1, 0]), ends) == 1.0
    assert script.area(np.array([0.0, 1, 2, 3]), ends) == 0.0
    assert script.area(np.array([0.0, 3, 1, 2]), ends) == 0.5
    assert script.told_apart(np.array([3.0, 2, 1, 0]), ends, np.array([0, 0, 0, 0])) == [1.0, 1.0, 1.0]


def test_the_direction_is_that_in_which_names_differ(script):
    rng = np.random.default_rng(0)
    usual = rng.normal(size=(2_000, len(MEASURES))) * 3 + 5
    ends = np.repeat([1, -1], 500)
    named = rng.normal(size=(1_000, len(MEASURES))) * 3 + 5
    named[:, COLUMN["weight"]] += 6.0 * ends
    found = script.direction(named, ends, usual)
    scores = usual[:, : script.COLUMNS] @ found["weights"] - found["centre"]

    assert np.nonzero(found["step"])[0].tolist() == [COLUMN["weight"]]
    assert found["step"][COLUMN["weight"]] == pytest.approx(3.0, rel=0.15)
    assert float(found["weights"] @ found["step"]) == pytest.approx(1.0)
    assert (scores.mean(), scores.std()) == (pytest.approx(0.0, abs=1e-6), pytest.approx(1.0, abs=0.01))


NAMES = [attribute.name for attribute in MEASURES]


def macro(agreed: float = 1.0, **changes: float) -> LatentMacro:
    return LatentMacro(3, 12.0, dict.fromkeys(NAMES, 0.0) | changes, dict.fromkeys(NAMES, agreed))


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (macro(brightness=0.5, attack=-1.0), "fast, bright"),
        (macro(brightness=-0.5, noisiness=0.24), "dark"),
        (macro(brightness=0.2), "mixed"),
        (macro(agreed=0.6, brightness=2.0), "mixed"),
        (macro(loudness=9.0), "mixed"),
    ],
)
def test_the_name_is_what_changes_clearly_in_most_presets(one: LatentMacro, name: str):
    assert one.name == name
    assert one.content()["name"] == name


def test_a_synth_without_a_model_has_no_latent_dimensions():
    with pytest.raises(ModelError, match="tone: has no model with a latent"):
        measure_latents("tone")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Weights of one's own for the synth tone."""
    monkeypatch.setenv("PATCHFLOW_WEIGHTS", str(tmp_path))
    file = tmp_path / "tone-flow_joint.safetensors"
    save_model(file, make("flow_joint", engines["tone"].space), "flow_joint", "tone")
    return file


def test_words_mean_moves_along_dimensions():
    said: list[str] = []

    np.testing.assert_array_equal(latent_moves({"latent:3": -9.0, "latent:0": 1.0}, 4, said.append), [1, 0, 0, -3])
    assert said == ["latent:3=-9: the range ends at -3 standard deviations, so this is taken"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"latent:4": 1.0}, "'latent:4': no latent dimension. They are latent:0 to latent:3"),
        ({"latent:": 1.0}, "'latent:': no latent dimension"),
        ({"latent:-1": 1.0}, "'latent:-1': no latent dimension"),
        ({"latent:1": float("inf")}, "latent:1=inf: not a number"),
        ({"latent:1": 1.0, "latent:01": 1.0}, "latent:01: is asked for twice"),
    ],
)
def test_words_that_are_no_dimension_are_refused(words, message):
    with pytest.raises(OptionError, match=message):
        latent_moves(words, 4)


def test_a_preset_moves_on_a_line_of_the_latent_and_what_is_locked_stays():
    space = AudioSpace("tone", MIXED, make("flow_joint", MIXED).eval())  # type: ignore[arg-type]
    point = MIXED.snap(np.full(len(MIXED), 0.4))
    shares = np.array([0.0, 0.5, 1.0])
    moves = np.zeros(space.size)
    moves[1] = 2.0
    points = moved_along(space, point, moves, shares=shares, free=np.ones(len(MIXED), bool))

    np.testing.assert_array_equal(points[0], point)
    np.testing.assert_array_equal(points[1:], space.presets(space.encode(point[None]) + shares[1:, None] * moves))
    assert (points[2] != point).any()
    gain = MIXED.index["gain"]
    free = np.arange(len(MIXED)) == gain
    held = moved_along(space, point, moves, shares=shares, free=free)
    np.testing.assert_array_equal(held[:, ~free], np.repeat(point[None, ~free], 3, 0))
    np.testing.assert_array_equal(held[:, gain], points[:, gain])


def test_a_latent_turn_says_what_it_measurably_did(trained):
    turned = turn_preset(SAW, {"latent:0": 2.0, "latent:1": -1.0}, steps=2, note=NOTE, lock={"wave": None})

    assert (turned.latent, turned.reached, turned.words) == ("latent:0 +2, latent:1 -1", (), ())
    assert [step.values["wave"] for step in turned.path.steps] == ["saw"] * 3
    assert turned.path.steps[0].values == SAW.values
    assert turned.path.steps[-1].values == turned.preset.values != SAW.values
    assert turned.others
    assert min(abs(one.changed) for one in turned.others) > 0.25
    last = turned.changes[-1]
    for one in turned.others:
        assert one.changed == pytest.approx(last[NAMES.index(one.name)], abs=1e-4)
    assert turned.content()["latent"] == turned.latent


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ({"latent:0": 1.0, "length": 1.0}, {}, "latent:0: a latent dimension .* not turned together with length"),
        ({"latent:9999": 1.0}, {}, "'latent:9999': no latent dimension. They are latent:0 to latent:"),
        ({"latent": 1.0}, {}, "'latent': no latent dimension"),
        ({"length": 1.0}, {"model": "flow_joint"}, "model=flow_joint: is for latent dimensions alone"),
        ({"latent:0": 0.0}, {}, "nothing to turn"),
        ({"latent:0": 1.0}, {"lock": {"wave": None, "decay": None, "gain": None}}, "nothing of what is not locked"),
    ],
)
def test_latent_words_that_cannot_be_turned_are_refused(trained, words, options, message):
    with pytest.raises(OptionError, match=message):
        turn_preset(SAW, words, steps=2, note=NOTE, **options)


def test_a_run_of_another_synth_is_refused(tmp_path):
    file = tmp_path / "run.safetensors"
    save_model(file, make("flow_joint", MIXED), "flow_joint", "mixed")
    with pytest.raises(ModelError, match=r"run.safetensors: is a model of mixed, not of tone"):
        turn_preset(SAW, {"latent:0": 1.0}, model=file)


def test_latent_words_need_a_model():
    with pytest.raises(ModelError, match="tone: has no model with a latent"):
        turn_preset(SAW, {"latent:0": 1.0})


@pytest.mark.slow
def test_the_most_audible_dimension_comes_first():
    found = measure_latents("dexed", seed=1)
    heard = [one.heard_db for one in found]

    assert heard == sorted(heard, reverse=True)
    assert sorted(one.dimension for one in found) == list(range(145))
    assert np.mean(heard[:10]) > 2 * np.mean(heard[-10:])
