"""Sections are found by the words musicians use, on any synth, and an unknown one names those there are."""

import numpy as np
import pytest

from patchflow.engines import engines
from patchflow.errors import OptionError
from patchflow.explore.sections import (
    kept_by_default,
    level_parameter,
    section_blocks,
    section_names,
    select_sections,
)
from patchflow.presets import Choice, Knob, ParamSpace, Steps

DEXED = engines["dexed"]
PLUGIN = ParamSpace(
    (
        Choice("osc1_waveform", ("sine", "saw"), group="osc1"),
        Choice("osc2_waveform", ("sine", "saw"), group="osc2"),
        Knob("filter_cutoff", 0.0, 1.0, group="filter"),
        Knob("filter_attack", 0.0, 1.0, group="filter"),
        Knob("amp_attack", 0.0, 1.0, group="amp"),
        Knob("reverb_decay", 0.0, 1.0, group="reverb"),
        Knob("lfo_pitch", 0.0, 1.0, group="lfo"),
        Knob("osc2_detune", 0.0, 1.0, group="osc2"),
        Knob("master_vol", 0.0, 1.0),
        Steps("spare", 0, 3),
    )
)


def names(space: ParamSpace, *words: str) -> set[str]:
    chosen = select_sections(space, words)
    return {space.names[place] for place in np.flatnonzero(chosen)}


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("osc", {"osc1_waveform", "osc2_waveform", "osc2_detune"}),
        ("osc2", {"osc2_waveform", "osc2_detune"}),
        ("env", {"filter_attack", "amp_attack"}),
        ("filter", {"filter_cutoff", "filter_attack"}),
        ("effects", {"reverb_decay"}),
        ("pitch", {"osc2_detune"}),
        ("lfo", {"lfo_pitch"}),
        ("master_vol", {"master_vol"}),
        ("OSC", {"osc1_waveform", "osc2_waveform", "osc2_detune"}),
    ],
)
def test_a_word_finds_what_a_musician_means(word: str, found: set[str]):
    assert names(PLUGIN, word) == found


def test_operators_of_the_dx7_are_six_groups_and_its_envelopes_are_numbered_rates_and_levels():
    assert names(DEXED.space, "op") == {name for name in DEXED.space.names if name.startswith("op")}
    env = names(DEXED.space, "env")
    assert len(env) == 7 * 8
    assert {"op3.rate2", "op6.level4", "pitch.rate1"} <= env
    assert not {"op1.rate_scaling", "op1.output", "lfo.delay"} & env


def test_several_words_add_up_and_no_word_is_everything():
    assert names(PLUGIN, "lfo", "amp") == {"lfo_pitch", "amp_attack"}
    assert select_sections(PLUGIN, []).all()


def test_an_unknown_section_names_those_there_are():
    with pytest.raises(OptionError, match="section=strings: .*osc1, osc2, filter, amp, reverb, lfo.*env"):
        select_sections(PLUGIN, ["strings"])


def test_section_names_are_groups_then_words():
    assert section_names(PLUGIN) == (
        "osc1", "osc2", "filter", "amp", "reverb", "lfo", "effects", "env", "osc", "pitch",
    )  # fmt: skip


def test_what_tunes_and_the_level_stay_unless_asked_for():
    kept = {DEXED.space.names[place] for place in np.flatnonzero(kept_by_default(DEXED))}
    assert kept == {"transpose", "pitch.level1", "pitch.level2", "pitch.level3", "pitch.level4"}
    assert not kept_by_default(DEXED, ["pitch"]).any()
    assert kept_by_default(DEXED, ["transpose"]).sum() == 4
    tone = engines["tone"]
    assert kept_by_default(tone).tolist() == [False, False, True]
    assert not kept_by_default(tone, ["gain"]).any()


def test_a_level_is_one_parameter_or_none():
    assert level_parameter(PLUGIN) == PLUGIN.index["master_vol"]
    assert level_parameter(DEXED.space) is None
    two = ParamSpace((Knob("volume", 0.0, 1.0), Knob("gain", 0.0, 1.0)))
    assert level_parameter(two) is None


def test_blocks_are_the_movable_part_of_groups():
    movable = select_sections(PLUGIN, ["env"]) | select_sections(PLUGIN, ["spare"])
    blocks = section_blocks(PLUGIN, movable)
    assert {name: places.tolist() for name, places in blocks.items()} == {"filter": [3], "amp": [4], "spare": [9]}
    assert list(section_blocks(PLUGIN, select_sections(PLUGIN, ["osc"]), least=3)) == [
        "osc1_waveform", "osc2_waveform", "osc2_detune",
    ]  # fmt: skip
