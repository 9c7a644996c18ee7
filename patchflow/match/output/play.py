"""Reads one preset of a file, and plays it into a sound file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...audio.note_names import note_name
from ...audio.sound_file import save
from ...engines import Note, engines, unpacked
from ...errors import OptionError, PresetError, StorageError
from ...presets import Preset, ReadReport, check, read_presets
from ...progress import TellCallback, tell_nobody
from ...storage import sweep
from .names import file_name
from .summary import Earlier, earlier

__all__ = ["RATES", "Played", "only_voice", "play_file", "voice_of"]

RATES = (8_000, 192_000)
"""Lowest and highest sample rate of a render, in Hz."""


@dataclass(frozen=True)
class Played:
    """What was played.

    Args:
        file: The sound file.
        preset: The preset.
        gain_db: How much it was turned down to fit, in dB; 0 or below.
        silent: Whether nothing is to be heard.
    """

    file: Path
    preset: Preset
    gain_db: float
    silent: bool


def play_file(
    path: Path,
    *,
    pitch: int | None = None,
    velocity: int | None = None,
    hold: float | None = None,
    length: float | None = None,
    synth: str = "",
    voice: int = 1,
    rate: int = 44_100,
    out: Path | None = None,
    tell: TellCallback = tell_nobody,
) -> Played:
    """Renders one preset of a file and writes the sound.

    Args:
        path: A preset file of any format, or the numbers of a match, whose presets are its candidates.
        pitch: MIDI note, see `Note`. What is not given is as the match played it or, for other files, C4 at velocity
            100, held for 3 s of 4 s.
        velocity: See `Note`.
        hold: See `Note`.
        length: See `Note`.
        synth: Which synth the preset is for; the one the file says if "".
        voice: Which preset of the file, from 1.
        rate: Sample rate, in Hz, 8,000 to 192,000.
        out: A `.wav` or `.flac` file; named after preset file, place and note, in the current folder, if None.
        tell: Called with a line for everything that was mended in the preset, or in its file.

    Raises:
        PresetError: If it is no preset file, or the preset is damaged.
        OptionError: If the file has no such preset, or `rate` or a part of the note is out of its range.
        AudioError: If `out` has another ending.
        StorageError: If a file cannot be read or written.
    """
    low, high = RATES
    if not low <= rate <= high:
        raise OptionError(f"rate={rate}Hz: not in [{low}, {high}]")
    asked = {"pitch": pitch, "velocity": velocity, "hold": hold, "length": length}
    given = {name: value for name, value in asked.items() if value is not None}
    _note(Note(), given)  # what is wrong with it is said before anything is read
    preset = voice_of(path, voice, synth, tell=tell)
    note = _note(_as_matched(path, voice), given)
    engine = engines[preset.synth]()
    check(preset, engine.space)
    engine.build_on(preset.state)
    sound = engine.render(engine.space.encode(preset.values), note, rate)
    number = f"-{voice}" if voice > 1 else ""
    out = out or Path(file_name(path.stem, f"{number}-{note_name(note.pitch)}.wav"))
    return Played(out, preset, save(out, sound, rate), not np.any(sound))


def _note(usual: Note, given: Mapping[str, float]) -> Note:
    """The note with what a user asked for.

    Raises:
        OptionError: If a value is out of its range.

    Example:
        >>> _note(Note(), {"velocity": 200})
        Traceback (most recent call last):
        patchflow.errors.OptionError: velocity=200: not in [1, 127]
    """
    try:
        return replace(usual, **given)
    except ValueError as error:
        raise OptionError(str(error)) from error


def _as_matched(path: Path, voice: int) -> Note:
    """What a match played of a candidate, if this is its file of numbers; else a plain note.

    Raises:
        StorageError: If the numbers were changed and name no note.
    """
    result = _result(path)
    if result is None:
        return Note()
    candidate = result.content["candidates"][voice - 1]
    usual = Note()
    try:
        return Note(
            int(candidate["note"]),
            int(candidate.get("velocity", usual.velocity)),
            float(candidate.get("hold_s", usual.hold)),
            float(candidate.get("length_s", usual.length)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: does not say which note candidate {voice} plays: {error}") from error


def only_voice(
    path: str | os.PathLike[str], voice: int | None, synth: str = "", *, tell: TellCallback = tell_nobody
) -> Preset:
    """Returns the preset of a file or, if it has several, the one that is asked for; see `play_file` for `tell`.

    Raises:
        PresetError: If it is damaged, or this is no preset file.
        OptionError: If there are several and none is asked for, or there are not as many.
    """
    if voice is None and _result(path) is None:
        report = read_presets(path)
        if report.count > 1:
            raise OptionError(
                f"{path}: has {report.count:,} voices. Choose one with --voice, 1 to {report.count}, or as {path}:1"
            )
    return voice_of(path, 1 if voice is None else voice, synth, tell=tell)


def voice_of(path: str | os.PathLike[str], voice: int, synth: str = "", *, tell: TellCallback = tell_nobody) -> Preset:
    """Returns one preset of a file by its place there, counting damaged ones too; of a match, one of its candidates.

    `tell` is called with a line for everything that was mended in it, or in its file.

    Raises:
        PresetError: If it is damaged, or this is no preset file.
        OptionError: If there are not as many.
        StorageError: If a file cannot be read, or the one of a candidate is not the one that the match wrote.
    """
    result = _result(path)
    if result is not None:
        return _candidate(result, voice, synth)
    report = read_presets(path)
    damaged = {rejected.voice: rejected for rejected in report.rejected}  # 0 is a whole dump
    if voice in damaged:
        raise PresetError(f"{path}: {damaged[voice]}")
    if not report.presets and report.rejected:
        raise PresetError(f"{path}: {report.rejected[0]}")
    if voice in range(1, report.count + 1) and voice not in report.places and report.rejected:
        raise PresetError(f"{path}: voice {voice} is missing: {report.rejected[0]}")
    if voice not in report.places:
        raise OptionError(f"voice={voice}: {path} has {report.count} {'voice' if report.count == 1 else 'voices'}")
    for fault in report.mended:
        if fault.voice in (0, voice):
            tell(f"{path}: {fault}")
    return _unpacked(path, report.presets[report.places.index(voice)], synth)


def _result(path: str | os.PathLike[str]) -> Earlier | None:
    """What a match wrote, if this is its file of numbers."""
    path = Path(path)
    if path.suffix.lower() != ".json":
        return None
    sweep(path.parent)  # a match that was killed in its last moment has left its files in hiding
    return earlier(path)


def _candidate(result: Earlier, voice: int, synth: str) -> Preset:
    """A candidate, from its preset file: the numbers alone hold no state."""
    count = len(result.presets)
    if not 1 <= voice <= count:
        raise OptionError(f"voice={voice}: {result.path} has {count} {'candidate' if count == 1 else 'candidates'}")
    file = result.path.with_name(result.presets[voice - 1])
    if not file.exists():
        raise StorageError(f"{result.path}: its preset {file.name} is not beside it; keep a match's files together")
    report = read_presets(file)
    if not result.holds(file):
        raise StorageError(f"{file}: is not what {result.path.name} describes, it was changed. Play the file itself.")
    if not report.presets:
        raise PresetError(f"{file}: {report.rejected[0]}")
    matched = str(result.content["candidates"][voice - 1].get("synth", result.synth))  # older versions name one for all
    return _unpacked(file, report.presets[0], synth or report.presets[0].synth or matched)


def _unpacked(path: str | os.PathLike[str], preset: Preset, synth: str) -> Preset:
    """The preset with values of its synth, which in some formats only the synth itself can read."""
    try:
        found = unpacked(ReadReport((preset,)), synth)
    except PresetError as error:
        raise PresetError(f"{path}: {error}") from error
    if found.rejected:
        raise PresetError(f"{path}: {found.rejected[0].reason}")
    return found.presets[0]
