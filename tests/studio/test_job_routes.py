"""Jobs by HTTP: asked for, followed by server-sent events, and kept when the server is killed."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from patchflow.engines.tone import Tone
from patchflow.presets import Preset
from patchflow.studio import StudioSettings
from patchflow.studio.tasks import KeptPreset
from tests.studio.browser import served
from tests.studio.conftest import opened
from tests.studio.hand import HANDS, Hand, wait_until

SAW = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Saw")


@pytest.fixture
def client(settings: StudioSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A studio whose worker does what the test says."""
    HANDS.clear()
    monkeypatch.setattr("patchflow.studio.job_routes.Worker", Hand)
    with opened(settings) as found:
        yield found


@pytest.fixture
def sound(client: TestClient, sine: bytes) -> str:
    return client.post("/sounds?name=a.wav", content=sine).json()["id"]


def asked(client: TestClient, sound: str, who: str = "", **more: Any) -> dict[str, Any]:
    request = {"kind": "match", "sound": sound, "synths": ["tone"], "renders": 100, **more}
    answer = client.post("/jobs", json=request, headers={"X-Client": who} if who else {})
    assert answer.status_code == 201, answer.text
    return answer.json()


def at_work(key: str) -> Hand:
    wait_until(lambda: any(hand.job == key for hand in HANDS))
    return next(hand for hand in HANDS if hand.job == key)


def found(distance: float, preset: Preset = SAW) -> dict[str, Any]:
    return {"candidates": [{"preset": KeptPreset(preset, "match of a.wav"), "distance": distance}]}


def events(client: TestClient | httpx.Client, key: str, heard: list[dict[str, Any]]) -> None:
    """Follows a job to its end."""
    with client.stream("GET", f"/jobs/{key}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                heard.append(json.loads(line[6:]))  # noqa: PERF401 - others look at what came so far


def test_a_job_is_made_and_shown_as_the_contract_says(client: TestClient, sound: str):
    job = asked(client, sound)

    assert set(job) == {
        "id", "kind", "state", "place", "progress", "created", "started", "ended", "request", "error", "result",
        "revision",
    }  # fmt: skip
    assert job["kind"] == "match"
    assert job["request"]["candidates"] == 8
    assert abs(job["created"] - time.time()) < 60
    assert client.get("/jobs").json()[0]["id"] == job["id"]


def test_a_worker_gets_the_sound_and_all_that_was_asked_for(client: TestClient, sound: str, tone_id: str):
    job = asked(client, sound, start=0.5, end=1.2, lock=["wave"])
    (do,) = [told for told in at_work(job["id"]).told if told[0] == "do"]

    assert do[1] == "match"
    assert do[2]["sound"].seconds == pytest.approx(0.7, abs=0.01)
    assert do[2]["request"]["lock"] == ["wave"]
    vary = client.post("/jobs", json={"kind": "vary", "preset": tone_id}).json()
    at_work(job["id"]).says("done", {})
    (do,) = [told for told in at_work(vary["id"]).told if told[0] == "do" and told[1] == "vary"]
    assert do[2]["presets"][0].synth == "tone"


def test_candidates_are_presets_of_the_workspace_while_it_goes_on(client: TestClient, sound: str):
    job = asked(client, sound)
    at_work(job["id"]).says("found", found(5.0))
    (candidate,) = client.get(f"/jobs/{job['id']}").json()["result"]["candidates"]

    assert client.get(f"/presets/{candidate['preset']['id']}").json() == candidate["preset"]
    assert candidate["preset"]["from"] == "match of a.wav"
    assert client.get(f"/presets/{candidate['preset']['id']}/audio?hold=0.1&length=0.2").status_code == 200


def test_events_tell_a_job_to_its_end(client: TestClient, sound: str):
    job = asked(client, sound)
    hand = at_work(job["id"])
    heard: list[dict[str, Any]] = []
    listener = threading.Thread(target=events, args=(client, job["id"], heard))
    listener.start()
    for distance in (9.0, 5.0):
        hand.says("found", found(distance))
        time.sleep(0.5)
    hand.says("done", found(4.0))
    listener.join(10)

    assert [one["state"] for one in heard][-1] == "done"
    distances = [one["result"]["candidates"][0]["distance"] for one in heard if one["result"]]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] == 4.0
    revisions = [one["revision"] for one in heard]
    assert revisions == sorted(set(revisions))


def test_what_was_told_is_not_told_again(client: TestClient, sound: str):
    hand = at_work(asked(client, sound)["id"])
    waiting = asked(client, sound)["id"]
    heard: list[dict[str, Any]] = []
    listener = threading.Thread(target=events, args=(client, waiting, heard))
    listener.start()
    wait_until(lambda: bool(heard))
    for _ in range(3):  # each might move all others, but these are behind it
        asked(client, sound)
        time.sleep(0.3)
    client.post(f"/jobs/{waiting}/cancel")
    listener.join(10)

    assert [one["state"] for one in heard] == ["queued", "cancelled"]
    hand.says("done", {})


