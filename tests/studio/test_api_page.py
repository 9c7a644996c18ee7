"""The page of the API is that of today, and every example on it works."""

import importlib
import json
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import patchflow

ROOT = Path(patchflow.__file__).parents[1]


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    yield importlib.import_module("make_api")
    del sys.modules["make_api"]


@pytest.mark.slow
def test_the_page_is_that_of_today(pages):
    assert pages.PAGE.read_text("utf-8") == pages.api_page(), "run: python docs/make_api.py"


@pytest.mark.slow
def test_every_example_works(pages, client: TestClient, tmp_path: Path):
    files = {"bell.flac": (ROOT / "patchflow" / "examples" / "bell.flac").read_bytes()}
    names = dict(pages.NEW)
    failed = []
    for name, example in pages.EXAMPLES.items():
        method, _, path = name.partition(" ")
        where = path.format(**{**pages.KNOWN, **names, **example.path})
        kind = "application/octet-stream" if example.file and not example.file.endswith(".json") else "application/json"
        body = None if example.body is None else json.dumps(example.body).encode()
        sent = files[example.file] if example.file else body
        reply = client.request(method, where, params=example.query, content=sent, headers={"content-type": kind})
        if reply.status_code >= 400:
            failed.append(f"{name}: {reply.status_code} {reply.text}")
            continue
        files[example.saved] = reply.content
        for key, placeholder in pages.NEW.items():
            if example.name == placeholder:
                names[key] = reply.json()["id"]
        if name == "GET /listening/{sitting_id}":
            names["name"] = reply.json()["trials"][0]["sounds"][0]
        if name == "POST /listening/{sitting_id}/answers":  # both orders of the one pair, or there is no result
            client.post(where, json={"trial": 1, "choice": "second"})

    assert "\n".join(failed) == ""


@pytest.mark.slow
def test_the_ids_on_the_page_are_those_of_what_it_talks_about(pages, client: TestClient):
    sound = client.post("/sounds/example").json()["id"]
    preset = client.post("/presets/random", json=pages.EXAMPLES["POST /presets/random"].body).json()["id"]
    edited = client.post("/presets/edit", json=pages.EXAMPLES["POST /presets/edit"].body).json()["id"]

    assert (sound, preset, edited) == (pages.SOUND, pages.PRESET, pages.EDITED)
