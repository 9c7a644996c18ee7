"""Categories from names, as real presets are called."""

import pytest

from patchflow.presets.preset_names import CATEGORIES, category_from_name


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
