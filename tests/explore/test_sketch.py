"""A hummed melody as a synth plays it, and the files of it."""

import hashlib
import io
import json
from dataclasses import replace
from typing import Any

import mido
import numpy as np
import pytest
import soundfile

from patchflow.audio.loudness import loudness
from patchflow.engines import Note, engines
from patchflow.engines.tone import Tone
from patchflow.errors import OptionError, PresetError, StorageError
from patchflow.explore import sketch as module
from patchflow.explore.melody import melody_of, voice_contours
from patchflow.explore.output.sketch_files import melody_messages, write_sketch
from patchflow.explore.sketch import SKETCH_RATE, play_notes, sketch, steady_note, steady_target
from patchflow.presets import Preset, read_presets
from patchflow.storage import journal
from tests.explore.voices import RATE, hum

VOICE = hum([57.3, 60.3, 64.3, 60.3])


def tone(**values) -> Preset:
    point = Tone.space.encode({"wave": "saw", "decay": 3.0, "gain": -12.0, **values})
    return Preset("tone", Tone.space.decode(point), name="Saw")


@pytest.fixture(scope="module")
def found():
    return sketch(VOICE, "tone", tone())


def test_what_is_played_has_the_pitches_and_times_that_were_sung(found):
    melody = found.melody
    played = voice_contours(found.sound, SKETCH_RATE)

    for note in melody.notes:
        middle = abs(played.seconds - (note.onset + note.end) / 2).argmin()
        assert played.pitch[middle] == pytest.approx(note.key, abs=0.1)
    assert [note.key for note in melody.notes] == [57, 60, 64, 60]
    assert found.transposed == pytest.approx(0, abs=0.1)
    assert (found.silent, found.remarks) == ((), ())


def test_it_is_as_loud_as_the_voice(found):
    assert loudness(found.sound, SKETCH_RATE) == pytest.approx(loudness(VOICE.samples, RATE), abs=0.1)


def test_each_note_is_what_the_engine_plays_at_its_key_velocity_and_length(found):
    note = found.melody.notes[1]
    (sound,) = play_notes(tone(), [note])
    point = Tone.space.encode(tone().values)
    wanted = engines["tone"]().render(point, Note(note.key, note.velocity, note.seconds, note.seconds + 4), SKETCH_RATE)

    assert len(sound) > note.seconds * SKETCH_RATE
    size = round(note.seconds * SKETCH_RATE) - SKETCH_RATE // 20
    np.testing.assert_allclose(sound[:size], wanted[:size], atol=1e-6)
    assert np.abs(wanted[len(sound) :]).max(initial=0) <= np.abs(wanted).max() * 1e-4


def test_the_note_that_is_matched_is_on_its_key_and_ends_in_silence():
    voice = hum([57.4, 60.4], seconds=0.8)
    note = steady_note(melody_of(voice))

    target = steady_target(voice, note)

    assert target.guesses[0].pitch == note.key
    assert target.sounding == pytest.approx(note.key, abs=0.05)
    assert target.hold == pytest.approx(note.seconds, abs=0.03)
    assert not target.samples[round((target.hold + 0.1) * target.rate) :].any()
    assert target.length > target.hold + 0.4


def test_the_longest_note_says_most_of_the_timbre():
    short = hum([57, 60], seconds=0.3)
    long = hum([64], seconds=0.9)
    voice = type(short)(np.concatenate([short.samples, long.samples]), RATE)

    assert steady_note(melody_of(voice)).key == 64


def test_a_preset_is_searched_that_plays_the_melody():
    result = sketch(VOICE, "tone", renders=60, seed=1)
    again = sketch(VOICE, "tone", renders=60, seed=1)

    assert result.match is not None
    assert result.source in result.melody.notes
    assert result.match.candidates[0].note.pitch == result.source.key
    assert result.preset.values == again.preset.values
    np.testing.assert_array_equal(result.sound, again.sound)


def test_a_search_that_may_spend_nothing_is_refused():
    with pytest.raises(OptionError, match="renders=0"):
        sketch(VOICE, "tone", renders=0)


class Narrow(Tone):
    """A synth that plays nothing above a key."""

    highest = 60

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        sound = super().render(point, note, rate)
        return sound if note.pitch <= self.highest else np.zeros_like(sound)


class Mute(Narrow):
    """A synth that plays nothing."""

    highest = -1


def test_keys_that_a_synth_does_not_have_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "engines", {"tone": Narrow})

    result = sketch(VOICE, "tone", tone())

    assert result.silent == (64,)
    assert result.remarks == ("the preset cannot be heard on E4: these notes are silent",)


def test_a_preset_without_any_of_the_notes_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "engines", {"tone": Mute})

    with pytest.raises(PresetError, match="Saw cannot be heard on A3, C4, E4"):
        sketch(VOICE, "tone", tone())


