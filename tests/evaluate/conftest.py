"""Examples and a run that tests share; each test has its own copy to write to."""

import shutil
from pathlib import Path

import pytest

from tests.evaluate.material import make_examples, make_run

__all__ = ["examples", "run"]


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    make_run(folder / "run", make_examples(folder / "examples"))
    return folder


@pytest.fixture
def examples(_made: Path) -> Path:
    """A folder of examples, to be read only."""
    return _made / "examples"


@pytest.fixture
def run(_made: Path, tmp_path: Path) -> Path:
    """The folder of a run."""
    return shutil.copytree(_made / "run", tmp_path / "run")
