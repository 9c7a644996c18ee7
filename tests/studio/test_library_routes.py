"""The library by HTTP: list, favourites, labels, import, search, map."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from patchflow.browse import Shelf, find, listen_to, picked, understand
from patchflow.browse.shelf import MEASURED, WIDTH
from patchflow.browse.standing import Standing
from patchflow.engines import Note, engines
from patchflow.presets import Entry, Label, Library, Preset
from patchflow.studio import StudioSettings, build_app
from patchflow.studio.library_routes import library_audio
from patchflow.studio.players import PlayedNote, Superseded
from patchflow.studio.stock import stock
from tests.plain_ear import NOTE, put_in, saws

URL = "http://127.0.0.1:8700"


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ear and words without weights, and a bank of two presets of the tone engine."""
    put_in(monkeypatch, bank=saws([0.3, 0.9], category="Lead", tags=("bright",)))
    for name in ("stock", "library_routes"):
        monkeypatch.setattr(f"patchflow.studio.{name}.understand", _understand, raising=False)
    monkeypatch.setattr("patchflow.ear.ear.KEYS", (NOTE,))
    monkeypatch.setattr("patchflow.studio.stock.embedded_synths", lambda: ("tone",))
    monkeypatch.setattr("patchflow.studio.library_routes.ear_version", lambda: "0123456789abcdef")


def _understand(text: str, shelf: object = None) -> object:
    from tests.plain_ear import understand

    return understand(text)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "library.sqlite")


@pytest.fixture
def client(ear: None, tmp_path: Path) -> Iterator[TestClient]:
    settings = StudioSettings(tmp_path / "studio", library=tmp_path / "library.sqlite", warm=())
    with TestClient(build_app(settings), base_url=f"{URL}/api/v1") as found:
        yield found


def filled(library: Library, *decays: float, heard: bool = True) -> None:
    library.add(saws(decays, category="Bass", tags=("short",)), lambda synth: engines[synth].space, "saws.json")
    if heard:
        listen_to(library)


def entries(client: TestClient, **query: object) -> list[dict[str, object]]:
    return client.get("/library", params=query).json()["entries"]  # type: ignore[arg-type]


def test_without_a_library_the_embedded_bank_is_listed(client: TestClient):
    found = client.get("/library").json()

    assert [entry["key"] for entry in found["entries"]] == ["tone:1", "tone:2"]
    assert found["entries"][0]["origin"] == "bank"
    assert found["unheard"] == 0


def test_the_library_comes_first_and_is_filtered(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)

    assert [entry["key"] for entry in entries(client)] == ["1", "2", "tone:1", "tone:2"]
    assert [entry["key"] for entry in entries(client, category="bass")] == ["1", "2"]
    assert [entry["key"] for entry in entries(client, tag="not short")] == ["tone:1", "tone:2"]
    assert [entry["key"] for entry in entries(client, origin="bank", limit=1, offset=1)] == ["tone:2"]
    assert [entry["key"] for entry in entries(client, text="saw 0.5")] == ["2"]
    assert [entry["name"] for entry in entries(client, sort="name")] == ["saw 0.1", "saw 0.3", "saw 0.5", "saw 0.9"]


def test_what_another_process_adds_is_seen(client: TestClient, library: Library):
    filled(library, 0.1)
    assert client.get("/library").json()["total"] == 3

    filled(library, 0.5)
    client.post("/library/import", params={"name": "more.json"}, content=_file(saws([0.7])))

    assert client.get("/library").json()["total"] == 5


def test_favourites_of_both_are_kept_over_a_restart(client: TestClient, library: Library, tmp_path: Path):
    filled(library, 0.1, 0.5)
    for key in ("2", "tone:1"):
        assert client.post(f"/library/{key}/favourite", json={"favourite": True}).json()["favourite"]

    assert [entry["key"] for entry in entries(client, favourites=True)] == ["2", "tone:1"]
    assert library.entry(2).own_tags == ("favourite",)
    client.__exit__()
    with TestClient(build_app(client.app.state.desk.settings), base_url=f"{URL}/api/v1") as again:  # type: ignore[attr-defined]
        assert [entry["key"] for entry in entries(again, favourites=True)] == ["2", "tone:1"]
        again.post("/library/2/favourite", json={"favourite": False})
        assert [entry["key"] for entry in entries(again, favourites=True)] == ["tone:1"]
    client.__enter__()


