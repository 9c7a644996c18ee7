"""What a player plays is what the engine renders, and what it measures is of that."""

import numpy as np
import pytest
import torch

from patchflow.ear import measure
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.explore import RATE, Player

SHORT = Note(hold=0.2, length=0.3)
HIGH = Note(pitch=72, hold=0.2, length=0.3)


def test_presets_are_played_in_order_on_every_note():
    points = Tone.space.snap(np.random.default_rng(0).random((9, 3)))
    with Player(Tone, (SHORT, HIGH), threads=2) as player:
        renders = player.play(points)

    tone = engines["tone"]()
    wanted = np.stack([np.stack([tone.render(point, note, RATE) for note in (SHORT, HIGH)]) for point in points])
    np.testing.assert_array_equal(renders.sounds, wanted)
    rows = measure(torch.from_numpy(wanted[3]), (SHORT, HIGH), RATE)
    np.testing.assert_array_equal(renders.measures[3], rows)


def test_nothing_to_play_is_nothing_played():
    with Player(Tone, (SHORT,)) as player:
        assert len(player.play(np.zeros((0, 3)))) == 0


def test_notes_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="not all as long"):
        Player(Tone, (SHORT, Note()))
