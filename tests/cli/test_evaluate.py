"""`patchflow evaluate` and `patchflow tables`: from runs and examples to a page."""

import json
import shutil
from pathlib import Path

import pytest

from tests.evaluate.material import make_examples, make_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    make_run(folder / "run", make_examples(folder / "examples"))
    return folder


@pytest.fixture
def run(shell, made: Path) -> Path:
    return shutil.copytree(made / "run", shell.folder / "run")


def test_a_run_is_judged_and_shown_in_tables(shell, run: Path):
    judged = shell.run("evaluate", "run", "--most", 2)
    shown = shell.run("tables", "run", "-o", "docs/t.md")

    assert (judged.code, judged.out, judged.err) == (0, "run: posterior, 2 test sounds, 0 faults\n", "")
    assert (shown.code, shown.out) == (0, "docs/t.md\ndocs/t.json\n")
    assert "| posterior | 0 | 1 | 2 | 2 |" in (shell.folder / "docs" / "t.md").read_text()
    assert json.loads((shell.folder / "docs" / "t.json").read_text())["boards"][0]["synth"] == "tone"


@pytest.mark.slow
def test_trivial_rows_are_judged_beside_runs(shell, run: Path, made: Path):
    shell.run("evaluate", "run", "--most", 2)
    judged = shell.run("evaluate", "--baselines", made / "examples", "-o", "beside", "--most", 2)
    shown = shell.run("tables", "run", "beside", "-o", "t.md")

    assert (judged.code, judged.err) == (0, "")
    assert judged.out.splitlines()[0] == "beside/oracle: oracle, 2 test sounds, 0 faults"
    assert shown.code == 0
    page = (shell.folder / "t.md").read_text()
    assert all(f"| {row} | 0 | 1 | 2 | 2 |" in page for row in ("posterior", "oracle", "mean", "random", "nearest"))


def test_json_is_for_machines(shell, run: Path):
    done = shell.run("evaluate", "run", "--most", 1, "--json")

    assert json.loads(done.out)["test"] == {"items": 1, "faults": 0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "none/recipe.json: no such file"),
        (["run", "--data", "elsewhere"], "elsewhere: holds no examples"),
        (["run", "--sounds", "elsewhere"], "elsewhere: no such folder"),
        (["run", "--most", "0"], "most=0: not at least 1"),
        (["run", "--workers", "0"], "workers=0: not at least 1"),
        (["run", "--device", "tpu"], "device='tpu': not cpu or cuda"),
        (["--baselines", "run", "-o", "b"], "run: holds no examples"),
        (["--baselines", "run", "-o", "b", "--fold", "-1"], "fold=-1: not at least 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_judged_is_one_line(shell, run: Path, words: list[str], message: str):
    done = shell.run("evaluate", *words)

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give run folders or --baselines, and not both"),
        (["run", "--baselines", "e", "-o", "b"], "give run folders or --baselines, and not both"),
        (["run", "-o", "b"], "--out goes with --baselines"),
        (["--baselines", "e"], "--out goes with --baselines"),
        (["run", "--most", "few"], "'few' is not a whole number"),
    ],
)
def test_a_mistake_in_the_options_is_one_line(shell, words: list[str], message: str):
    done = shell.run("evaluate", *words)

    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "has no results.jsonl"), ("{}\n", "not a result file"), ("{\n", "line 1 is damaged")],
)
def test_results_that_cannot_be_shown_are_one_line(shell, text: str | None, message: str):
    (shell.folder / "r").mkdir()
    if text is not None:
        (shell.folder / "r" / "results.jsonl").write_text(text)

    done = shell.run("tables", "r", "-o", "t.md")

    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert message in done.err
    assert not (shell.folder / "t.md").exists()
