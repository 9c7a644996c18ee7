"""Synths and presets by HTTP: shown, edited, played as the command line plays them, and taken home."""

import asyncio
import io
import json
import os
import signal
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from patchflow.audio.sound_file import fitting_gain, wav_bytes
from patchflow.cli import run
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError
from patchflow.presets import Preset, read_presets, write_presets
from patchflow.presets.formats.vital import Vital
from patchflow.studio import StudioSettings
from patchflow.studio.players import Players, Superseded
from patchflow.studio.preset_routes import asked_newest, play_note
from tests.studio.hand import wait_until
from tests.vital_files import document, packed


def read_wav(data: bytes) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert rate == 44_100
    return samples


@pytest.fixture
def voice(client: TestClient) -> dict:
    """A voice of the bank for the DX7."""
    return client.post("/presets/random", json={"synth": "dexed", "seed": 3}).json()


def test_synths_say_whether_they_are_ready(client: TestClient):
    found = {synth["name"]: synth for synth in client.get("/synths").json()}

    assert set(found) == set(engines)
    assert found["dexed"]["ready"]
    assert (found["dexed"]["parameters"], found["dexed"]["native"]) == (145, "syx")
    assert all(synth["hints"] for synth in found.values() if synth["ready"])
    assert all(synth["why"] for synth in found.values() if not synth["ready"])
    assert set(client.get("/about").json()["synths"]) == {name for name in found if found[name]["ready"]}


@pytest.mark.parametrize("name", ["tone", "dexed", "vital"])
def test_a_panel_has_every_parameter_once_with_its_range(client: TestClient, name: str):
    found = client.get(f"/synths/{name}").json()
    parameters = [parameter for group in found["panel"] for parameter in group["parameters"]]

    assert sorted(parameter["name"] for parameter in parameters) == sorted(engines[name].space.names)
    for parameter in parameters:
        value = found["init"]["values"][parameter["name"]]
        assert value == parameter["default"]
        assert value in parameter["options"] if parameter["options"] else parameter["low"] <= value <= parameter["high"]


def test_a_synth_that_is_not_there_is_named(client: TestClient):
    reply = client.get("/synths/oboe")

    assert reply.status_code == 404
    assert "oboe" in reply.json()["error"]


def test_the_same_preset_has_the_same_id(client: TestClient, tone_id: str):
    again = client.post("/presets/edit", json={"preset": tone_id, "values": {}}).json()
    other = client.post("/presets/edit", json={"preset": tone_id, "values": {"wave": "saw"}}).json()
    back = client.post("/presets/edit", json={"preset": other["id"], "values": {"wave": "sine"}}).json()

    assert again["id"] == back["id"] == tone_id
    assert other["id"] != tone_id


