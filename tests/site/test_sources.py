"""What pages are made of: lines of the source, result files, docstrings and links."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from patchflow.errors import StorageError, UnknownName

from .conftest import ROOT

JOINT = ROOT / "patchflow" / "models" / "flow_joint.py"


def _load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "site"))
    return importlib.import_module(name)


def test_a_line_is_the_one_where_the_method_begins(monkeypatch: pytest.MonkeyPatch):
    lines = _load("code_lines", monkeypatch)

    line = lines.line_of(JOINT, "FlowJoint.loss")

    assert JOINT.read_text("utf-8").split("\n")[line - 1].strip().startswith("def loss(self, batch: Batch")


def test_a_name_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch):
    lines = _load("code_lines", monkeypatch)

    with pytest.raises(UnknownName, match=r"Did you mean 'FlowJoint\.loss'"):
        lines.line_of(JOINT, "FlowJoint.los")


def test_paper_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = _load("results", monkeypatch)
    (tmp_path / "paper.json").write_text(json.dumps({"boards": []}))

    with pytest.raises(StorageError, match=r"paper\.json: lacks 'claims', so it is of another version"):
        results.Paper(tmp_path / "paper.json")


@pytest.mark.parametrize(("text", "says"), [("{}", "line 1 lacks 'budget'"), ("oh", "line 1 is not JSON")])
def test_lines_of_another_version_are_refused(text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = _load("results", monkeypatch)
    (tmp_path / "lines.jsonl").write_text(text)

    with pytest.raises(StorageError, match=says):
        results.Lines(tmp_path / "lines.jsonl")


def test_lines_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = _load("results", monkeypatch)

    with pytest.raises(StorageError, match=r"none\.jsonl: cannot be read: No such file"):
        results.Lines(tmp_path / "none.jsonl")


def test_a_box_has_the_quantiles_of_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results = _load("results", monkeypatch)
    lines = [{"item": i, "row": "search", "budget": "1", "mss": i} for i in range(101)]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))

    drawn = results.Lines(tmp_path / "lines.jsonl").boxes("mss", "MSS", "MSS")

    cells = "".join(f"<td>{number}</td>" for number in (5, 25, 50, 75, 95))
    assert f'<th scope="row">search</th>{cells}' in drawn


def test_a_board_has_every_model(monkeypatch: pytest.MonkeyPatch):
    results = _load("results", monkeypatch)
    paper = results.Paper(ROOT / "docs" / "paper.json")

    for board in paper.boards:
        drawn = paper.board(board)
        assert [row["name"] for row in board["rows"] if f">{row['name']}</th>" not in drawn] == []


def test_text_of_others_is_harmless(monkeypatch: pytest.MonkeyPatch):
    snippets = _load("snippets", monkeypatch)

    assert "<script" not in snippets.table(("<script>",), [("<script>", "<script>")], "<script>")
    assert "<script" not in snippets.card("<script>", "", "<script>")


def test_code_in_a_docstring_stays_code(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("sphinx")
    parts = _load("sphinx_parts", monkeypatch)

    assert parts.mended("The `value` of |det|, by q_.") == r"The ``value`` of \|det\|, by q\_."
    assert parts.mended("* a list") == "* a list"
    assert list(parts.with_room(["* a", "  + b", "* c"])) == ["* a", "", "  + b", "", "* c"]


def test_a_link_to_a_file_that_is_no_page_leads_to_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("sphinx")
    assemble = _load("assemble", monkeypatch)
    links = "[a](../a.md) [d](../data.json) [c](../code.py)"
    for name in ("a.md", "docs/b.md", "data.json", "code.py"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(f"{links}\n```\n[d](../data.json)\n```")
    assembly = assemble.Assembly(tmp_path / "root", tmp_path / "sources", tmp_path / "extra")

    (tmp_path / "root" / "a.md").write_text("")
    assembly.add(["a.md", "docs/b.md"])

    assert (tmp_path / "sources" / "docs" / "b.md").read_text() == (
        '[a](../a.md) <a href="../files/data.json">d</a> <a href="../source/code.py.html">c</a>\n'
        "```\n[d](../data.json)\n```"
    )
    assert (tmp_path / "extra" / "files" / "data.json").exists()
    assert assembly.source_files == {"code.py"}
