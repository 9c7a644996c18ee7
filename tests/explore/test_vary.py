"""Variations lie where they were asked for, can be heard, and are no twins; bad wishes get one clear line."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, PresetError
from patchflow.explore import RATE
from patchflow.explore.audio_space import AudioSpace
from patchflow.explore.children import twin_distance
from patchflow.explore.good_presets import GoodPresets
from patchflow.explore.neighbours import PLACES, neighbourhood, two_neighbourhoods
from patchflow.explore.player import Audition
from patchflow.explore.vary import DB_PER_AMOUNT, breed, vary
from patchflow.match.verdict import CLOSENESS, closeness
from patchflow.metrics.perceptual import Reference
from patchflow.presets import Preset
from patchflow.presets.library.library import Library

SHORT = Note(hold=0.3, length=0.4)
SAW = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Saw")
SINE = Preset("tone", {"wave": "sine", "decay": 0.05, "gain": -6.0}, name="Sine")


@pytest.fixture(scope="module")
def tone():
    return GoodPresets.load("tone")


@pytest.fixture(scope="module")
def dexed():
    return GoodPresets.load("dexed")


@pytest.fixture(scope="module")
def brass():
    space = engines["dexed"].space
    init = space.decode(space.default())
    values = {
        **init, "algorithm": "5", "op1.output": 95, "op2.output": 75, "op3.output": 90, "op4.output": 60,
        "op2.coarse": 1, "op4.coarse": 3, "op1.rate1": 70,
    }  # fmt: skip
    return Preset("dexed", values, name="BRASS")


@pytest.fixture(scope="module")
def varied(dexed, brass):
    return {amount: vary(dexed, brass, amount, count=3, note=SHORT, renders=500) for amount in (0.1, 0.4)}


def played(preset: Preset) -> torch.Tensor:
    engine = engines[preset.synth]()
    return torch.from_numpy(engine.render(engine.space.encode(preset.values), SHORT, RATE))


def measured(parent: Preset, child: Preset) -> float:
    return Reference(played(parent)).distance(played(child)[None])[0].item()


def test_the_words_of_amounts_are_those_of_distances():
    words = [closeness(amount * DB_PER_AMOUNT) for amount in (0.05, 0.1, 0.3, 0.6, 1.0)]
    assert words == ["the same", "a twin", "close", "same family", "another sound"]


@pytest.mark.parametrize("amount", [0.1, 0.4])
def test_children_are_as_far_as_they_say_and_as_was_asked(varied, amount: float):
    found = varied[amount]
    assert len(found.children) == 3
    for child in found.children:
        assert child.distances[0] == pytest.approx(measured(found.parents[0], child.preset), abs=0.01)
        assert abs(child.distances[0] - found.goal) <= 2 * max(0.75, 0.05 * found.goal)


@pytest.mark.parametrize("amount", [0.1, 0.4])
def test_children_can_be_heard_are_in_tune_and_no_twins(varied, amount: float):
    found = varied[amount]
    sounds = torch.from_numpy(np.stack([child.sound for child in found.children]))
    for number, child in enumerate(found.children):
        assert np.abs(child.sound).max() > 1e-3
        assert child.cents is None or abs(child.cents) <= 20
        others = np.delete(Reference(sounds[number]).distance(sounds).numpy(), number)
        assert others.min() >= twin_distance(found.goal) - 0.01


def test_what_moved_is_what_differs_and_what_is_named_was_borrowed_or_walked(varied, dexed):
    space = dexed.engine.space
    found = varied[0.4]
    for child in found.children:
        parent = found.parents[0].values
        assert all(child.preset.values[move.name] == move.after != parent[move.name] for move in child.moves)
        assert [move.size for move in child.moves] == sorted((move.size for move in child.moves), reverse=True)
        assert child.sources
        assert child.preset.values == space.decode(child.point)


def test_what_tunes_stays_but_for_putting_in_tune(varied):
    for child in varied[0.4].children:
        if not child.tuned:
            for name in ("transpose", "pitch.level1", "pitch.level3"):
                assert child.preset.values[name] == varied[0.4].parents[0].values[name]


def test_only_the_section_moves_and_locks_stay(dexed, brass):
    found = vary(dexed, brass, 0.1, count=2, note=SHORT, sections=["env"], lock={"op1": None}, renders=400)
    for child in found.children:
        if not child.tuned:
            moved = {move.name for move in child.moves}
            assert moved
            assert all(".rate" in name or ".level" in name for name in moved)
            assert not any(name.startswith("op1.") for name in moved)


def test_a_lock_may_give_a_value(dexed, brass):
    found = vary(dexed, brass, 0.3, count=1, note=SHORT, lock={"feedback": 6}, renders=300)
    assert found.children[0].preset.values["feedback"] == 6


def test_the_same_seed_gives_the_same_children(tone):
    first, again = (vary(tone, SAW, 0.2, count=2, note=SHORT, seed=3, renders=100) for _ in range(2))
    assert [child.preset for child in first.children] == [child.preset for child in again.children]


def test_a_synth_without_weights_borrows_by_chance_and_says_so(tone):
    found = vary(tone, SAW, 0.2, count=1, note=SHORT)
    assert found.models == ()
    assert "no trained weights" in found.remarks[-1]
    assert found.children[0].sources[0].origin.startswith("chance ")


def test_a_child_is_as_loud_as_its_parent_where_the_synth_has_a_level(tone):
    quiet = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -30.0})
    (child,) = vary(tone, quiet, 0.3, count=1, note=SHORT).children
    assert child.levelled
    assert abs(child.louder) < 0.5


class Driven(Tone):
    """A tone whose level drives a distortion: louder is another sound."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        return np.tanh(8 * super().render(point, note, rate)).astype(np.float32) / 8


