"""Settings of any kind: lists are read from files and overrides, and what is wrong is named."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from patchflow.errors import EngineError, OptionError
from patchflow.settings import check_ranges, check_shares, check_table, quoted, read_settings


@dataclass(frozen=True)
class Soup:
    """Something with lists."""

    herbs: tuple[str, ...] = ()
    hours: tuple[int, int] = (1, 2)
    litres: tuple[float, float] = (0.5, 1.0)


def read(folder: Path, text: str, **overrides: str) -> Soup:
    path = folder / "soup.toml"
    path.write_text(text)
    return read_settings(path, Soup, overrides)


def test_lists_are_read(tmp_path: Path):
    soup = read(tmp_path, 'herbs = ["dill", "mint"]\nhours = [3, 4]\nlitres = [1, 2.5]')

    assert soup == Soup(("dill", "mint"), (3, 4), (1, 2.5))


def test_one_text_will_do_for_a_list_of_texts(tmp_path: Path):
    assert read(tmp_path, 'herbs = "dill"').herbs == ("dill",)
    assert read(tmp_path, "", herbs="a/b.npz").herbs == ("a/b.npz",)


def test_lists_can_be_overridden(tmp_path: Path):
    assert read(tmp_path, 'herbs = "dill"', herbs='["a", "b"]', hours="[5, 6]") == Soup(("a", "b"), (5, 6))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hours = [1]", "hours=[1]: not two whole numbers"),
        ("hours = [1, 2, 3]", "hours=[1, 2, 3]: not two whole numbers"),
        ("hours = [1, 2.5]", "hours=[1, 2.5]: not two whole numbers"),
        ("hours = [true, true]", "hours=[True, True]: not two whole numbers"),
        ("hours = 3", "hours=3: not two whole numbers"),
        ('litres = ["a", 2]', "litres=['a', 2]: not two numbers"),
        ("herbs = [1]", "herbs=[1]: not a list of texts"),
        ("herbs = 1", "herbs=1: not a list of texts"),
    ],
)
def test_a_list_of_the_wrong_kind_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(OptionError) as caught:
        read(tmp_path, text)

    assert str(caught.value).startswith(message)


def test_every_number_of_a_list_must_be_in_range():
    with pytest.raises(OptionError, match=r"hours=\[1, 30\]: not in \[0, 24\]"):
        check_ranges(Soup(hours=(1, 30)), (("hours", 0, 24),))


def test_shares_of_more_than_all_are_refused():
    check_shares(a=0.5, b=0.5)
    with pytest.raises(OptionError, match=r"a=0\.7, b=0\.5: more than 1 in sum"):
        check_shares(a=0.7, b=0.5)


KINDS: dict[str, type] = {"name": str, "count": int, "level": float, "notes": list, "voice": dict}


def test_a_right_table_is_taken():
    check_table({"name": "a", "count": 1, "level": 2, "notes": [], "voice": {}}, KINDS, tuple(KINDS))
    check_table({}, KINDS)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("name", 3, "name=3: not a text in quotes"),
        ("count", 1.5, "count=1.5: not a whole number"),
        ("count", True, "count=True: not a whole number"),
        ("level", "a", "level='a': not a number"),
        ("level", False, "level=False: not a number"),
        ("notes", "a", "notes='a': not a list"),
        ("voice", [], "voice=[]: not a table"),
        ("size", 3, "size=3: unknown key. Known: name, count, level, notes, voice."),
    ],
)
def test_what_is_wrong_with_a_table_is_named(key: str, value: object, message: str):
    with pytest.raises(EngineError) as caught:
        check_table({key: value}, KINDS, error=EngineError)

    assert str(caught.value) == message


def test_a_key_that_is_needed_is_named():
    with pytest.raises(OptionError, match="count: missing"):
        check_table({"name": "a"}, KINDS, ("name", "count"))


@pytest.mark.parametrize("text", ["", "plain", 'a "b"', "back\\slash", "two\nlines", "\x7f\x01", "Ünï 音"])
def test_a_text_in_quotes_is_read_back_as_it_was(text: str):
    assert tomllib.loads(f"a = {quoted(text)}") == {"a": text}
