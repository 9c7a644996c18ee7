"""The numbers of an item against computations of one's own."""

import numpy as np
import pytest
import torch

from patchflow.engines import Note
from patchflow.engines.tone import Tone
from patchflow.evaluate.predictions import SCORE_RATE, score
from patchflow.evaluate.predictions import TestItem as Item  # pytest takes a name that begins with Test for a test
from patchflow.metrics import metrics
from tests.evaluate.material import Fragile

NOTE = Note(60, 100, 0.3, 0.4)
SHORT, LONG = np.array([0.25, 0.3, 0.9]), np.array([0.75, 0.8, 0.8])


def item(point: np.ndarray | None = None, sound: np.ndarray | None = None, note: Note = NOTE) -> Item:
    return Item(0, 0, "", note, point, sound)


def test_every_metric_is_that_of_the_two_sounds():
    line = score(Tone(), [item(LONG)], SHORT[None], power=1.0)[0]
    sounds = [torch.from_numpy(Tone().render(point, NOTE, SCORE_RATE))[None] for point in (SHORT, LONG)]

    assert {name: line[name] for name in metrics} == pytest.approx(
        {name: metrics[name](sounds[0], sounds[1], SCORE_RATE).item() for name in metrics}, rel=1e-5
    )


def test_the_error_of_the_parameters_is_relative_to_the_power_that_is_given():
    line = score(Tone(), [item(LONG)], SHORT[None], power=0.4)[0]

    assert line["mse_n"] == pytest.approx((0.5**2 + 0.5**2 + 0.1**2) / 3 / 0.4, rel=1e-6)


def test_the_true_preset_is_a_perfect_match():
    line = score(Tone(), [item(LONG)], LONG[None], power=1.0)[0]

    assert line["mse_n"] == 0
    assert {name: line[name] for name in metrics} == pytest.approx({name: m.best for name, m in metrics.items()})


def test_a_preset_that_cannot_be_played_is_measured_as_silence():
    line = score(Fragile(), [item(SHORT)], LONG[None], power=1.0)[0]
    silence, wanted = (
        torch.zeros(1, NOTE.samples(SCORE_RATE)),
        torch.from_numpy(Tone().render(SHORT, NOTE, SCORE_RATE))[None],
    )

    assert line["fault"] == "decay=0.80: it crashed"
    assert line["spectral_convergence"] == 1
    assert line["log_mel_l1"] == metrics["log_mel_l1"](silence, wanted, SCORE_RATE).item()


def test_there_are_no_numbers_where_the_wanted_sound_cannot_be_played():
    line = score(Fragile(), [item(LONG)], SHORT[None], power=1.0)[0]

    assert line["fault"] == "target: decay=0.80: it crashed"
    assert {line[name] for name in metrics} == {None}
    assert line["mse_n"] > 0


def test_a_fault_does_not_touch_the_others():
    alone = score(Fragile(), [item(SHORT)], SHORT[None], power=1.0)
    both = score(Fragile(), [item(SHORT), item(SHORT)], np.stack([SHORT, LONG]), power=1.0)

    assert both[0] == alone[0]
    assert both[1]["fault"]


def test_a_recording_has_no_parameters_to_be_wrong():
    sound = Tone().render(LONG, NOTE, SCORE_RATE)

    line = score(Tone(), [item(sound=sound)], LONG[None], power=1.0)[0]

    assert line["mse_n"] is None
    assert line["log_mel_l1"] == 0


def test_sounds_of_other_lengths_do_not_change_a_number():
    longer = Note(60, 100, 0.3, 0.7)
    alone = score(Tone(), [item(LONG)], SHORT[None], power=1.0)

    assert score(Tone(), [item(LONG), item(LONG, note=longer)], np.stack([SHORT, SHORT]), power=1.0)[0] == alone[0]


def test_an_item_needs_something_that_is_wanted():
    with pytest.raises(ValueError, match="neither a preset nor a sound"):
        score(Tone(), [item()], SHORT[None], power=1.0)
