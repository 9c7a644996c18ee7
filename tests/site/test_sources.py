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


def _way(change: float) -> dict[str, float]:
    return {"better": 40, "change_percent": change, "spread_percent": 1.0}


def _morphs(change: float) -> dict[str, object]:
    entry = {"pairs": 9, "heard_mean_db": 3.0, "heard_largest_db": 5.0}
    ways = {"parameters": entry | {"nonsmoothness": _way(0.0), "nonlinearity": _way(0.0)}}
    ways["heard"] = entry | {"nonsmoothness": _way(change), "nonlinearity": _way(change)}
    return {"features": 46, "synths": {"dexed": ways}}


def test_what_was_not_measured_yet_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    measured = _load("measured", monkeypatch).Measured(tmp_path)

    for text in (measured.macros(), measured.morphs(), measured.variations(), measured.sketches()):
        assert "Nothing was measured yet" in text
        assert "<table" not in text


def test_a_result_file_becomes_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "morphs.json").write_text(json.dumps(_morphs(-31.5)))

    text = _load("measured", monkeypatch).Measured(tmp_path).morphs()

    assert text.count("-31.5 ± 1.0 %") == 2
    assert "9 pairs of presets" in text
    assert "From `benchmarks/results/morphs.json`" in text


def test_turns_are_summed_up_by_way_and_by_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    brightness = {"row": "turn", "preset": "A", "attribute": "brightness"}
    attack = {"row": "turn", "preset": "A", "attribute": "attack"}
    turned = {"monotonicity": 1.0, "span": 3.0, "leakage": 0.25, "cents": 2.0, "seconds": 0.5}
    lines = [
        {"facts": {"commit": "abc"}, "map": "none", "split": "test"},
        {**brightness, **turned},
        {**attack, **turned, "monotonicity": 0.5, "span": 1.0},
        {**attack, "preset": "B", "refused": "silent"},
    ]
    (tmp_path / "tone-macros.jsonl").write_text("\n".join(map(json.dumps, lines)))

    text = _load("measured", monkeypatch).Measured(tmp_path).macros()

    assert "tone: 2 held-out presets" in text
    row = "<td>0.500</td><td>1.33</td><td>0.25</td><td>2</td><td>2 of 3</td>"
    assert f'<th scope="row">turn, the engine in the loop</th>{row}' in text
    own = "<td>0.250</td><td>0.50</td><td>0.25</td><td>2</td><td>1 of 2</td>"
    assert f'<th scope="row">attack</th>{own}' in text


def test_variations_become_a_row_a_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one = {
        "found": 1.0, "audible": 1.0, "correlation": 0.998, "mean_absolute_error_db": 0.4, "mean_absolute_cents": None,
        "mean_louder_lu": 1.2,
    }  # fmt: skip
    ways = dict.fromkeys(("vary", "perturb", "swap", "nearest"), one)
    (tmp_path / "variations.json").write_text(json.dumps({"tone": {**ways, "presets": 7}}))

    text = _load("measured", monkeypatch).Measured(tmp_path).variations()

    assert text.count("<td>0.998</td><td>0.4 dB</td><td></td><td>1.2 LU</td>") == 4
    assert "tone: 7 presets" in text


@pytest.mark.parametrize("name", ["morphs", "variations", "sketches"])
def test_results_of_another_version_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / f"{name}.json").write_text(json.dumps({"features": {}, "old": {}}))
    measured = _load("measured", monkeypatch).Measured(tmp_path)

    with pytest.raises(StorageError, match=rf"{name}\.json: lacks .*, so it is of another version of {name}\.py"):
        getattr(measured, name)()


def test_the_table_of_sketches_is_that_of_its_result_file(monkeypatch: pytest.MonkeyPatch):
    results = ROOT / "benchmarks" / "results"
    found = json.loads((results / "sketches.json").read_text("utf-8"))

    text = _load("measured", monkeypatch).Measured(results).sketches()

    assert f"<td>{found['notes']['patchflow']['mean']['F1']:.3f}</td>" in text
    assert f"<td>{found['played']['dexed']['median']['distance, dB']:.1f} dB</td>" in text


def test_a_contour_is_broken_where_the_voice_pauses(monkeypatch: pytest.MonkeyPatch):
    sections = _load("sections", monkeypatch)
    clip = sections.Clip("a.mp3", "a")
    notes = (sections.Note(0.0, 0.02, 60.0, 100), sections.Note(0.02, 0.02, 61.0, 100))
    contour = ((0.0, 60.2), (0.016, 60.1), (0.032, 61.0), (0.5, 61.0))
    sketch = sections.Sketch("A", clip, "", contour, notes, clip, clip, {}, 1.0)

    rows = _load("section_pages", monkeypatch).contour_rows(sketch)

    assert rows == [
        ("0.000", "60.2", "60"), ("0.016", "60.1", "60"), ("0.031", "61", ""), ("0.032", "61", "61"),
        ("0.499", "", ""), ("0.500", "61", ""),
    ]  # fmt: skip


def test_every_script_that_makes_examples_is_called_by_the_one_that_makes_all():
    scripts = {path.stem for path in (ROOT / "site").glob("make_*.py")} - {"make_all"}
    text = (ROOT / "site" / "make_all.py").read_text("utf-8")

    assert scripts
    assert {name for name in scripts if f"{name}.make(" in text or f"{name}.make," in text} == scripts


def test_a_folded_example_is_reached_by_its_address(monkeypatch: pytest.MonkeyPatch):
    snippets = _load("snippets", monkeypatch)

    drawn = snippets.fold("A & B <1>", "<p>inside</p>", "set-A & B <1>", "a note", is_open=True)

    assert drawn == (
        '<details class="pf-fold" open><summary><h3>A &amp; B &lt;1&gt;</h3><span class="note">a note</span></summary>'
        '<div class="inside" id="set-a-b-1"><p>inside</p></div></details>'
    )
    assert snippets.fold("A", "", "a").startswith('<details class="pf-fold"><summary><h3>A</h3></summary>')


def test_separation_has_a_row_a_model_and_space(monkeypatch: pytest.MonkeyPatch):
    results = _load("results", monkeypatch)
    paper = results.Paper(ROOT / "docs" / "paper.json")
    spaces = [
        {"words": ["Dark", "Bright"], "space": "latent", "auc": 0.9},
        {"words": ["Dark", "Bright"], "space": "disentangled", "auc": 0.95},
    ]
    board = {"title": "T", "rows": [{"name": "flow_dis", "separation": spaces}, {"name": "mlp", "separation": []}]}

    drawn = paper.separation(board)

    assert '<th scope="row">flow_dis, the best dimension</th><td>0.90</td>' in drawn
    assert '<th scope="row">flow_dis, the attribute&#x27;s dimension</th><td>0.95</td>' in drawn
    assert "mlp" not in drawn
