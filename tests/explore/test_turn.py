"""Attributes of a tone are turned, and the rest of it stays as it is."""

import numpy as np
import pytest
import torch

from patchflow.ear import MEASURES
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import EngineError, OptionError, UnknownName
from patchflow.explore import Player, turned_path
from patchflow.explore import learn_map as module
from patchflow.explore.attribute_map import probe_steps
from patchflow.explore.learn_map import PlayedPresets, fit_map, learn_map
from patchflow.explore.player import RATE, SamePitch, cents_from
from patchflow.explore.turn import Turner
from patchflow.explore.turned_path import turn_preset
from patchflow.features.measures import FARTHEST, wishes
from patchflow.metrics.perceptual import Reference
from patchflow.presets import Knob, ParamSpace, Preset, Steps

KEYS = (Note(60, 100, 0.4, 0.5), Note(72, 100, 0.4, 0.5))
NAMES = [attribute.name for attribute in MEASURES]
SAW = Preset("tone", {"wave": "saw", "decay": 0.2, "gain": -12.0}, name="Saw")
POINT = Tone.space.encode(SAW.values)


@pytest.fixture
def player():
    with Player(Tone, KEYS, threads=1) as player:
        yield player


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned")
    return learn_map(Tone, None, folder=folder, sounds=600, rounds=1, steps=150)


def column(name: str) -> int:
    return NAMES.index(name)


def test_words_mean_changes_of_attributes():
    found = wishes({"brightness": 1.5, "short": 2.0})

    assert found[column("brightness")] == 1.5
    assert found[column("length")] == -2.0
    assert np.count_nonzero(found) == 2


def test_what_is_beyond_the_range_is_turned_to_its_end_and_said():
    said: list[str] = []

    assert wishes({"dark": 9.0}, said.append)[column("brightness")] == -FARTHEST
    assert said == ["dark=9: the range ends at 3 standard deviations, so this is taken"]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"brightnes": 1.0}, UnknownName, "Did you mean 'brightness'"),
        ({"brightness": float("nan")}, OptionError, "brightness=nan"),
        ({"bright": 1.0, "dark": 1.0}, OptionError, "brightness is asked for twice"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, error, message):
    with pytest.raises(error, match=message):
        wishes(words)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_longer_tone_decays_more_slowly_and_is_as_bright_as_it_was(player, learned, mapped):
    wish = wishes({"length": 0.7})
    turn = Turner(Tone, player, learned if mapped else None).turn(POINT, wish, shares=np.array([-1, -0.5, 0, 0.5, 1.0]))

    decay = turn.points[:, Tone.space.index["decay"]]
    length = turn.changes[:, :, column("length")]
    assert (np.diff(decay) >= 0).all()
    assert (np.diff(length, axis=0) >= 0).all()
    assert length[-1].mean() - length[0].mean() > 0.5
    assert np.abs(turn.changes[:, :, column("brightness")]).max() < 0.1
    np.testing.assert_array_equal(turn.points[2], Tone.space.snap(POINT))


def test_what_is_promised_is_what_is_heard(player):
    turn = Turner(Tone, player, None).turn(POINT, wishes({"length": 1.0}), shares=np.array([0.0, 1.0]))
    played = player.play(turn.points)

    np.testing.assert_array_equal(played.sounds, turn.sounds)
    np.testing.assert_array_equal(played.measures, turn.measures)


def test_locks_that_leave_nothing_are_refused(player):
    with pytest.raises(OptionError, match="nothing is left to move"):
        Turner(Tone, player, None).turn(
            POINT, wishes({"length": 1.0}), shares=np.array([0.0, 1.0]), free=np.zeros(3, bool)
        )


def test_an_instant_turn_needs_a_map(player):
    with pytest.raises(OptionError, match="no learned map"):
        Turner(Tone, player, None).instant(POINT, wishes({"length": 1.0}), shares=np.array([0.0, 1.0]))


def test_an_instant_turn_goes_the_right_way(player, learned):
    turner = Turner(Tone, player, learned)
    decay = Tone.space.index["decay"]
    path = turner.instant(POINT, wishes({"length": 1.0}), shares=np.array([-1.0, 0.0, 0.5, 1.0]))[:, decay]

    assert path[0] < path[1] < path[3]
    assert path[1] == POINT[decay]
    assert path[2] == pytest.approx((path[1] + path[3]) / 2)


def test_a_map_learns_which_of_two_tones_is_longer(learned):
    points = torch.tensor(np.stack([POINT, POINT]), dtype=torch.float32)
    points[:, Tone.space.index["decay"]] = torch.tensor([0.1, 0.8])
    length = learned(points, torch.tensor([60.0, 60.0]))[:, column("length")]
    assert length[0] < length[1]


def test_learning_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole = learn_map(Tone, None, folder=tmp_path / "whole", sounds=40, rounds=1, steps=3)
    monkeypatch.setattr(module, "_turned", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        learn_map(Tone, None, folder=tmp_path / "parts", sounds=40, rounds=1, steps=3)
    monkeypatch.undo()
    monkeypatch.setattr(module, "_drawn", lambda *_: pytest.fail("it was played already"))
    parts = learn_map(Tone, None, folder=tmp_path / "parts", sounds=40, rounds=1, steps=3)

    for name, tensor in whole.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), parts.state_dict()[name].numpy(), err_msg=name)


