"""What every test and every docstring example starts from: a fixed seed, a quiet screen, no home folder, no hurry."""

import atexit
import os
import random
import shutil
import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

__all__ = ["same_seed_for_everyone"]

os.environ["MPLBACKEND"] = "Agg"
for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):  # a test never sees the user's library
    os.environ[name] = tempfile.mkdtemp(prefix="patchflow-test-")
    atexit.register(shutil.rmtree, os.environ[name], ignore_errors=True)
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    os.environ["OMP_NUM_THREADS"] = "1"
settings.register_profile("no hurry", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no hurry")  # how fast examples are made tells of the processor, not of the code


@pytest.fixture(autouse=True)
def same_seed_for_everyone() -> None:
    """Seeds every global generator."""
    import torch

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
