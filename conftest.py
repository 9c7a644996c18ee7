"""What every test and every docstring example starts from: a fixed seed, a quiet screen, and no home folder."""

import atexit
import os
import random
import shutil
import tempfile

import numpy as np
import pytest

__all__ = ["same_seed_for_everyone"]

os.environ["MPLBACKEND"] = "Agg"
for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):  # a test never sees the user's library
    os.environ[name] = tempfile.mkdtemp(prefix="patchflow-test-")
    atexit.register(shutil.rmtree, os.environ[name], ignore_errors=True)
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def same_seed_for_everyone() -> None:
    """Seeds every global generator."""
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