def test_labels_of_the_user_go_before_those_of_files_and_replace_their_own(client: TestClient, library: Library):
    filled(library, 0.1)
    client.post("/library/1/favourite", json={"favourite": True})

    client.post("/library/1/labels", json={"tags": ["rough", "mine"], "category": "Pad"})
    found = client.post("/library/1/labels", json={"tags": ["mine"]}).json()

    assert (found["category"], found["own_tags"], found["favourite"]) == ("Pad", ["mine"], True)
    assert set(found["tags"]) == {"short", "mine"}
    assert [entry["key"] for entry in entries(client, category="pad", tag="mine")] == ["1"]
    assert [hit["key"] for hit in client.post("/search", json={"tags": ["mine"]}).json()["hits"]] == ["1"]


def test_labels_of_the_embedded_bank_stay(client: TestClient):
    reply = client.post("/library/tone:1/labels", json={"tags": ["mine"]})

    assert reply.status_code == 422
    assert "tone:1" in reply.json()["error"]


def test_words_find_presets_with_reasons(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)

    found = client.post("/search", json={"words": "long", "origin": "library"}).json()

    assert found["understood"] == "long"
    assert [hit["key"] for hit in found["hits"]] == ["2", "1"]
    assert found["hits"][0]["reason"].startswith("long")
    assert found["among"] == 2


def test_a_preset_is_nearest_to_itself(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)
    preset = client.get("/library/2/preset").json()

    by_preset = client.post("/search", json={"preset": preset["id"]}).json()["hits"]
    by_key = client.post("/search", json={"key": "tone:2"}).json()["hits"]

    assert by_preset[0]["key"] == "2"
    assert by_preset[0]["nearness"] > 0.99
    assert by_key[0]["key"] == "tone:2"


def test_a_sound_finds_the_preset_that_made_it(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)
    wav = client.get("/library/2/audio", params={"hold": 0.4, "length": 0.5})
    sound = client.post("/sounds", params={"name": "saw.wav"}, content=wav.content).json()

    hits = client.post("/search", json={"sound": sound["id"]}).json()["hits"]

    assert wav.headers["content-type"] == "audio/wav"
    assert -40 < float(wav.headers["x-loudness-lufs"]) < 0
    assert hits[0]["key"] == "2"


def test_the_nearest_are_played_beside_a_sound(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)
    wav = client.get("/library/2/audio", params={"pitch": 48, "hold": 0.4, "length": 0.5})
    sound = client.post("/sounds", params={"name": "saw.wav"}, content=wav.content).json()

    found = client.post("/search", json={"sound": sound["id"], "play": 3, "note": 48}).json()

    assert found["hits"][0]["key"] == "2"
    assert found["hits"][0]["distance"] < 2
    assert found["hits"][0]["reason"].startswith(f"{found['hits'][0]['distance']:.1f} dB, ")
    assert [hit["distance"] is None for hit in found["hits"]] == [False, False, False, True]
    assert found["remarks"][0].startswith("played on C3, held 0.")


def test_a_preset_that_is_played_beside_itself_is_the_same(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)

    hits = client.post("/search", json={"key": "1", "play": 2, "words": "short", "limit": 2}).json()["hits"]

    assert (hits[0]["key"], hits[0]["distance"]) == ("1", 0.0)


@pytest.mark.parametrize("body", [{"play": 2, "words": "long"}, {"play": 2, "key": "tone:1", "sound": "x" * 8}])
def test_presets_are_played_beside_one_sound(client: TestClient, body: dict):
    reply = client.post("/search", json=body)

    assert reply.status_code in (404, 422)
    assert client.post("/search", json={"key": "tone:1", "play": 301}).status_code == 422


