"""Notes."""

from typing import Any

import pytest

from patchflow.engines import Note


@pytest.mark.parametrize(
    ("field", "value"),
    [("pitch", -1), ("pitch", 128), ("velocity", 0), ("velocity", 128), ("hold", 0.0), ("hold", 61.0), ("length", 0.0)],
)
def test_a_value_out_of_range_is_named(field: str, value: Any):
    with pytest.raises(ValueError, match=f"{field}={value}: not in"):
        Note(**{field: value})


@pytest.mark.parametrize(
    ("length", "rate", "samples"), [(0.01, 8_000, 80), (1.0, 44_100, 44_100), (0.1, 22_050, 2_205)]
)
def test_length_in_samples_is_rounded(length: float, rate: int, samples: int):
    assert Note(length=length).samples(rate) == samples
