"""Names of MIDI notes."""

import pytest

from patchflow.audio.note_names import note_name, note_number
from patchflow.errors import OptionError


@pytest.mark.parametrize("number", range(128))
def test_a_name_gives_its_number_back(number):
    assert note_number(note_name(number)) == note_number(str(number)) == number


@pytest.mark.parametrize(
    ("name", "number"), [("C4", 60), ("a4", 69), ("Bb3", 58), ("bb3", 58), ("Cb4", 59), ("C-1", 0)]
)
def test_names_mean_what_musicians_mean(name, number):
    assert note_number(name) == number


@pytest.mark.parametrize("text", ["", "H4", "C", "C##4", "-1", "128", "G#9", "Cb-1", "4.0", "C44", "٦٠"])
def test_anything_else_is_refused_with_what_is_allowed(text):
    with pytest.raises(OptionError, match=f"note={text}: .* C-1 to G9"):
        note_number(text)
