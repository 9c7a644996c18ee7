"""Macros, curves, differences and places by HTTP: small answers that say what a preset is and becomes."""

from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event

import numpy as np
import pytest
from fastapi.testclient import TestClient

from patchflow.browse.embedded import embedded_preset
from patchflow.engines import Note, engines
from patchflow.errors import OptionError
from patchflow.explore.macro_knobs import MacroKnobs
from patchflow.presets import Preset
from patchflow.studio import shape_routes
from patchflow.studio.curves import curves_of, voice_envelope
from patchflow.studio.players import Players

RATE = 44_100


@pytest.fixture
def voice(client: TestClient) -> str:
    """A DX7 voice of the bank."""
    return client.post("/presets/random", json={"synth": "dexed", "seed": 4}).json()["id"]


def init(synth: str, **values: object) -> Preset:
    space = engines[synth].space
    return Preset(synth, {**space.decode(space.default()), **values}, name="Init")  # type: ignore[dict-item]


def test_macros_are_listed_with_both_ends(client: TestClient):
    found = client.get("/synths/dexed/macros").json()

    assert len(found) == 8
    assert found[0].keys() == {"word", "title", "low_word", "high_word", "provenance", "step"}
    assert client.get("/synths/tune/macros").status_code == 404


def test_a_turn_is_that_of_the_knobs_and_kept(client: TestClient, voice: str):
    answer = client.post("/macros/turn", json={"preset": voice, "words": {"brightness": 1.0}, "lock": ["op1"]}).json()
    preset = client.app.state.desk.workspace.preset(voice)  # type: ignore[attr-defined]
    turned = MacroKnobs(preset).turned({"brightness": 1.0}, {"op1": None})

    assert answer["preset"]["values"] == turned.preset.values
    assert answer["predicted"] == turned.predicted
    assert [move["name"] for move in answer["moves"]] == [move.name for move in turned.moves]
    assert client.get(f"/presets/{answer['preset']['id']}").json() == answer["preset"]
    assert answer["preset"]["from"].endswith("turned: brightness +1")


def test_a_look_at_a_turn_keeps_no_preset(client: TestClient, voice: str):
    workspace = client.app.state.desk.workspace  # type: ignore[attr-defined]
    files = lambda: len(list((workspace.folder / "presets").glob("*.json")))  # noqa: E731
    before = files()
    body = {"preset": voice, "words": {"brightness": 1.0}}

    looked = client.post("/macros/turn", json={**body, "keep": False}).json()
    assert looked["preset"] is None
    assert files() == before

    turned = client.post("/macros/turn", json=body).json()
    assert (looked["moves"], looked["predicted"]) == (turned["moves"], turned["predicted"])
    assert files() == before + 1


def test_nothing_turned_is_the_preset_itself(client: TestClient, voice: str):
    answer = client.post("/macros/turn", json={"preset": voice, "words": {"brightness": 0}}).json()

    assert answer["preset"]["id"] == voice
    assert answer["moves"] == []


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"words": {"brigthness": 1}}, 404, "Did you mean 'brightness'"),
        ({"words": {"brightness": "much"}}, 422, "words.brightness='much'"),
        ({"words": {"brightness": 1, "dark": 1}}, 422, "asked for twice"),
        ({"words": {"latent:0": 1}}, 422, "no macro knobs"),
        ({"words": {"brightness": 1}, "lock": ["op9"]}, 404, "op9"),
        ({"preset": "aaaaaaaa"}, 404, "aaaaaaaa"),
        ({"knob": 1}, 422, "knob"),
    ],
)
def test_bad_turns_are_refused_in_one_line(
    client: TestClient, voice: str, body: dict[str, object], status: int, said: str
):
    answer = client.post("/macros/turn", json={"preset": voice, **body})

    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]


def test_a_synth_without_a_map_is_turned_too(client: TestClient, tone_id: str):
    body = {"preset": tone_id, "words": {"length": 1.0}}
    longer = client.post("/macros/turn", json=body).json()

    assert longer["preset"]["values"]["decay"] > client.get(f"/presets/{tone_id}").json()["values"]["decay"]
    assert client.post("/macros/turn", json=body).json() == longer


