"""The path that is chosen is the cheapest there is."""

import itertools

import numpy as np

from patchflow.explore.grid import Grid, choose, costs_at, equal_steps, weights_at


def total(vectors: np.ndarray, targets: np.ndarray, costs: np.ndarray, chosen: list[int], smoothness: float) -> float:
    errors = vectors[chosen] - targets
    own = costs[np.arange(len(chosen)), chosen].sum()
    return float(own + smoothness * np.square(np.diff(errors, axis=0)).sum())


def test_no_other_path_costs_less():
    rng = np.random.default_rng(0)
    vectors = rng.random((6, 2))
    targets = rng.random((5, 2))
    costs = costs_at(vectors, targets) + rng.random((5, 6))
    fixed = {0: 1, 4: 3}

    for smoothness in (0.0, 0.7, 20.0):
        chosen = choose(costs, vectors, targets, Grid(1, 5), fixed, smoothness=smoothness)
        others = [[1, *middle, 3] for middle in itertools.product(range(6), repeat=3)]
        least = min(total(vectors, targets, costs, other, smoothness) for other in others)
        assert total(vectors, targets, costs, chosen.tolist(), smoothness) <= least + 1e-9


def test_a_grid_of_sounds_that_are_there_is_found():
    grid = Grid(3, 4)
    corners = np.array([[0.0, 0], [9, 0], [0, 6], [9, 6]])
    targets = grid.weights(4) @ corners
    order = np.random.default_rng(1).permutation(len(grid))
    vectors = targets[order]

    chosen = choose(costs_at(vectors, targets), vectors, targets, grid, {}, smoothness=1.0)

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