def test_a_level_that_drives_a_distortion_is_heard_again():
    quiet = replace(SAW, values={**SAW.values, "gain": -30.0})
    found = vary(GoodPresets("tone", Driven), quiet, 0.3, count=3, note=SHORT, renders=450)
    engine = Driven()
    reference = Reference(torch.from_numpy(found.sounds[0]))
    for child in found.children:
        sound = torch.from_numpy(engine.render(engine.space.encode(child.preset.values), SHORT, RATE))
        assert child.distances[0] == pytest.approx(float(reference.distance(sound[None])[0]), abs=0.01)
        assert abs(child.distances[0] - 12) <= 2.4 + 0.01  # dB, what still counts
    assert any(child.levelled for child in found.children)


class Stated(Tone):
    """A tone whose presets hold more than parameters: with `b"driven"` it is distorted."""

    def build_on(self, state: bytes) -> None:
        """Takes the state."""
        self.state = state

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """Plays one note; see `Engine.render`."""
        sound = super().render(point, note, rate)
        return np.tanh(20 * sound).astype(np.float32) / 20 if self.state == b"driven" else sound


@pytest.mark.parametrize("state", [b"plain", b"driven"])
def test_children_of_two_states_have_that_of_the_first_and_are_heard_with_it(state: bytes):
    first = replace(SAW, values={**SAW.values, "decay": 2.0}, state=state)
    second = replace(SINE, state=b"driven" if state == b"plain" else b"plain")
    found = breed(Stated, first, second, count=1, note=SHORT, renders=300)
    engine = Stated()
    engine.build_on(state)

    def played_here(values) -> torch.Tensor:
        return torch.from_numpy(engine.render(engine.space.encode(values), SHORT, RATE))

    (child,) = found.children
    sound = played_here(child.preset.values)
    assert child.preset.state == state
    for parent, wanted, distance in zip((first, second), found.sounds, child.distances, strict=True):
        reference = Reference(torch.from_numpy(wanted))
        assert float(reference.distance(played_here(parent.values)[None])[0]) == pytest.approx(0, abs=0.01)
        assert float(reference.distance(sound[None])[0]) == pytest.approx(distance, abs=0.01)


