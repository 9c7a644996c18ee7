"""Operators that may change places: which they are, and that their order cannot be heard."""

import itertools

import numpy as np
import pytest

from patchflow.engines import Note, engines
from patchflow.presets.dx7 import SPACE, canonical, sorted_parts

NOTE = Note(60, 100, hold=0.04, length=0.06)
RATE = 22_050
OPERATORS = [np.array(SPACE.groups[f"op{n}"]) for n in range(1, 7)]


def loud_voice(algorithm: int, rng: np.random.Generator) -> np.ndarray:
    """A voice of which every operator is heard and no two are alike."""
    values = SPACE.decode(rng.random(len(SPACE))) | {"algorithm": str(algorithm), "feedback": 7, "osc_sync": "on"}
    for n in range(1, 7):
        values |= {f"op{n}.output": 93 - n, f"op{n}.coarse": n, f"op{n}.mode": "ratio"}
        values |= {f"op{n}.{name}": 0 for name in ("left_depth", "right_depth")}
        values |= {f"op{n}.rate{i}": 99 for i in range(1, 5)} | {f"op{n}.level{i}": 99 for i in range(1, 4)}
    return SPACE.encode(values)


def permuted(point: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    moved = point.copy()
    for to, source in enumerate(order):
        moved[OPERATORS[to]] = point[OPERATORS[source]]
    return moved


def orders_that_arrange_alike(point: np.ndarray) -> set[tuple[int, ...]]:
    orders = list(itertools.permutations(range(6)))
    found = sorted_parts(np.stack([permuted(point, order) for order in orders]))
    same = (found == sorted_parts(point[None])).all(1)
    return {order for order, equal in zip(orders, same, strict=True) if equal}


@pytest.mark.parametrize("algorithm", range(1, 33))
def test_every_order_that_is_taken_for_the_same_sounds_the_same(algorithm: int):
    point, engine = loud_voice(algorithm, np.random.default_rng(algorithm)), engines["dexed"]()
    sound = engine.render(point, NOTE, RATE)

    for order in orders_that_arrange_alike(point):
        np.testing.assert_array_equal(engine.render(permuted(point, order), NOTE, RATE), sound)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", range(1, 33))
def test_every_order_that_sounds_the_same_is_taken_for_the_same(algorithm: int):
    point, engine = loud_voice(algorithm, np.random.default_rng(algorithm)), engines["dexed"]()
    sound = engine.render(point, NOTE, RATE)

    same = {
        order
        for order in itertools.permutations(range(6))
        if np.array_equal(engine.render(permuted(point, order), NOTE, RATE), sound)
    }

    assert orders_that_arrange_alike(point) == same


def test_silent_operators_come_last_and_the_others_by_frequency():
    values = SPACE.decode(SPACE.default()) | {"algorithm": "32", "op1.output": 0}
    for n, coarse in ((2, 9), (3, 2), (4, 0), (5, 2), (6, 1)):
        values |= {f"op{n}.coarse": coarse, f"op{n}.output": 90 - n}

    found = SPACE.decode(sorted_parts(canonical(SPACE.encode(values)[None]))[0])

    assert [found[f"op{n}.coarse"] for n in range(1, 5)] == [0, 2, 2, 9]
    assert [found[f"op{n}.output"] for n in (2, 3, 5, 6)] == [85, 87, 0, 84]


def test_other_algorithms_are_left_as_they_are():
    points = np.stack([loud_voice(algorithm, np.random.default_rng(0)) for algorithm in (1, 2, 3, 4, 16, 18, 28)])

    np.testing.assert_array_equal(sorted_parts(points), points)
