"""The DX7's parameters against the byte order of its single-voice dump."""

import numpy as np
import pytest
from dexed import Patch

from patchflow.presets import dx7
from patchflow.presets.dx7 import SPACE, bytes_from_points, canonical, points_from_bytes

# Name, byte and number of values, from the DX7's data format table (VCED)
KNOWN = [
    ("op6.rate1", 0, 100),
    ("op6.breakpoint", 8, 100),
    ("op6.left_curve", 11, 4),
    ("op6.output", 16, 100),
    ("op6.detune", 20, 15),
    ("op5.rate1", 21, 100),
    ("op1.rate1", 105, 100),
    ("op1.mode", 122, 2),
    ("op1.coarse", 123, 32),
    ("op1.fine", 124, 100),
    ("op1.detune", 125, 15),
    ("pitch.rate1", 126, 100),
    ("pitch.level4", 133, 100),
    ("algorithm", 134, 32),
    ("feedback", 135, 8),
    ("osc_sync", 136, 2),
    ("lfo.speed", 137, 100),
    ("lfo.sync", 141, 2),
    ("lfo.wave", 142, 6),
    ("lfo.pitch_mod", 143, 8),
    ("transpose", 144, 49),
]


def random_points(count: int) -> np.ndarray:
    return SPACE.snap(np.random.default_rng(0).random((count, len(SPACE))))


def test_a_voice_has_145_parameters_in_nine_groups():
    assert len(SPACE) == 145
    assert {name: len(members) for name, members in SPACE.groups.items()} == {
        **{f"op{n}": 21 for n in range(1, 7)},
        "pitch": 8,
        "voice": 4,
        "lfo": 7,
    }


@pytest.mark.parametrize(("name", "byte", "cells"), KNOWN)
def test_parameter_is_at_its_byte(name: str, byte: int, cells: int):
    low, high = np.full((2, len(SPACE)), 0.0)
    high[SPACE.index[name]] = 1.0

    changed = bytes_from_points(high).astype(int) - bytes_from_points(low)

    assert changed.tolist() == [cells - 1 if i == byte else 0 for i in range(145)]
    assert dx7.NAMES[byte] == name
    assert dx7.LIMITS[byte] == cells - 1


def test_bytes_round_trip_exactly():
    data = bytes_from_points(random_points(500))

    np.testing.assert_array_equal(bytes_from_points(points_from_bytes(data)), data)


def test_every_byte_in_range_round_trips():
    for byte, limit in enumerate(dx7.LIMITS):
        data = np.zeros((limit + 1, 145), np.uint8)
        data[:, byte] = np.arange(limit + 1)
        np.testing.assert_array_equal(bytes_from_points(points_from_bytes(data)), data)


def test_points_round_trip_to_cell_centres():
    points = random_points(500)

    np.testing.assert_allclose(points_from_bytes(bytes_from_points(points)), points, atol=1e-15)


def test_the_edges_of_the_cube_are_in_range():
    for edge in (0.0, 1.0):
        data = bytes_from_points(np.full(145, edge))
        assert ((data >= 0) & (data <= dx7.LIMITS)).all()


def test_an_independent_reader_finds_the_same_values():
    values = SPACE.decode(random_points(1)[0])
    patch = Patch.from_sysex(bytes_from_points(SPACE.encode(values)).tobytes() + b"TEST VOICE" + b"\x3f")

    assert patch.algorithm + 1 == int(values["algorithm"])
    assert (patch.feedback, patch.transpose - 24) == (values["feedback"], values["transpose"])
    assert (patch.lfo.speed, patch.lfo.pitch_mod_depth) == (values["lfo.speed"], values["lfo.pitch_depth"])
    assert patch.pitch_envelope.levels == [values[f"pitch.level{i}"] for i in range(1, 5)]
    for n in range(1, 7):
        operator = patch.op[n - 1]
        assert operator.envelope.rates == [values[f"op{n}.rate{i}"] for i in range(1, 5)]
        assert operator.output_level == values[f"op{n}.output"]
        assert operator.detune - 7 == values[f"op{n}.detune"]


def test_canonical_resets_a_silent_operator_but_keeps_a_heard_one():
    values = SPACE.decode(random_points(1)[0])
    for op in ("op2", "op3"):
        values |= {f"{op}.left_depth": 0, f"{op}.right_depth": 0, f"{op}.coarse": 7, f"{op}.amp_mod": 0}
    values |= {"op2.output": 0, "op3.output": 50}

    kept = SPACE.decode(canonical(SPACE.encode(values)[None])[0])

    assert (kept["op2.coarse"], kept["op3.coarse"]) == (1, 7)


def test_canonical_keeps_what_is_heard():
    values = (
        SPACE.decode(SPACE.default())
        | {f"op{n}.output": 80 for n in range(1, 7)}
        | {f"op{n}.coarse": 3 for n in range(1, 7)}
    )

    np.testing.assert_allclose(canonical(SPACE.encode(values)[None])[0], SPACE.encode(values))
