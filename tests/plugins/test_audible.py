"""Which parameters can be heard, found in groups: on plug-ins that are known, against moving each alone."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from patchflow.engines import Note
from patchflow.errors import EngineError, RenderError
from patchflow.hosts import HostProcess
from patchflow.plugins.audible import Audibility, Twins, find_twins, listen, random_preset
from patchflow.plugins.kinds import ParameterKind, repeated_parts
from patchflow.plugins.trial import NOTE, Trial, is_silent
from patchflow.progress import Progress

KNOB = ParameterKind("knob")
SWITCH = ParameterKind("choice", ("off", "on"), (0.0, 1.0), (0.5, 1.0))
Play = Callable[[np.ndarray], np.ndarray]


class Known(Trial):
    """Plays what a function makes of all values, and counts.

    Args:
        fresh: The values when it is loaded.
        made: Makes a sound of values; None is a crash.
    """

    def __init__(self, fresh: Sequence[float], made: Callable[[np.ndarray], np.ndarray | None]):
        self.fresh = fresh
        self.made = made
        self.renders = 0

    def play(
        self, values: Mapping[int, float], note: Note | None = NOTE, pitch: int | None = None, state: bytes = b""
    ) -> np.ndarray:
        now = np.array(self.fresh, float)
        for index, value in values.items():
            now[index] = value
        self.renders += 1
        sound = self.made(now)
        if sound is None:
            raise RenderError("crashed")
        return sound

    def tried(self, values: Mapping[int, float], note: Note = NOTE) -> np.ndarray | None:
        try:
            return self.play(values)
        except RenderError:
            return None


def heard(trial: Known, kinds: Sequence[ParameterKind], seed: int = 0) -> list[Audibility]:
    """What is found."""
    return listen(trial, kinds, trial.fresh, np.random.default_rng(seed), lambda progress: None)


def heard_alone(trial: Known, kinds: Sequence[ParameterKind], seed: int = 0) -> list[bool]:
    """What moving each parameter alone finds, in twelve presets."""
    rng = np.random.default_rng(seed)
    found = [False] * len(kinds)
    for number in range(12):
        now = list(random_preset(kinds, rng).values()) if number else list(trial.fresh)
        base = trial.play(dict(enumerate(now)))
        for index, kind in enumerate(kinds):
            for value in kind.tries(now[index]) if not found[index] and not is_silent(base) else ():
                found[index] = trial.differ(trial.play({**dict(enumerate(now)), index: value}), base)
                if found[index]:
                    break
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_groups_find_what_single_moves_find_in_a_quarter_of_the_renders(seed: int):
    # Every part has a switch, seven knobs that are heard while it is on, and four that nothing is heard of. A knob is
    # missed if its part is off in all eleven random presets: one of 70 in 2,048 runs would miss about 70.
    kinds = [SWITCH, *[KNOB] * 11] * 10

    def made(values: np.ndarray) -> np.ndarray:
        parts = values.reshape(10, 12)
        return np.append((parts[:, :1] >= 0.5) * (0.1 + parts[:, :8]), 1.0)

    together, alone = (Known([0.0, *[0.5] * 11] * 10, made) for _ in range(2))

    found = [each.audible for each in heard(together, kinds, seed)]

    assert found == heard_alone(alone, kinds, seed)
    assert found == [place % 12 < 8 for place in range(120)]
    assert together.renders < alone.renders / 4


def test_each_that_is_heard_takes_one_render():
    trial = Known([0.3] * 40, lambda values: values + 0.1)

    assert all(each.audible for each in heard(trial, [KNOB] * 40))
    assert trial.renders == 40 + 1


def test_those_that_are_not_heard_take_as_many_renders_as_one():
    one, many = (Known([0.5] * count, lambda values: np.ones(3)) for count in (1, 1_000))

    assert not any(each.audible for trial in (one, many) for each in heard(trial, [KNOB] * len(trial.fresh)))
    # a fresh preset and eleven others, each moved twice or thrice
    assert one.renders == many.renders == 12 + 3 + 11 * 2


def test_two_that_cancel_are_found_in_another_preset():
    trial = Known([0.5, 0.5, 0.5], lambda values: np.array([1.0, values[0] - values[1]]))

    assert [each.audible for each in heard(trial, [KNOB] * 3)] == [True, True, False]


def test_changes_that_are_heard_only_together_are_nobodys():
    trial = Known([0.5] * 30, lambda values: np.array([1.0, 9e-5 * values.sum()]))

    assert not any(each.audible for each in heard(trial, [KNOB] * 30))
    assert heard_alone(trial, [KNOB] * 30) == [False] * 30


def test_one_that_silences_all_hides_nothing():
    trial = Known([1.0] * 20, lambda values: (values[0] > 0.3) * (values + 0.1))

    assert all(each.audible for each in heard(trial, [KNOB] * 20))


def test_a_crash_is_noted_with_its_value_and_stops_no_other():
    crashes: list[int] = []

    def made(values: np.ndarray) -> np.ndarray | None:
        if values[33] != 0.5:
            crashes.append(1)
            return None
        return values[:50] + 0.1

    found = heard(Known([0.5] * 60, made), [KNOB] * 60)

    assert [index for index, each in enumerate(found) if each.audible] == [*range(33), *range(34, 50)]
    assert [index for index, each in enumerate(found) if each.faults] == [33]
    assert len(found[33].faults) == 3
    # bisected once, then moved alone twice, and played with a value of its own in eleven random presets
    assert len(crashes) <= 6 + 2 + 11


@pytest.mark.parametrize("exact", [True, False])
def test_values_with_one_text_are_compared(exact: bool):
    trial = Known([0.0, 0.5], lambda values: np.array([1.0, float(values[0] >= 0.5) if exact else values[0]]))

    found = heard(trial, [SWITCH, KNOB])

    assert (found[0].audible, found[0].rounded) == (True, exact)


def test_progress_counts_parameters_up_to_all_of_them():
    shown: list[Progress] = []
    trial = Known([0.5] * 30, lambda values: np.append(values[:20], 1.0))

    listen(trial, [KNOB] * 30, trial.fresh, np.random.default_rng(0), shown.append)

    done = [progress.done for progress in shown]
    assert done == sorted(done)
    assert {(progress.total, progress.unit) for progress in shown} == {(30, "parameters")}
    assert (done[0], done[-1]) == (0, 30)
    assert 20 in done


EACH = ("On", "Gain", "Shape", "Drive", "Unused")
PART = [SWITCH, *[KNOB] * 4]


def layered(count: int, odd: int = -1) -> tuple[Known, list[str], list[ParameterKind]]:
    """A synth of layers, of which the first is on, and a volume; one of the layers may be louder than the others."""

    def made(values: np.ndarray) -> np.ndarray:
        parts = values[:-1].reshape(count, 5)
        heard = (parts[:, :1] >= 0.5) * (0.1 + parts[:, :4]) ** 2
        if odd >= 0:
            heard[odd] *= 1.5
        return (0.1 + values[-1]) * np.append(heard.sum(axis=0), 1.0)

    names = [f"Layer {layer + 1} {name}" for layer in range(count) for name in EACH]
    fresh = [1.0, *[0.4] * 4, *[0.0, *[0.4] * 4] * (count - 1), 0.5]
    return Known(fresh, made), [*names, "Volume"], [*PART * count, KNOB]


def test_one_of_many_layers_is_measured_and_all_are_like_it():
    trial, names, kinds = layered(260)

    twins = find_twins(trial, kinds, names, trial.fresh)
    rng = np.random.default_rng(0)
    found = listen(trial, kinds, trial.fresh, rng, lambda progress: None, twins=twins)

    assert [each.audible for each in found] == [*[True, True, True, True, False] * 260, True]
    assert [len(family) for family in twins.families] == [260]
    # three presets and what is exchanged in each; five that are heard; one that is not, moved in twelve presets
    assert trial.renders <= 2 * 3 + 5 + 12 * 4


def test_layers_of_which_one_is_another_are_measured_each():
    trial, names, kinds = layered(6, odd=3)

    twins = find_twins(trial, kinds, names, trial.fresh)

    assert twins == Twins(trial.fresh)
    rng = np.random.default_rng(0)
    found = listen(trial, kinds, trial.fresh, rng, lambda progress: None, twins=twins)
    assert [each.audible for each in found] == [*[True, True, True, True, False] * 6, True]


def test_a_synth_that_does_not_repeat_itself_has_no_twins():
    trial, names, kinds = layered(3)
    trial.noise_floor_db = 0.1

    assert find_twins(trial, kinds, names, trial.fresh) == Twins(trial.fresh)
    assert trial.renders == 0


def test_presets_that_differ_in_which_layer_is_which_have_one_form():
    twins = Twins((1.0, 0.4, 0.0, 0.4, 0.0, 0.4, 0.5), (((0, 1), (2, 3), (4, 5)),))

    assert twins.form({2: 1.0}) == twins.form({4: 1.0})
    assert twins.form({2: 1.0}) != twins.form({0: 1.0})  # which is on already
    assert twins.form({2: 1.0, 3: 0.7}) == twins.form({4: 1.0, 5: 0.7})
    assert twins.form({2: 1.0, 3: 0.7}) != twins.form({2: 1.0, 5: 0.7})
    assert twins.form({2: 1.0, 6: 0.1}) != twins.form({2: 1.0, 6: 0.2})
    assert twins.firsts == {2: 0, 3: 1, 4: 0, 5: 1}


def test_parts_that_look_alike_are_found_by_names_and_places():
    names = ["Osc1 Shape 1", "Osc1 Width", "Osc1 Shape 2", "Osc2 Shape 1", "Osc2 Wave Width", "Osc2 Shape 2", "Volume"]
    kinds = [KNOB] * 7

    # both oscillators with their widths, which are called otherwise; or both shapes of each, or of one
    first, *others = repeated_parts(names, kinds)
    assert first == ((0, 1, 2), (3, 4, 5))
    assert ((0, 3), (2, 5)) in others
    assert all(sorted(len(part) for part in family) == [len(family[0])] * len(family) for family in others)
    assert repeated_parts(names, [SWITCH, *kinds[1:]]) == [((2,), (5,)), ((3,), (5,))]
    assert repeated_parts(["A", "B", "1"], kinds[:3]) == []


@pytest.mark.parametrize(
    ("inputs", "instrument", "said"),
    [(2, False, "an effect, not a synth: it has 2 inputs"), (2, True, "no sound, as"), (0, False, "no sound, as")],
)
def test_a_silent_instrument_with_inputs_is_no_effect(inputs: int, instrument: bool, said: str):
    trial = Known([], lambda values: np.zeros(8, np.float32))
    trial.host = HostProcess("dawdreamer", name="mine")

    with pytest.raises(EngineError, match=f"^mine: .*{said}"):
        trial.check_it_is_a_synth(inputs, instrument=instrument)
