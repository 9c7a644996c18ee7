"""The documents: their code runs, their links and names exist."""

import importlib.util
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

import patchflow
from patchflow.cli.main import app

PACKAGE = Path(patchflow.__file__).parent
ROOT = PACKAGE.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"])
CARDS = sorted(PACKAGE.glob("models/weights/*.md"))
RUN = sorted(
    [
        *ROOT.glob("*.md"),
        ROOT / "docs" / "models.md",
        ROOT / "docs" / "matching.md",
        ROOT / "docs" / "turning.md",
        ROOT / "docs" / "morphing.md",
        ROOT / "docs" / "variations.md",
        ROOT / "docs" / "sketching.md",
        ROOT / "docs" / "map.md",
    ]
)  # other guides need files that are not shipped
SNIPPETS = [(page.name, code) for page in RUN for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)]

YOURS = {
    "bank.syx:3",
    "bank.syx:17",
    "piano.syx",
    "organ.syx",
    "brass.syx",
    "sound.wav",
    "voices",
    "recordings",
    "bell.flac",
    "mine.fxp",
    "mine.vital",
    "PATH",
    "YOUR_PLUGIN",
}
"""Files of the reader: the page, or one that it names, says where to get them."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
each_index = pytest.mark.parametrize("folder", ["benchmarks", "docs"])


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

    assert [target for target in targets if not (page.parent / target).exists()] == []


@each_page
def test_path_that_is_mentioned_exists(page: Path):
    paths = re.findall(r"`((?:patchflow|tests|recipes|benchmarks|docs)/[\w/.*-]+)`", page.read_text())

    assert [path for path in paths if "NAME" not in path and not (ROOT / path).exists()] == []


@each_page
def test_a_table_is_whole(page: Path):
    """A row behind an empty line is shown as plain text."""
    first_rows = re.findall(r"\n\n\|.*\n(.*)\n", page.read_text())

    assert [line for line in first_rows if not line.startswith("|--")] == []


@each_page
def test_what_is_to_be_installed_is_the_source(page: Path):
    """No package index has the project."""
    assert not re.search(r"pip install '?patchflow\b", page.read_text())


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


@each_page
def test_option_that_is_mentioned_exists(page: Path):
    for words in _commands(page):
        command, rest = _command(words)
        known = {"--help"} | {name for parameter in command.params for name in parameter.opts}

        assert {word for word in rest if re.match("--?[a-z]", word)} <= known, " ".join(words)


@each_page
def test_file_that_a_command_needs_is_there_or_the_readers_or_made_before(page: Path):
    made: list[str] = ["patchflow-out"]
    for words in _commands(page):
        needed, outputs = _files(words)

        assert [file for file in needed if not _is_there(file, made)] == [], " ".join(words)
        made += outputs


def test_a_missing_file_would_be_found():
    needed, outputs = _files(["dataset", "recipes/datasets/dexed.toml", "-o", "sounds", "presets=there/b.npz"])

    assert needed == ["recipes/datasets/dexed.toml", "there/b.npz"]
    assert outputs == ["sounds"]
    assert not _is_there("there/b.npz", ["here"])
    assert _files(["train", "recipes/dexed-cpu.toml"]) == (
        ["recipes/dexed-cpu.toml", "cache/dx7-bank.npz"],
        ["runs/dexed-cpu"],
    )


@pytest.mark.parametrize("page", [*PAGES, *CARDS], ids=lambda page: str(page.relative_to(ROOT)))
def test_no_line_is_longer_than_120_columns(page: Path):
    assert [line for line in page.read_text().split("\n") if _columns(line) > 120] == []


@each_index
def test_index_is_what_its_script_writes(folder: str):
    file = ROOT / "benchmarks" / "index.py"
    spec = importlib.util.spec_from_file_location("index", file)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    written = script.benchmarks_index() if folder == "benchmarks" else script.docs_index()

    assert (ROOT / folder / "README.md").read_text() == written, "python benchmarks/index.py writes it"


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


def test_the_tree_is_of_today():
    import runpy

    script = runpy.run_path(str(ROOT / "docs" / "make_tree.py"))
    text = (ROOT / "ARCHITECTURE.md").read_text()

    assert text == script["with_tree"](text), "python docs/make_tree.py writes it anew"


def _commands(page: Path) -> list[list[str]]:
    """The commands of patchflow in a page's blocks, each as its words after `patchflow`."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.S | re.M)
    lines = "\n".join(blocks).replace("\\\n", " ").split("\n")
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("patchflow ")]


def _command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words call, and the words after its name."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words[0]]
        words = words[1:]
    return command, words


def _files(words: list[str]) -> tuple[list[str], list[str]]:
    """The files that a command reads, those of its recipe among them, and those that it writes."""
    needed: list[str] = []
    outputs: list[str] = []
    keys: dict[str, Any] = {}
    before = ""
    for word in _command(words)[1]:
        key, is_pair, value = word.partition("=")
        if before in ("-o", "--out"):
            outputs.append(word)
        elif is_pair and not word.startswith("-"):
            keys[key] = value
        elif "/" in word or Path(word).suffix[1:].isalpha():
            needed.append(word)
        before = word
    if words[0] == "convert":
        outputs.append(needed.pop())
    recipes = [ROOT / word for word in needed if word.endswith(".toml")]
    for recipe in recipes:
        keys = _resolved(recipe) | keys
    for key in ("bank", "data", "presets", "start"):
        value = keys.get(key, [])
        needed += [value] if isinstance(value, str) else value
    return needed, [*outputs, *([keys["out"]] if "out" in keys else [])]


def _resolved(recipe: Path) -> dict[str, Any]:
    """The keys of a recipe over those of its base."""
    values = tomllib.loads(recipe.read_text())
    base = values.pop("base", "")
    return _resolved(recipe.parent / base) | values if base else values


def _is_there(file: str, made: list[str]) -> bool:
    if file in YOURS or file.startswith(("/", "http://")) or (ROOT / file).exists():
        return True
    return any(Path(file).is_relative_to(place) for place in made)


def _columns(line: str) -> int:
    """The length of a line. Rows of tables do not count, and addresses of links do not: neither can be broken."""
    return 0 if line.startswith("|") else len(re.sub(r"\]\([^)]*\)", "]()", line))
