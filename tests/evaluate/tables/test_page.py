"""Tables say what the result files say."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from patchflow.errors import StorageError
from patchflow.evaluate import write_tables
from patchflow.evaluate.tables.board import PUBLISHED
from patchflow.evaluate.tables.page import rewrite_tables
from tests.evaluate.folders import line, write_result


def lines(*values: float, family: int | None = None) -> list[dict]:
    return [line(k, value, family) for k, value in enumerate(values)]


def written(folder: Path) -> tuple[str, dict]:
    beside = write_tables([folder], folder / "docs" / "t.md")
    return (folder / "docs" / "t.md").read_text(), json.loads(beside.read_text())


def row_of(page: str, name: str, heading: str = "## tone_16") -> list[str]:
    """The cells of a row below a heading."""
    text = page[page.index(heading) :]
    return [cell.strip() for cell in text[text.index(f"\n| {name} |") :].split("\n")[1].strip("|").split("|")]


def column(page: str, name: str, heading: str = "## tone_16") -> int:
    text = page[page.index(heading) :]
    head = next(line for line in text.split("\n") if line.startswith("| "))
    return [cell.strip().split(" ")[0] for cell in head.strip("|").split("|")].index(name)


def test_a_cell_is_the_mean_over_families_then_over_folds(tmp_path: Path):
    write_result(tmp_path / "a", "vae", [line(0, 1.0, 0), *(line(k, 2.0, 1) for k in range(1, 9))], fold=0)
    write_result(tmp_path / "b", "vae", [line(0, 4.0, 2)], fold=1)
    write_result(tmp_path / "c", "ae", [line(k, 9.0, int(k > 0)) for k in range(9)], fold=0)
    write_result(tmp_path / "d", "ae", [line(0, 9.0, 2)], fold=1)

    page, machine = written(tmp_path)

    assert row_of(page, "vae")[column(page, "SC")] == "**2.75 ± 1.77**"
    spread = machine["boards"][0]["rows"][1]["test"]["spectral_convergence"]
    assert spread == {
        "mean": 2.75,
        "sd": pytest.approx(np.std([1.5, 4.0], ddof=1)),
        "se": pytest.approx(np.std([1.0, 2.0, 4.0], ddof=1) / 3**0.5),
        "median": 2.0,
    }


def test_a_single_run_has_the_standard_error_over_families(tmp_path: Path):
    write_result(tmp_path / "a", "vae", [line(0, 1.0, 0), line(1, 3.0, 0), line(2, 4.0, 1)])

    page, _ = written(tmp_path)

    assert row_of(page, "vae")[column(page, "SC")] == "**3.00 ± 1.00**"


def test_the_best_is_bold_in_the_direction_of_the_metric(tmp_path: Path):
    write_result(tmp_path / "a", "vae", lines(1.0, 2.0))
    write_result(tmp_path / "b", "ae", lines(3.0, 4.0))

    page, _ = written(tmp_path)

    for name, best in (("MSE_n", "vae"), ("SC", "vae"), ("wmfcc", "vae"), ("rms", "ae")):
        bold = [row for row in ("vae", "ae") if row_of(page, row)[column(page, name)].startswith("**")]
        assert bold == [best]


def test_a_row_of_fewer_folds_is_never_the_best(tmp_path: Path):
    write_result(tmp_path / "a", "vae", lines(1.0, 2.0), fold=0)
    write_result(tmp_path / "b", "ae", lines(3.0, 4.0), fold=0)
    write_result(tmp_path / "c", "ae", lines(3.0, 4.0), fold=1)

    page, _ = written(tmp_path)

    assert [row_of(page, name)[column(page, "folds")] for name in ("vae", "ae")] == ["0", "0,1"]
    assert row_of(page, "vae")[column(page, "SC")] == "1.50 ± 0.50"
    assert row_of(page, "ae")[column(page, "SC")].startswith("**")


def test_the_oracle_is_never_the_best(tmp_path: Path):
    write_result(tmp_path / "a", "vae", lines(1.0, 2.0))
    write_result(tmp_path / "b", "oracle", lines(0.0, 0.0), size="")

    page, _ = written(tmp_path)

    assert row_of(page, "vae")[column(page, "SC")] == "**1.50 ± 0.50**"
    assert row_of(page, "oracle")[column(page, "SC")] == "0"


def test_the_variance_is_analysed_over_families(tmp_path: Path):
    raw = {name: np.random.default_rng(k).random(30) + 0.3 * k for k, name in enumerate(("ae", "vae", "wae"))}
    for name, values in raw.items():
        write_result(tmp_path / name, name, [line(k, v, k // 2) for k, v in enumerate(values.tolist())])

    page, machine = written(tmp_path)
    wanted = stats.f_oneway(*(values.reshape(15, 2).mean(1) for values in raw.values()))

    found = machine["boards"][0]["anova"]["spectral_convergence"]
    assert (found["f"], found["p"]) == pytest.approx((wanted.statistic, wanted.pvalue))
    assert f"F(2, 42) = {wanted.statistic:.2f}" in page


def test_published_figures_stand_beside_ours_where_there_are_some(tmp_path: Path):
    write_result(tmp_path / "a", "flow_reg", lines(1.0))
    write_result(tmp_path / "b", "mean", lines(4.0), size="")
    write_result(tmp_path / "c", "flow_reg", lines(1.0), synth="tone_64", parameters=64)

    page, _ = written(tmp_path)

    assert row_of(page, "flow_reg", "### Beside") == ["flow_reg", "0.250", "0.659", "1.00", "0.197", "1.00", "0.752"]
    assert "For 64 parameters the paper has no figures" in page


def test_the_published_best_are_those_of_the_paper():
    for count, name in ((16, "flow_reg"), (32, "flow_reg")):
        rows = PUBLISHED[count]
        assert min(rows, key=lambda row: rows[row].spectral_convergence) == name
        assert min(rows, key=lambda row: rows[row].mse_n) == "wae"
        assert min(rows, key=lambda row: rows[row].mel_mse) == "flow_reg"


def test_boards_of_a_series_stand_side_by_side(tmp_path: Path):
    for count in (64, 16):
        write_result(tmp_path / f"a{count}", "vae", lines(count), synth=f"tone_{count}", parameters=count)
        write_result(tmp_path / f"b{count}", "ae", lines(99), synth=f"tone_{count}", parameters=count)

    page, _ = written(tmp_path)

    assert row_of(page, "vae", "tone, models of small size: SC") == ["vae", "**16.0**", "**64.0**"]


def test_published_figures_out_of_domain_stand_beside_ours(tmp_path: Path):
    sounds = [line(0, 1.0, category="voice")]
    write_result(tmp_path / "a", "vae", lines(0.0), sounds=sounds, parameters=32, synth="tone_32")
    write_result(tmp_path / "b", "nearest", lines(0.0), sounds=sounds, parameters=32, synth="tone_32", size="")

    page, _ = written(tmp_path)

    assert "| row | all (1) | voice | paper |" in page
    assert [row_of(page, row, "### Out of domain: SC")[-1] for row in ("vae", "nearest")] == ["1.24", "–"]
    assert "paper" not in page[page.index("### Out of domain: log-mel") :].partition("\n\n")[0]


def test_out_of_domain_sounds_are_shown_by_category(tmp_path: Path):
    sounds = [line(0, 1.0, category="voice"), line(1, 5.0, category="drum"), line(2, 2.0, category="drum")]
    write_result(tmp_path / "a", "vae", lines(0.0), sounds=sounds)

    page, _ = written(tmp_path)

    assert "| row | all (3) | drum | voice |" in page
    assert row_of(page, "vae", "### Out of domain: SC") == ["vae", "**2.67 ± 1.20**", "**3.50 ± 1.50**", "**1.00**"]


def test_sounds_without_a_category_are_among_all(tmp_path: Path):
    sounds = [line(0, 1.0, category="voice"), line(1, 4.0)]
    write_result(tmp_path / "a", "vae", lines(0.0), sounds=sounds)

    page, _ = written(tmp_path)

    assert "| row | all (2) | voice |" in page
    assert row_of(page, "vae", "### Out of domain: SC") == ["vae", "**2.50 ± 1.50**", "**1.00**"]


def test_costs_are_those_of_the_summaries(tmp_path: Path):
    summary = {"capacity": 12_345, "prediction_ms": 4.2, "device": "cpu", "trained": {"minutes": 30.0, "epochs": 500}}
    write_result(tmp_path / "a", "vae", lines(0.0), summary=summary)

    page, _ = written(tmp_path)

    assert row_of(page, "vae", "### Costs") == ["vae", "12,345", "500", "30.0", "4.20", "cpu"]


def test_faults_are_counted(tmp_path: Path):
    write_result(
        tmp_path / "a", "vae", [line(0, 1.0), line(1, 9.0, fault="refused"), line(2, None, fault="target: no")]
    )

    page, _ = written(tmp_path)

    assert row_of(page, "vae")[column(page, "faults")] == "2"
    assert row_of(page, "vae")[column(page, "SC")] == "**5.00 ± 4.00**"


def test_latent_separation_is_shown(tmp_path: Path):
    entry = {"words": ["dark", "bright"], "space": "after", "auc": 0.9, "d_prime": 1.5}
    write_result(tmp_path / "a", "flow_dis", lines(0.0), fold=0, summary={"separation": [entry]})
    write_result(tmp_path / "b", "flow_dis", lines(0.0), fold=1, summary={"separation": [entry | {"auc": 0.8}]})

    page, _ = written(tmp_path)

    assert row_of(page, "flow_dis", "### Separation") == ["flow_dis", "dark / bright", "after", "0.850", "1.50"]


def test_what_macro_controls_do_is_shown(tmp_path: Path):
    entry = {"words": ["dark", "bright"], "sounds": 50, "heard": 0.9, "others": 0.1}
    write_result(tmp_path / "a", "flow_dis", lines(0.0), fold=0, summary={"traversal": [entry]})
    write_result(tmp_path / "b", "flow_dis", lines(0.0), fold=1, summary={"traversal": [entry | {"heard": 0.7}]})
    write_result(tmp_path / "c", "flow_reg", lines(0.0), fold=0)  # evaluated before there was such a thing

    page, _ = written(tmp_path)

    assert row_of(page, "flow_dis", "### Traversal") == ["flow_dis", "dark / bright", "100", "0.80 ± 0.04", "0.100"]


def test_tags_are_shown(tmp_path: Path):
    write_result(tmp_path / "a", "vae", lines(0.0))
    pair = {
        "words": ["dark", "bright"],
        "counts": {"train": [90, 80], "test": [10, 9]},
        "sound": 0.8,
        "parameters": 0.7,
    }
    tags = {"synth": "tone_16", "fold": 0, "attributes": [pair, {"words": ["a", "b"], "counts": {"test": [1, 0]}}]}
    (tmp_path / "tags.json").write_text(json.dumps(tags))

    page, _ = written(tmp_path)

    assert "| tone_16 | 0 | dark / bright | 10 + 9 | 0.800 | 0.700 |" in page
    assert "| tone_16 | 0 | a / b | 1 + 0 | – | – |" in page


def test_a_page_is_made_of_the_json_alone(tmp_path: Path):
    entry = {"words": ["dark", "bright"], "sounds": 50, "heard": 0.9, "others": 0.1}
    write_result(tmp_path / "a", "flow_reg", lines(1.0, 2.0), summary={"prediction_ms": 4.2, "traversal": [entry]})
    write_result(tmp_path / "b", "vaeflow", lines(2.0, 3.0))
    write_result(tmp_path / "c", "mean", lines(4.0, 5.0), size="")
    page, machine = written(tmp_path)
    (tmp_path / "docs" / "t.md").unlink()

    beside = rewrite_tables(tmp_path / "docs" / "t.md")

    assert (tmp_path / "docs" / "t.md").read_text() == page
    assert json.loads(beside.read_text()) == machine


def test_a_page_of_old_names_is_written_under_todays(tmp_path: Path):
    summary = {"prediction_ms": 4.2, "traversal": []}
    write_result(tmp_path / "a", "flow_joint", lines(1.0), summary=summary, sizes={"attributes": 3})
    write_result(tmp_path / "b", "flow_joint", lines(2.0), summary=summary, sizes={"attributes": 0})
    write_result(tmp_path / "c", "mean", lines(4.0), size="")
    page, machine = written(tmp_path)
    old = json.dumps(machine)
    for new, before in {"prediction_ms": "one_shot_ms", "traversal": "turning", '"baseline"': '"trivial"'}.items():
        old = old.replace(new, before)
    old = old.replace("(attributes=0)", "(pairs=0)").replace("(attributes=3)", "(pairs=3)")
    (tmp_path / "docs" / "t.json").write_text(old.replace("Attributes cost", "Words cost"))

    rewrite_tables(tmp_path / "docs" / "t.md")

    assert "one_shot_ms" in old
    assert "(pairs=" in old
    assert (tmp_path / "docs" / "t.md").read_text() == page
    assert json.loads((tmp_path / "docs" / "t.json").read_text()) == machine


@pytest.mark.parametrize("text", ["{}", '{"boards": [1], "claims": [], "tags": []}'])
def test_json_of_something_else_is_refused(tmp_path: Path, text: str):
    (tmp_path / "t.json").write_text(text)

    with pytest.raises(StorageError, match=r"t.json: not the numbers of a page of tables"):
        rewrite_tables(tmp_path / "t.md")


def test_no_line_of_text_is_longer_than_120_columns(tmp_path: Path):
    for row in ("flow_reg", "vaeflow", "ae"):
        write_result(tmp_path / row, row, lines(*np.arange(20.0)), synth="dexed_32", parameters=32)

    page, _ = written(tmp_path)

    assert [line for line in page.split("\n") if len(line) > 120 and not line.startswith("|")] == []