def test_a_fifth_search_whose_presets_are_played_is_refused(client: TestClient, library: Library):
    filled(library, 0.1)
    playing = stock(client.app.state.desk).playing  # type: ignore[attr-defined]
    for _ in range(4):
        playing.acquire()

    reply = client.post("/search", json={"key": "1", "play": 2})
    for _ in range(4):
        playing.release()

    assert reply.status_code == 422
    assert reply.json()["error"] == "play=2: 4 searches are being played already; ask again"
    assert client.post("/search", json={"key": "1", "play": 2}).status_code == 200


def test_a_search_says_how_many_nobody_has_listened_to(client: TestClient, library: Library):
    filled(library, 0.1)
    filled(library, 0.5, 0.7, heard=False)

    assert client.post("/search", json={"words": "long"}).json()["unheard"] == 2
    assert client.get("/library").json()["unheard"] == 2


def test_what_nobody_has_is_hinted_at(client: TestClient, library: Library):
    filled(library, 0.1)

    found = client.post("/search", json={"tags": ["shrt"]}).json()

    assert found["hits"] == []
    assert "'short'" in found["hints"][0]


def _file(presets: list[Preset]) -> bytes:
    from patchflow.presets.formats import formats

    return formats["json"]().write(presets)


def test_an_import_says_what_was_new(client: TestClient, library: Library):
    filled(library, 0.1)

    found = client.post("/library/import", params={"name": "a.json"}, content=_file(saws([0.1, 0.2])))

    assert found.status_code == 201
    assert (found.json()["added"], found.json()["doubles"]) == (1, 1)
    assert library.entry(library.last()).labels[0].source == "a.json"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.json", "..\\x.json", "/a/b.json", "名前\u202e.json", "a\x1b[31m.json"]
)
def test_no_file_is_called_as_a_path_like_name_says(client: TestClient, library: Library, tmp_path: Path, name: str):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    assert client.post("/library/import", params={"name": name}, content=_file(saws([0.2]))).status_code == 201

    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.relative_to(tmp_path).parts[0] for path in made} <= {"library.sqlite", "studio"}
    assert not [path for path in made if "passwd" in path.name]
    assert "\x1b" not in library.entry(1).labels[0].source


@pytest.mark.parametrize("data", [b"", b"no presets", b"PK\3\4broken", b"{}", bytes(5_000)])
def test_what_is_no_preset_file_is_one_line(client: TestClient, data: bytes):
    reply = client.post("/library/import", params={"name": "x.syx"}, content=data)

    assert reply.status_code == 422
    assert "\n" not in reply.json()["error"]
    assert "incoming" not in reply.json()["error"]


def test_a_preset_of_the_workspace_goes_into_the_library(client: TestClient, library: Library):
    preset = client.get("/library/tone:1/preset").json()

    added = client.post("/library/add", json={"preset": preset["id"]}).json()

    assert (added["key"], added["origin"]) == ("1", "library")
    assert library.get(1).values == preset["values"]


@pytest.mark.parametrize("key", ["99", "tone:99", "nothing:1", "1x", "-1", "0"])
def test_a_key_that_is_none_is_refused(client: TestClient, library: Library, key: str):
    filled(library, 0.1)

    for path in (f"/library/{key}/preset", f"/library/{key}/audio"):
        assert client.get(path).status_code in (404, 422)
    assert client.post(f"/library/{key}/favourite", json={"favourite": True}).status_code in (404, 422)


def test_the_map_has_a_column_for_each_preset(client: TestClient, library: Library):
    filled(library, *np.linspace(0.1, 0.9, 9).tolist())

    found = client.get("/map").json()

    assert found["count"] == 11
    for name in (
        "keys",
        "names",
        "x",
        "y",
        "category",
        "synth",
        "tag",
        *(f"measures.{key}" for key in found["measures"]),
    ):
        outer, _, inner = name.partition(".")
        assert len(found[outer][inner] if inner else found[outer]) == 11
    assert found["categories"] == ["Bass", "Lead"]
    assert len(found["meanings"]) == 2


