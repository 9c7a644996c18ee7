"""Gathering a bank: what cannot be heard is left out, what sounds alike is of one family and is not divided."""

import numpy as np
import pytest

from patchflow.data.bank import make_bank
from patchflow.engines import Note, Renderer
from patchflow.engines.tone import Tone
from patchflow.errors import PresetError, RenderError


def points_of(*presets: tuple[str, float, float]) -> np.ndarray:
    rows = [Tone.space.encode({"wave": wave, "decay": decay, "gain": gain}) for wave, decay, gain in presets]
    return np.array(rows)


class Fading(Tone):
    """Silent below -50 dB, and broken for very short sounds."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        values = self.space.decode(point)
        if float(values["decay"]) < 0.02:
            raise RenderError("fading: crashed")
        return super().render(point, note, rate) * (float(values["gain"]) > -50)


def test_what_sounds_alike_is_of_one_family():
    points = points_of(("saw", 1.0, -6.0), ("sine", 1.0, -6.0), ("saw", 1.0, -20.0), ("saw", 1.02, -6.0))

    with Renderer(Tone, 1) as renderer:
        family = make_bank(points, list("abcd"), renderer).family

    assert family[0] == family[2] == family[3] != family[1]


def test_families_that_are_known_are_kept():
    points = points_of(("saw", 1.0, -6.0), ("sine", 1.0, -6.0))

    with Renderer(Tone, 1) as renderer:
        assert len(set(make_bank(points, ["a", "b"], renderer, family=np.array([7, 7])).family)) == 1


def test_what_is_silent_or_cannot_be_played_is_left_out():
    points = points_of(("saw", 1.0, -6.0), ("saw", 1.0, -55.0), ("sine", 0.01, -6.0), ("sine", 0.3, -6.0))

    with Renderer(Fading, 2) as renderer:
        bank = make_bank(points, ["heard", "silent", "broken", "heard too"], renderer)

    assert bank.names.tolist() == ["heard", "heard too"]
    np.testing.assert_array_equal(bank.points, points[[0, 3]])


def test_no_family_is_divided():
    points = Tone.space.snap(np.random.default_rng(0).random((200, 3)))

    with Renderer(Tone, 2) as renderer:
        bank = make_bank(points, [str(i) for i in range(200)], renderer)

    assert all(len(set(bank.split[bank.family == number])) == 1 for number in set(bank.family))


def test_it_says_how_far_it_is():
    told = []

    with Renderer(Tone, 1) as renderer:
        make_bank(
            points_of(*[("saw", 1.0, -6.0)] * 20),
            [""] * 20,
            renderer,
            progress=lambda at: told.append((at.done, at.total)),
        )

    assert told == [(8, 20), (16, 20), (20, 20)]


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_to_hear_is_an_error(count: int):
    points = np.array([*points_of(("saw", 1.0, -55.0))] * count).reshape(count, 3)

    with Renderer(Fading, 1) as renderer, pytest.raises(PresetError, match=f"none of {count} presets can be heard"):
        make_bank(points, [""] * count, renderer)
