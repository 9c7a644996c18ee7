"""Runs and baselines are evaluated into files, from where they stopped."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from patchflow.data.examples import Examples
from patchflow.engines import Note
from patchflow.engines.tone import Tone
from patchflow.errors import ModelError, StorageError
from patchflow.evaluate import evaluate_baselines, evaluate_run
from patchflow.evaluate.disentanglement import tagged
from patchflow.evaluate.predictions import SCORE_RATE
from patchflow.evaluate.results import read_lines
from patchflow.evaluate.testset import held_out
from patchflow.metrics import metrics
from patchflow.models import load_model, models, save_model
from tests.evaluate.material import make_examples, make_run
from tests.evaluate.test_testset import save

NOTE = Note(60, 100, 3.0, 4.0)


def numbers(estimate: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """Every metric of two presets, rendered at the note of the examples."""
    a, b = (torch.from_numpy(Tone().render(point, NOTE, SCORE_RATE))[None] for point in (estimate, target))
    return {name: metrics[name](a, b, SCORE_RATE).item() for name in metrics}


def test_a_line_can_be_recomputed_from_what_it_says(run: Path, examples: Path):
    evaluate_run(run, most=3)
    found, lines = Examples(examples), read_lines(run / "results.jsonl")
    line = lines.items[1]
    predicted, point = np.array(line["predicted"]), found.points[line["item"]].astype(float)
    power = np.mean(found.points[found.rows("test")].astype(float) ** 2)

    assert {name: line[name] for name in metrics} == pytest.approx(numbers(predicted, point), rel=1e-4)
    assert line["mse_n"] == pytest.approx(np.mean((predicted - point) ** 2) / power, rel=1e-5)
    assert line["family"] == found.family[line["item"]]


def test_the_whole_test_part_is_evaluated_and_nothing_else(run: Path, examples: Path):
    summary = evaluate_run(run)

    assert {line["item"] for line in read_lines(run / "results.jsonl").items} == set(Examples(examples).rows("test"))
    assert summary["test"] == {"items": len(Examples(examples).rows("test")), "faults": 0}


def test_a_second_sound_of_a_family_comes_after_the_first_of_all_others(examples: Path):
    found = Examples(examples)
    families = len(set(found.family[found.rows("test")]))

    taken = [{item.family for item in held_out(found, most).items} for most in (families, None)]

    assert len(taken[0]) == families
    assert taken[0] == taken[1]


def test_results_of_other_sounds_of_the_same_number_are_refused(run: Path):
    evaluate_run(run, most=2)
    path = run / "results.jsonl"
    path.write_text(re.sub(r'"chosen": "\w+"', '"chosen": "0"', path.read_text()))

    with pytest.raises(StorageError, match=r"was made with chosen="):
        evaluate_run(run, most=2)


def test_a_model_is_not_tested_on_folds_that_were_dealt_anew(run: Path, examples: Path, tmp_path: Path):
    weights = run / "tone.safetensors"
    about = {"data": Examples(examples).fingerprint}
    save_model(weights, load_model(weights, Tone.space, models), "posterior", "tone", about=about)
    assert evaluate_run(run, most=1)["test"]["items"] == 1
    dealt = make_examples(tmp_path / "dealt", folds_seed=1)

    assert (Examples(dealt).points == Examples(examples).points).all()
    with pytest.raises(StorageError, match=r"learned from other examples than .* Train it again"):
        evaluate_run(run, data=dealt, most=1)


def test_every_family_weighs_the_same_in_the_power_of_the_presets(examples: Path, monkeypatch: pytest.MonkeyPatch):
    found = Examples(examples)
    rows = found.rows("test")[:3]
    monkeypatch.setattr(found, "rows", lambda part: rows)
    found.family = np.where(np.arange(len(found)) == rows[2], 1, 0)
    squares = (found.points[rows].astype(float) ** 2).mean(1)

    assert held_out(found).about["power"] == pytest.approx((squares[:2].mean() + squares[2]) / 2)


def test_a_summary_tells_what_the_model_costs(run: Path):
    evaluate_run(run, most=1)
    summary = json.loads((run / "summary.json").read_text())

    assert summary["capacity"] > 1_000
    assert 0.01 < summary["prediction_ms"] < 60_000
    assert summary["trained"] == {"steps": 30, "minutes": 0.5}
    assert (summary["size"], summary["separation"], summary["traversal"]) == ("small", [], [])


def test_an_interrupted_evaluation_ends_as_an_uninterrupted_one(run: Path):
    evaluate_run(run, most=5)
    whole = (run / "results.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    (run / "results.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])

    evaluate_run(run, most=5)

    found = read_lines(run / "results.jsonl")
    for line, wanted in zip(found.items, map(json.loads, lines[1:]), strict=True):
        assert {name: line[name] for name in metrics} == pytest.approx({n: wanted[n] for n in metrics}, rel=1e-4)
        assert (line["item"], line["predicted"]) == (wanted["item"], wanted["predicted"])


def test_what_is_finished_is_not_done_again(run: Path):
    evaluate_run(run, most=2)
    before = (run / "results.jsonl").stat()

    evaluate_run(run, most=2)

    assert (run / "results.jsonl").stat().st_mtime_ns == before.st_mtime_ns


def test_results_of_another_training_are_refused_until_asked_to_begin_again(run: Path, examples: Path):
    evaluate_run(run, most=1)
    other = make_run(run.parent / "other", examples, seed=5)
    (run / "tone.safetensors").write_bytes((other / "tone.safetensors").read_bytes())

    with pytest.raises(StorageError, match=r"was made with weights=.* give --again"):
        evaluate_run(run, most=1)
    assert evaluate_run(run, most=1, again=True)["test"]["items"] == 1


def test_out_of_domain_sounds_are_played_at_their_own_note(run: Path, tmp_path: Path):
    save(tmp_path / "sounds", "low/a.wav", 45, length=0.5)
    save(tmp_path / "sounds", "high/b.wav", 81, length=0.5)

    summary = evaluate_run(run, most=1, sounds=tmp_path / "sounds")
    lines = {line["item"]: line for line in read_lines(run / "sounds.jsonl").items}

    assert summary["sounds"] == {"items": 2, "faults": 0}
    assert {name: (line["note"][0], line["category"]) for name, line in lines.items()} == {
        "low/a.wav": (45, "low"),
        "high/b.wav": (81, "high"),
    }
    assert {line["mse_n"] for line in lines.values()} == {None}


def test_an_out_of_domain_sound_is_brought_to_the_level_of_the_synth(run: Path, tmp_path: Path):
    for name, gain in (("quiet", 0.01), ("loud", 0.9)):
        folder = tmp_path / name
        save(folder, "a.wav", 57)
        sound, rate = soundfile.read(folder / "a.wav")
        soundfile.write(folder / "a.wav", gain * sound, rate, subtype="FLOAT")
        evaluate_run(run, most=1, sounds=folder, again=True)
        (run / "sounds.jsonl").rename(tmp_path / f"{name}.jsonl")

    quiet, loud = (read_lines(tmp_path / f"{name}.jsonl").items[0] for name in ("quiet", "loud"))
    assert quiet["predicted"] == pytest.approx(loud["predicted"], abs=1e-4)
    assert quiet["spectral_convergence"] == pytest.approx(loud["spectral_convergence"], rel=1e-3)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Examples]:
    """The baselines of a fold."""
    folder = tmp_path_factory.mktemp("beside")
    evaluate_baselines(make_examples(folder / "examples"), folder / "out", fold=1, most=4)
    return folder / "out", Examples(folder / "examples", 1)


def test_the_oracle_is_the_noise_of_the_synth(beside: tuple[Path, Examples]):
    for line in read_lines(beside[0] / "oracle" / "results.jsonl").items:
        assert line["mse_n"] == 0
        assert line["log_mel_l1"] == 0
        assert line["source"] == line["item"]


def test_the_baselines_use_the_training_part_alone(beside: tuple[Path, Examples]):
    training = set(beside[1].rows("train"))

    for row in ("random", "nearest"):
        assert {line["source"] for line in read_lines(beside[0] / row / "results.jsonl").items} <= training


def test_a_line_of_a_baseline_can_be_recomputed(beside: tuple[Path, Examples]):
    line = read_lines(beside[0] / "nearest" / "results.jsonl").items[0]
    points = beside[1].points.astype(float)

    assert {name: line[name] for name in metrics} == pytest.approx(
        numbers(points[line["source"]], points[line["item"]]), rel=1e-4
    )


def test_results_do_not_hold_the_presets_of_the_examples(beside: tuple[Path, Examples]):
    for row in ("oracle", "random", "nearest"):
        assert not any("predicted" in line for line in read_lines(beside[0] / row / "results.jsonl").items)


def test_attributes_of_too_few_families_are_counted_but_not_classified(beside: tuple[Path, Examples]):
    pair = json.loads((beside[0] / "tags.json").read_text())["attributes"][0]

    assert pair["words"] == ["short", "long"]
    assert min(pair["counts"]["test"]) < 8
    assert "sound" not in pair


@pytest.mark.parametrize(
    ("file", "content", "error", "message"),
    [
        ("tone.safetensors", None, ModelError, r"has no weights \(tone.safetensors\). Train it to its end"),
        ("tone.safetensors", "torn", ModelError, "not a readable model file"),
        ("recipe.json", None, StorageError, "no such file"),
        ("recipe.json", "{", StorageError, "damaged"),
        ("recipe.json", "[]", StorageError, "damaged"),
        ("results.jsonl", "{}\n", StorageError, "not a result file"),
    ],
)
def test_a_damaged_run_is_refused(run: Path, file: str, content: str | None, error: type[Exception], message: str):
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_text(content)

    with pytest.raises(error, match=message):
        evaluate_run(run, most=1)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"data": ""}, StorageError, "was not trained on examples"),
        ({"data": "gone"}, StorageError, "gone"),
        ({"fold": "first"}, StorageError, "fold='first': not a number"),
        ({"model": "other"}, ModelError, "is a posterior, not the other of recipe.json"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(tmp_path: Path, examples: Path, keys: dict, error, message: str):
    with pytest.raises(error, match=message):
        evaluate_run(make_run(tmp_path / "run", examples, **keys), most=1)


def test_a_family_gives_one_sound_to_each_end_of_an_attribute(examples: Path):
    found = Examples(examples)
    rows, positive = tagged(found, 0, "train")
    mine = [row for row in found.rows("train") if found.tags[row, 0]]
    wanted = {(found.family[row], found.tags[row, 0] > 0) for row in mine}

    assert sorted(zip(found.family[rows], positive, strict=True)) == sorted(wanted)
    assert len(rows) < len(mine)
    assert ((found.tags[rows, 0] > 0) == positive).all()
