"""What flows refuse to be made of."""

from typing import Any

import pytest

from patchflow.flows import flows


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("realnvp", {"size": 1}, r"size=1, flip=0: a coupling needs a size of 2 or more, and a flip of 0 or 1"),
        ("spline", {"size": 4, "flip": 2}, r"size=4, flip=2: a coupling needs"),
        ("spline", {"size": 4, "bins": 1}, r"bins=1, bound=4.0: not 2 or more, and positive"),
        ("autoregressive_spline", {"size": 4, "bound": 0.0}, r"bins=8, bound=0.0: not 2 or more, and positive"),
        ("naf", {"size": 4, "sigmoids": 0}, r"sigmoids=0: not at least 1"),
        ("sylvester", {"size": 4, "reflections": 0}, r"reflections=0: not at least 1"),
    ],
)
def test_arguments_out_of_range_are_refused(name: str, arguments: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        flows[name](**arguments)
