"""The documents: their code runs, their links and names exist."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

import patchflow
from patchflow.cli.main import app

PACKAGE = Path(patchflow.__file__).parent
ROOT = PACKAGE.parent
PAGES = sorted(ROOT.glob("*.md"))
SNIPPETS = [(page.name, code) for page in PAGES for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_readme_shows_code():
    assert "README.md" in dict(SNIPPETS)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "code"), SNIPPETS, ids=[f"{page}-{i}" for i, (page, _) in enumerate(SNIPPETS)])
def test_snippet_runs(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(PACKAGE / "examples" / "bell.flac", tmp_path / "sound.wav")  # the content tells the format
    monkeypatch.chdir(tmp_path)

    exec(compile(code, page, "exec"), {})


@each_page
def test_link_leads_somewhere(page: Path):
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())

    assert [target for target in targets if not (ROOT / target).exists()] == []


@each_page
def test_path_that_is_mentioned_exists(page: Path):
    paths = re.findall(r"`((?:patchflow|tests|recipes|benchmarks|docs)/[\w/.*-]+)`", page.read_text())

    assert [path for path in paths if "NAME" not in path and not (ROOT / path).exists()] == []


@each_page
def test_make_target_that_is_mentioned_exists(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    mentioned = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.M)

    assert set(mentioned) <= targets


@each_page
def test_subcommand_that_is_mentioned_exists(page: Path):
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    code = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.S | re.M) + re.findall(
        r"`([^`\n]+)`", page.read_text()
    )
    mentioned = re.findall(r"^patchflow ([a-z]+)", "\n".join(code), re.M)

    assert set(mentioned) <= commands | {group.name for group in app.registered_groups}


def test_every_subcommand_is_in_the_readme():
    text = (ROOT / "README.md").read_text()

    for command in app.registered_commands:
        assert f"`patchflow {command.name or command.callback.__name__}" in text  # type: ignore[union-attr]


def test_the_layers_are_those_of_the_contract():
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    text = (ROOT / "ARCHITECTURE.md").read_text()

    shown = text.split("<!-- layers:start -->")[1].split("<!-- layers:end -->")[0].strip().strip("`").split("\n")

    assert [line for line in shown if line] == [layer for layer in contract["layers"] if "__main__" not in layer]


def test_every_part_is_explained():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    parts = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} | {path.stem for path in PACKAGE.glob("*.py")}

    assert {part for part in parts if f"| `{part}` |" not in text} <= {"__init__", "__main__"}


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert re.search(rf"^## \[(Unreleased|{re.escape(version)})\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