def test_events_are_few_however_much_happens(client: TestClient, sound: str):
    job = asked(client, sound)
    hand = at_work(job["id"])
    heard: list[dict[str, Any]] = []
    listener = threading.Thread(target=events, args=(client, job["id"], heard))
    listener.start()
    begun = time.monotonic()
    for done in range(300):
        hand.says("progress", {"stage": "draw", "done": done, "total": 300.0})
        time.sleep(0.003)
    hand.says("done", {})
    listener.join(10)

    assert 2 <= len(heard) <= 5 * (time.monotonic() - begun) + 3


def test_many_may_listen(client: TestClient, sound: str):
    job = asked(client, sound)
    hand = at_work(job["id"])
    heard: list[list[dict[str, Any]]] = [[] for _ in range(12)]
    listeners = [threading.Thread(target=events, args=(client, job["id"], each)) for each in heard]
    for listener in listeners:
        listener.start()
    time.sleep(0.5)
    hand.says("done", {})
    for listener in listeners:
        listener.join(10)

    assert {each[-1]["state"] for each in heard} == {"done"}


def test_whoever_knows_the_end_is_told_not_to_ask_again(client: TestClient, sound: str):
    job = asked(client, sound)
    at_work(job["id"]).says("done", {})
    revision = client.get(f"/jobs/{job['id']}").json()["revision"]
    path = f"/jobs/{job['id']}/events"

    assert client.get(path, headers={"Last-Event-ID": str(revision)}).status_code == 204
    again = client.get(path, headers={"Last-Event-ID": "1"})
    assert again.text.startswith("retry: 1000\n\n")
    assert f"\nid: {revision}\n" in again.text
    assert again.headers["content-type"].startswith("text/event-stream")


def test_a_job_that_is_removed_ends_its_events(client: TestClient, sound: str):
    job = asked(client, sound)
    at_work(job["id"])
    heard: list[dict[str, Any]] = []
    listener = threading.Thread(target=events, args=(client, job["id"], heard))
    listener.start()
    time.sleep(0.3)

    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    listener.join(10)
    assert not listener.is_alive()
    assert client.get(f"/jobs/{job['id']}").status_code == 404


def test_clients_take_turns_by_the_name_that_they_send(client: TestClient, sound: str):
    at_work(asked(client, sound, "busy")["id"])
    busy = [asked(client, sound, "busy")["id"] for _ in range(3)]
    other = asked(client, sound, "other")["id"]
    places = {key: client.get(f"/jobs/{key}").json()["place"] for key in (*busy, other)}

    assert [places[key] for key in busy] == [0, 2, 3]
    assert places[other] == 1


def test_too_many_jobs_of_one_client_are_refused_in_one_line(client: TestClient, sound: str):
    at_work(asked(client, sound)["id"])
    for _ in range(100):
        asked(client, sound)
    answer = client.post("/jobs", json={"kind": "match", "sound": sound})

    assert answer.status_code == 429
    assert answer.json() == {"error": "jobs=101: not more than 100 of one client may wait", "kind": "QueueFull"}


