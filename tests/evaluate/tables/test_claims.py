"""Claims are tested on the raw numbers, and answered yes, no or not shown."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, wilcoxon

from patchflow.evaluate.tables.board import Board, boards_of, read_results
from patchflow.evaluate.tables.claims import Verdict, holm, verdicts
from tests.evaluate.folders import line, write_result

COUNT = 60


def values(mean: float, seed: int) -> np.ndarray:
    return mean + np.random.default_rng(seed).standard_normal(COUNT)


def boards(folder: Path, rows: dict[str, np.ndarray], parameters: int = 16) -> list[Board]:
    """Boards of models whose spectral convergence and log-mel L1 are given; of all folders so far."""
    for row, numbers in rows.items():
        lines = [line(k, 0.0, spectral_convergence=v, log_mel_l1=v) for k, v in enumerate(numbers.tolist())]
        size = "" if row == "nearest" else "small"
        where = folder / f"{row}-{parameters}"
        write_result(where, row, lines, synth=f"tone_{parameters}", parameters=parameters, size=size)
    return boards_of(read_results([folder]))


def answer(found: list[Verdict], words: str) -> Verdict:
    return next(v for v in found if words in v.claim and v.metric == "spectral_convergence")


@pytest.mark.parametrize(("lead", "wanted"), [(2.0, "yes"), (-2.0, "no"), (0.0, "not shown")])
def test_the_answer_follows_the_numbers(tmp_path: Path, lead: float, wanted: str):
    found = boards(tmp_path, {"flow_reg": values(5 - lead, 0), "vaeflow": values(5, 1)})

    assert answer(verdicts(found), "VAEFlow").answer == wanted


def test_the_p_value_is_wilcoxons_corrected_for_all_tests(tmp_path: Path):
    reg, flow, dis = values(5, 0), values(5.3, 1), values(5.6, 2)
    found = verdicts(boards(tmp_path, {"flow_reg": reg, "vaeflow": flow, "flow_dis": dis}))
    raw: list[Any] = [wilcoxon(reg, flow)[1]] * 2 + [wilcoxon(reg, dis)[1]] * 2

    assert [v.p for v in found] == pytest.approx(holm([float(np.asarray(p)) for p in raw]))


def test_groups_of_models_are_compared_by_their_means(tmp_path: Path):
    rows = {name: values(5, k) for k, name in enumerate(("mlp", "cnn", "ae", "vae", "wae"))}
    found = answer(verdicts(boards(tmp_path, rows)), "Auto-encoders")
    gap = np.mean([rows[n] for n in ("ae", "vae", "wae")], 0) - np.mean([rows[n] for n in ("mlp", "cnn")], 0)

    assert found.comparison.difference == pytest.approx(gap.mean())
    assert found.comparison.p == pytest.approx(wilcoxon(gap)[1])


def test_a_mean_that_one_sound_decides_is_not_shown(tmp_path: Path):
    numbers = values(5, 0)
    numbers[0] = 1_000
    found = boards(tmp_path, {"flow_reg": numbers - 2, "vaeflow": values(5, 1)})

    verdict = answer(verdicts(found), "VAEFlow")

    assert verdict.comparison.rank < 0 < verdict.comparison.difference
    assert verdict.answer == "not shown"


def test_a_claim_about_rows_that_are_not_there_is_not_made(tmp_path: Path):
    assert verdicts(boards(tmp_path, {"flow_reg": values(5, 0)})) == []


@pytest.mark.parametrize(("lead", "wanted"), [(3.0, "yes"), (-3.0, "no"), (0.0, "not shown")])
def test_the_lead_at_few_parameters_is_compared_with_that_at_many(tmp_path: Path, lead: float, wanted: str):
    boards(tmp_path, {"flow_reg": values(5, 0), "cnn": values(5, 1)}, parameters=16)
    boards(tmp_path, {"flow_reg": values(5, 4), "cnn": values(5, 5)}, parameters=32)
    found = boards(tmp_path, {"flow_reg": values(5 - lead, 2), "cnn": values(5, 3)}, parameters=64)

    verdict = answer(verdicts(found), "from 16 to 64")
    leads = [values(5, 0) - values(5, 1), values(5 - lead, 2) - values(5, 3)]

    assert verdict.answer == wanted
    assert verdict.comparison.p == pytest.approx(mannwhitneyu(leads[1], leads[0]).pvalue)


def test_a_claim_names_its_models_where_not_all_are_there(tmp_path: Path):
    found = boards(tmp_path, {name: values(5, k) for k, name in enumerate(("mlp", "ae", "vae"))})

    assert answer(verdicts(found), "Auto-encoders").claim.endswith("(only ae, vae against mlp)")


def test_a_claim_of_all_its_models_names_none(tmp_path: Path):
    found = boards(tmp_path, {name: values(5, k) for k, name in enumerate(("flow_reg", "vaeflow"))})

    assert answer(verdicts(found), "VAEFlow").claim == "Flow_reg matches sounds better than VAEFlow"


def test_a_growing_lead_is_over_the_same_models(tmp_path: Path):
    few = {"flow_reg": values(5, 0), "cnn": values(5, 1), "mlp": values(50, 2)}
    boards(tmp_path, few, parameters=16)
    found = boards(tmp_path, {"flow_reg": values(5, 3), "cnn": values(5, 4)}, parameters=64)

    verdict = answer(verdicts(found), "from 16 to 64")

    assert verdict.claim.endswith("(only over cnn)")
    assert abs(verdict.comparison.difference) < 1


def test_the_nearest_preset_is_a_rival(tmp_path: Path):
    found = boards(tmp_path, {"flow_reg": values(9, 0), "nearest": values(5, 1)})

    assert answer(verdicts(found), "nearest").answer == "no"
