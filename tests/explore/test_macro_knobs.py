"""Macro knobs turn a preset at once, as the map says, and the same call gives the same preset."""

import pytest

from patchflow.browse.embedded import embedded_preset
from patchflow.engines import engines
from patchflow.errors import OptionError, PresetError, UnknownName
from patchflow.explore.macro_knobs import MOST_KNOBS, MacroKnobs, macro_words
from patchflow.explore.turned_path import turn_preset
from patchflow.presets import Preset

SAW = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}, name="Saw", state=b"")


@pytest.fixture(scope="module")
def voice() -> Preset:
    return embedded_preset("dexed", 17)


@pytest.fixture(scope="module")
def knobs(voice: Preset) -> MacroKnobs:
    return MacroKnobs(voice)


@pytest.mark.parametrize("synth", ["dexed", "vital", "tone"])
def test_every_synth_has_a_row_of_knobs_with_names_for_both_ends(synth: str):
    words = macro_words(synth)

    assert len(words) == MOST_KNOBS
    assert len({word.word for word in words}) == MOST_KNOBS
    assert all(word.low and word.high and word.low != word.high and word.provenance for word in words)


def test_a_word_from_names_is_a_knob_where_names_were_learned_from():
    assert "naturalness" in [word.word for word in macro_words("dexed")]
    assert "naturalness" not in [word.word for word in macro_words("tone")]


def test_knobs_give_what_the_command_line_gives(knobs: MacroKnobs, voice: Preset):
    turned = knobs.turned({"brightness": 1.0, "length": -0.5})
    by_path = turn_preset(voice, {"brightness": 1.0, "length": -0.5}, steps=2, instant=True)

    assert turned.preset.values == by_path.preset.values


def test_the_same_call_gives_the_same_preset_wherever_the_knobs_were(knobs: MacroKnobs):
    first = knobs.turned({"brightness": 1.0})
    knobs.turned({"brightness": -2.0, "attack": 1.5})

    assert knobs.turned({"brightness": 1.0}) == first


def test_every_word_moves_its_own_prediction_the_way_it_is_turned(knobs: MacroKnobs):
    for word in knobs.words:
        more = knobs.turned({word.word: 1.0}).predicted[word.word]
        less = knobs.turned({word.word: -1.0}).predicted[word.word]
        assert more > less, word.word


def test_the_ends_of_a_word_turn_it_either_way(knobs: MacroKnobs):
    assert knobs.turned({"bright": 1.0}) == knobs.turned({"brightness": 1.0})
    assert knobs.turned({"dark": 1.0}) == knobs.turned({"brightness": -1.0})


def test_nothing_turned_leaves_the_preset(knobs: MacroKnobs, voice: Preset):
    turned = knobs.turned({"brightness": 0.0})

    assert turned.preset == voice
    assert turned.moves == ()
    assert set(turned.predicted.values()) == {0.0}


def test_moves_are_what_differs(knobs: MacroKnobs, voice: Preset):
    turned = knobs.turned({"brightness": 1.5})

    assert turned.moves
    for move in turned.moves:
        assert voice.values[move.name] == move.before
        assert turned.preset.values[move.name] == move.after
    sizes = [move.size for move in turned.moves]
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_locked_stays(knobs: MacroKnobs, voice: Preset):
    free = [move.name for move in knobs.turned({"brightness": 1.5}).moves]
    group = free[0].split(".")[0]
    turned = knobs.turned({"brightness": 1.5}, lock={group: None})

    space = engines["dexed"].space
    locked = [space.names[place] for place in space.select(group)]
    assert turned.moves
    assert all(turned.preset.values[name] == voice.values[name] for name in locked)


def test_a_lock_may_give_a_value(knobs: MacroKnobs):
    assert knobs.turned({"brightness": 1.0}, lock={"op1.output": 40}).preset.values["op1.output"] == 40


def test_pitch_is_left_alone(knobs: MacroKnobs, voice: Preset):
    turned = knobs.turned({"brightness": 2.0, "attack": -1.0}).preset

    for name in voice.values:
        if name.endswith((".coarse", ".fine", ".detune")) or name in ("transpose", "algorithm"):
            assert turned.values[name] == voice.values[name], name


