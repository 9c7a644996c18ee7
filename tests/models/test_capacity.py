"""The models of the paper at the paper's sizes: how many weights they have."""

import pytest

from patchflow.models import models
from patchflow.presets import Knob, ParamSpace

MILLIONS = {  # at 16, 32 and 64 parameters
    "mlp": (27.3, 27.3, 27.4),
    "cnn": (13.2, 13.3, 13.3),
    "resnet": (13.3, 13.3, 13.4),
    "ae": (7.7, 7.8, 7.9),
    "vae": (7.7, 7.8, 8.0),
    "wae": (7.7, 7.8, 7.9),
    "vaeflow": (9.0, 9.3, 9.8),
    "flow_reg": (9.2, 9.6, 10.5),
    "flow_dis": (10.4, 11.1, 12.3),
    "flow_joint": (9.3, 10.1, 11.8),
}


def test_every_model_of_the_experiment_is_counted():
    assert MILLIONS.keys() == set(models) - {"posterior"}


@pytest.mark.slow
@pytest.mark.parametrize("name", MILLIONS)
def test_capacities_are_of_the_same_order_and_as_written_down(name: str):
    found = [_millions(name, size) for size in (16, 32, 64)]

    assert found == pytest.approx(list(MILLIONS[name]), abs=0.051)
    assert max(found) < 4 * min(sizes[0] for sizes in MILLIONS.values())


def _millions(name: str, size: int) -> float:
    space = ParamSpace(tuple(Knob(f"knob {i}", 0.0, 1.0) for i in range(size)))
    return sum(weight.numel() for weight in models[name](space).parameters()) / 1e6
