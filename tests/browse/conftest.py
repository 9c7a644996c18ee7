"""A library of the tone engine, and an ear without weights."""

from pathlib import Path

import pytest

from patchflow.presets import Library
from tests import plain_ear

__all__ = ["ear", "library"]


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ear, words and no embedded bank."""
    plain_ear.put_in(monkeypatch)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty one."""
    return Library(tmp_path / "library.sqlite")
