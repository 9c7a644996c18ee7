"""The tables of quality: made from the results, never of two distances at once; what is near and in tune is exact."""

import csv
import importlib
import json
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import patchflow
from patchflow.data.bank import Bank
from patchflow.engines import engines

ROOT = Path(patchflow.__file__).parents[1]
FAMILIES, SOUNDS = "dexed-families.jsonl", "dexed-sounds.jsonl"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """Returns a script by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


@pytest.fixture
def tables(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that writes the tables, without results."""
    found = benchmark("tables")
    monkeypatch.setattr(found, "RESULTS", tmp_path)
    return found


@pytest.fixture
def line(benchmark):
    """Returns a line of results as text."""
    runner = benchmark("runner")

    def make(item: Any, row: str, budget: str, **others: Any) -> str:
        found = {"item": item, "row": row, "budget": budget, "seconds": 2.0, "minimised": runner.minimised()}
        found |= {"perceptual": 9.0, "log_mel_l1": 4.0, "mss": 3.0, "wmfcc": 6.0, "pitched": True}
        found |= {"cents": 0.0, "gain": 0.0, "agreement": 1.0, "weights": runner.weights("dexed")}
        return json.dumps(found | others) + "\n"

    return make


def test_the_page_and_the_readme_have_the_numbers_of_the_results(benchmark):
    tables = benchmark("tables")

    assert tables.page() == (ROOT / "docs" / "results.md").read_text("utf-8")
    assert tables.readme() == (ROOT / "README.md").read_text("utf-8")


def test_what_another_distance_found_has_a_table_of_its_own(tables: ModuleType, line, tmp_path: Path):
    then = line(1, "search", "1000", minimised=None, log_mel_l1=2.5)
    (tmp_path / FAMILIES).write_text(line(1, "search", "4000") + then)

    new, old = tables.page().split("## dexed: ")[1:]

    assert new.startswith("1 held-out presets, one of each family: mostly odd ones\n")
    assert "| search | 4,000 renders |" in new
    assert "1,000 renders" not in new
    assert old.startswith("1 held-out presets, one of each family: mostly odd ones, when log-mel L1 was minimised\n")
    assert "| search | 1,000 renders |" in old
    assert "4,000 renders" not in old


def test_a_row_has_means_tuning_of_what_is_pitched_and_metrics_the_search_does_not_see(
    tables: ModuleType, line, tmp_path: Path
):
    lines = line(1, "search", "10 s", cents=40.0, gain=0.4, perceptual=11.0)
    lines += line(2, "search", "10 s", cents=10.0, gain=0.1)
    lines += line(3, "search", "10 s", cents=900.0, gain=0.9, pitched=False, mss=6.0)
    (tmp_path / FAMILIES).write_text(lines)

    page = tables.page().splitlines()
    (row,) = [row for row in page if row.startswith("| search")]
    (head,) = [row for row in page if row.startswith("| method")]

    assert [name.strip() for name in head.strip("|").split("|")][2:5] == [
        "distance ↓ [95 %]",
        "log-mel L1 dB ↓ [95 %]",
        "median log-mel L1 dB ↓",
    ]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2].startswith("9.67 [")
    assert cells[3:] == ["4.00 [4.00, 4.00]", "4.00", "50 % (1/2)", "25", "4", "6", "2.0"]


def test_sounds_are_told_in_tune_by_category_and_three_together(tables: ModuleType, line, tmp_path: Path):
    lines = line("a", "search", "10 s", category="instruments")
    lines += line("b", "search", "10 s", category="other_synths", cents=-1200.0, gain=0.3)
    lines += line("c", "search", "10 s", category="environment", pitched=False)
    (tmp_path / SOUNDS).write_text(lines)

    chapter = tables.page().split("## ")[1].splitlines()

    assert [row.split(" | ")[1:4] for row in chapter if row.startswith("| dexed")] == [
        ["instruments", "10 s", "100 % (1/1)"],
        ["other_synths", "10 s", "0 % (0/1)"],
        ["instruments, other_synths and vocal_imitations", "10 s", "50 % (1/2)"],
    ]


