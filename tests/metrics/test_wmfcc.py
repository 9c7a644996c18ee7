"""Warping in time."""

import time
from collections.abc import Iterator

import pytest
import torch

from patchflow.metrics.wmfcc import wmfcc

RATE = 44_100
NOISE = torch.randn(1, 4 * RATE, generator=torch.Generator().manual_seed(0))


def test_a_shift_in_time_costs_little():
    t = torch.arange(RATE) / RATE
    burst = torch.sin(440 * t)[None] * torch.exp(-((t - 0.4) ** 2) / 0.002)
    shifted, other = burst.roll(4_410, dims=1), burst * torch.sin(3_000 * t)

    assert 5 * wmfcc(shifted, burst, RATE) < wmfcc(other, burst, RATE)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on busy cores would be timed, not the metric."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_four_seconds_take_under_100_ms():
    seconds = []
    for _ in range(5):
        start = time.thread_time()
        wmfcc(NOISE, 0.5 * NOISE, RATE)
        seconds.append(time.thread_time() - start)

    assert min(seconds) < 0.1