def test_a_synth_without_a_map_is_measured_around_the_preset():
    knobs = MacroKnobs(SAW)
    longer = knobs.turned({"length": 1.0})
    shorter = knobs.turned({"length": -1.0})

    assert not knobs.is_learned
    assert float(shorter.preset.values["decay"]) < 0.2 < float(longer.preset.values["decay"])
    assert longer.preset.values["wave"] == "saw"
    assert longer.predicted["length"] > 0 > shorter.predicted["length"]


def test_measuring_says_how_far_it_is():
    heard = []

    MacroKnobs(SAW, progress=heard.append)

    assert {progress.unit for progress in heard} == {"parameters"}


def test_slopes_are_the_same_at_any_pace():
    paces = [4, 1, 1, 1]
    slow = MacroKnobs(SAW, pace=lambda: paces.pop() if paces else 1)

    assert len(paces) < 3
    words = {"length": 1.0, "brightness": -1.0}
    assert slow.turned(words) == MacroKnobs(SAW).turned(words)


def test_whoever_wants_no_measuring_is_told_how_to_learn_a_map():
    with pytest.raises(OptionError, match=r"tone: has no learned map\. Learn one: patchflow macros tone --learn"):
        MacroKnobs(SAW, measure=False)


def test_a_silent_preset_of_a_synth_without_a_map_cannot_be_turned():
    silent = Preset("vital", {**_default("vital"), "volume": -60.0, "osc_1.level": 0.0}, name="Nothing")

    with pytest.raises(OptionError, match="Nothing: silent on this note"):
        MacroKnobs(silent)


def test_unknown_words_amounts_and_locks_are_named(knobs: MacroKnobs):
    with pytest.raises(UnknownName, match="brightnes"):
        knobs.turned({"brightnes": 1.0})
    with pytest.raises(OptionError, match="nan"):
        knobs.turned({"brightness": float("nan")})
    with pytest.raises(OptionError, match="asked for twice"):
        knobs.turned({"brightness": 1.0, "dark": 1.0})
    with pytest.raises(OptionError, match="latent"):
        knobs.turned({"latent:0": 1.0})
    with pytest.raises(UnknownName, match="op9"):
        knobs.turned({"brightness": 1.0}, lock={"op9": None})


def test_a_preset_has_to_be_complete():
    with pytest.raises(PresetError, match="missing"):
        MacroKnobs(Preset("dexed", {"algorithm": 1}))


@pytest.mark.slow
def test_a_vital_preset_is_turned_by_measured_slopes():
    voice = embedded_preset("vital", 3)
    knobs = MacroKnobs(voice)

    bright = knobs.turned({"brightness": 1.0})
    assert bright.preset.state == voice.state
    assert bright.predicted["brightness"] > 0.3
    assert knobs.turned({"brightness": 1.0}) == bright


@pytest.mark.slow
def test_the_pitch_of_one_oscillator_among_others_is_left_alone():
    # where the other oscillator is louder, no cents are heard when this one moves by ten semitones
    voice = embedded_preset("vital", 17)
    knobs = MacroKnobs(voice)
    pitched = [name for name in voice.values if name.endswith(("transpose", ".tune"))]

    for word in ("brightness", "movement", "roughness", "harmonicity"):
        turned = knobs.turned({word: 2.0})
        assert turned.moves
        assert {name: turned.preset.values[name] for name in pitched} == {name: voice.values[name] for name in pitched}


@pytest.mark.slow
@pytest.mark.parametrize("synth", ["dexed", "vital"])
def test_a_warm_turn_plays_nothing(synth: str, monkeypatch: pytest.MonkeyPatch):
    knobs = MacroKnobs(embedded_preset(synth, 5))
    knobs.turned({"brightness": 1.0})

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a note was played")

    monkeypatch.setattr(engines[synth], "render", refuse)  # how long a turn takes: benchmarks/studio_jobs.py
    turned = [knobs.turned({"brightness": amount, "movement": 0.3}) for amount in (-2.0, 0.5, 2.0)]
    assert len({str(one.preset.values) for one in turned}) == 3


def _default(synth: str) -> dict:
    space = engines[synth].space
    return space.decode(space.default())
