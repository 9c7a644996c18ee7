"""The desk: what is kept in the workspace, what goes, and who may work there."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from patchflow.engines.tone import Tone
from patchflow.errors import PatchflowError
from patchflow.presets import Preset, read_presets
from patchflow.storage import FolderInUse
from patchflow.studio import Desk, StudioSettings
from patchflow.studio.desk import NotKept, Workspace
from patchflow.studio.guard import InUse

from .conftest import opened

TONE = Tone.space.decode(Tone.space.default())


def desk_of(client: TestClient) -> Desk:
    assert isinstance(client.app, FastAPI)
    return client.app.state.desk


def preset(number: int) -> Preset:
    return Preset("tone", {**TONE, "gain": -float(number % 60)}, name=f"Preset {number}")


@pytest.fixture
def workspace(settings: StudioSettings) -> Workspace:
    found = Workspace(settings)
    found.open()
    return found


def again(settings: StudioSettings) -> Workspace:
    """The same workspace in another process."""
    found = Workspace(settings)
    found.open()
    return found


def test_two_studios_do_not_share_a_workspace(settings: StudioSettings):
    first = Desk(settings)
    first.open()

    with pytest.raises(FolderInUse):
        Desk(settings).open()
    first.close()
    second = Desk(settings)
    second.open()
    second.close()


def test_a_preset_is_a_file_that_every_command_reads(workspace: Workspace, settings: StudioSettings):
    kept = replace(preset(6), state=b"\0state", category="Bass", tags=("short",), author="me")
    body = workspace.keep_preset(kept, "by hand")
    found = read_presets(settings.workspace / "presets" / f"{body.id}.json").presets

    assert found == (kept,)
    assert again(settings).preset(body.id) == kept
    assert again(settings).preset_body(body.id) == body
    assert (body.has_state, body.origin, body.category, body.tags) == (True, "by hand", "Bass", ["short"])


@pytest.mark.parametrize("change", [{"name": "Other"}, {"state": b"x"}, {"values": {**TONE, "wave": "saw"}}])
def test_what_makes_another_preset_makes_another_id(workspace: Workspace, change: dict):
    assert workspace.keep_preset(replace(preset(1), **change)).id != workspace.keep_preset(preset(1)).id


def test_whole_numbers_and_fractions_of_the_same_value_are_the_same_preset(workspace: Workspace):
    whole = replace(preset(0), values={**TONE, "gain": -6})

    assert workspace.keep_preset(whole).id == workspace.keep_preset(replace(whole, values={**TONE, "gain": -6.0})).id


@pytest.mark.parametrize(
    "bad", [{"values": {}}, {"values": {**TONE, "gain": 9}}, {"values": {**TONE, "x": 1}}, {"synth": "oboe"}]
)
def test_what_its_synth_does_not_take_is_not_kept(workspace: Workspace, settings: StudioSettings, bad: dict):
    with pytest.raises(PatchflowError):
        workspace.keep_preset(replace(preset(1), **bad))

    assert list((settings.workspace / "presets").iterdir()) == []


def test_names_out_of_files_are_on_one_line(workspace: Workspace):
    body = workspace.keep_preset(replace(preset(1), name="a\nb\x1b[2J", tags=("x\ty",)))

    assert (body.name, body.tags) == ("a b [2J", ["x y"])


def test_of_too_many_presets_the_oldest_go(settings: StudioSettings):
    few = replace(settings, kept_presets=20)
    workspace = again(few)
    ids = [workspace.keep_preset(preset(number)).id for number in range(30)]

    assert len(workspace.presets.keys()) <= 20
    assert ids[-1] in workspace.presets
    with pytest.raises(NotKept, match=f"preset={ids[0]}"):
        workspace.preset(ids[0])
    assert len(list((few.workspace / "presets").glob("*.json"))) == len(workspace.presets.keys())


def test_what_a_job_or_a_project_refers_to_stays(settings: StudioSettings):
    workspace = again(replace(settings, kept_presets=20))
    needed = {workspace.keep_preset(preset(number)).id for number in range(5)}
    workspace.refer(lambda: needed)

    for number in range(5, 60):
        workspace.keep_preset(preset(number))

    assert all(key in workspace.presets for key in needed)
    with pytest.raises(InUse, match="a job or a project needs it"):
        workspace.presets.remove(next(iter(needed)))


def test_what_is_used_again_is_not_the_oldest(settings: StudioSettings):
    workspace = again(replace(settings, kept_presets=20))
    first = workspace.keep_preset(preset(0)).id

    for number in range(1, 60):
        workspace.keep_preset(preset(number))
        workspace.keep_preset(preset(0))

    assert first in workspace.presets


def test_bytes_are_limited_too(settings: StudioSettings):
    workspace = again(replace(settings, kept_bytes=50_000))

    for number in range(20):
        workspace.keep_preset(replace(preset(number), state=bytes(5_000)))

    assert sum(path.stat().st_size for path in (settings.workspace / "presets").iterdir()) <= 50_000


def test_the_order_is_known_after_a_restart(settings: StudioSettings):
    workspace = again(settings)
    ids = [workspace.keep_preset(preset(number)).id for number in range(3)]
    for number, key in enumerate(ids):
        os.utime(settings.workspace / "presets" / f"{key}.json", (1000 + number, 1000 + number))

    assert again(settings).presets.keys() == ids[::-1]


def test_what_a_killed_studio_left_is_swept(settings: StudioSettings, workspace: Workspace, sine: bytes):
    (settings.workspace / "incoming" / "half").write_bytes(b"half an upload")
    (settings.workspace / "sounds" / "0123456789abcdef.sound").write_bytes(b"moved, not described")
    (settings.workspace / "presets" / "0123456789abcdef.txt").write_text("words of a preset that was not written")

    found = again(settings)

    assert found.sounds.keys() == found.presets.keys() == []
    left = [path for path in settings.workspace.rglob("*") if path.is_file()]
    assert left == []


def test_a_damaged_preset_is_said_and_the_others_are_there(client: TestClient, settings: StudioSettings, tone_id: str):
    saw = client.post("/presets/edit", json={"preset": tone_id, "values": {"wave": "saw"}}).json()["id"]
    desk_of(client).workspace._parsed.shrink()  # as after a restart
    (settings.workspace / "presets" / f"{saw}.json").write_text("{")

    reply = client.get(f"/presets/{saw}")

    assert reply.status_code in (422, 507)
    assert set(reply.json()) == {"error", "kind"}
    assert client.get(f"/presets/{tone_id}").status_code == 200


def test_sounds_and_presets_survive_a_restart(settings: StudioSettings, sine: bytes):
    with opened(settings) as client:
        sound = client.post("/sounds", params={"name": "a.wav"}, content=sine).json()
        init = client.get("/synths/tone").json()["init"]
    with opened(settings) as client:
        assert client.get("/sounds").json() == [sound]
        assert client.get(f"/presets/{init['id']}").json() == init
        assert client.get(f"/sounds/{sound['id']}/audio").status_code == 200


def test_a_sound_that_is_needed_cannot_be_removed(client: TestClient, sine: bytes):
    sound = client.post("/sounds", content=sine).json()["id"]
    desk_of(client).workspace.refer(lambda: {sound})

    reply = client.delete(f"/sounds/{sound}")

    assert (reply.status_code, reply.json()["kind"]) == (409, "InUse")
    assert client.get(f"/sounds/{sound}").status_code == 200


@pytest.mark.slow
def test_twenty_thousand_presets_are_kept_and_pruned(settings: StudioSettings):
    folder = settings.workspace / "presets"
    folder.mkdir(parents=True)
    document = {"format": "patchflow-presets", "version": 1, "presets": [{"synth": "tone", "values": TONE}]}
    for number in range(20_000):
        (folder / f"{number:016x}.json").write_text(json.dumps(document))
    workspace = again(settings)

    workspace.keep_preset(preset(1))

    assert len(workspace.presets.keys()) == 19_000


def test_nothing_is_written_outside_the_workspace(settings: StudioSettings, sine: bytes, tmp_path: Path):
    with opened(settings) as client:
        for name in ("../up.wav", "/tmp/abs.wav", "~/home.wav"):
            client.post("/sounds", params={"name": name}, content=sine)
            client.post("/presets", params={"name": name}, content=b"x")

    outside = {path.name for path in tmp_path.iterdir()}
    assert outside <= {settings.workspace.name, "library.sqlite"}
