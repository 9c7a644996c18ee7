"""Projects by HTTP: kept, exported, imported, and refused where they would do harm."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from patchflow.studio import StudioSettings, build_app

URL = "http://127.0.0.1:8700"


def studio(folder: Path) -> TestClient:
    settings = StudioSettings(folder, library=folder.with_name("library.sqlite"), warm=())
    return TestClient(build_app(settings), base_url=f"{URL}/api/v1")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with studio(tmp_path / "studio") as found:
        yield found


def state_of(client: TestClient) -> dict[str, object]:
    """A state with a sound and two presets of the tone engine."""
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.5 * np.sin(2 * np.pi * 220 * np.arange(22_050) / 22_050), 22_050, format="WAV")
    sound = client.post("/sounds", params={"name": "sine.wav"}, content=buffer.getvalue()).json()
    presets = [client.post("/presets/random", json={"synth": "tone", "seed": seed}).json() for seed in (1, 2)]
    return {"sound": sound, "preset": presets[0], "slots": {"a": presets[1], "b": None}, "view": "match", "n": 1.5}


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def project_json(state: object = None, **more: object) -> str:
    return json.dumps({"format": "patchflow-project", "version": 1, "name": "x", "state": state or {}, **more})


def test_a_project_comes_back_as_it_was(client: TestClient):
    state = state_of(client)

    made = client.post("/projects", json={"name": "Bells", "state": state}).json()

    assert (made["presets"], made["sounds"]) == (2, 1)
    assert client.get(f"/projects/{made['id']}").json()["state"] == state
    assert [project["name"] for project in client.get("/projects").json()] == ["Bells"]


def test_projects_are_there_after_a_restart(client: TestClient, tmp_path: Path):
    made = client.post("/projects", json={"name": "Bells", "state": {"a": 1, "b": 0.123456789}}).json()
    client.__exit__()
    with studio(tmp_path / "studio") as again:
        assert again.get(f"/projects/{made['id']}").json()["state"] == {"a": 1, "b": 0.123456789}
        assert again.get("/projects").json() == [made]
        reply = again.put(f"/projects/{made['id']}", json={"state": {"a": 2}, "seen": made["changed"]})
        assert reply.status_code == 200
    client.__enter__()


def test_a_project_is_renamed_and_saved_again(client: TestClient):
    made = client.post("/projects", json={"name": "Bells", "state": {"a": 1}}).json()

    renamed = client.put(f"/projects/{made['id']}", json={"name": "Glocken ♫"}).json()
    saved = client.put(f"/projects/{made['id']}", json={"state": {"a": 2}}).json()

    assert (renamed["name"], saved["name"]) == ("Glocken ♫", "Glocken ♫")
    assert client.get(f"/projects/{made['id']}").json()["state"] == {"a": 2}


def test_of_two_tabs_the_slower_one_is_told(client: TestClient):
    made = client.post("/projects", json={"name": "Bells", "state": {"a": 1}}).json()
    client.put(f"/projects/{made['id']}", json={"state": {"a": 2}, "seen": made["changed"]})

    reply = client.put(f"/projects/{made['id']}", json={"state": {"a": 3}, "seen": made["changed"]})

    assert reply.status_code == 409
    assert client.get(f"/projects/{made['id']}").json()["state"] == {"a": 2}


def test_what_a_project_names_is_not_removed(client: TestClient):
    state = state_of(client)
    made = client.post("/projects", json={"name": "Bells", "state": state}).json()
    sound = f"/sounds/{state['sound']['id']}"  # type: ignore[index]

    assert client.delete(sound).status_code == 409
    client.delete(f"/projects/{made['id']}")
    assert client.delete(sound).status_code == 204


def test_a_project_file_has_all_and_goes_into_another_studio(client: TestClient, tmp_path: Path):
    state = state_of(client)
    made = client.post("/projects", json={"name": "Bells", "state": state}).json()

    file = client.get(f"/projects/{made['id']}/file")
    with studio(tmp_path / "other") as other:
        taken = other.post("/projects/file", params={"name": "Bells.patchflow"}, content=file.content)
        found = taken.json()

        assert taken.status_code == 201
        assert 'filename="Bells.patchflow"' in file.headers["content-disposition"]
        assert found["notes"] == []
        assert (found["name"], found["presets"], found["sounds"]) == ("Bells", 2, 1)
        assert found["state"] == state
        assert other.get(f"/presets/{state['preset']['id']}").json()["values"] == state["preset"]["values"]  # type: ignore[index]
        assert other.get(f"/sounds/{state['sound']['id']}/audio").status_code == 200  # type: ignore[index]


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "/etc/passwd",
        "presets/../../evil.json",
        "presets\\evil.json",
        "sounds/a.wav",
        "presets/é12345.json",
    ],
)
def test_a_file_with_other_names_is_refused_and_writes_nothing(client: TestClient, tmp_path: Path, name: str):
    before = sorted(tmp_path.rglob("*"))

    reply = client.post("/projects/file", content=packed({"project.json": project_json(), name: b"x"}))

    assert reply.status_code == 422
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a zip",
        packed({"project.json": "{"}),
        packed({"project.json": "[]"}),
        packed({"project.json": project_json(format="other")}),
        packed({"project.json": project_json(version=9)}),
        packed({"project.json": json.dumps({"format": "patchflow-project", "version": 1, "state": []})}),
        packed({"presets/abcdef.json": "{}"}),
        packed({"project.json": project_json()})[:-30],
        packed({"project.json": '{"a":' * 2_000 + "1" + "}" * 2_000}),
    ],
)
def test_what_is_no_project_file_is_one_line(client: TestClient, data: bytes):
    reply = client.post("/projects/file", params={"name": "x.patchflow"}, content=data)

    assert reply.status_code == 422
    assert "\n" not in reply.json()["error"]
    assert client.get("/projects").json() == []


def test_a_bomb_is_not_unpacked(client: TestClient):
    large = b"0" * (20 * 2**20)

    bomb = packed({"project.json": project_json(), "presets/abcdef.json": large})

    assert len(bomb) < 100_000
    reply = client.post("/projects/file", content=bomb)
    assert reply.status_code == 422
    assert "16 MiB" in reply.json()["error"]


def test_many_sounds_that_unpack_to_too_much_are_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.studio.project_routes._MOST_UNPACKED", 2**20)
    parts = {"project.json": project_json(), **{f"sounds/abcdef{n}.audio": bytes(2**19) for n in range(3)}}

    assert client.post("/projects/file", content=packed(parts)).status_code == 422


def test_a_sound_of_a_file_may_be_as_large_as_one_that_is_sent_alone(tmp_path: Path):
    settings = StudioSettings(tmp_path / "small", library=tmp_path / "library.sqlite", warm=(), upload_bytes=2**20)
    data = packed({"project.json": project_json(), "sounds/abcdef.audio": bytes(2**20 + 1)})
    with TestClient(build_app(settings), base_url=f"{URL}/api/v1") as client:
        reply = client.post("/projects/file", content=data)

    assert reply.status_code == 422
    assert "1 MiB" in reply.json()["error"]


def test_what_is_broken_in_a_file_is_left_out_and_said(client: TestClient):
    parts = {"project.json": project_json({"a": 1}), "presets/abcdef.json": "{}", "sounds/abcdef.audio": b"no sound"}

    found = client.post("/projects/file", content=packed(parts)).json()

    assert found["state"] == {"a": 1}
    assert len(found["notes"]) == 2


def test_a_state_too_large_or_too_deep_is_refused(client: TestClient):
    deep: dict[str, object] = {}
    for _ in range(80):
        deep = {"in": deep}

    large = client.post("/projects", json={"name": "x", "state": {"a": "x" * (6 * 2**20)}})

    assert large.status_code == 413
    assert client.post("/projects", json={"name": "x", "state": deep}).status_code == 422


@pytest.mark.parametrize("number", ["1" + "0" * 25, "-1" + "0" * 4000, "NaN", "1e999"])
def test_a_state_that_could_not_be_read_again_is_refused(client: TestClient, number: str):
    body = f'{{"name": "x", "state": {{"a": {number}}}}}'
    reply = client.post("/projects", content=body, headers={"content-type": "application/json"})

    assert reply.status_code == 422
    assert client.get("/projects").json() == []


@pytest.mark.parametrize("name", ["../../x", "名前", "a/b\\c", "\x00\x1b[2J", "x" * 900, ""])
def test_no_file_is_called_as_a_project_is(client: TestClient, tmp_path: Path, name: str):
    made = client.post("/projects", json={"name": name, "state": {}}).json()

    files = [path.name for path in (tmp_path / "studio" / "projects").iterdir()]
    assert files == [f"{made['id']}.json"]
    assert "\x1b" not in made["name"]
    assert client.get(f"/projects/{made['id']}/file").status_code == 200


def test_a_damaged_project_hides_no_other(client: TestClient, tmp_path: Path):
    made = client.post("/projects", json={"name": "Bells", "state": {}}).json()
    (tmp_path / "studio" / "projects" / "abcdef0123456789.json").write_bytes(b'{"state": ')
    client.__exit__()
    with studio(tmp_path / "studio") as again:
        assert [project["id"] for project in again.get("/projects").json()] == [made["id"]]
    client.__enter__()