def test_measuring_that_nobody_waits_for_gives_way_to_notes_and_ends_with_its_preset(
    client: TestClient, tone_id: str, monkeypatch: pytest.MonkeyPatch
):
    looked = Event()
    # notes are played all the time
    monkeypatch.setattr(Players, "are_wanted", property(lambda _: looked.set() or True))
    other = client.post("/presets/edit", json={"preset": tone_id, "values": {"decay": 0.5}}).json()["id"]

    def turned(preset: str, *, ahead: bool) -> int:
        asked = {"preset": preset, "words": {"length": 1.0}, "keep": False}
        headers = {"X-Client": "me", "X-Ahead": str(int(ahead))}
        return client.post("/macros/turn", json=asked, headers=headers).status_code

    with ThreadPoolExecutor(2) as threads:
        left = threads.submit(turned, tone_id, ahead=True)
        assert looked.wait(10)
        kept = threads.submit(turned, other, ahead=True)

        assert left.result(10) == 409
        assert not kept.done()
        assert turned(other, ahead=False) == 200  # somebody waits now
        assert kept.result(10) == 200
    assert turned(tone_id, ahead=False) == 200


def test_two_presets_are_compared(client: TestClient, voice: str):
    other = client.post("/presets/edit", json={"preset": voice, "values": {"op1.output": 20, "algorithm": "7"}}).json()
    found = client.get(f"/presets/{voice}/moves/{other['id']}").json()
    same = client.get(f"/presets/{voice}/moves/{voice}").json()

    assert {move["name"] for move in found["moves"]} <= {"op1.output", "algorithm"}
    assert found["moves"]
    assert found["distance_db"] > 0
    assert same == {"moves": [], "distance_db": pytest.approx(0.0, abs=0.01)}


def test_presets_of_two_synths_cannot_be_compared(client: TestClient, voice: str, tone_id: str):
    answer = client.get(f"/presets/{voice}/moves/{tone_id}")

    assert answer.status_code == 422
    assert "the first is of dexed, the other of tone" in answer.json()["error"]


def test_a_preset_comes_back_from_its_place(client: TestClient, voice: str):
    preset = client.get(f"/presets/{voice}").json()
    place = client.post("/encode", json={"preset": voice, "synth": "dexed"}).json()
    back = client.post("/decode", json=place).json()

    assert back["values"] == preset["values"]


def test_a_sound_has_a_place_where_there_is_a_model(client: TestClient, sine: bytes):
    sound = client.post("/sounds?name=a.wav", content=sine).json()["id"]
    place = client.post("/encode", json={"sound": sound, "synth": "dexed"}).json()

    assert client.post("/decode", json=place).json()["synth"] == "dexed"
    answer = client.post("/encode", json={"sound": sound, "synth": "tone"})
    assert answer.status_code == 422
    assert "Match it first" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/encode", {"synth": "dexed"}, "give a sound or a preset"),
        ("/encode", {"synth": "dexed", "preset": "aaaaaaaa", "sound": "aaaaaaaa"}, "one of them"),
        ("/encode", {"synth": "dexed", "preset": "aaaaaaaa", "model": "/etc/passwd"}, "model="),
        ("/decode", {"synth": "dexed", "z": [1.0]}, "z: has 1 numbers, this space 145"),
        ("/decode", {"synth": "dexed", "z": ["x"]}, "z.0='x'"),
        ("/decode", {"synth": "tune", "z": [1.0]}, "tune"),
    ],
)
def test_bad_places_are_refused_in_one_line(client: TestClient, path: str, body: dict[str, object], said: str):
    answer = client.post(path, json=body)

    assert answer.status_code in (404, 422)
    assert said in answer.json()["error"]


def test_a_voice_has_its_algorithm_and_seven_envelopes(client: TestClient, voice: str):
    found = client.get(f"/presets/{voice}/curves").json()

    assert [one["name"] for one in found["envelopes"]] == [*(f"op{n}" for n in range(1, 7)), "pitch"]
    for one in found["envelopes"]:
        assert len(one["times"]) == len(one["levels"])
        assert one["times"] == sorted(one["times"])
        assert all(0 <= level <= 1 for level in one["levels"])
        assert len(one["parameters"]) == 8
        assert 0 <= one["released"] <= one["times"][-1]


@pytest.mark.parametrize("number", range(1, 33))
def test_every_algorithm_ends_in_its_carriers(number: int):
    found = curves_of(init("dexed", algorithm=str(number))).algorithm
    assert found is not None
    modulators = {start for start, _ in found.edges}

    assert modulators | set(found.carriers) == set(range(1, 7))
    assert not modulators & set(found.carriers)


