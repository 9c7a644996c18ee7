"""`benchmarks/house.py` counts what it says it counts."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

import patchflow

ROOT = Path(patchflow.__file__).parent.parent
PACKED = "a, b = f(), 2\n"
NESTED = "rows = [[x for x in y] for y in z]\n"
THRICE = "rows = [[[x for x in y] for y in z] for z in w]\n"


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("house")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_files_and_lines_are_counted(house, tmp_path: Path):
    measures = house.measure(write(tmp_path, one="x = 1\n", two="x = 1\n\ny = 2\n"))

    assert (measures["files"], measures["lines"], measures["file median, lines"]) == (2, 4, 2)


def test_init_and_main_are_no_modules(house, tmp_path: Path):
    (tmp_path / "__init__.py").write_text("x = 1\n")
    (tmp_path / "__main__.py").write_text("x = 1\n")

    measures = house.measure(write(tmp_path, one="x = 1\n"))

    assert (measures["files"], measures["modules"]) == (3, 1)


def test_a_docstring_is_no_part_of_a_function(house, tmp_path: Path):
    measures = house.measure(write(tmp_path, one='def f():\n    """Says.\n\n    More.\n    """\n    return 1\n'))

    assert measures["function median, lines without docstring"] == 2
    assert measures["docstrings, % of lines"] == pytest.approx(100 * 4 / 6, abs=0.01)


def test_private_names_need_no_docstring(house, tmp_path: Path):
    code = 'def f():\n    """Says."""\n\n\ndef g(): ...\n\n\ndef _h(): ...\n'

    assert house.measure(write(tmp_path, one=code))["public names documented, %"] == 50


def test_comments_on_their_own_line_are_told_from_trailing_ones(house, tmp_path: Path):
    measures = house.measure(write(tmp_path, one='# why\nx = 1  # also\ny = "# text"\nz = 3\n'))

    assert measures["own-line comments, % of lines"] == 25
    assert measures["trailing comments, % of lines"] == 25


@pytest.mark.parametrize("comment", ["#!/usr/bin/env python", "# noqa: E501", "# type: ignore", "# pyright: strict"])
def test_what_a_tool_reads_is_no_comment(house, comment: str, tmp_path: Path):
    assert house.measure(write(tmp_path, one=f"{comment}\n"))["own-line comments, % of lines"] == 0


@pytest.mark.parametrize(("code", "inner"), [("rows = [x for x in y for y in z]\n", 0), (NESTED, 1), (THRICE, 2)])
def test_an_inner_comprehension_counts_once(house, code: str, inner: int, tmp_path: Path):
    assert house.measure(write(tmp_path, one=code))["comprehensions inside another"] == inner


def test_two_loops_in_one_comprehension_count(house, tmp_path: Path):
    measures = house.measure(write(tmp_path, one="rows = [x for x in y for y in z]\n", two=NESTED))

    assert measures["comprehensions with another inside or with two `for`s"] == 2


def test_packs_and_those_with_calls_count(house, tmp_path: Path):
    measures = house.measure(write(tmp_path, one=PACKED, two="a, b = 1, 2\n", three="a, b = f()\n"))

    assert (measures["packs (`a, b = x, y`)"], measures["packs with calls"]) == (2, 1)


def test_a_name_that_two_modules_define_is_found(house, tmp_path: Path):
    code = "LEAST = 1\n\n\ndef draw(): ...\n\n\ndef _draw(): ...\n"

    measures = house.measure(write(tmp_path, one=code, two=code))

    assert measures["public names defined more than once"] == 1
    assert measures["constants defined more than once"] == 1


def test_commands_and_entries_may_share_a_name(house, tmp_path: Path):
    write(tmp_path, cli__in__tone="def tone(): ...\n", tone="def tone(): ...\n", synths__in__tone="def tone(): ...\n")
    write(tmp_path, synths__in___registry='synths = Registry("any.synths", "synth")\n')

    measures = house.measure(tmp_path)

    assert measures["public names defined more than once"] == 1
    assert measures["public names defined more than once, CLI and entries aside"] == 0
    assert measures["file names in more than one folder"] == 1
    assert measures["file names in more than one folder, CLI and entries aside"] == 0


def test_an_entry_may_be_small(house, tmp_path: Path):
    write(tmp_path, synths__in__tone="def tone(): ...\n", synths__in___registry='synths = Registry("any.synths")\n')

    small = house.small_modules(house.read_sources(tmp_path))

    assert [source.path.name for source in small] == ["_registry.py"]


def test_an_underscore_does_not_make_another_file_name(house, tmp_path: Path):
    write(tmp_path, one__in__files="x = 1\n", two__in___files="x = 1\n")

    assert house.measure(tmp_path)["file names in more than one folder, CLI and entries aside"] == 1


def test_tables_links_and_code_may_be_wide(house, tmp_path: Path):
    words = "word " * 30
    page = tmp_path / "page.md"
    page.write_text(f"{words}\n| {words} |\n[{words}](there)\n```\n{words}\n```\nshort\n{words}\n")

    assert house.long_lines([page]) == ["page.md:1", "page.md:8"]


def test_generated_documents_do_not_count(house, tmp_path: Path):
    (tmp_path / "made.md").write_text("# Results\n\nMade by a script. Do not edit.\n")
    (tmp_path / "written.md").write_text("# Guide\n")

    assert house.documents_of(tmp_path) == [tmp_path / "written.md"]


def test_before_is_shown_beside_today(house, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    before = tmp_path / "before.json"
    package = write(tmp_path / "package", one="x = 1\n")
    before.write_text(json.dumps({"package": {"files": 7, "gone": 1, "files per package": {}}}))
    monkeypatch.setattr("sys.argv", ["house.py", str(package), "--before", str(before)])

    house.main()

    printed = capsys.readouterr().out.splitlines()
    assert {"| | package before | package |", "| files | 7 | 1 |", "| gone | 1 | – |"} <= set(printed)
