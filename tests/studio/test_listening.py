"""Blind listening: both orders, blind until the end, intervals that cover, and no bad answer taken."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from patchflow.audio.loudness import loudness
from patchflow.errors import OptionError
from patchflow.studio import StudioSettings, build_app
from patchflow.studio.sitting import (
    Pair,
    Showing,
    Sitting,
    binomial_interval,
    bootstrap_interval,
    showing_order,
    sign_test,
)

URL = "http://127.0.0.1:8700"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    settings = StudioSettings(tmp_path / "studio", library=tmp_path / "library.sqlite", warm=())
    with TestClient(build_app(settings), base_url=f"{URL}/api/v1") as found:
        yield found


def presets(client: TestClient, count: int) -> list[str]:
    made = [client.post("/presets/random", json={"synth": "tone", "seed": seed}).json() for seed in range(count)]
    return [preset["id"] for preset in made]


def made(client: TestClient, pairs: int = 3, seed: int = 1) -> dict[str, object]:
    ids = presets(client, 2 * pairs + 1)
    trials = [
        {"target": ids[-1], "a": ids[2 * n], "b": ids[2 * n + 1], "labels": ["ours", "theirs"]} for n in range(pairs)
    ]
    reply = client.post("/listening", json={"question": "closer", "trials": trials, "seed": seed})
    assert reply.status_code == 201
    return reply.json()


def sitting(pairs: int, seed: int = 0, labels: tuple[str, str] = ("ours", "theirs")) -> Sitting:
    made_of = [Pair({"sound": "t"}, {"preset": f"a{n}"}, {"preset": f"b{n}"}, labels) for n in range(pairs)]
    return Sitting.made("better", made_of, seed)


def answered(of: Sitting, choose: object) -> Sitting:
    for trial, showing in enumerate(of.showings):
        of = of.answered(trial, choose(showing), 1.0)  # type: ignore[operator]
    return of


@pytest.mark.parametrize("pairs", [1, 2, 7, 60])
@pytest.mark.parametrize("seed", [0, 1, 4_000_000_000])
def test_every_pair_comes_in_both_orders(pairs: int, seed: int):
    order = showing_order(pairs, seed)

    assert sorted(order) == [(pair, swapped) for pair in range(pairs) for swapped in (False, True)]
    assert order == showing_order(pairs, seed)
    if pairs > 1:
        assert all(before[0] != after[0] for before, after in pairwise(order))


def test_another_seed_is_another_order():
    assert showing_order(20, 1) != showing_order(20, 2)


def test_over_seeds_neither_order_comes_first_more_often():
    firsts = Counter(showing_order(5, seed)[0][1] for seed in range(400))

    assert sign_test(firsts[True], firsts[False]) > 0.01


def test_whoever_always_chooses_one_method_makes_it_win():
    found = answered(sitting(10), lambda showing: "second" if showing.swapped else "first").result()

    (compared,) = found["compared"]
    assert compared["labels"] == ["ours", "theirs"]
    assert (compared["wins"], compared["losses"], compared["share"], compared["agreed"]) == (10, 0, 1.0, 1.0)
    assert compared["p"] < 0.01
    assert found["order"]["p"] == 1.0


def test_both_answers_to_a_pair_count_as_one():
    def choose(showing: Showing) -> str:
        return "first" if (showing.pair < 8) != showing.swapped else "second"

    (compared,) = answered(sitting(10), choose).result()["compared"]

    assert (compared["wins"], compared["losses"]) == (8, 2)
    assert compared["p"] == pytest.approx(sign_test(8, 2))
    assert compared["interval"] == list(binomial_interval(8, 2))


def test_one_answer_beside_one_of_the_same_wins_a_pair():
    (compared,) = answered(sitting(3), lambda showing: "same" if showing.swapped else "first").result()["compared"]

    assert (compared["wins"], compared["losses"], compared["same"]) == (3, 0, 0)


def test_whoever_always_takes_the_first_decides_nothing():
    found = answered(sitting(10), lambda showing: "first").result()

    (compared,) = found["compared"]
    assert (compared["wins"], compared["losses"], compared["same"]) == (0, 0, 10)
    assert (compared["score"], compared["agreed"]) == (0.5, 0.0)
    assert found["order"]["p"] < 1e-5


def test_labels_may_be_given_in_either_place():
    pairs = [
        Pair({"sound": "t"}, {"preset": "a"}, {"preset": "b"}, ("ours", "theirs")),
        Pair({"sound": "t"}, {"preset": "c"}, {"preset": "d"}, ("theirs", "ours")),
    ]
    of = Sitting.made("closer", pairs, 3)

    def ours(showing: object) -> str:
        pair = pairs[showing.pair]  # type: ignore[attr-defined]
        a_is_ours = pair.labels[0] == "ours"
        return "first" if a_is_ours != showing.swapped else "second"  # type: ignore[attr-defined]

    (compared,) = answered(of, ours).result()["compared"]
    assert (compared["labels"], compared["wins"], compared["losses"]) == (["ours", "theirs"], 2, 0)


def test_same_counts_for_neither():
    (compared,) = answered(sitting(4), lambda showing: "same").result()["compared"]

    assert (compared["wins"], compared["losses"], compared["same"], compared["share"]) == (0, 0, 4, None)
    assert compared["interval"] == [0.0, 1.0]
    assert compared["score"] == 0.5


@pytest.mark.parametrize("chance", [0.02, 0.3, 0.5, 0.9])
def test_the_exact_interval_covers_at_least_as_often_as_it_says(chance: float):
    from scipy.stats import binom

    for count in (5, 20, 60):
        wins = np.arange(count + 1)
        intervals = [binomial_interval(int(win), count - int(win)) for win in wins]
        inside = np.array([low <= chance <= high for low, high in intervals])

        assert binom.pmf(wins, count, chance)[inside].sum() >= 0.95


def test_the_bootstrap_interval_covers_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    hits = 0
    for draw in range(300):
        scores = random.choice([0.0, 0.5, 1.0], 40, p=[0.2, 0.3, 0.5])
        low, high = bootstrap_interval(scores, draw)
        hits += low <= 0.65 <= high

    assert 0.9 <= hits / 300 <= 0.985


def test_the_sign_test_is_exact():
    assert sign_test(10, 0) == pytest.approx(2 / 2**10)
    assert sign_test(5, 5) == pytest.approx(1)


def test_nothing_that_a_client_gets_says_which_is_which(client: TestClient):
    found = made(client)
    ids = presets(client, 7)
    said = json.dumps(found) + json.dumps(client.get("/listening").json())

    for _ in range(3):
        reply = client.get(f"/listening/{found['id']}/sounds/{found['trials'][0]['sounds'][1]}")  # type: ignore[index]
        said += str(reply.headers)
    said += json.dumps(client.get(f"/listening/{found['id']}").json())

    assert not [word for word in (*ids, "ours", "theirs", "swapped", "pair") if word in said]
    assert client.get(f"/listening/{found['id']}/result").status_code == 409
    assert client.get(f"/listening/{found['id']}/result", params={"format": "csv"}).status_code == 409


def test_both_orders_of_a_pair_play_the_same_sounds_under_other_names(client: TestClient):
    found = made(client, pairs=1)
    first, second = (trial["sounds"] for trial in found["trials"])  # type: ignore[index, attr-defined]

    def sound(name: str) -> bytes:
        return client.get(f"/listening/{found['id']}/sounds/{name}").content

    assert len({*first, *second}) == 6
    assert sound(first[0]) == sound(second[0])
    assert sound(first[1]) == sound(second[2])
    assert sound(first[2]) == sound(second[1])
    assert sound(first[1]) != sound(first[2])


def test_the_sounds_of_a_trial_are_equally_loud(client: TestClient):
    found = made(client, pairs=1)
    levels: list[float] = []
    for name in found["trials"][0]["sounds"]:  # type: ignore[index]
        samples, rate = soundfile.read(io.BytesIO(client.get(f"/listening/{found['id']}/sounds/{name}").content))
        levels.append(loudness(samples, rate))

    assert np.ptp(levels) < 0.1


def test_a_sitting_is_kept_as_it_is(tmp_path: Path):
    made_of = Pair({"sound": "t", "start": 123.45678, "end": 124.0}, {"preset": "a"}, {"preset": "b"})
    kept = replace(answered(Sitting.made("better", [made_of], 0), lambda _: "first"), created=1795722065.9)
    kept.save(tmp_path)

    assert Sitting.load(tmp_path / f"{kept.id}.json") == kept


@pytest.mark.parametrize("end", ["1e999", "NaN", "1e300"])
def test_a_part_without_an_end_is_refused(client: TestClient, end: str):
    a, b = presets(client, 2)
    sound = client.post("/sounds/example").json()["id"]
    trial = f'{{"target": {{"sound": "{sound}", "end": {end}}}, "a": "{a}", "b": "{b}"}}'
    body = f'{{"question": "closer", "trials": [{trial}]}}'

    assert client.post("/listening", content=body, headers={"content-type": "application/json"}).status_code == 422


def test_a_sitting_is_answered_in_turn_and_kept_over_a_restart(client: TestClient):
    found = made(client, pairs=2)
    url = f"/listening/{found['id']}/answers"

    assert client.post(url, json={"trial": 1, "choice": "first"}).status_code == 422
    assert client.post(url, json={"trial": 0, "choice": "first", "seconds": 2.5}).json()["answered"] == 1
    assert client.post(url, json={"trial": 0, "choice": "first"}).json()["answered"] == 1  # sent twice
    assert client.post(url, json={"trial": 0, "choice": "second"}).status_code == 422
    client.__exit__()
    with TestClient(build_app(client.app.state.desk.settings), base_url=f"{URL}/api/v1") as again:  # type: ignore[attr-defined]
        for trial in (1, 2, 3):
            last = again.post(url, json={"trial": trial, "choice": "same"}).json()
        assert last["done"]
        assert again.post(url, json={"trial": 4, "choice": "same"}).status_code == 422
        result = again.get(f"/listening/{found['id']}/result").json()
        rows = list(csv.DictReader(io.StringIO(again.get(f"/listening/{found['id']}/result?format=csv").text)))
    client.__enter__()
    assert len(result["answers"]) == len(rows) == 4
    assert {rows[0]["first"], rows[0]["second"]} == {"ours", "theirs"}
    assert (rows[0]["choice"], rows[0]["seconds"]) == ("first", "2.5")


def test_no_cell_of_the_table_is_a_formula():
    of = answered(sitting(1, labels=("=HYPERLINK(1)", "+x")), lambda showing: "first")

    rows = list(csv.DictReader(io.StringIO(of.table())))

    assert {rows[0]["first"], rows[0]["second"]} == {"'=HYPERLINK(1)", "'+x"}


@pytest.mark.parametrize(
    "body",
    [
        {"question": "nicer", "trials": []},
        {"question": "closer", "trials": []},
        {"question": "closer", "trials": [{"target": "abcdef", "a": "abcdef", "b": "abcdef"}]},
        {"question": "closer", "trials": [{"target": "../../x", "a": "abcdef", "b": "abcdeg"}]},
        {"question": "closer", "trials": [{"target": {}, "a": "abcdef", "b": "abcdeg"}]},
        {"question": "closer", "trials": [{"target": "abcdef", "a": "abcdef", "b": "abcdeg"}], "seed": -1},
    ],
)
def test_what_cannot_be_asked_is_refused(client: TestClient, body: dict[str, object]):
    assert client.post("/listening", json=body).status_code in (404, 422)
    assert client.get("/listening").json() == []


def test_a_preset_is_not_compared_with_itself():
    with pytest.raises(OptionError, match="itself"):
        Sitting.made("closer", [Pair({}, {"preset": "a"}, {"preset": "a"})], 0)


def test_what_a_sitting_plays_is_kept_and_a_removed_one_is_gone(client: TestClient, tmp_path: Path):
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.5 * np.sin(2 * np.pi * 220 * np.arange(22_050) / 22_050), 22_050, format="WAV")
    sound = client.post("/sounds", params={"name": "sine.wav"}, content=buffer.getvalue()).json()["id"]
    a, b = presets(client, 2)
    body = {"question": "closer", "trials": [{"target": sound, "a": a, "b": b}]}
    found = client.post("/listening", json=body).json()

    assert client.delete(f"/sounds/{sound}").status_code == 409
    assert client.delete(f"/listening/{found['id']}").status_code == 204
    assert client.get(f"/listening/{found['id']}").status_code == 404
    assert client.delete(f"/sounds/{sound}").status_code == 204
