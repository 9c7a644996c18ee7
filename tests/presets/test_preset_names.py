"""Names in the letters of a format: other scripts stay readable, nothing unseen is kept."""

import pytest

from patchflow.presets.preset_names import ascii_name, from_katakana, is_katakana


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