def test_an_edit_is_another_preset_that_says_how_it_came_to_be(client: TestClient, tone_id: str):
    edit = {"preset": tone_id, "values": {"decay": 2}, "name": "Long", "from": "by hand"}
    edited = client.post("/presets/edit", json=edit)

    assert edited.json()["values"] == {"wave": "sine", "decay": 2.0, "gain": -6.0}
    assert (edited.json()["name"], edited.json()["from"]) == ("Long", "by hand")
    assert client.get(f"/presets/{edited.json()['id']}").json() == edited.json()
    assert client.get(f"/presets/{tone_id}").json()["values"]["decay"] == 1.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"decay": 9}, "decay=9"),
        ({"decay": "long"}, "decay='long'"),
        ({"wave": "square"}, "wave='square'"),
        ({"cutoff": 1}, "'cutoff'"),
        ({"decay": True}, "decay"),
        ({"decay": None}, "decay"),
        ({"decay": [1]}, "decay"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(client: TestClient, tone_id: str, values: dict, said: str):
    reply = client.post("/presets/edit", json={"preset": tone_id, "values": values})

    assert reply.status_code == 422
    assert said in reply.json()["error"]
    assert "\n" not in reply.json()["error"]


BAD_BODIES = [b"", b"{", b"[]", b"null", b'{"preset": 1}', b'{"values": NaN}', b"\xff\xfe", b"[" * 50_000]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_that_is_none_is_refused(client: TestClient, body: bytes):
    reply = client.post("/presets/edit", content=body, headers={"content-type": "application/json"})

    assert reply.status_code in (400, 422)
    assert set(reply.json()) == {"error", "kind"}


@pytest.mark.parametrize("digits", [400, 6000])
def test_a_number_of_many_digits_is_refused(client: TestClient, tone_id: str, digits: int):
    body = f'{{"preset": "{tone_id}", "values": {{"decay": 1{"0" * digits}}}}}'

    reply = client.post("/presets/edit", content=body, headers={"content-type": "application/json"})

    assert reply.status_code in (400, 422)
    assert len(reply.json()["error"]) < 600


def test_a_value_that_is_no_number_is_refused(client: TestClient, tone_id: str):
    body = json.dumps({"preset": tone_id, "values": {"decay": float("nan")}})

    assert client.post("/presets/edit", content=body, headers={"content-type": "application/json"}).status_code == 422


@pytest.mark.parametrize("synth", ["dexed", "tone"])
def test_chance_repeats_with_its_seed(client: TestClient, synth: str):
    first, again, other = (
        client.post("/presets/random", json={"synth": synth, "seed": seed}).json() for seed in (1, 1, 2)
    )

    assert first == again
    assert first["id"] != other["id"]


@pytest.mark.parametrize(("synth", "format"), [("dexed", ".syx"), ("tone", ".json")])
def test_a_note_is_what_the_command_line_renders(client: TestClient, tmp_path: Path, synth: str, format: str):
    preset = client.post("/presets/random", json={"synth": synth, "seed": 3}).json()
    file = tmp_path / f"a{format}"
    file.write_bytes(client.get(f"/presets/{preset['id']}/file").content)
    words = ["--note", "48", "--velocity", "90", "--hold", "0.5", "--length", "1", "--out", str(tmp_path / "a.wav")]
    assert run(["render", str(file), *words]) == 0
    rendered, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")

    note = {"pitch": 48, "velocity": 90, "hold": 0.5, "length": 1}
    reply = client.get(f"/presets/{preset['id']}/audio", params=note)

    np.testing.assert_allclose(read_wav(reply.content), rendered, atol=0.51 / 32_768)


def test_a_note_that_was_played_is_remembered(client: TestClient, voice: dict):
    path = f"/presets/{voice['id']}/audio"
    first = client.get(path, params={"length": 1})
    again = client.get(path, params={"length": 1})

    assert [reply.headers["x-cached"] for reply in (first, again)] == ["0", "1"]
    assert first.content == again.content
    assert "immutable" in first.headers["cache-control"]
    unchanged = client.get(path, params={"length": 1}, headers={"if-none-match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_loudness_and_gain_are_those_of_what_is_sent(client: TestClient, tone_id: str):
    path = f"/presets/{tone_id}/audio"
    plain = client.get(path)
    soft = client.get(path, params={"gain_db": -12})
    loud = client.get(path, params={"gain_db": 60})

    sent = [float(reply.headers["x-loudness-lufs"]) for reply in (plain, soft, loud)]
    assert sent[1] == pytest.approx(sent[0] - 12, abs=0.02)
    assert np.abs(read_wav(loud.content)).max() <= 1
    gained = np.abs(read_wav(loud.content)).max() / np.abs(read_wav(plain.content)).max()
    assert 20 * np.log10(gained) == pytest.approx(sent[2] - sent[0], abs=0.02)
    assert [reply.headers["x-gain-db"] for reply in (plain, soft)] == ["0.00", "-12.00"]
    assert float(loud.headers["x-gain-db"]) == pytest.approx(sent[2] - sent[0], abs=0.02)
    assert float(loud.headers["x-gain-db"]) < 60


def test_silence_has_no_loudness(client: TestClient):
    values = {f"op{n}.output": 0 for n in range(1, 7)}
    init = client.get("/synths/dexed").json()["init"]
    edited = client.post("/presets/edit", json={"preset": init["id"], "values": values}).json()

    reply = client.get(f"/presets/{edited['id']}/audio")

    assert (reply.status_code, reply.headers["x-loudness-lufs"]) == (200, "null")


@pytest.mark.parametrize(
    "note",
    [{"pitch": 128}, {"pitch": -1}, {"velocity": 0}, {"hold": 0}, {"hold": "nan"}, {"length": 31}, {"length": 0.001},
     {"length": "inf"}, {"gain_db": 1000}, {"pitch": "C4"}],
)  # fmt: skip
def test_a_note_that_cannot_be_is_refused(client: TestClient, tone_id: str, note: dict):
    reply = client.get(f"/presets/{tone_id}/audio", params=note)

    assert reply.status_code == 422
    assert next(iter(note)) in reply.json()["error"]


def test_what_clips_is_turned_down_and_nothing_else():
    loud = np.array([0.0, 2.0, -1.0], np.float32)

    assert fitting_gain(loud) == pytest.approx(20 * np.log10(0.5), abs=1e-5)
    assert fitting_gain(loud / 4) == 0
    assert fitting_gain(np.zeros(3, np.float32), 5) == 5
    np.testing.assert_allclose(read_wav(wav_bytes(loud, 44_100)), [0, 1, -0.5], atol=1.01 / 32_768)


def test_a_synth_that_crashes_is_one_line_and_the_next_note_is_played(client: TestClient, tone_id: str, monkeypatch):
    def crash(*_: object) -> np.ndarray:
        raise RenderError("tone: crashed (SIGSEGV)")

    with monkeypatch.context() as broken:
        broken.setattr(Tone, "render", crash)
        reply = client.get(f"/presets/{tone_id}/audio")

    assert (reply.status_code, reply.json()) == (422, {"error": "tone: crashed (SIGSEGV)", "kind": "RenderError"})
    assert client.get(f"/presets/{tone_id}/audio").status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_host_that_is_killed_between_two_notes_is_started_again(client: TestClient):
    init = client.get("/synths/vital").json()["init"]["id"]
    first = client.get(f"/presets/{init}/audio", params={"length": 0.5})
    hosts = [path for path in Path("/proc").glob("[0-9]*/cmdline") if is_our_vital(path)]
    assert hosts
    for path in hosts:
        os.kill(int(path.parent.name), signal.SIGKILL)

    again = client.get(f"/presets/{init}/audio", params={"length": 0.5, "pitch": 61})

    assert (first.status_code, again.status_code) == (200, 200)


def is_our_vital(path: Path) -> bool:
    try:
        words = path.read_bytes().decode().split("\0")
    except OSError:
        return False
    return "patchflow.hosts" in words and words[-2] == str(os.getpid())


class Gate:
    """Holds notes back until it is opened, and knows what was played."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun = threading.Semaphore(0)
        self.started: list[int] = []
        self.played: list[int] = []


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    found = Gate()
    plain = Tone.render

    def render(self: Tone, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        found.started.append(note.pitch)
        found.begun.release()
        assert found.opened.wait(10)
        found.played.append(note.pitch)
        return plain(self, point, note, rate)

    monkeypatch.setattr(Tone, "render", render)
    return found


PRESET = Preset("tone", Tone.space.decode(Tone.space.default()))


def short(pitch: int) -> Note:
    return Note(pitch, hold=0.1, length=0.1)


@pytest.fixture
def busy(gate: Gate) -> Iterator[Players]:
    """Players of which each thread has a note under way, 0 and 1."""
    players = Players()
    for pitch in range(min(2, os.cpu_count() or 1)):
        players.play("a", PRESET, short(pitch))
        assert gate.begun.acquire(timeout=10)
    yield players
    gate.opened.set()
    players.close()


def test_the_newest_note_is_played_first(gate: Gate, busy: Players):
    waiting = [busy.play("a", PRESET, short(pitch)) for pitch in (60, 61, 62, 63)]

    gate.opened.set()
    for future in waiting:
        future.result(10)

    order = [pitch for pitch in gate.played if pitch >= 60]
    assert order.index(63) < order.index(60)
    assert sorted(order) == [60, 61, 62, 63]


def test_of_the_requests_of_one_knob_only_the_newest_is_played(gate: Gate, busy: Players):
    old, other, new = (
        busy.play("a", PRESET, short(pitch), newest) for pitch, newest in ((60, "knob"), (61, ""), (62, "knob"))
    )

    with pytest.raises(Superseded, match="newest=knob"):
        old.result(10)
    gate.opened.set()
    new.result(10)
    other.result(10)

    assert 60 not in gate.played


def test_a_note_that_nobody_waits_for_is_not_played(gate: Gate, busy: Players):
    gone = busy.play("a", PRESET, short(60))
    last = busy.play("a", PRESET, short(61))

    assert gone.cancel()
    gate.opened.set()
    last.result(10)

    assert 60 not in gate.played


def test_notes_that_are_asked_for_twice_are_played_once(gate: Gate, busy: Players):
    both = [busy.play("a", PRESET, short(60)) for _ in range(2)]

    gate.opened.set()
    first, second = (future.result(10) for future in both)

    assert gate.played.count(60) == 1
    assert first.samples is second.samples


@pytest.fixture
def idle(gate: Gate) -> Iterator[Players]:
    """Players that have two threads, and nothing to do."""
    players = Players()
    yield players
    gate.opened.set()
    players.close()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has one thread a synth")
def test_of_notes_that_nobody_waits_for_yet_one_is_played_at_a_time(gate: Gate, idle: Players):
    ahead = [idle.play("a", PRESET, short(pitch), ahead=True) for pitch in (60, 61, 62)]
    assert gate.begun.acquire(timeout=10)
    wanted = idle.play("a", PRESET, short(63))
    assert gate.begun.acquire(timeout=10)
    assert gate.started == [60, 63]  # the other thread was free
    assert idle.are_wanted

    gate.opened.set()
    for future in (*ahead, wanted):
        future.result(10)

    assert gate.started.index(61) < gate.started.index(62)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has one thread a synth")
def test_a_note_that_is_to_be_rendered_ahead_is_played_once_somebody_waits_for_it(gate: Gate, idle: Players):
    _, ahead = (idle.play("a", PRESET, short(pitch), ahead=True) for pitch in (60, 61))
    assert gate.begun.acquire(timeout=10)
    assert not idle.are_wanted
    wanted = idle.play("a", PRESET, short(61))
    assert gate.begun.acquire(timeout=10)
    assert gate.started == [60, 61]

    gate.opened.set()

    assert ahead.result(10).samples is wanted.result(10).samples


def test_a_request_of_one_client_takes_no_place_of_another():
    def newest(of: str) -> str:
        scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": []}
        return asked_newest(Request(scope), "knob", of)

    assert newest("a") == newest("a")
    assert newest("a") != newest("b")
    assert asked_newest(Request({"type": "http", "client": None, "headers": []})) == ""


def test_a_note_of_a_client_that_has_gone_is_not_played(gate: Gate, client: TestClient, tone_id: str):
    assert isinstance(client.app, FastAPI)
    players = client.app.state.desk.players
    for pitch in range(min(2, os.cpu_count() or 1)):
        players.play("a", PRESET, short(pitch))
        assert gate.begun.acquire(timeout=10)
    messages = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

    async def receive() -> dict:
        return messages.pop(0)

    request = Request({"type": "http", "app": client.app, "headers": []}, receive)
    with pytest.raises(Superseded, match="the client has gone"):
        asyncio.run(play_note(request, tone_id, short(60)))
    last = players.play("a", PRESET, short(61))
    gate.opened.set()
    last.result(10)

    assert 60 not in gate.played


def test_a_synth_that_was_edited_takes_the_place_of_the_one_before(monkeypatch: pytest.MonkeyPatch):
    class Edited(Tone):
        def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
            return 0.5 * super().render(point, note, rate)

    players = Players()
    before = players.play("a", PRESET, short(60)).result(10)
    threads = threading.active_count()
    monkeypatch.setattr("patchflow.studio.players.engines", {"tone": Edited})
    after = players.play("b", PRESET, short(60)).result(10)
    wait_until(lambda: threading.active_count() == threads)
    players.close()

    np.testing.assert_allclose(after.samples, 0.5 * before.samples)


def test_players_that_are_closed_end_their_threads():
    before = threading.active_count()
    players = Players()
    players.play("a", PRESET, short(60)).result(10)

    players.close()

    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["tone", "dexed"])
def test_a_file_comes_back_as_the_same_values(client: TestClient, name: str):
    preset = client.post("/presets/random", json={"synth": name, "seed": 5}).json()
    reply = client.get(f"/presets/{preset['id']}/file")

    found = client.post("/presets", params={"name": f"a{ENDINGS[name]}"}, content=reply.content).json()

    assert found["notes"] == []
    assert [other["values"] for other in found["presets"]] == [preset["values"]]
    assert f'filename="{preset["name"].strip()}{ENDINGS[name]}"' in reply.headers["content-disposition"]


ENDINGS = {"tone": ".json", "dexed": ".syx"}


def test_a_preset_without_a_name_is_called_like_its_file(client: TestClient, tmp_path: Path):
    write_presets(tmp_path / "a.json", [PRESET])

    found = client.post("/presets", files={"file": ("Wide Pad.json", (tmp_path / "a.json").read_bytes())}).json()

    assert [preset["name"] for preset in found["presets"]] == ["Wide Pad"]


NO_PRESETS = [b"", b"no preset", bytes(4096), b"PK\3\4" + bytes(50), b'{"format": "patchflow-presets"}']


@pytest.mark.parametrize("data", NO_PRESETS)
@pytest.mark.parametrize("name", ["a.syx", "../a.vital", "a"])
def test_what_is_no_preset_file_is_refused(client: TestClient, settings: StudioSettings, data: bytes, name: str):
    reply = client.post("/presets", params={"name": name}, content=data)

    assert reply.status_code == 422
    assert reply.json()["error"].startswith(name)
    assert str(settings.workspace) not in reply.text
    assert list((settings.workspace / "incoming").iterdir()) == []


def test_a_preset_of_a_synth_that_is_not_there_is_said(client: TestClient, tmp_path: Path):
    write_presets(tmp_path / "a.json", [PRESET, Preset("oboe", {"reed": 1.0}, name="Oboe")])

    found = client.post("/presets", params={"name": "a.json"}, content=(tmp_path / "a.json").read_bytes()).json()

    assert [preset["synth"] for preset in found["presets"]] == ["tone"]
    assert any("oboe" in note for note in found["notes"])


MARKUP = "<img src=x onerror=alert(1)>\u202e"


def test_markup_in_a_name_is_text_and_no_file_name(client: TestClient, tone_id: str):
    edited = client.post("/presets/edit", json={"preset": tone_id, "values": {}, "name": MARKUP, "from": MARKUP})
    file = client.get(f"/presets/{edited.json()['id']}/file")

    assert edited.headers["content-type"] == "application/json"
    assert edited.json()["name"].startswith("<img")
    assert not set('<>:"/\\|?*') & set(file.headers["content-disposition"].partition("''")[2])
    assert "\n" not in file.headers["content-disposition"]


def test_a_file_of_another_format_is_written_if_it_fits(client: TestClient, voice: dict):
    assert client.get(f"/presets/{voice['id']}/file", params={"format": "json"}).content.startswith(b"{")
    assert client.get(f"/presets/{voice['id']}/file", params={"format": "vital"}).status_code == 422
    assert client.get(f"/presets/{voice['id']}/file", params={"format": "exe"}).status_code == 404


def test_presets_of_one_synth_with_banks_are_one_bank(client: TestClient, tmp_path: Path):
    voices = [client.post("/presets/random", json={"synth": "dexed", "seed": seed}).json() for seed in range(3)]

    reply = client.post("/bank", json={"presets": [voice["id"] for voice in voices], "name": "My / Bank"})
    (tmp_path / "a.syx").write_bytes(reply.content)

    assert 'filename="My _ Bank.syx"' in reply.headers["content-disposition"]
    found = read_presets(tmp_path / "a.syx").presets
    assert [dict(preset.values) for preset in found[:3]] == [voice["values"] for voice in voices]


def test_presets_that_a_dx7_would_show_alike_are_told_apart_in_a_bank(client: TestClient, tmp_path: Path):
    ids = []
    for seed, name in enumerate(["A long name", "A long name too", "Other"]):
        made = client.post("/presets/random", json={"synth": "dexed", "seed": seed}).json()
        ids.append(client.post("/presets/edit", json={"preset": made["id"], "values": {}, "name": name}).json()["id"])

    reply = client.post("/bank", json={"presets": ids})
    (tmp_path / "a.syx").write_bytes(reply.content)

    assert [preset.name for preset in read_presets(tmp_path / "a.syx").presets[:3]] == [
        "1 A long n",
        "2 A long n",
        "Other",
    ]


def test_presets_of_several_synths_are_a_zip(client: TestClient, voice: dict, tone_id: str):
    reply = client.post("/bank", json={"presets": [voice["id"], tone_id, voice["id"]]})

    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        names = archive.namelist()
    assert [Path(name).suffix for name in names] == [".syx", ".json", ".syx"]
    assert len(set(names)) == 3


@pytest.mark.parametrize("presets", [[], ["0123456789abcdef"], ["../x"], "x", [1]])
def test_a_bank_of_nothing_is_refused(client: TestClient, presets: object):
    assert client.post("/bank", json={"presets": presets}).status_code in (404, 422)


def test_a_spectrogram_of_a_note_is_drawn(client: TestClient, tone_id: str):
    reply = client.get(f"/presets/{tone_id}/spectrogram", params={"length": 1})

    assert reply.content.startswith(b"\x89PNG")
    assert float(reply.headers["x-seconds"]) == 1


@pytest.mark.slow
def test_notes_of_a_preset_with_wavetables_are_the_same_before_and_after_it_is_settled():
    preset = Vital().read(packed(document())).presets[0]
    edits = [replace(preset, values={**preset.values, "osc_1.level": level}) for level in (0.2, 0.4, 0.6, 0.8)]
    players = Players()
    played = [players.play(str(number), edit, short(60)).result(60) for number, edit in enumerate(edits)]
    players.close()

    for edit, note in zip(edits, played, strict=True):
        engine = engines["vital"]()
        engine.build_on(edit.state)
        np.testing.assert_array_equal(note.samples, engine.render(engine.space.encode(edit.values), short(60)))


def test_every_edit_is_played_anew(client: TestClient, voice: dict):
    heard = set()
    for value in range(0, 100, 30):
        edit = {"preset": voice["id"], "values": {"op1.level1": value}}
        edited = client.post("/presets/edit", json=edit).json()
        reply = client.get(f"/presets/{edited['id']}/audio", params={"length": 1})
        assert reply.headers["x-cached"] == "0"
        heard.add(reply.content)

    assert len(heard) == 4