def test_the_readme_has_five_rows_on_the_voices_that_all_of_them_have(tables: ModuleType, line, tmp_path: Path):
    lines = "".join(line(1, row, budget) for row, budget in tables.SHORT)
    (tmp_path / FAMILIES).write_text(lines + line(2, "random preset", "1", log_mel_l1=40.0))

    rows = [row for row in tables.readme().splitlines() if "9.00 [9.00, 9.00]" in row]

    assert rows[0] == "| a random voice | 9.00 [9.00, 9.00] | 4.00 | 100 % | 2.0 |"
    assert rows[-1] == "| **patchflow, 10 seconds** | 9.00 [9.00, 9.00] | 4.00 | 100 % | 2.0 |"
    assert len(rows) == 5
    assert "Means over 1 voices" in tables.readme()


@pytest.mark.parametrize("items", [(1, 1, 1, 1), (1, 1, 1, 1, 2)])
def test_the_readme_stays_where_a_row_is_missing_or_has_other_voices(
    tables: ModuleType, line, tmp_path: Path, items: tuple[int, ...]
):
    rows = zip(items, tables.SHORT, strict=False)
    (tmp_path / FAMILIES).write_text("".join(line(item, *row) for item, row in rows))

    assert tables.readme() == (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("cents", "gain", "expected"),
    [(0, 0.0, True), (20, 0.3, True), (-20, 0.3, True), (30, 0.3, False), (-1200, 0.3, False), (700, 0.01, True)],
)
def test_in_tune_is_within_20_cents_or_no_better_elsewhere(benchmark, cents: float, gain: float, expected: bool):
    assert benchmark("rows").in_tune(cents, gain) is expected


@pytest.mark.parametrize(("told", "expected"), [(0.0, True), (-20.0, True), (35.0, False), (None, False)])
def test_what_a_match_tells_decides_and_else_the_shift(benchmark, told: float | None, expected: bool):
    assert benchmark("rows").in_tune(1_200.0, 0.1, told) is expected


@pytest.mark.parametrize("cents", [0, 35])
def test_a_note_with_other_partials_is_measured_by_its_own_pitch(benchmark, cents: int):
    rows = benchmark("rows")
    time = np.arange(2 * rows.FULL_RATE) / rows.FULL_RATE
    low = 2 * np.pi * 65.4064 * time
    hollow = sum(np.sin(k * low * 2 ** (cents / 1200)) for k in range(2, 13))

    found = rows.measure(hollow, np.sin(low), rows.FULL_RATE)

    assert found["agreement"] < 0.5
    assert found["told"] == pytest.approx(cents, abs=3)


def test_noise_is_not_in_tune_with_a_tone(benchmark):
    rows = benchmark("rows")
    time = np.arange(2 * rows.FULL_RATE) / rows.FULL_RATE
    tone = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 9))
    noises = [np.random.default_rng(seed).standard_normal(len(time)) for seed in range(6)]

    found = [rows.measure(noise, tone, rows.FULL_RATE) for noise in noises]

    assert all(each["told"] is None for each in found)
    assert max(each["agreement"] for each in found) < 0.5
    # By chance a noise agrees best with the tone as it is; of these six it is one.
    assert sum(rows.in_tune(each["cents"], each["gain"], each["told"]) for each in found) <= 1


def test_a_tone_half_a_semitone_above_is_measured_so(benchmark):
    rows = benchmark("rows")
    time = np.arange(2 * rows.FULL_RATE) / rows.FULL_RATE
    low, high = (
        sum(np.sin(2 * np.pi * f0 * k * time) / k for k in range(1, 9)) for f0 in (55.0, 55 * 2 ** (50 / 1200))
    )

    found = rows.measure(high, low, rows.FULL_RATE)

    assert found["cents"] == pytest.approx(50, abs=3)
    assert found["told"] == pytest.approx(50, abs=3)
    assert not rows.in_tune(found["cents"], found["gain"], found["told"])


