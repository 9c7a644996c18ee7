"""MIDI files: notes, pitch bends, program changes and system-exclusive messages at times in seconds."""

import io
from collections.abc import Iterable
from typing import NamedTuple

import mido

from ...errors import OptionError
from ...storage import readable

__all__ = ["BEND_RANGE", "TEMPOS", "TimedMessage", "bend_range", "midi_file", "note", "pitch_bend", "program", "sysex"]

TEMPOS = (20.0, 300.0)
"""Lowest and highest tempo, in beats a minute: at the lowest, a tick is 3 ms."""

BEND_RANGE = 2
"""Semitones either way that a pitch bend reaches; what synths have when they are switched on."""

_TICKS = 960  # a beat
_CENTRE = 8192  # steps of a bend from one end to the middle
_FIRST = {"note_off": 0, "note_on": 2}  # order of messages at one time; all others come in between


class TimedMessage(NamedTuple):
    """A MIDI message and when it is sent.

    Args:
        seconds: From the beginning, 0 or more.
        message: What is sent.
    """

    seconds: float
    message: mido.Message


def note(onset: float, end: float, key: int, velocity: int, *, channel: int = 0) -> tuple[TimedMessage, TimedMessage]:
    """Returns the two messages of a note.

    Args:
        onset: When the key goes down, in seconds.
        end: When it comes up, in seconds.
        key: MIDI note, 0 to 127.
        velocity: 1 to 127.
        channel: 0 to 15.

    Raises:
        ValueError: If a number is out of its range.
    """
    down = mido.Message("note_on", note=key, velocity=velocity, channel=channel)
    up = mido.Message("note_off", note=key, velocity=0, channel=channel)
    return TimedMessage(onset, down), TimedMessage(end, up)


def program(seconds: float, number: int, *, channel: int = 0) -> TimedMessage:
    """Returns a change to another preset of a bank, 0 to 127."""
    return TimedMessage(seconds, mido.Message("program_change", program=number, channel=channel))


def sysex(seconds: float, data: bytes) -> TimedMessage:
    """Returns a system-exclusive message, such as a voice dump.

    Args:
        seconds: When it is sent.
        data: The whole message, from its first byte F0 to its last byte F7.

    Raises:
        ValueError: If it is no such message.
    """
    if len(data) < 2 or data[0] != 0xF0 or data[-1] != 0xF7:
        raise ValueError("data: not from F0 to F7")
    return TimedMessage(seconds, mido.Message("sysex", data=tuple(data[1:-1])))


def pitch_bend(seconds: float, semitones: float, *, channel: int = 0) -> TimedMessage:
    """Returns a pitch bend by some semitones; what is beyond `BEND_RANGE` is bent as far as it goes."""
    steps = round(semitones / BEND_RANGE * _CENTRE)
    pitch = min(max(steps, -_CENTRE), _CENTRE - 1)
    return TimedMessage(seconds, mido.Message("pitchwheel", pitch=pitch, channel=channel))


def bend_range(seconds: float, *, channel: int = 0) -> tuple[TimedMessage, ...]:
    """Returns the messages that set how far a synth bends: `BEND_RANGE`."""
    # Registered parameter 0 is the range of the bend, its data entry are semitones. The parameter is closed again, so
    # that no later data entry changes it.
    values = ((101, 0), (100, 0), (6, BEND_RANGE), (38, 0), (101, 127), (100, 127))
    messages = []
    for control, value in values:
        message = mido.Message("control_change", control=control, value=value, channel=channel)
        messages.append(TimedMessage(seconds, message))
    return tuple(messages)


def midi_file(messages: Iterable[TimedMessage], *, bpm: float = 120.0, name: str = "") -> bytes:
    """Returns the content of a MIDI file of one track, format 0.

    Each time is rounded to the nearest tick by itself, so that no error adds up: half a millisecond at most at 60 beats
    a minute. At the same tick keys come up first and go down last, so a repeated note is struck again, and a preset
    or a bend is there before the note that it is for; other messages keep their order.

    References:
        The MIDI Association, Standard MIDI Files 1.0, https://midi.org/standard-midi-files

    Args:
        messages: In any order.
        bpm: Beats a minute, 20 to 300. It changes where the bars are, and not when anything is heard.
        name: Name of the track.

    Raises:
        OptionError: If `bpm` is out of its range.
        ValueError: If a time is below 0.

    Example:
        >>> data = midi_file([*note(0.5, 1.0, 60, 100), program(0.0, 3)])
        >>> [float(round(message.time, 3)) for message in mido.MidiFile(file=io.BytesIO(data)) if not message.is_meta]
        [0.0, 0.5, 0.5]
    """
    low, high = TEMPOS
    if not low <= bpm <= high:
        raise OptionError(f"bpm={bpm:g}: not in [{low:g}, {high:g}]")
    tempo = mido.bpm2tempo(bpm)
    timed = []
    for number, (seconds, message) in enumerate(messages):
        if seconds < 0:
            raise ValueError(f"seconds={seconds:g}: below 0")
        tick = round(seconds * 1_000_000 / tempo * _TICKS)
        timed.append((tick, _FIRST.get(message.dict()["type"], 1), number, message))
    timed.sort(key=lambda each: each[:3])
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=readable(name)))
    track.append(mido.MetaMessage("set_tempo", tempo=tempo))
    last = 0
    for tick, _, _, message in timed:
        track.append(message.copy(time=tick - last))
        last = tick
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS, charset="utf-8")
    file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()
