"""MIDI files: what is written is read back, at the time it was for."""

import io
from typing import Any

import mido
import numpy as np
import pytest

from patchflow.errors import OptionError
from patchflow.explore.output.midi_file import TimedMessage, bend_range, midi_file, note, pitch_bend, program, sysex

DUMP = bytes([0xF0, 0x43, 0x00, 0x09, 0x20, 0x00, 0x7F, 0xF7])


def read(data: bytes) -> list[tuple[float, Any]]:
    """All messages with their times in seconds."""
    now = 0.0
    found = []
    for message in mido.MidiFile(file=io.BytesIO(data)):
        now += message.time
        if not message.is_meta:
            found.append((now, message))
    return found


@pytest.mark.parametrize("bpm", [20, 97.3, 120, 300])
def test_times_are_exact_to_a_tick_however_many_there_are(bpm: float):
    onsets = 0.0137 + 0.0713 * np.arange(500)
    messages = [message for onset in onsets for message in note(float(onset), float(onset) + 0.03, 60, 100)]

    heard = [seconds for seconds, message in read(midi_file(messages, bpm=bpm)) if message.type == "note_on"]

    np.testing.assert_allclose(heard, onsets, atol=0.5 * 60 / bpm / 960 + 1e-9)


def test_a_key_comes_up_before_it_goes_down_again_and_what_is_for_a_note_is_there_before_it():
    messages = [*note(0.0, 0.5, 60, 90), *note(0.5, 1.0, 60, 80), program(0.5, 7), pitch_bend(0.5, -0.25)]

    at_half = [message.type for seconds, message in read(midi_file(messages)) if seconds == 0.5]

    assert at_half == ["note_off", "program_change", "pitchwheel", "note_on"]


def test_numbers_are_read_back():
    messages = [program(0.0, 31, channel=2), sysex(0.25, DUMP), *note(0.5, 1.0, 61, 99, channel=2)]

    found = [message for _, message in read(midi_file(messages))]

    assert (found[0].program, found[0].channel) == (31, 2)
    assert bytes(found[1].bytes()) == DUMP
    assert (found[2].note, found[2].velocity, found[2].channel) == (61, 99, 2)


@pytest.mark.parametrize(("semitones", "pitch"), [(0, 0), (1, 4096), (-2, -8192), (2, 8191), (-5, -8192)])
def test_bends_have_the_range_that_is_set(semitones: float, pitch: int):
    found = [message for _, message in read(midi_file([*bend_range(0.0), pitch_bend(0.0, semitones)]))]

    values = [message.value for message in found[:-1]]
    assert values == [0, 0, 2, 0, 127, 127]
    assert found[-1].pitch == pitch


def test_a_name_in_any_script_and_the_tempo_are_in_the_file():
    file = mido.MidiFile(file=io.BytesIO(midi_file([], bpm=90, name="ハミング")), charset="utf-8")

    assert (file.type, len(file.tracks)) == (0, 1)
    assert file.tracks[0][0].name == "ハミング"
    assert file.tracks[0][1].tempo == round(60e6 / 90)


def test_what_cannot_be_written_is_refused():
    with pytest.raises(OptionError, match=r"bpm=19: not in \[20, 300\]"):
        midi_file([], bpm=19)
    with pytest.raises(ValueError, match="below 0"):
        midi_file([TimedMessage(-0.1, mido.Message("note_on"))])
    with pytest.raises(ValueError, match="F0 to F7"):
        sysex(0.0, DUMP[1:])
