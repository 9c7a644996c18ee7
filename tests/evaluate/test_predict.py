"""Models' best predictions, and those of the baselines."""

from pathlib import Path

import numpy as np
import torch

from patchflow.data.examples import Examples
from patchflow.engines import engines
from patchflow.evaluate.predictions import BASELINES, Known, predict
from patchflow.evaluate.runs import read_run
from tests.evaluate.material import SYNTH

SPACE = engines[SYNTH].space


def baseline(name: str, examples: Examples, rows: np.ndarray, wanted: np.ndarray, seed: int = 0):
    return BASELINES[name](Known(examples, SPACE, rows, seed), examples.mels[wanted])


def test_a_model_gives_the_middle_of_its_base_noise(run: Path):
    trained = read_run(run)
    mels, notes = trained.examples.mels[:3], trained.examples.notes[:3]

    found = predict(trained.model, mels, notes).points
    mel, note = torch.from_numpy(mels.astype(np.float32)), torch.from_numpy(notes)
    decoded = trained.model.decode(torch.zeros(3, 3), trained.model.encode(mel, note)).numpy()

    np.testing.assert_allclose(found, SPACE.snap(decoded), atol=1e-6)


def test_a_prediction_does_not_depend_on_the_batch(run: Path):
    trained = read_run(run)
    mels, notes = (np.tile(x[:4], (20, *[1] * (x.ndim - 1))) for x in (trained.examples.mels, trained.examples.notes))

    found = predict(trained.model, mels, notes).points

    np.testing.assert_allclose(found, np.tile(found[:4], (20, 1)), atol=1e-5)


def test_the_mean_preset_is_that_of_the_rows_it_is_given(examples: Path):
    found = Examples(examples)
    rows = np.arange(10, 30)

    points = baseline("mean", found, rows, np.arange(5)).points

    assert (points == points[0]).all()
    np.testing.assert_allclose(points[0, 1:], found.points[rows, 1:].mean(0), atol=1e-5)
    assert points[0, 0] in found.points[rows, 0]


def test_random_presets_are_of_the_rows_and_of_the_seed(examples: Path):
    found, rows = Examples(examples), np.arange(10, 30)
    first, again, other = (baseline("random", found, rows, np.arange(20), seed) for seed in (0, 0, 1))
    source = np.asarray(first.source)

    assert np.isin(source, rows).all()
    np.testing.assert_array_equal(source, again.source)
    assert (source != other.source).any()
    np.testing.assert_array_equal(first.points, found.points[source])


def test_the_nearest_preset_has_the_sound_that_differs_least(examples: Path):
    found, rows, wanted = Examples(examples), np.arange(10, 60), np.arange(10)
    mels = found.mels.astype(np.float32)
    gaps = np.abs(mels[wanted][:, None] - mels[rows]).sum((2, 3))

    np.testing.assert_array_equal(baseline("nearest", found, rows, wanted).source, rows[gaps.argmin(1)])
