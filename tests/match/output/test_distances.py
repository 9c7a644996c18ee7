"""Sounds against a target, by every metric."""

import numpy as np
import pytest
import torch

from patchflow.match.output.distances import Distance, compare
from patchflow.metrics import metrics


@pytest.mark.parametrize("lengths", [(9_000, 9_000), (9_000, 7_000)])
def test_many_sounds_are_measured_as_one_by_one(lengths):
    rng = np.random.default_rng(0)
    target, *sounds = (rng.standard_normal(n).astype(np.float32) for n in (8_000, *lengths))

    together = [row[0].value for row in compare(sounds, target, 44_100, ["mss"])]
    alone = [metrics["mss"](torch.tensor(s)[None], torch.tensor(target)[None], 44_100).item() for s in sounds]

    assert together == pytest.approx(alone, rel=1e-5)


def test_metrics_come_in_the_order_asked_for():
    noise = np.random.default_rng(0).standard_normal(4_410)

    assert [d.metric for d in compare([noise], noise, 44_100, ["rms", "mss"])[0]] == ["rms", "mss"]


def test_what_is_not_defined_is_none():
    silence, noise = np.zeros(4_410, np.float32), np.ones(4_410, np.float32)

    found = {distance.metric: distance.value for distance in compare([noise], silence, 44_100)[0]}

    assert all(value is None or np.isfinite(value) for value in found.values())
    assert found["log_mel_l1"] == 80


def test_a_distance_reads_with_its_unit_and_direction():
    assert str(Distance("rms", 0.98765, "", "higher")) == "0.9877 (higher is better)"
    assert str(Distance("spectral_convergence", None, "", "lower")) == "not defined for these sounds"
