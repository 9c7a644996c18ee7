"""Torch is kept to one thread for a while, and not longer."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from patchflow.threads import one_torch_thread


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_torch_has_one_thread_within_and_as_many_as_before_after():
    with one_torch_thread():
        within = torch.get_num_threads()

    assert (within, torch.get_num_threads()) == (1, 3)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_threads_are_given_back_after_an_error(error: type[BaseException]):
    with pytest.raises(error), one_torch_thread():
        raise error

    assert torch.get_num_threads() == 3


def test_one_within_another_changes_nothing():
    with one_torch_thread():
        with one_torch_thread():
            pass
        within = torch.get_num_threads()

    assert (within, torch.get_num_threads()) == (1, 3)


def test_importing_it_does_not_import_torch():
    code = "import sys, patchflow.threads; assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)
