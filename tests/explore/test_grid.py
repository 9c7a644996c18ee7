"""The path that is chosen is the cheapest there is."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from patchflow.explore.grid import Grid, Taste, choose, costs_at, equal_steps, heard_apart, weights_at

Apart = Callable[[np.ndarray, np.ndarray], np.ndarray]


def total(
    vectors: np.ndarray, targets: np.ndarray, costs: np.ndarray, chosen: list[int], taste: Taste, apart: Apart | None
) -> float:
    errors = vectors[chosen] - targets
    own = costs[np.arange(len(chosen)), chosen].sum()
    squares = np.square(np.diff(vectors[chosen], axis=0)).sum(1)
    heard = heard_apart(squares)
    if apart is not None:
        heard = np.array([apart(np.array([b]), np.array([a]))[0, 0] for a, b in itertools.pairwise(chosen)])
    return float(own + taste.smoothness * np.square(np.diff(errors, axis=0)).sum() + taste.evenness * (heard**4).sum())


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("taste", [Taste(0.0), Taste(0.7), Taste(20.0), Taste(0.7, 0.05), Taste(0.0, 10.0)])
def test_no_other_path_costs_less(taste, measured):
    rng = np.random.default_rng(0)
    vectors = rng.random((6, 2))
    targets = rng.random((5, 2))
    costs = costs_at(vectors, targets) + rng.random((5, 6))
    fixed = {0: 1, 4: 3}
    distances = 3 * rng.random((6, 6))
    apart = (lambda here, before: distances[here[:, None], before]) if measured else None

    chosen = choose(costs, vectors, targets, Grid(1, 5), fixed, taste=taste, apart=apart)
    others = [[1, *middle, 3] for middle in itertools.product(range(6), repeat=3)]
    least = min(total(vectors, targets, costs, other, taste, apart) for other in others)
    assert total(vectors, targets, costs, chosen.tolist(), taste, apart) <= least + 1e-9


def test_a_large_step_is_split_by_a_sound_off_the_line():
    vectors = np.array([[0.0, 0], [1, 0], [9, 0], [10, 0], [5, 2]])
    targets = Grid(1, 4).weights(2) @ vectors[[0, 3]]
    costs = costs_at(vectors, targets)
    fixed = {0: 0, 3: 3}

    near = choose(costs, vectors, targets, Grid(1, 4), fixed, taste=Taste(0.0))
    even = choose(costs, vectors, targets, Grid(1, 4), fixed, taste=Taste(0.0, 0.01))

    assert near.tolist() == [0, 1, 2, 3]
    assert 4 in even.tolist()


def test_only_what_is_considered_is_chosen():
    vectors = np.array([[0.0], [1.0], [2.0]])
    targets = vectors.copy()

    chosen = choose(
        costs_at(vectors, targets), vectors, targets, Grid(1, 3), {0: 0, 2: 2},
        taste=Taste(0.0), among=[np.array([0]), np.array([2]), np.array([2])],
    )  # fmt: skip

    assert chosen.tolist() == [0, 2, 2]


def test_a_grid_of_sounds_that_are_there_is_found():
    grid = Grid(3, 4)
    corners = np.array([[0.0, 0], [9, 0], [0, 6], [9, 6]])
    targets = grid.weights(4) @ corners
    order = np.random.default_rng(1).permutation(len(grid))
    vectors = targets[order]

    chosen = choose(costs_at(vectors, targets), vectors, targets, grid, {}, taste=Taste(1.0))

    np.testing.assert_array_equal(order[chosen], np.arange(len(grid)))


def test_corners_have_all_of_one_end():
    for grid, ends in ((Grid(1, 7), 2), (Grid(3, 5), 4)):
        np.testing.assert_array_equal(grid.weights(ends)[grid.corners(ends)], np.eye(ends))
        np.testing.assert_allclose(grid.weights(ends).sum(1), 1)


def test_weights_on_a_square_are_bilinear():
    np.testing.assert_allclose(weights_at(np.array([[0.25, 0.5]]), 4), [[0.375, 0.125, 0.375, 0.125]])


def test_stops_lie_at_equal_distances():
    distances = np.array([1.0, 1, 8, 2, 2, 2])

    assert equal_steps(distances, 3).tolist() == [0, 3, 6]
    assert equal_steps(np.ones(8), 5).tolist() == [0, 2, 4, 6, 8]