def test_a_preset_lies_where_the_map_has_it(client: TestClient, library: Library):
    filled(library, *np.linspace(0.1, 0.9, 9).tolist())
    found = client.get("/map").json()

    place = client.post("/map/place", json={"key": found["keys"][3]}).json()

    assert client.get("/map", params={"synth": "nothing"}).json()["count"] == 0
    # with so few presets directions are those of the ones that are there, so that only their order can be compared
    assert set(place) == {"x", "y"}


def test_a_library_that_another_process_writes_to_is_waited_for(client: TestClient, library: Library):
    filled(library, 0.1)
    other = sqlite3.connect(library.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.rollback)
    timer.start()
    reply = client.post("/library/1/favourite", json={"favourite": True})
    timer.join()
    other.close()

    assert reply.json()["favourite"]


@pytest.mark.parametrize("path", ["/library/1/preset", "/library/1/audio"])
def test_without_a_library_nothing_has_a_number_of_it(client: TestClient, path: str):
    assert client.get(path).status_code == 404
    assert client.post("/library/presets", json={"keys": ["1"]}).status_code == 404
    assert client.post("/library/1/favourite", json={"favourite": True}).status_code == 404


def test_a_note_of_a_client_that_has_gone_is_not_played(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    assert isinstance(client.app, FastAPI)
    at = client.app.state.desk
    waiting: Future[PlayedNote] = Future()
    monkeypatch.setattr(at.players, "play", lambda *_: waiting)

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "app": client.app, "headers": []}, receive)
    with pytest.raises(Superseded, match="the client has gone"):
        asyncio.run(library_audio(request, stock(at), at, "tone:1", note=Note(), newest=""))

    assert waiting.cancelled()


def test_a_damaged_library_is_one_line(client: TestClient, library: Library):
    library.path.write_bytes(b"SQLite format 3\0" + bytes(4_000))

    reply = client.get("/library")

    assert reply.status_code == 507
    assert "repair" in reply.json()["error"] or "library" in reply.json()["error"]


def test_what_several_ask_for_at_once_is_found_out_once(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    made: list[str] = []

    def slow(_: Shelf, synth: str, how: str) -> bytes:
        made.append(how)
        time.sleep(0.05)
        return b"{}"

    monkeypatch.setattr("patchflow.studio.library_routes._map", slow)
    threads = [threading.Thread(target=client.get, args=("/map",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == ["pca"]


def test_facets_count_what_there_is(client: TestClient, library: Library):
    filled(library, 0.1, 0.5)
    client.post("/library/1/favourite", json={"favourite": True})

    found = client.get("/library/facets").json()

    assert found["category"] == [{"name": "Bass", "count": 2}, {"name": "Lead", "count": 2}]
    assert {"name": "short", "count": 2} in found["tag"]
    assert (found["presets"], found["library"], found["favourites"]) == (4, 2, 1)


@pytest.mark.slow
def test_thirty_thousand_presets_are_searched_and_where_each_stands_is_found_out_once():
    random = np.random.default_rng(0)
    vectors = random.standard_normal((30_000, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = [
        Label(f"preset {n}", ("Bass", "Pad", "")[n % 3], tags=(("bright", "noisy")[n % 2],)) for n in range(30_000)
    ]
    entries = [Entry(number, "dexed", (label,)) for number, label in enumerate(labels, 1)]
    shelf = Shelf(entries, vectors, random.standard_normal((30_000, MEASURED)))
    words = understand("warm dark pad, not noisy", shelf)

    def search() -> None:
        rows = picked(shelf, {"category": ["not bass"], "tag": ["bright or noisy"]})
        assert len(find(shelf, words=words, limit=50, text="warm dark pad, not noisy", rows=rows)) == 50
        assert find(shelf, like=vectors[7], limit=50, rows=rows)[0].entry.id == 8

    search()
    standing = Standing.of(shelf)
    search()

    assert Standing.of(shelf) is standing
