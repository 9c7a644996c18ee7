"""Some damaged files for every reader; `benchmarks/fuzz.py` has more."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

import patchflow


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script."""
    monkeypatch.syspath_prepend(str(Path(patchflow.__file__).parents[1] / "benchmarks"))
    return importlib.import_module("fuzz")


def test_every_kind_of_fault_is_noticed(fuzz: ModuleType, tmp_path: Path):
    from patchflow.errors import StorageError

    def fail(error: Exception):
        def read(_: Path) -> bool:
            raise error

        return fuzz.read_case(read, tmp_path)["outcome"]

    out_of_memory = StorageError("a")
    out_of_memory.__cause__ = MemoryError()
    found = [fail(error) for error in (StorageError("a"), ValueError("b"), MemoryError(), out_of_memory)]

    assert found == ["refused", "uncaught", "over 1 GB", "over 1 GB"]


@pytest.mark.slow
def test_no_damaged_file_is_a_traceback_hangs_or_fills_the_memory(fuzz: ModuleType):
    found = fuzz.fuzz([], cases=120, seed=15, jobs=2)

    faults = {name: row["faults"] for name, row in found["readers"].items() if row["faults"]}
    assert faults == {}
    assert found["cases"] == 120 * len(found["readers"])
    shallow = {name: row["lines reached"] for name, row in found["readers"].items() if row["lines reached"] < 0.15}
    assert shallow == {}  # of few traced cases; the first check alone is less