def test_a_fit_is_of_what_can_be_heard(tmp_path):
    measures = np.zeros((20, len(MEASURES)), np.float32)
    measures[::2] = np.nan
    part = PlayedPresets(np.random.default_rng(0).random((20, 3), np.float32), np.full(20, 60), measures)
    learned = fit_map(Tone.space, [part], steps=2, width=8, depth=1)

    assert all(np.isfinite(tensor.numpy()).all() for tensor in learned.state_dict().values())


def test_a_turned_preset_says_what_was_reached_and_what_moved():
    said: list[str] = []
    turned = turn_preset(SAW, {"length": 0.5}, steps=2, note=KEYS[0], tell=said.append)

    assert [one.name for one in turned.reached] == ["length"]
    assert turned.reached[0].changed == pytest.approx(0.5, abs=0.2)
    assert turned.moved[0].name == "decay"
    assert turned.path.steps[-1].values == turned.preset.values
    assert (said, turned.learned) == ([], False)


def test_a_sound_that_cannot_have_more_says_so():
    said: list[str] = []
    turn_preset(SAW, {"attack": 2.0}, steps=2, note=KEYS[0], tell=said.append)

    assert said == [
        "attack: asked +2, reached +0.00: this preset cannot have more while its pitch and its other attributes stay"
    ]


def test_a_preset_that_cannot_have_more_names_the_locks():
    said: list[str] = []
    turned = turn_preset(SAW, {"short": 2.0}, steps=2, note=KEYS[0], lock={"decay": None}, tell=said.append)

    assert turned.preset.values["decay"] == SAW.values["decay"]
    (line,) = said
    assert line.startswith(f"length: asked -2, reached {turned.reached[0].changed:+.2f}: this preset cannot have less ")
    assert line.endswith(", and with decay locked")


def test_a_silent_preset_is_refused(monkeypatch):
    monkeypatch.setattr(Tone, "render", lambda self, point, note, rate=44_100: np.zeros(note.samples(rate), np.float32))
    with pytest.raises(OptionError, match="the preset is silent on C4"):
        turn_preset(SAW, {"length": 0.5}, steps=2, note=KEYS[0])


def test_a_preset_that_is_nearly_silent_is_refused(monkeypatch):
    quiet = Tone.render
    monkeypatch.setattr(Tone, "render", lambda *args: 1e-6 * quiet(*args))
    with pytest.raises(OptionError, match="the preset is silent on C4"):
        turn_preset(SAW, {"length": 0.5}, steps=2, note=KEYS[0])


def test_an_octave_on_which_nothing_is_heard_is_left_out(monkeypatch):
    whole = Tone.render

    def silent_above(self, point, note, rate=44_100):
        return whole(self, point, note, rate) * (note.pitch < 72)

    monkeypatch.setattr(Tone, "render", silent_above)
    turned = turn_preset(SAW, {"length": 0.5}, steps=2, note=KEYS[0])
    assert turned.reached[0].changed > 0.2


@pytest.mark.parametrize("pitch", [0, 127])
def test_it_turns_at_both_ends_of_the_keyboard(pitch):
    turned = turn_preset(SAW, {"length": 0.5}, steps=2, note=Note(pitch, 100, 0.4, 0.5))
    assert turned.reached[0].changed > 0.2


def test_a_parameter_of_few_values_is_moved_by_one_of_them():
    space = ParamSpace((Steps("octave", 0, 3), Knob("gain", -60.0, 0.0)))
    np.testing.assert_allclose(probe_steps(space, np.array([0.125, 0.9])), [0.25, -0.1])


def test_presets_that_nobody_hears_teach_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Tone, "render", lambda self, point, note, rate=44_100: np.zeros(note.samples(rate), np.float32))
    with pytest.raises(EngineError, match="can be heard"):
        learn_map(Tone, None, folder=tmp_path, sounds=20, rounds=1, steps=2)


def _tone(*amplitudes: float) -> np.ndarray:
    seconds = np.arange(2 * RATE) / RATE
    partials = [amplitude * np.sin(2 * np.pi * 220 * n * seconds) for n, amplitude in enumerate(amplitudes, 1)]
    return (0.1 * np.sum(partials, axis=0)).astype(np.float32)[None]


def test_two_octaves_up_is_not_in_tune_though_no_partial_has_moved():
    original = _tone(1.0, 0.3, 0.0, 1.0, 0.3, 1.0, 0.0, 0.0)
    darker = _tone(1.0, 0.2, 0.0, 0.2, 0.05, 0.1)
    octaves_up = _tone(0.0, 0.0, 0.0, 0.3, 0.02, 0.02, 0.0, 0.3)

    same_pitch = SamePitch(original)

    assert abs(cents_from(Reference(torch.from_numpy(original[0])), octaves_up)[0]) < 15
    assert same_pitch(original)
    assert same_pitch(darker)
    assert not same_pitch(octaves_up)


def test_what_moves_most_has_moved():
    space = engines["dexed"].space
    begun = space.default()
    turned = begun.copy()
    depth = space.index["op1.right_depth"]
    turned[depth] = 0.5  # now the breakpoint beside it can be heard, and it stays where it was

    moved = turned_path._moved(engines["dexed"], space.snap(np.stack([begun, turned])))

    assert [one.name for one in moved] == ["op1.right_depth"]
