"""A sound file in, a Vital preset out, and what was done in plain words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..audio import load
from ..audio.note_names import note_name
from ..audio.sound import trim_noise, without_offset
from ..errors import OptionError, StorageError
from ..presets.files import write_presets
from .resynthesis import NOISES, Noise, Options, Resynthesis
from .vital_patch import MACROS, vital_preset

__all__ = ["SIZES_KB", "WavetableFile", "write_wavetable"]

SIZES_KB = (150, 2_000)
"""Smallest and largest size that a file may be limited to, in KB of 1,000 bytes."""

_NOISE_WORDS = {"lines": "noise by a second wavetable", "loop": "a loop of noise", "none": "no noise"}


@dataclass(frozen=True)
class WavetableFile:
    """What was written.

    Args:
        file: The preset file.
        size: Of the file, in bytes.
        found: The recording taken apart.
        notes: What was mended, left out or is odd, one plain line each.
    """

    file: Path
    size: int
    found: Resynthesis
    notes: tuple[str, ...]

    @property
    def noise(self) -> Noise:
        """What plays the residual."""
        if self.found.noise is not None:
            return "loop"
        return "lines" if any(voice.kind == "lines" for voice in self.found.voices) else "none"

    @property
    def pitch(self) -> str:
        """The pitch in words."""
        if self.found.track is None:
            return "no pitch, the same on every key"
        said = f"{note_name(self.found.key)} {self.found.cents:+.0f} cents"
        if len(self.found.curve[0]):
            return f"{said}, followed over {self.found.track.moves:.1f} semitones"
        return f"{said}, steady"

    @property
    def going_on(self) -> str:
        """What a held key does, in words."""
        course = self.found.course
        if course.loop is not None:
            return f"repeats {course.loop[0]:.2f} to {course.loop[1]:.2f} s"
        return "dies away" if course.kind == "decaying" else "ends"

    def lines(self) -> list[str]:
        """Returns what was done, for people."""
        said = f"{self.pitch}; {self.found.frames} frames, {self.size / 1_000:,.0f} KB; {_NOISE_WORDS[self.noise]}"
        return [f"{self.file}  {said}; a held key {self.going_on}"]

    def facts(self) -> dict[str, Any]:
        """Returns the same as values for JSON."""
        found = self.found
        track = found.track
        return {
            "file": str(self.file),
            "bytes": self.size,
            "seconds": found.seconds,
            "pitch": None if track is None else track.middle,
            "key": found.key,
            "cents": found.cents,
            "follows": bool(len(found.curve[0])),
            "frames": found.frames,
            "tables": [voice.kind for voice in found.voices],
            "noise": self.noise,
            "tracks_key": found.tracks_key,
            "course": found.course.kind,
            "hold": found.course.hold,
            "release": found.course.release,
            "loop": found.course.loop,
            "macros": list(MACROS),
            "notes": list(self.notes),
        }


def write_wavetable(
    path: Path,
    out: Path | None = None,
    *,
    note: int | None = None,
    noise: str = "auto",
    most_kb: int = 1_000,
    force: bool = False,
) -> WavetableFile:
    """Writes a Vital preset that plays a recording.

    Args:
        path: A sound file.
        out: The file to write; named after the sound if None, and then a file of that name is not replaced.
        note: MIDI note of the recording, where it is known; estimated if None.
        noise: One of `NOISES`, or `"auto"`.
        most_kb: Size of the file at most, in KB of 1,000 bytes; sounds that need less take less.
        force: Whether to replace a file that is named after the sound.

    Raises:
        OptionError: If an option is out of its range.
        StorageError: If a file is there that nobody named, or it cannot be written.
        AudioError: If it is no sound.
    """
    if note is not None and not 0 <= note <= 127:
        raise OptionError(f"note={note}: not in [0, 127]")
    if noise not in ("auto", *NOISES):
        raise OptionError(f"noise={noise!r}: not one of auto, {', '.join(NOISES)}")
    if not SIZES_KB[0] <= most_kb <= SIZES_KB[1]:
        raise OptionError(f"most_kb={most_kb}: not in [{SIZES_KB[0]}, {SIZES_KB[1]:,}]")
    named = out is not None
    out = out or Path(f"{path.stem}.vital")
    if out.suffix.lower() != ".vital":
        raise OptionError(f"{out}: a preset of Vital ends in .vital")
    if out.exists() and not (named or force):  # it may be a preset that somebody made of the same sound by hand
        raise StorageError(f"{out}: is there already. Choose another name with -o, or replace it with --force.")
    sound = trim_noise(without_offset(load(path)))
    options = Options(noise=noise, most_bytes=1_000 * most_kb)  # pyright: ignore[reportArgumentType]
    found = Resynthesis.of(sound.samples, sound.rate, note=note, options=options)
    write_presets(out, [vital_preset(found, path.stem)])
    return WavetableFile(out, out.stat().st_size, found, (*sound.notes, *found.notes))
