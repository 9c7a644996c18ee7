"""The lexicon: every entry, its languages, and how words are read."""

import time
import tomllib
from pathlib import Path

import pytest

import patchflow.browse.lexicon
from patchflow.browse.lexicon import LANGUAGES, MOST_WORDS, Lexicon, fold, lexicon
from patchflow.ear import MEASURES
from patchflow.errors import OptionError
from patchflow.presets.preset import CATEGORIES

FILE = Path(patchflow.browse.lexicon.__file__).with_name("lexicon.toml")
TABLE = tomllib.loads(FILE.read_text("utf-8"))
ENTRIES = [
    (kind, name, entry)
    for kind, entries in TABLE.items()
    for name, entry in ({"": entries} if kind == "unmeasured" else entries).items()
]
ATTRIBUTES = {attribute.name for attribute in MEASURES}
FIELDS = {
    "quality": {"means"},
    "noun": {"means", "alone"},
    "size": {"sign", "means"},
    "role": {"categories", "means"},
    "degree": {"factor"},
    "grammar": set(),
    "unmeasured": set(),
}

each_entry = pytest.mark.parametrize(("kind", "name", "entry"), ENTRIES, ids=lambda part: str(part)[:20])


@each_entry
def test_entry_means_what_is_measured(kind: str, name: str, entry: dict):
    for field in ("means", "alone"):
        assert set(entry.get(field, {})) <= ATTRIBUTES
        assert all(0 < abs(weight) <= 1 for weight in entry.get(field, {}).values())
    if kind in ("quality", "noun"):
        assert max(abs(weight) for weight in entry["means"].values()) >= 0.7


@each_entry
def test_entry_has_known_fields_and_languages(kind: str, name: str, entry: dict):
    assert set(entry) <= FIELDS[kind] | set(LANGUAGES)
    assert set(entry.get("categories", [])) <= set(CATEGORIES)
    if kind == "role":
        assert entry["categories"]
    if kind not in ("grammar", "unmeasured"):
        assert set(LANGUAGES) <= set(entry)


def test_all_categories_have_a_role():
    assert {category for _, _, entry in ENTRIES for category in entry.get("categories", [])} == set(CATEGORIES)


def test_all_attributes_have_a_quality_at_both_ends():
    ends = set()
    for entry in TABLE["quality"].values():
        ends |= {(attribute, weight > 0) for attribute, weight in entry["means"].items() if abs(weight) == 1}

    assert ends == {(attribute, end) for attribute in ATTRIBUTES for end in (True, False)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_has_the_common_hundred(language: str):
    words = [word for kind, _, entry in ENTRIES if kind != "grammar" for word in entry[language].split(",")]

    assert len(words) == len({fold(word.strip()) for word in words}) >= 100


def test_word_with_two_meanings_is_refused():
    quality = {"bright": {"means": {"brightness": 1.0}, "en": "bright"}}
    twice = {"quality": {**quality, "loud": {"means": {"loudness": 1.0}, "en": "loud, Bright"}}}

    with pytest.raises(ValueError, match="en: ' Bright' means 'bright' and 'loud'"):
        Lexicon(twice)


def concepts(text: str) -> list[str]:
    return [word.concept.name if word.concept else "?" for word in lexicon().read(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("brighter pads", ["bright", "pad"]),
        ("DUNKLE Flächen", ["dark", "pad"]),
        ("dunkle Flachen", ["dark", "pad"]),
        ("dunkle Flaechen", ["dark", "pad"]),
        ("campanas metálicas", ["bell", "metallic"]),
        ("campanas metalicas", ["bell", "metallic"]),
        ("cloches brillantes", ["bell", "bright"]),
        ("明るくて太いベース", ["bright", "fat", "bass"]),
        ("ﾊﾟｯﾄﾞ", ["pad"]),
        ("e-piano", ["electric piano"]),
        ("Glockenklang", ["bell"]),
        ("warmpad", ["warm", "pad"]),
        ("WARMPAD!", ["warm", "pad"]),
        ("xyzzy", ["?"]),
        ("", []),
    ],
)
def test_words_are_read(text: str, names: list[str]):
    assert concepts(text) == names


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("brigth", "bright"), ("brght", "bright"), ("brightt", "bright"), ("bribht", "bright"), ("orgna", "organ")],
)
def test_one_wrong_letter_is_understood_and_said(typed: str, meant: str):
    (word,) = lexicon().read(typed)

    assert (word.base, word.mended) == (meant, True)


def test_nothing_is_mended_into_a_language_that_no_other_word_is_of():
    assert concepts("hang") == ["?"]
    assert concepts("warm hang") == ["?" if name == "long" else name for name in concepts("warm hang")]
    assert concepts("nicht hang")[-1] != "?"


def test_two_wrong_letters_are_not():
    (word,) = lexicon().read("bribhtt")

    assert word.concept is None


def test_a_letter_means_something_in_its_own_language_alone():
    assert concepts("campana o cuerdas") == ["bell", "or", "strings"]
    assert concepts("bell o strings") == ["bell", "?", "strings"]


def test_categories_of_labels():
    assert lexicon().categories_in("Synth Lead") == ("Lead",)
    assert lexicon().categories_in("Percussion") == ("Drums", "Mallets")
    assert lexicon().categories_in("Brigth Beel") == ()


def test_a_book_is_refused_at_once():
    book = "warm pad " * 5_000
    begun = time.process_time()

    with pytest.raises(OptionError, match=f"the search has 10,000 words: more than {MOST_WORDS} are not read"):
        lexicon().read(book)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize("text", ["a" * 100_000, "あ" * 500, "\0\ud800", "🎹🎹", '"', "((((", "-" * 100, "ﷺ" * 50])
def test_nonsense_is_read(text: str):
    begun = time.process_time()
    lexicon().read(text)

    assert time.process_time() - begun < 2.0
