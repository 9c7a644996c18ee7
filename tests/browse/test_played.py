"""Presets that are played beside a sound, and which of many are."""

import numpy as np
import pytest

from patchflow.audio import Sound
from patchflow.browse import Hit, Shelf, find, listen_to
from patchflow.browse.played import Beside, play_hits, target_of_note, target_of_preset
from patchflow.browse.standing import likely_near
from patchflow.engines import Note, engines
from patchflow.match.target import prepare_target
from patchflow.presets import Entry, Label, Library, Preset
from tests.plain_ear import NOTE, PlainEar, saws

RATE = 22_050


@pytest.fixture
def shelf(ear: None, library: Library, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Six presets that were listened to on one note, and of which there are fingerprints."""
    monkeypatch.setattr("patchflow.ear.ear.KEYS", (NOTE,))
    library.add([*saws([0.05, 0.2, 1.0]), *saws([0.05, 0.2, 1.0], wave="sine")], lambda _: engines["tone"].space, "x")
    listen_to(library)
    return Shelf.of_library(library)


def sound_of(preset: Preset, note: Note) -> np.ndarray:
    tone = engines["tone"]()
    return tone.render(tone.space.encode(preset.values), note, RATE)


def names(hits: list[Hit]) -> list[str]:
    return [hit.entry.name for hit in hits]


def test_the_preset_that_made_a_sound_is_nearest_to_it_on_its_note(shelf: Shelf, library: Library):
    note = Note(48, 100, 0.3, 0.6)
    target = target_of_note(sound_of(saws([0.2])[0], note), RATE, note)
    steps = []

    hits = play_hits(find(shelf, limit=6), Beside(target), library, progress=steps.append)

    assert hits[0].entry.name == "saw 0.2"
    assert hits[0].distance == 0.0
    assert hits[0].reason.startswith("0.0 dB, the same")
    distances = [hit.distance for hit in hits if hit.distance is not None]
    assert len(distances) == 6
    assert distances == sorted(distances)
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6]


def test_a_recording_is_compared_on_the_note_that_is_heard_in_it():
    sound = sound_of(saws([0.5])[0], Note(57, 100, 0.5, 1.0))

    beside = Beside(prepare_target(Sound(sound, RATE)))

    assert beside.note.pitch == 57
    assert beside.words.startswith("on A3, held 0.")


def test_of_a_sound_without_a_pitch_that_is_said():
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32)

    assert Beside(prepare_target(Sound(noise, RATE))).words.endswith(", since no pitch was heard")


def test_gain_and_the_rate_of_a_render_make_no_difference():
    note = Note(60, 100, 0.5, 1.0)
    tone = engines["tone"]()
    preset = saws([0.5])[0]
    beside = Beside(target_of_note(sound_of(preset, note), RATE, note))

    assert beside.distance(0.5 * sound_of(preset, note), RATE) < 0.1
    assert beside.distance(tone.render(tone.space.encode(preset.values), note, 44_100), 44_100) < 2.0
    assert beside.distance(sound_of(saws([0.05], wave="sine")[0], note), RATE) > 10.0


def test_presets_of_a_synth_that_is_not_there_come_last_with_one_line(shelf: Shelf, library: Library):
    foreign = [
        Hit(Entry(90 + i, "nosuch", (Label(f"other {i}"),)), 1.0, 0.5, None, "50% near", str(90 + i)) for i in (0, 1)
    ]
    told = []

    hits = play_hits(
        [*foreign, *find(shelf, limit=2)], Beside(target_of_preset(saws([0.2])[0])), library, tell=told.append
    )

    assert names(hits)[2:] == ["other 0", "other 1"]
    assert [hit.reason for hit in hits[2:]] == ["not played; 50% near"] * 2
    assert len(told) == 1
    assert told[0].startswith("2 of the nearest are presets of nosuch that could not be played: ")


def test_a_preset_that_was_removed_meanwhile_comes_last(shelf: Shelf, library: Library):
    found = find(shelf, limit=3)
    library.remove([1])
    told = []

    hits = play_hits(found, Beside(target_of_preset(saws([0.05])[0])), library, tell=told.append)

    assert names(hits)[-1] == "saw 0.05"
    assert hits[-1].distance is None
    assert "it was removed" in told[0]


def test_fingerprints_say_who_is_likely_to_be_near(shelf: Shelf):
    note = Note(60, 100, 0.4, 0.5)
    target = target_of_note(sound_of(saws([0.2])[0], note), RATE, note)

    near = likely_near(shelf, target, shelf.vectors[1])

    assert near is not None
    assert int(near.argmax()) == 1
    assert near.min() > 0
    assert near.max() <= 1


def test_presets_without_a_fingerprint_are_chosen_by_the_ear_beside_the_others(shelf: Shelf):
    known = shelf.where(np.arange(3))
    others = Shelf(list(shelf.entries)[3:], shelf.vectors[3:], shelf.measures[3:])
    both = Shelf.joined([others, known])
    target = target_of_preset(saws([0.2])[0])

    near = likely_near(both, target, shelf.vectors[4])

    assert near is not None
    assert int(near[:3].argmax()) == 1
    assert near[:3].max() == pytest.approx(near[3:].max())
    assert likely_near(others, target, shelf.vectors[4]) is None


def test_what_is_likely_to_be_near_is_found_first(shelf: Shelf):
    by = np.array([0.1, 0.2, 0.9, 0.8, 0.3, 0.0])

    hits = find(shelf, like=shelf.vectors[0], limit=2, by=by)

    assert names(hits) == ["saw 1", "sine 0.05"]


def test_a_shelf_gives_the_fingerprints_of_its_parts(shelf: Shelf):
    assert shelf.prints is not None
    whole = shelf.prints(np.arange(6))
    part = Shelf.joined([shelf.where(np.array([4, 2])), Shelf([], shelf.vectors[:0], shelf.measures[:0])])
    assert part.prints is not None

    assert not (whole == 255).all(1).any()
    assert (part.prints(np.array([0, 1])) == whole[[4, 2]]).all()
    assert len(np.unique(whole, axis=0)) == 6


def test_what_another_ear_heard_has_no_fingerprint(shelf: Shelf, library: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("patchflow.browse.shelf.ear_version", lambda: "f" * 16)
    again = Shelf.of_library(library)
    assert again.prints is not None

    assert (again.prints(np.arange(6)) == 255).all()
    assert likely_near(again, target_of_preset(saws([0.2])[0]), shelf.vectors[0]) is None


def test_a_library_without_fingerprints_is_searched_by_the_ear(shelf: Shelf, library: Library):
    library.keep_sounds(PlainEar.version, range(1, 7), shelf.vectors, shelf.measures)
    again = Shelf.of_library(library)

    assert again.unknown == 0
    assert np.allclose(again.vectors, shelf.vectors, atol=1e-3)
    assert likely_near(again, target_of_preset(saws([0.2])[0]), shelf.vectors[0]) is None