def test_distances_are_counted_from_the_preset_with_what_is_locked(tone):
    found = vary(tone, SAW, 0.2, count=2, lock={"wave": "sine", "gain": -12.0}, note=SHORT, renders=300)
    assert found.remarks[0] == "distances are counted from the preset with what is locked: wave=sine, gain=-12"
    (parent,) = found.parents
    assert parent.values == {**SAW.values, "wave": "sine", "gain": pytest.approx(-12)}
    for child in found.children:
        assert child.preset.values["wave"] == "sine"
        assert {move.name for move in child.moves} == {"decay"}
        assert measured(parent, child.preset) == pytest.approx(8, abs=0.8)
        assert measured(SAW, child.preset) > 12  # a saw is far from every sine


def test_a_lock_that_changes_nothing_is_not_said(tone):
    found = vary(tone, SAW, 0.2, count=1, lock={"wave": "saw", "gain": None}, note=SHORT, renders=200)
    assert found.parents == (SAW,)
    assert not any("locked" in remark for remark in found.remarks)


def test_fewer_children_than_asked_for_are_said(tone):
    found = vary(tone, SAW, 0.3, count=8, note=SHORT, renders=300)
    assert len(found.children) < 8
    assert found.remarks[0].startswith(f"found {len(found.children)} of 8")


def test_sections_of_the_library_are_borrowed(tmp_path):
    library = Library(tmp_path / "mine.db")
    library.add([SINE], lambda synth: Tone.space)
    good = GoodPresets.load("tone", tmp_path / "mine.db")
    with Audition(Tone, SHORT) as audition:
        point = Tone.space.encode(SAW.values)
        donors = good.donors(point, audition.sound(point), SHORT, 4, play=audition.sounds, rng=np.random.default_rng(0))
    place = donors.names.index("library preset 1 (Sine)")
    np.testing.assert_allclose(donors.points[place], Tone.space.encode(SINE.values))


def test_draws_are_presets_and_walks_begin_at_the_preset(dexed, brass):
    space = dexed.engine.space
    point = space.snap(space.encode(brass.values))
    with Audition(dexed.engine, SHORT) as audition:
        sound = audition.sound(point)
        donors = dexed.donors(point, sound, SHORT, 6, play=audition.sounds, rng=np.random.default_rng(0))
        walks = dexed.walks(point, sound, SHORT, 2, after=3, rng=np.random.default_rng(0))
    assert [name for name in donors.names if name.startswith("draw")] == [f"draw {n}" for n in range(1, 7)]
    assert [name for name in donors.names if name.startswith("prior")] == [f"prior draw {n}" for n in range(1, 7)]
    assert [walk.name for walk in walks] == ["walk 4", "walk 5"]
    np.testing.assert_array_equal(space.snap(walks[0].decode(walks[0].latent(0.0)[None]))[0], point)
    np.testing.assert_array_equal(walks[0].start, AudioSpace.load("dexed").encode(point[None])[0])


@pytest.mark.parametrize(
    ("amount", "settings", "message"),
    [
        (0.04, {}, "amount=0.04: not in \\[0.05, 1\\]"),
        (1.1, {}, "amount=1.1: not in"),
        (0.3, {"count": 0}, "count=0: not in \\[1, 32\\]"),
        (0.3, {"renders": 0}, "renders=0"),
        (0.3, {"how": "fly"}, "how=fly: not one of both, borrow, walk"),
        (0.3, {"how": "walk"}, "no trained weights"),
        (0.3, {"sections": ["strings"]}, "section=strings: .* It has osc, amp, env"),
        (0.3, {"sections": ["env"], "lock": {"decay": None}}, "--section env, --lock decay: nothing is left"),
    ],
)
def test_a_wish_that_cannot_be_met_is_said(tone, amount: float, settings: dict, message: str):
    with pytest.raises(OptionError, match=message):
        vary(tone, Preset("tone", {**SAW.values, "decay": 4.0}), amount, note=SHORT, **settings)


def test_a_distance_out_of_reach_is_said(dexed, brass):
    with pytest.raises(OptionError, match="amount=0.8: (what may move leads to|nothing of what may move)"):
        vary(dexed, brass, 0.8, note=SHORT, sections=["op1.velocity"], renders=60)


