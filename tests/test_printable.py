"""Texts out of files: nothing in them acts on a terminal, a log or a page, and ordinary letters stay."""

import ast
import json
import unicodedata
from pathlib import Path

import pytest

import patchflow.cli
from patchflow.printable import json_line, markdown_text, printable, tame_markup

ACTING = (
    "\x1b", "\x07", "\x08", "\x00", "\x7f", "\x9b", "\n", "\r", "\t", "\x0b", "\x85", "\u061c", "\u200b", "\u200e",
    "\u200f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069", "\ufeff", "\udcff", "\ud800", "\U000e0041",
)  # fmt: skip
LETTERS = ("ピアノ", "ｶﾀｶﾅ", "пианино", "عود", "क्षि", "می‌خواهم", "👩‍🎤", "❤️", "e\u0301", "한국어", "a|b `c` <d>")


@pytest.mark.parametrize("letter", ACTING, ids=ascii)
def test_what_acts_is_spelt_out(letter: str):
    shown = printable(f"a{letter}b")

    assert shown.isascii()
    assert shown.isprintable()
    assert json.loads(json_line(json.dumps(f"a{letter}b", ensure_ascii=False))) == f"a{letter}b"
    assert letter not in json_line(json.dumps(letter, ensure_ascii=False))


@pytest.mark.parametrize("text", LETTERS)
def test_letters_of_all_scripts_stay(text: str):
    assert printable(text) == text


def test_no_control_and_no_order_of_text_is_left_of_all_there_are():
    left = {letter for letter in map(chr, range(0x110000)) if printable(f"a{letter}") == f"a{letter}"}

    assert {unicodedata.category(letter) for letter in left} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert not any(unicodedata.bidirectional(letter) in ("RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI")
                   for letter in left)  # fmt: skip


def test_a_joiner_that_joins_nothing_is_spelt_out():
    assert printable("a\u200db\u200d") == "a\\u200db\\u200d"


def test_markdown_shows_markup_as_text():
    assert markdown_text("![x](http://a) <img> a|b _c_ d_e *f* # g") == (
        "!\\[x\\](http://a) &lt;img&gt; a\\|b \\_c\\_ d_e \\*f\\* # g"
    )
    assert tame_markup("**1.0** <0.1 <b> `a`") == "**1.0** <0.1 &lt;b> \\`a\\`"


def test_the_command_line_prints_through_one_module():
    found = []
    for path in Path(patchflow.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.rpartition(".")[2] in ("echo", "secho", "print", "write"):
                found.append(path.name)

    assert set(found) == {"_console.py", "__main__.py"}  # the second before anything is imported


def test_a_preset_named_like_a_command_is_printed_as_it_is_spelt(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    from patchflow.cli import run

    folder = tmp_path / "a\x1b]0;owned\x07\nforged\u202e"
    code = run(["convert", str(folder / "no.syx"), str(tmp_path / "b.json")])
    out, err = capfd.readouterr()

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "a\\x1b]0;owned\\x07 forged\\u202e" in err
