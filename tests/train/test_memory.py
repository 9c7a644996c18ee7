"""Short memory: it is recognised, and the advice was tried."""

import pytest
import torch

from patchflow.train.loop import advice, is_memory_short


def test_what_torch_says_on_a_cpu_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)

    assert is_memory_short(caught.value)


@pytest.mark.parametrize(("error", "short"), [(torch.OutOfMemoryError("CUDA"), True), (RuntimeError("size"), False)])
def test_other_errors_are_not(error: RuntimeError, short: bool):
    assert is_memory_short(error) is short


@pytest.mark.parametrize(
    ("fits", "told"), [(50, "batch=50"), (49, "batch=25"), (3, "batch=3"), (2, "batch=2"), (1, "No batch fits")]
)
def test_the_first_half_that_fits_is_told(fits: int, told: str):
    def attempt(count: int) -> None:
        if count > fits:
            raise MemoryError

    assert advice(100, attempt).startswith(told)


def test_what_was_not_tried_is_not_claimed():
    assert "was not tried" in advice(100, None)


def test_another_error_while_trying_is_raised():
    def attempt(count: int) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        advice(100, attempt)
