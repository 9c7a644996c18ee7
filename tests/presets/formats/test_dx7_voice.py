"""The bytes of a voice, against the reference of dexed-py."""

import dexed
import numpy as np

from patchflow.presets.dx7 import LIMITS, NAMES, SPACE, points_from_bytes, values_from_bytes
from patchflow.presets.formats._dx7_voice import PACKED, PLAIN


def random_voices(count: int) -> np.ndarray:
    """Plain voices in range, shape (count, 155)."""
    rng = np.random.default_rng(0)
    letters = rng.integers(32, 127, (count, 10))
    return np.hstack([rng.integers(0, LIMITS + 1, (count, 145)), letters]).astype(np.uint8)


def test_packed_voices_are_those_of_dexed():
    voices = random_voices(100)

    theirs = [dexed.Patch.from_sysex(voice.tobytes()).to_packed() for voice in voices]

    assert [row.tobytes() for row in PACKED.join(voices)] == theirs


def test_splitting_undoes_joining():
    voices = random_voices(100)

    for layout in (PLAIN, PACKED):
        np.testing.assert_array_equal(layout.split(layout.join(voices)), voices)


def test_joining_undoes_splitting_of_bytes_without_unused_bits():
    rows = np.random.default_rng(1).integers(0, 128, (100, 128)).astype(np.uint8)
    rows[:, :118] &= ~PACKED.unused

    np.testing.assert_array_equal(PACKED.join(PACKED.split(rows)), rows)


def test_names_and_limits_are_in_the_order_of_the_dump():
    assert (NAMES[0], NAMES[20], NAMES[105], NAMES[134], NAMES[144]) == (
        "op6.rate1",
        "op6.detune",
        "op1.rate1",
        "algorithm",
        "transpose",
    )
    assert LIMITS[[0, 20, 134, 142, 144]].tolist() == [99, 14, 31, 5, 48]


def test_values_are_those_of_the_point():
    for voice in random_voices(20)[:, :145]:
        assert values_from_bytes(voice) == SPACE.decode(points_from_bytes(voice))