def test_all_files_are_written_and_agree(found, tmp_path):
    summary = write_sketch(found, tmp_path / "hum.wav", tmp_path / "out", bpm=90)

    names = {"hum-sketch.mid", "hum-sketch.preset.json", "hum-sketch.wav", "hum-sketch-ab.wav"}
    assert set(summary["files"]) == names
    assert {path.name for path in (tmp_path / "out").iterdir()} == names | {"hum-sketch.json"}
    assert read_presets(tmp_path / "out" / "hum-sketch.preset.json").presets[0].values == dict(found.preset.values)
    sound, rate = soundfile.read(tmp_path / "out" / "hum-sketch.wav")
    np.testing.assert_allclose(sound, found.sound, atol=1e-6)
    both, _ = soundfile.read(tmp_path / "out" / "hum-sketch-ab.wav")
    assert len(both) == pytest.approx(VOICE.seconds * rate + rate / 2 + len(sound), abs=2)
    numbers = json.loads((tmp_path / "out" / "hum-sketch.json").read_text())
    assert [note["key"] for note in numbers["notes"]] == [57, 60, 64, 60]
    assert len(numbers["contours"]["pitch"]) == len(found.melody.contours.pitch)


def test_the_midi_file_has_the_notes(found, tmp_path):
    write_sketch(found, tmp_path / "hum.wav", tmp_path)
    heard = []
    now = 0.0
    for message in mido.MidiFile(tmp_path / "hum-sketch.mid"):
        now += message.time
        if message.type == "note_on":
            heard.append((message.note, message.velocity, now))

    wanted = [(note.key, note.velocity, note.onset) for note in found.melody.notes]
    assert [each[:2] for each in heard] == [each[:2] for each in wanted]
    np.testing.assert_allclose([each[2] for each in heard], [each[2] for each in wanted], atol=0.001)


def test_a_melody_of_150_notes_is_written_whole(found, tmp_path):
    first = found.melody.notes[0]
    times = 0.25 * np.arange(150)
    notes = [replace(first, onset=at, end=at + 0.2, key=40 + row % 50) for row, at in enumerate(times.tolist())]
    long = replace(found, melody=replace(found.melody, notes=tuple(notes)))
    summary = write_sketch(long, tmp_path / "hum.wav", tmp_path)
    now = 0.0
    heard = []
    for message in mido.MidiFile(tmp_path / "hum-sketch.mid"):
        now += message.time
        if message.type == "note_on":
            heard.append((message.note, round(now, 2)))

    assert heard == [(note.key, round(note.onset, 2)) for note in notes]
    assert [note["key"] for note in summary["notes"]] == [note.key for note in notes]


def test_a_second_sketch_leaves_nothing_of_the_first_but_a_recording(found, tmp_path):
    write_sketch(found, tmp_path / "hum.wav", tmp_path, recorded=True)
    (tmp_path / "hum-sketch-2.syx").write_bytes(b"of the user")
    earlier = json.loads((tmp_path / "hum-sketch.json").read_text())
    (tmp_path / "hum-sketch.syx").write_bytes(b"voice")  # as by another synth
    earlier["files"]["hum-sketch.syx"] = hashlib.sha256(b"voice").hexdigest()
    (tmp_path / "hum-sketch.json").write_text(json.dumps(earlier))
    summary = write_sketch(found, tmp_path / "hum.wav", tmp_path)

    written = {"hum-sketch.json", *summary["files"]}
    assert "hum-sketch-voice.wav" not in written
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert left == written | {"hum-sketch-voice.wav", "hum-sketch-2.syx"}


def test_bends_bring_each_note_to_the_pitch_that_was_sung(found):
    bent: list[Any] = [message for _, message in melody_messages(found.melody, bent=True)]
    plain: list[Any] = [message for _, message in melody_messages(found.melody)]

    # The singer is 30 cents above every key; two semitones are 8,192 steps.
    bends = [message.pitch for message in bent if message.type == "pitchwheel"]
    assert np.median(bends) == pytest.approx(0.3 * 4096, abs=0.05 * 4096)
    assert not any(message.type == "pitchwheel" for message in plain)


def test_nothing_is_written_if_one_file_cannot_be(found, tmp_path, monkeypatch: pytest.MonkeyPatch):
    def full(path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_write", full)

    with pytest.raises(StorageError):
        write_sketch(found, tmp_path / "hum.wav", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_tempo_out_of_range_is_refused(found, tmp_path):
    with pytest.raises(OptionError, match=r"bpm=400: not in \[20, 300\]"):
        write_sketch(found, tmp_path / "hum.wav", tmp_path, bpm=400)
    assert list(tmp_path.iterdir()) == []


def test_a_recorded_voice_is_written_too(found, tmp_path):
    summary = write_sketch(found, tmp_path / "voice.wav", tmp_path, recorded=True)

    samples, rate = soundfile.read(io.BytesIO((tmp_path / "voice-sketch-voice.wav").read_bytes()))
    assert "voice-sketch-voice.wav" in summary["files"]
    assert rate == RATE
    np.testing.assert_allclose(samples, VOICE.samples, atol=1e-6)
