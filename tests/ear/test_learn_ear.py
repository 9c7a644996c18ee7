"""The ear learns to tell presets apart, goes on where it stopped, and averages over processes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchflow.ear.learn_ear import (
    BLOCK,
    EarRecipe,
    Views,
    _contrast,
    _correlations,
    _geometry,
    load_views,
    recall,
    train_ear,
)
from patchflow.ear.network import BANDS, FRAMES, EarNetwork
from patchflow.train.distributed import Team

SMALL = EarRecipe(steps=4, presets=16, width=2, depth=1, check=2)


def made(count: int = 24, views: int = 3, seed: int = 0) -> Views:
    """Views of presets: each has bands of its own, in noise that differs from view to view."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 200, (count, BANDS, 1))
    parts = [
        [np.clip(own + rng.integers(0, 55, (count, BANDS, FRAMES)), 0, 255).astype(np.uint8)] for _ in range(views)
    ]
    return Views(parts, np.arange(count))


def trained(recipe: EarRecipe, folder: Path, views: Views | None = None) -> tuple[EarNetwork, list[dict[str, float]]]:
    lines: list[str] = []
    data = [views or made()]
    network = train_ear(
        lambda: data, recipe, folder, Team(), judge=lambda _, so_far: {"twice": 2.0 * so_far["step"]}, tell=lines.append
    )
    return network, [json.loads(line) for line in lines]


def test_a_line_is_told_at_every_check(tmp_path: Path):
    _, told = trained(SMALL, tmp_path)

    assert [line["step"] for line in told] == [2, 4]
    assert [line["twice"] for line in told] == [4, 8]
    assert {"contrast", "geometry", "seconds"} <= told[0].keys()


def test_training_goes_on_where_it_stopped(tmp_path: Path):
    first = tmp_path / "first"
    second = tmp_path / "second"
    first.mkdir()
    second.mkdir()
    whole, _ = trained(SMALL, first)

    class Stop(Exception):
        """Ends a training at its first check."""

    def stop(_: str) -> None:
        raise Stop

    data = [made()]
    with pytest.raises(Stop):
        train_ear(lambda: data, SMALL, second, Team(), judge=lambda _, __: {}, tell=stop)
    resumed, told = trained(SMALL, second)

    assert [line["step"] for line in told] == [4]
    levels = torch.rand(3, BANDS, FRAMES)
    torch.testing.assert_close(resumed(levels), whole(levels), atol=1e-3, rtol=0)


def test_it_learns_to_find_the_other_view(tmp_path: Path):
    views = made()
    recipe = replace(SMALL, steps=60, presets=24, width=4, check=60, augmented=0.0, geometry=0.0, learning_rate=5e-3)

    network, _ = trained(recipe, tmp_path, views)
    rows = np.arange(len(views))
    with torch.inference_mode():
        first = network(views.take(rows, 0 * rows)).numpy()
        second = network(views.take(rows, 0 * rows + 1)).numpy()

    assert recall(second, first, rows, rows) > 5 / len(rows)


def test_training_can_begin_with_an_ear_which_is_measured_first(tmp_path: Path):
    torch.manual_seed(5)
    start = EarNetwork(width=SMALL.width, depth=SMALL.depth)
    levels = torch.rand(3, BANDS, FRAMES)
    expected = start.eval()(levels)
    heard: list[torch.Tensor] = []
    lines: list[str] = []
    data = [made()]

    def judge(network: EarNetwork, _: Mapping[str, float]) -> dict[str, float]:
        heard.append(network(levels))
        return {}

    train_ear(lambda: data, SMALL, tmp_path, Team(), judge=judge, tell=lines.append, start=start)

    torch.testing.assert_close(heard[0], expected)
    assert [json.loads(line)["step"] for line in lines] == [0, 2, 4]
    assert not torch.allclose(heard[-1], expected, atol=1e-4)


def test_views_are_those_whose_blocks_are_all_there(tmp_path: Path):
    family = np.arange(BLOCK + 2)
    for view, blocks in ((0, (0, 1)), (1, (0,)), (3, (0, 1))):
        for block in blocks:
            size = BLOCK if block == 0 else 2
            np.save(tmp_path / f"v{view:02}-{block:04}.npy", np.full((size, BANDS, FRAMES), 10 * view, np.uint8))

    views = load_views(tmp_path, family)

    assert len(views) == BLOCK + 2
    assert len(views.parts) == 2
    taken = views.take(np.array([0, BLOCK + 1]), np.array([0, 1]))
    assert (255 * taken[:, 0, 0]).round().tolist() == [0, 30]


def test_contrast_is_the_cross_entropy_of_the_other_view():
    vectors = torch.eye(4)[[0, 1, 0, 1]]  # two presets, their views exactly alike

    loss = _contrast(vectors, np.array([5, 6]), 1.0)

    # the other view has the logit 1, both views of the other preset have 0, and one's own is left out
    assert float(loss) == pytest.approx(np.log(np.e + 2) - 1)


def test_twins_are_not_pushed_apart():
    vectors = torch.eye(4)[[0, 1, 0, 1]]

    assert float(_contrast(vectors, np.array([5, 5]), 1.0)) == pytest.approx(0)


def test_geometry_is_0_where_distances_agree_and_2_where_they_are_turned_round():
    first = torch.rand(6, 40, generator=torch.Generator().manual_seed(0))

    assert float((1 - _correlations(first, 3 * first + 1)).mean()) == pytest.approx(0, abs=1e-5)
    assert float((1 - _correlations(first, -first)).mean()) == pytest.approx(2, abs=1e-5)


def test_geometry_prefers_vectors_that_are_as_far_apart_as_the_sounds():
    generator = torch.Generator().manual_seed(0)
    levels = torch.rand(12, BANDS, 1, generator=generator).expand(-1, -1, FRAMES).contiguous()
    levels = levels * torch.linspace(0.3, 1, 12)[:, None, None]
    fitting = torch.nn.functional.normalize(levels.mean(2), dim=1)
    other = torch.nn.functional.normalize(torch.randn(12, BANDS, generator=generator), dim=1)

    assert float(_geometry(fitting, levels)) < float(_geometry(other, levels)) - 0.3
    assert float(_geometry(fitting[:3], levels[:3])) == 0  # too few to say


def test_recall_counts_twins_and_the_first_few():
    gallery = np.eye(4)
    queries = np.array([[0.9, 0.5, 0, 0], [0.4, 0.5, 0.6, 0]])

    assert recall(queries, gallery, np.array([0, 1]), np.arange(4)) == 0.5
    assert recall(queries, gallery, np.array([0, 1]), np.arange(4), most=2) == 1.0
    assert recall(queries, gallery, np.array([0, 2]), np.array([0, 2, 2, 3])) == 1.0