def test_a_job_is_paused_gone_on_with_and_cancelled(client: TestClient, sound: str):
    job = asked(client, sound)
    hand = at_work(job["id"])
    path = f"/jobs/{job['id']}"

    assert client.post(f"{path}/pause").json()["state"] == "paused"
    client.post(f"{path}/resume")
    wait_until(lambda: client.get(path).json()["state"] == "running")
    hand.says("found", found(5.0))
    client.post(f"{path}/cancel")
    hand.says("done", found(5.0))
    ended = client.get(path).json()
    assert (ended["state"], ended["result"]["stopped"]) == ("done", "cancelled")
    answer = client.post(f"{path}/pause")
    assert answer.status_code == 409
    assert answer.json()["error"] == f"job {job['id']}: is done, so it cannot be paused"


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"sound": "aaaaaaaaaaaaaaaa"}, 404, "sound=aaaaaaaaaaaaaaaa"),
        ({"sound": "../../etc"}, 422, "match.sound='../../etc'"),
        ({"synths": []}, 422, "match.synths"),
        ({"synths": ["tune"]}, 404, "no synth named 'tune'"),
        ({"seconds": 3}, 422, "give one of them"),
        ({"renders": 0}, 422, "match.renders=0"),
        ({"candidates": 33}, 422, "match.candidates=33"),
        ({"seed": -1}, 422, "match.seed=-1"),
        ({"note": 128}, 422, "match.note=128"),
        ({"start": 5.0}, 422, "not a part of"),
        ({"start": 1.0, "end": 0.5}, 422, "not a part of"),
        ({"lock": ["op9"]}, 404, "op9"),
        ({"lock": {"wave": "square"}}, 422, "wave"),
        ({"like": {"taste": 1.0}}, 422, "taste"),
        ({"on": "aaaaaaaaaaaaaaaa"}, 404, "aaaaaaaaaaaaaaaa"),
        ({"model": "/etc/passwd"}, 422, "match.model"),
        ({"kind": "dance"}, 422, "dance"),
    ],
)
def test_bad_requests_are_refused_before_they_wait(
    client: TestClient, sound: str, change: dict[str, Any], status: int, said: str
):
    request = {"kind": "match", "sound": sound, "synths": ["tone"], "renders": 100, **change}
    answer = client.post("/jobs", json=request)

    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]
    assert client.get("/jobs").json() == []


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"kind": "vary", "amount": 2}, 422, "vary.amount=2"),
        ({"kind": "vary", "how": "guess"}, 422, "vary.how='guess'"),
        ({"kind": "turn", "words": {"brigthness": 1}}, 404, "Did you mean 'brightness'"),
        ({"kind": "turn", "words": {}}, 422, "turn.words"),
        ({"kind": "morph", "steps": 8}, 422, "morph.presets"),
        ({"kind": "make", "text": ""}, 422, "make.text"),
        ({"kind": "train", "synth": "tone", "minutes": 0}, 422, "train.minutes=0"),
    ],
)
def test_bad_requests_of_other_kinds_are_refused_too(
    client: TestClient, tone_id: str, request_: dict[str, Any], status: int, said: str
):
    preset = {"preset": tone_id} if request_["kind"] in ("vary", "turn") else {}
    answer = client.post("/jobs", json={**preset, **request_})

    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]


def test_a_morph_is_between_two_or_four_of_one_synth(client: TestClient, tone_id: str):
    dexed = client.get("/synths/dexed").json()["init"]["id"]
    mixed = client.post("/jobs", json={"kind": "morph", "presets": [tone_id, dexed]})
    three = client.post("/jobs", json={"kind": "morph", "presets": [tone_id] * 3})

    assert (mixed.status_code, three.status_code) == (422, 422)
    assert "is of dexed, the first of tone" in mixed.json()["error"]
    assert "3 presets" in three.json()["error"]


def test_unknown_jobs_are_not_found(client: TestClient):
    for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", ""), ("POST", "/pause"), ("POST", "/cancel")):
        assert client.request(method, f"/jobs/aaaaaaaaaaaaaaaa{path}").status_code == 404
    assert client.post("/jobs/aaaaaaaaaaaaaaaa/dance").status_code == 422


def test_what_a_job_needs_is_not_removed(client: TestClient, sound: str):
    asked(client, sound)

    assert client.delete(f"/sounds/{sound}").status_code == 409


@pytest.mark.slow
def test_jobs_go_on_after_the_server_was_killed_and_whatever_the_browser_does(tmp_path: Path, sine: bytes):
    request = {"kind": "match", "synths": ["tone"], "seconds": 600, "candidates": 2}
    with served(tmp_path) as studio, httpx.Client(base_url=f"{studio.address}api/v1", timeout=60) as client:
        sound = client.post("/sounds?name=a.wav", content=sine).json()["id"]
        first, second = (client.post("/jobs", json={**request, "sound": sound}).json()["id"] for _ in range(2))
        with client.stream("GET", f"/jobs/{first}/events") as answer:  # a browser that is closed half-way
            for line in answer.iter_lines():
                if line.startswith("data: ") and json.loads(line[6:])["result"]:
                    break
        assert client.get(f"/jobs/{first}").json()["state"] == "running"
        time.sleep(1.5)
        before = client.get(f"/jobs/{first}").json()["result"]["candidates"][0]["distance"]
        os.kill(studio.process.pid, signal.SIGKILL)
        studio.process.wait()
    with served(tmp_path) as studio, httpx.Client(base_url=f"{studio.address}api/v1", timeout=60) as client:
        job = client.get(f"/jobs/{first}").json()
        assert job["state"] in ("queued", "running")
        assert job["result"]["candidates"][0]["distance"] <= before + 10  # those that it had
        client.post(f"/jobs/{first}/cancel")
        heard: list[dict[str, Any]] = []
        events(client, first, heard)
        assert (heard[-1]["state"], heard[-1]["result"]["stopped"]) == ("done", "cancelled")
        preset = heard[-1]["result"]["candidates"][0]["preset"]
        Tone.space.encode(preset["values"])
        wait_until(lambda: client.get(f"/jobs/{second}").json()["state"] == "running", 60)
        client.post(f"/jobs/{second}/cancel")