def test_the_first_algorithm_is_two_stacks():
    found = curves_of(init("dexed", algorithm="1")).algorithm

    assert found is not None
    assert sorted(found.carriers) == [1, 3]
    assert sorted(found.edges) == [(2, 1), (4, 3), (5, 4), (6, 5)]
    assert found.feedback == (6, 6)


@pytest.mark.parametrize("rate", [30, 45, 60])
def test_an_attack_is_as_long_as_dexed_plays_it(rate: int):
    preset = init("dexed", **{"op1.rate1": rate})
    (one, *_) = curves_of(preset).envelopes
    heights = np.array(one.levels)
    times = np.array(one.times)
    drawn = float(np.interp(0.5, heights[:9], times[:9]))
    engine = engines["dexed"]()
    sound = engine.render(engine.space.encode(preset.values), Note(60, 127, 6.0, 6.0), RATE)
    pieces = np.abs(sound[: len(sound) // 256 * 256].reshape(-1, 256)).max(1)
    heard = np.argmax(pieces > 0.5 * pieces.max()) * 256 / RATE

    assert drawn == pytest.approx(heard, rel=0.15, abs=0.02)


@pytest.mark.parametrize("rate", [30, 50])
def test_a_decay_is_as_long_as_dexed_plays_it(rate: int):
    times, heights = voice_envelope([99, rate, 99, 99], [99, 0, 0, 0])
    drawn = float(np.interp(-0.5, [-height for height in heights[8:17]], times[8:17]))
    preset = init("dexed", **{"op1.rate2": rate, "op1.level2": 0, "op1.level3": 0})
    engine = engines["dexed"]()
    sound = engine.render(engine.space.encode(preset.values), Note(60, 127, 10.0, 10.0), RATE)
    pieces = np.abs(sound[: len(sound) // 256 * 256].reshape(-1, 256)).max(1)
    heard = np.flatnonzero(pieces > 0.5 * pieces.max())[-1] * 256 / RATE

    assert drawn == pytest.approx(heard, rel=0.15, abs=0.02)


def test_vital_shows_its_envelopes_in_seconds_its_waves_and_its_lfos():
    preset = embedded_preset("vital", 3)
    found = curves_of(preset)
    (first, *_) = found.envelopes
    values = preset.values

    assert first.name == "env_1"
    assert first.times[2] == pytest.approx(float(values["env_1.attack"]))
    assert first.times[-1] - first.released == pytest.approx(float(values["env_1.release"]))
    assert first.levels[-2] == pytest.approx(float(values["env_1.sustain"]))
    waves = {wave.name: wave.frames for wave in found.waves}
    assert {"osc_1", "osc_2", "osc_3", "lfo_1"} <= waves.keys()
    assert all(len(frame) == 128 for frame in waves["osc_1"])
    assert max(map(abs, waves["osc_1"][0])) > 0.5


def test_a_synth_without_curves_has_none():
    found = curves_of(init("tone"))

    assert (found.algorithm, found.envelopes, found.waves) == (None, [], [])


def test_many_first_turns_keep_neither_pages_nor_other_clients_waiting(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
):
    began: Queue[str] = Queue()
    go_on = Event()

    def measure(preset: Preset, **_: object) -> MacroKnobs:
        began.put(preset.name)
        go_on.wait(120)
        raise OptionError("measured long enough")

    monkeypatch.setattr(shape_routes, "MacroKnobs", measure)
    ids = [client.post("/presets/random", json={"synth": "tone", "seed": seed}).json()["id"] for seed in range(50)]
    with ThreadPoolExecutor(len(ids) + 1) as pool:
        ask = lambda key, who: pool.submit(  # noqa: E731
            client.post, "/macros/turn", json={"preset": key, "words": {"length": 1}}, headers={"X-Client": who}
        )
        try:
            asked = [ask(key, "busy") for key in ids[1:]]
            names = [began.get(timeout=60) for _ in range(4)]
            page = client.get(f"/presets/{ids[1]}")
            asked.append(ask(ids[0], "other"))
            names.append(began.get(timeout=60))
        finally:
            go_on.set()
    assert page.status_code == 200
    assert names[-1] == client.get(f"/presets/{ids[0]}").json()["name"]
    assert {each.result().status_code for each in asked} == {422}
