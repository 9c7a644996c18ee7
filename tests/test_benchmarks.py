"""The benchmarks fit the package as it is: all are imported, and the short ones are run."""

import importlib
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import patchflow
from patchflow.browse.played import target_of_note
from patchflow.ear.network import BANDS, FRAMES, EarNetwork
from patchflow.engines import Note

SCRIPTS = Path(patchflow.__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """Returns a script by its name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


def test_every_script_finds_what_it_imports():
    names = sorted(path.stem for path in SCRIPTS.glob("*.py"))
    code = (
        "import importlib, sys\n"
        f"sys.path.insert(0, {str(SCRIPTS)!r})\n"
        f"for name in {names}:\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except Exception as error:\n"
        "        print(name, repr(error))\n"
    )

    # In a process of their own, as their names are plain words that others may use.
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "shares" in names
    assert run.stdout == ""


def test_the_shares_of_a_search_are_of_all_its_parts(benchmark):
    found = benchmark("shares").measure("tone", 60, 1)

    assert found["voices"] == 1
    assert sum(found["shares"].values()) == pytest.approx(1, abs=0.01)
    # No part is counted twice: then there would be less than nothing left for all else.
    assert min(found["shares"].values()) >= 0
    assert min(found["shares"]["engine"], found["shares"]["analysis"]) > 0


def test_what_is_called_within_a_call_of_its_kind_is_counted_once(benchmark, monkeypatch: pytest.MonkeyPatch):
    shares = benchmark("shares")
    now = iter(range(100))
    monkeypatch.setattr(shares.time, "thread_time", lambda: next(now))

    class Parts:
        def whole(self) -> None:
            self.part()
            self.part()

        def part(self) -> None:
            pass

    clock = shares.Clock()
    with clock.watching(Parts, "whole", "one"), clock.watching(Parts, "part", "one"):
        Parts().whole()
        Parts().part()

    assert clock.spent == {"one": 2}


def test_a_whole_match_is_timed_and_its_renders_are_read(benchmark, tmp_path: Path):
    waited, renders = benchmark("latency").match_from_shell("tone", 1, str(tmp_path))

    assert waited > 1
    assert renders > 0


def test_the_first_candidate_comes_before_the_search_is_over(benchmark):
    matcher = patchflow.Matcher.load("tone")

    assert benchmark("latency").first_candidate(matcher, 0) > 0


def test_lines_of_morphs_by_other_options_are_not_gone_on_with(benchmark, tmp_path: Path):
    morphs = benchmark("morphs")
    bench = SimpleNamespace(options=Namespace(split="test", renders=500))
    path = tmp_path / "tone-morphs.jsonl"
    head = {**morphs.facts(morphs.SEED), "split": "test", "steps": morphs.STEPS, "renders": 1000}
    morphs.append(path, head)

    with pytest.raises(SystemExit, match="was begun with renders=1000, this is 500"):
        morphs.begun(bench, path)
    bench.options.renders = 1000
    assert morphs.begun(bench, path) == [head]


def test_morphs_are_compared_over_the_pairs_that_all_ways_have(benchmark, tmp_path: Path):
    morphs = benchmark("morphs")
    path = tmp_path / "tone-morphs.jsonl"
    morphs.append(path, {"commit": "none"})
    count = len(morphs.TOOLBOX)
    for row, bend, pairs in (("parameters", 2.0, 5), ("heard", 1.0, 4)):
        for pair in range(pairs):
            line = {"item": f"{pair}", "row": row, "seconds": 1.0, "heard_mean": 2.0, "heard_largest": 3.0}
            measured = {"nonsmoothness": [2.0] * count, "nonlinearity": [bend] * count}
            morphs.append(path, line | measured)

    found = json.loads(json.dumps(morphs.table(path)))["heard"]

    assert (found["pairs"], found["largest_over_mean"]) == (4, 1.5)
    assert found["nonlinearity"]["change_percent"] == -50
    assert found["nonsmoothness"]["change_percent"] == 0


MEASURED = [
    "ear_page",
    "macros",
    "morphs",
    "recordings",
    "reliability",
    "sketches",
    "ten_recordings",
    "variations",
    "wavetables",
]


@pytest.mark.parametrize("name", MEASURED)
def test_tables_of_a_document_are_those_of_its_results(name: str, benchmark):
    script = benchmark(name)

    assert script.page() == script.PAGE.read_text("utf-8")


def test_a_table_goes_where_its_marks_are(benchmark, tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- one:start -->\nold\n<!-- one:end -->\nafter\n")
    filled = benchmark("marked").filled

    text = filled(page, {"one": ["| a |", "|---|"]})

    assert text == "Before\n<!-- one:start -->\n\n| a |\n|---|\n\n<!-- one:end -->\nafter\n"
    with pytest.raises(ValueError, match=r"page\.md: no <!-- two:start -->"):
        filled(page, {"two": []})


def test_a_query_finds_its_preset_behind_all_that_are_as_near(benchmark):
    likeness = np.array([[0.9, 0.5, 0.9, 0.1], [0.2, 0.4, 0.3, 0.1], [0.3, 0.8, 0.5, 0.1]])
    twins = [{0}, {1}, {2, 1}, {3}]

    found = benchmark("ear").first_right(likeness, np.array([0, 1, 2]), twins)

    # The first has a stranger as near, so it is no better than second; the last has a twin that is nearest.
    assert found.tolist() == [1, 0, 0]


@pytest.mark.parametrize("snr_db", [10.0, 30.0])
def test_noise_lies_as_far_below_a_sound_as_is_said(benchmark, snr_db: float):
    sound = np.sin(np.arange(44_100) * 0.1).astype(np.float32)

    noise = benchmark("recorded").with_noise(snr_db)(sound, 22_050, np.random.default_rng(0)) - sound

    assert 10 * np.log10(np.mean(sound**2) / np.mean(noise**2)) == pytest.approx(snr_db, abs=0.2)


def test_a_room_answers_softer_than_the_sound_and_dies_away(benchmark):
    click = np.zeros(22_050, np.float32)
    click[0] = 1

    answer = benchmark("recorded").in_room(0.3)(click, 22_050, np.random.default_rng(0))

    assert answer[0] == pytest.approx(1, abs=1e-3)
    assert 10 * np.log10(np.sum(answer[1:] ** 2)) == pytest.approx(-6, abs=0.01)
    # 60 dB in 0.3 s: the power of a tenth of a second falls by 20 dB in the next one.
    early, late = (np.mean(answer[first : first + 2_205] ** 2) for first in (200, 2_405))
    assert 10 * np.log10(early / late) == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize("kind", ["MP3", "Opus", "below 4 kHz", "all at once"])
def test_a_recording_is_as_long_as_the_sound_and_still_like_it(benchmark, kind: str):
    sound = 0.3 * np.sin(np.arange(22_050) * 0.1).astype(np.float32)

    found = benchmark("recorded").RECORDED[kind](sound, 22_050, np.random.default_rng(0))

    assert found.shape == sound.shape
    assert not np.array_equal(found, sound)
    assert np.corrcoef(np.abs(np.fft.rfft(found)), np.abs(np.fft.rfft(sound)))[0, 1] > 0.9


def test_a_recording_has_found_what_is_near_the_best(benchmark):
    first_is_best = [1.0, 3.0, 9.0, 9.0, 9.0, 9.0]
    sixth_is_best = [9.0, 9.0, 9.0, 2.6, 9.0, 2.0]

    found = benchmark("ear_recordings").summary(np.array([first_is_best, sixth_is_best]))

    # Of the second sound the fourth is 0.6 dB behind: not near enough.
    shares = {"1": 0.5, "5": 0.5, "50": 1.0, "500": 1.0}
    assert found == {"found": shares, "behind_db": pytest.approx(0.3)}


def test_of_presets_that_were_played_the_nearest_come_first(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recordings = benchmark("ear_recordings")
    note = Note(60, 100, 0.3, 0.5)
    target = target_of_note(np.sin(np.arange(11_025) * 0.1).astype(np.float32), 22_050, note)
    np.save(tmp_path / "tone-prints.npy", np.zeros((4, 272), np.uint8))
    np.save(tmp_path / "bell-60-distance.npy", np.array([4.0, 3.0, 2.0, np.nan]))  # the last one is never played
    monkeypatch.setattr(recordings, "PLAYED", {"ear": (1, 3)})
    second = recordings.Second(recordings.Gallery("tone", None, np.zeros((4, 3)), np.arange(0)), np.eye(4), tmp_path)

    second._judge("ear", "bell", target, np.array([1.0, 1.2, 6.0, 0.9]), np.array([0, 1, 2, 3]), None)

    found = second.summary()
    assert found["ear 1"]["sorted by perceptual"] == {"1": 1.0, "5": 1.0}
    assert found["ear 3"]["sorted by log-mel L1"] == 1.0
    # the nearest by the distance is the farthest by level, but others are among the first five
    assert found["ear 3"]["sorted by perceptual"] == {"1": 0.0, "5": 1.0}
    assert found["ear 3"]["behind_db"] == 0.1


def test_the_ear_may_choose_another_candidate_and_gains_what_is_nearer(benchmark):
    near = {"distance": 4.0, "ear": 0.5, "statistics": 0.0, "mss": 2.0, "sot": 0.1, "wmfcc": 5.0}
    alike = {"distance": 5.0, "ear": 0.1, "statistics": 0.0, "mss": 1.0, "sot": 0.1, "wmfcc": 10.0}

    found = benchmark("second_opinion").gains([{"candidates": [near, alike]}])

    assert (found["ear 5"]["other"], found["ear 5"]["mss"][0], found["ear 5"]["wmfcc"][0]) == (1, 50.0, -100.0)
    assert found["statistics 80"]["other"] == 0


def test_messages_that_are_not_answered_are_counted_as_lost(benchmark, monkeypatch: pytest.MonkeyPatch):
    live_latency = benchmark("live_latency")
    monkeypatch.setattr(live_latency, "PAUSE", 0)
    monkeypatch.setattr(live_latency, "drain", lambda live: None)
    sent: list[int] = []

    some = live_latency.timed(None, sent.append, lambda live: len(sent) % 4 != 0)
    none = live_latency.timed(None, sent.append, lambda live: False)

    assert (some["lost"], none["lost"]) == (live_latency.ROUNDS // 4, live_latency.ROUNDS)
    assert some["median"] >= 0
    assert none["median"] is None


def test_an_ear_with_more_hidden_units_begins_with_the_same_vectors(benchmark):
    network = EarNetwork(width=2, depth=1, hidden=4, out=6).eval()
    levels = torch.rand(3, BANDS, FRAMES)

    wider = benchmark("learn_ear_head").widened(network, 7)

    assert wider.config() == network.config() | {"hidden": 7}
    torch.testing.assert_close(wider(levels), network(levels))


def test_the_log_of_an_ear_goes_on_after_the_one_it_began_with(benchmark, monkeypatch, tmp_path: Path):
    learn_ear = benchmark("learn_ear")
    monkeypatch.setattr(learn_ear, "RESULTS", tmp_path / "log.jsonl")
    lines = ['{"step": 1}', '{"shipped": "a"}', '{"step": 1}', '{"shipped": "b"}']
    learn_ear.RESULTS.write_text("\n".join(lines))

    assert learn_ear.log_before({"start": {"version": "c", "start": {"version": "a"}}}) == lines[:2]
    assert learn_ear.log_before({}) == []