def test_the_nearest_of_a_bank_are_those_of_a_full_comparison(benchmark, tmp_path: Path):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 240, (300, 20, 30)).astype(np.uint8)
    levels[100:] = levels[:200] // 2  # some are near to others
    np.save(tmp_path / "levels.npy", levels)
    nearest = benchmark("rows").Nearest(np.zeros((300, 1)), None, tmp_path / "levels.npy", None)
    allowed = rng.random(300) < 0.7
    wanted = levels[7] + np.uint8(3)

    gap = np.abs(levels.astype(int) - wanted).sum((1, 2))
    full = np.nonzero(allowed)[0]
    full = full[np.argsort(gap[full], kind="stable")]

    assert nearest.rows(wanted, allowed, 12).tolist() == full[:12].tolist()


def test_lines_of_another_distance_are_not_gone_on_with(benchmark, line, tmp_path: Path):
    runner = benchmark("runner")
    other = runner.minimised() | {"noise": 0.0}
    (tmp_path / "r.jsonl").write_text(line(1, "search", "1", minimised=other))
    options = Namespace(synth="dexed", model=None, rows="", budgets="", part="1/1")

    with pytest.raises(SystemExit, match="found by another distance. Move it away"):
        runner.run(tmp_path / "r.jsonl", [], [1], options, lambda item, found: {}, [1])


def test_a_row_that_there_is_not_is_said(benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = Namespace(synth="dexed", model=None, rows="", budgets="2000", part="1/1")
    methods = [("search", "1000", lambda item, seed: None)]

    benchmark("runner").run(tmp_path / "r.jsonl", methods, [1], options, lambda item, found: {}, [1])

    assert capsys.readouterr().err == "nothing was asked for that there is: search 1000\n"


def test_the_search_minimises_what_lines_say(benchmark):
    found = benchmark("runner").minimised()

    assert found["tone"] == 0
    assert found["noise"] > found["a semitone above"] > 1


def test_some_sounds_of_each_category_are_chosen(benchmark):
    entries = [("a", "x", "60"), ("b", "x", ""), ("c", "x", "61"), ("d", "y", "")]
    sounds = [dict(zip(("file", "category", "pitch_midi"), entry, strict=True)) for entry in entries]
    chosen = benchmark("match_sounds").chosen

    assert [sound["file"] for sound in chosen(sounds, 2, pitched=False)] == ["a", "b", "d"]
    assert [sound["file"] for sound in chosen(sounds, 2, pitched=True)] == ["a", "c"]


def test_basses_of_a_bank_become_sounds_with_notes(benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = np.array(["SlapBass", "Flute", "BASS DRUM", "Bass 1", "SynBass 2", "Bass of training"])
    split = np.array(["test"] * 5 + ["train"])
    points = np.stack([engines["tone"].space.default()] * 6)
    points[:, 0] = np.linspace(0, 1, 6)
    Bank(points, np.array([0, 1, 2, 3, 3, 4]), names, split).save(tmp_path / "bank.npz")
    script = benchmark("bass_sounds")
    for _ in range(2):
        monkeypatch.setattr("sys.argv", ["", str(tmp_path / "out"), "tone", str(tmp_path / "bank.npz")])
        script.main()

    with (tmp_path / "out" / "manifest.csv").open() as file:
        entries = list(csv.DictReader(file))

    assert "SlapBass" in {entry["preset"] for entry in entries}
    assert {entry["preset"] for entry in entries} <= {"SlapBass", "Bass 1", "SynBass 2"}  # two of these are one family
    assert sorted(entry["pitch_midi"] for entry in entries) == ["24", "48"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.flac")) == sorted(entry["file"] for entry in entries)
