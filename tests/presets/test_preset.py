"""Names of presets: in the letters of a format, and categories from names as real presets are called."""

import pytest

from patchflow.presets.preset import CATEGORIES, ascii_name, category_from_name, from_katakana, is_katakana


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("BRASS   1", "BRASS   1"),
        ("Flûte à bec", "Flute a bec"),
        ("Größe", "Grosse"),
        ("Сопрано", "Soprano"),
        ("Ελληνικά", "Ellinika"),
        ("ピアノ", "piano"),
        ("ﾋﾟｱﾉ", "piano"),
        ("スーパー", "supa"),
        ("低音", "DiYin"),
        ("한국어", "HanGugEo"),
        ("e\u0301toile", "etoile"),
        ("か\u3099", "ga"),
        ("a\nb\tc", "a b c"),
        ("\u202eevil\u200b", "evil"),
        ("\x1b[31mred", " [31mred"),
        ("½…", "1/2..."),
        ("\ue000 pad", "? pad"),
        ("ー", "?"),
        ("", ""),
        ("   ", ""),
        (" two", " two"),
    ],
)
def test_a_name_stays_readable(name: str, plain: str):
    assert ascii_name(name) == plain


def test_a_name_is_cut_and_does_not_end_in_a_space():
    assert ascii_name("Grand Piano", 6) == "Grand"


def test_letters_that_the_format_has_are_kept():
    assert ascii_name("¥→é", keep={"¥", "→"}) == "¥→e"


@pytest.mark.parametrize("code", range(256))
def test_half_width_katakana_is_that_of_the_standard(code: int):
    assert is_katakana(code) == (0xA1 <= code <= 0xDF)
    if is_katakana(code):
        assert from_katakana(code) == bytes((code,)).decode("shift_jis")


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("E.PIANO 1", "Keys"), ("SynString2", "Strings"), ("SlapBass", "Bass"), ("BASS-RHDS2", "Bass"),
        ("CLARIFLUTE", "Woodwind"), ("VIBE   1", "Mallets"), ("HAND DRUM", "Drums"), ("PIPES   1", "Organ"),
        ("TUB BELLS", "Bells"), ("WarmPad", "Pad"), ("EggmanLead", "Lead"), ("1 SEQUENCE", "Sequence"),
        ("FLEXATONE", ""), ("CROSSING", ""), ("", ""), ("01 3030265", ""),
    ],
)  # fmt: skip
def test_a_name_tells_the_category(name: str, category: str):
    assert category_from_name(name) == category


def test_case_does_not_matter():
    assert {category_from_name(name) for name in ("brass 1", "BRASS 1", "Brass1", "SynBrass")} == {"Brass"}


def test_every_category_is_told_by_its_own_name():
    singular = {name: name.removesuffix("s") if name not in ("Bass", "Brass", "Keys") else name for name in CATEGORIES}

    assert {name: category_from_name(word) for name, word in singular.items()} == {name: name for name in CATEGORIES}