def test_what_cannot_be_heard_to_move_is_said(dexed, brass):
    with pytest.raises(OptionError, match="nothing of what may move can be heard"):
        vary(dexed, brass, 0.3, note=SHORT, sections=["op6"], lock={"op6.output": 0}, renders=60)


def test_a_silent_preset_and_one_of_another_synth_are_refused(tone, dexed, brass):
    silent = Preset("dexed", {**brass.values, "op1.output": 0, "op3.output": 0}, name="MUTE")
    with pytest.raises(PresetError, match="MUTE: silent"):
        vary(dexed, silent, 0.3, note=SHORT)
    with pytest.raises(PresetError, match="Saw: a preset of tone, not of dexed"):
        vary(dexed, SAW, 0.3, note=SHORT)


def test_children_of_two_lie_between_with_sections_of_both(brass):
    decaying = {"op1.rate2": 40, "op1.level2": 0, "op3.rate2": 45, "op3.level2": 0}
    ratios = {"op2.coarse": 7, "op2.output": 85, "op4.coarse": 9}
    bell = Preset("dexed", {**brass.values, **decaying, **ratios}, name="BELL")
    found = breed(engines["dexed"], brass, bell, 0.5, count=2, note=SHORT, renders=400)
    sounds = torch.from_numpy(found.sounds)
    whole = Reference(sounds[0]).distance(sounds[1:])[0].item()
    assert found.children
    for child in found.children:
        near, far = child.distances
        assert abs(near / (near + far) - 0.5) <= 0.1
        assert max(near, far) <= whole + 0.01
        assert min(near, far) > CLOSENESS["the same"]
        values = set(child.preset.values.items())
        assert values & (set(brass.values.items()) - set(bell.values.items()))
        assert values & (set(bell.values.items()) - set(brass.values.items()))
        assert {source.origin for source in child.sources} == {"BELL"}


def test_between_the_same_there_is_nothing():
    with pytest.raises(OptionError, match="Saw and Again sound the same: 0.0 dB"):
        breed(Tone, SAW, Preset("tone", {**SAW.values, "gain": -12.0}, name="Again"), note=SHORT)
    with pytest.raises(OptionError, match="amount=0.95: not in \\[0.1, 0.9\\]"):
        breed(Tone, SAW, SINE, 0.95, note=SHORT)


def test_a_neighbourhood_has_a_ring_for_every_radius(tone):
    near, far = neighbourhood(tone, SAW, (0.1, 0.3), count=1, note=SHORT)
    assert abs(near.children[0].distances[0] - 4.0) <= 1.5
    assert abs(far.children[0].distances[0] - 12.0) <= 1.5


def test_two_neighbourhoods_and_the_line_between(dexed, brass):
    other = Preset("dexed", {**brass.values, "op2.output": 99, "op4.output": 99}, name="HARD")
    figure = two_neighbourhoods(dexed, brass, other, count=2, steps=3, note=SHORT)
    line = figure.of(PLACES[1])
    assert [each.share for each in line] == [0.0, 0.5, 1.0]
    assert [each.place for each in figure.neighbours].count(PLACES[0]) == 2
    assert line[0].preset.values == brass.values
    assert line[0].distances[0] == line[2].distances[1] == 0.0
    np.testing.assert_allclose(line[1].latent, (line[0].latent + line[2].latent) / 2)
    around = np.concatenate([each.latent - line[0].latent for each in figure.of(PLACES[0])])
    assert 0.07 < around.std() < 0.13


def test_a_line_between_presets_that_differ_beyond_their_parameters_is_refused(dexed, brass):
    with pytest.raises(PresetError, match="HARD: holds other things beyond its parameters"):
        two_neighbourhoods(dexed, brass, replace(brass, name="HARD", state=b"wavetables"))


def test_a_figure_needs_a_space(tone, dexed, brass):
    with pytest.raises(OptionError, match="flow_joint"):
        two_neighbourhoods(tone, SAW, SINE)
    with pytest.raises(OptionError, match="deviation=0"):
        two_neighbourhoods(dexed, brass, brass, deviation=0.0)
