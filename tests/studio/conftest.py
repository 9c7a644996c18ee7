"""A studio in a folder of its own, asked without a network, and a sound to send to it."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from patchflow.studio import StudioSettings, build_app

from .browser import Served, browsing, served

__all__ = ["SITE", "opened"]

SITE = "http://127.0.0.1:8700"


def opened(settings: StudioSettings) -> TestClient:
    """Returns a client of a studio that was not started yet; paths begin at the API."""
    return TestClient(build_app(settings), base_url=f"{SITE}/api/v1")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browsing() as chromium:
        yield chromium


@pytest.fixture
def settings(tmp_path: Path) -> StudioSettings:
    return StudioSettings(tmp_path / "studio", library=tmp_path / "library.sqlite", warm=())


@pytest.fixture
def client(settings: StudioSettings) -> Iterator[TestClient]:
    with opened(settings) as found:
        yield found


@pytest.fixture
def tone_id(client: TestClient) -> str:
    """A preset of the smallest synth."""
    return client.get("/synths/tone").json()["init"]["id"]


@pytest.fixture
def sine() -> bytes:
    """A second of A3, half a second of silence before it."""
    rate = 22_050
    sound = 0.5 * np.sin(2 * np.pi * 220 * np.arange(rate) / rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.concatenate([np.full(rate // 2, 1e-4), sound]), rate, format="WAV")
    return buffer.getvalue()
