"""Tags: a library whose presets are found by what they are called and by what they sound like."""

from pathlib import Path

import numpy as np
import pytest

from patchflow.data.label_library import MEASURED_SOURCE, NAMED_SOURCE, WORDS, tag_library, words_of
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import RenderError
from patchflow.features.descriptors import UNITS
from patchflow.presets import Library, Preset
from patchflow.progress import Progress


class Odd(Tone):
    """Plays noise instead of a saw, nothing at -60 dB, and crashes at 0 dB."""

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        values = self.space.decode(point)
        if values["gain"] == 0:
            raise RenderError("odd: crashed")
        if values["wave"] == "saw":
            return np.random.default_rng(0).standard_normal(note.samples(rate)).astype(np.float32)
        return super().render(point, note, rate) * (float(values["gain"]) > -60)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "library.sqlite")
    presets = [
        Preset("tone", {"wave": "sine", "decay": 4.0, "gain": -6.0}, name="Sub Bass"),
        Preset("tone", {"wave": "saw", "decay": 4.0, "gain": -6.0}, name="Hiss", category="Effects"),
        Preset("tone", {"wave": "sine", "decay": 1.0, "gain": -60.0}, name="Hush"),
        Preset("tone", {"wave": "sine", "decay": 1.0, "gain": 0.0}, name="Bang"),
    ]
    made.add(presets, lambda synth: engines[synth].space, "folder/file.json")
    return made


def names(library: Library, text: str) -> set[str]:
    return {entry.name for entry in library.search(text)}


def test_presets_are_found_by_what_they_sound_like(library: Library):
    assert tag_library(library, "tone", Odd) == 4

    assert names(library, "noisy") == {"Hiss"}
    assert names(library, "dark") == {"Sub Bass"}
    assert names(library, "silent") == {"Hush", "Bang"}


def test_a_category_is_guessed_where_none_is_known(library: Library):
    tag_library(library, "tone", Odd)

    assert {entry.name: entry.category for entry in library.search()} == {
        "Sub Bass": "Bass", "Hiss": "Effects", "Hush": "", "Bang": "",
    }  # fmt: skip


def test_every_word_says_where_it_comes_from(library: Library):
    tag_library(library, "tone", Odd)
    (entry,) = library.search("sub bass")

    assert [label.source for label in entry.labels] == ["folder/file.json", NAMED_SOURCE, MEASURED_SOURCE]


def test_what_is_described_is_not_described_again(library: Library):
    tag_library(library, "tone", Odd)

    assert tag_library(library, "tone", Odd) == 0


def test_it_goes_on_where_it_was_interrupted(library: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.data.label_library._WRITTEN", 1)

    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tag_library(library, "tone", Odd, stop)

    assert tag_library(library, "tone", Odd) == 2


def test_it_says_how_far_it_is(library: Library):
    told = []

    tag_library(library, "tone", Odd, lambda at: told.append((at.done, at.total)))

    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_given(word: str):
    name, low, high = WORDS[word]

    assert word in words_of({**dict.fromkeys(UNITS, 1.0), name: low if low else high / 2})


def test_no_sound_is_two_opposites():
    for low, high in (("dark", "bright"), ("steady", "moving")):
        assert WORDS[low][0] == WORDS[high][0]
        assert WORDS[low][2] <= WORDS[high][1]
