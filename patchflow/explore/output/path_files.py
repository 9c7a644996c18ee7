"""Writes a path of presets: a bank or a file a preset, two sounds, MIDI sequences, macro knobs, and all numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch

from ...audio.sound_file import encode
from ...engines import Engine, Note, Renderer, engines
from ...engines._renderer import one_torch_thread, render_or_silence
from ...errors import PresetError
from ...match.output.names import file_name, write_set
from ...match.output.rendition import RENDITION_RATE, equally_loud
from ...metrics.perceptual import Reference
from ...presets import Knob, Preset
from ...presets.formats import PresetFormat, formats
from ...presets.formats.syx import Syx
from ...presets.vital import SPACES, Macro, control_name, destinations, with_macros
from ...progress import Progress, ProgressCallback, ignore
from ..path import Path
from ..player import RATE
from .midi_file import TimedMessage, midi_file, note, program, sysex

__all__ = ["MacroPath", "PathFiles", "macro_preset", "write_path"]

_SECOND = 1.0  # from one note of a sequence to the next
_HOLD = 0.75  # seconds that each is held
_LUFS = -18.0
_STEP_S = 0.25  # of the sweep, for each preset
_SHORTEST_SWEEP = 4.0
_LONGEST_SWEEP = 58.0  # with the release it is the longest note there is
_RELEASE = 1.0  # seconds after the key of the sweep is up
_BANK = 32  # voices that a program change of a DX7 reaches
_DUMP_S = 0.1  # that a DX7 needs to take a voice: 163 bytes at 31,250 baud, and time to store them

_LEAST = 1e-4  # of a range: what moves less is not modulated
_STRAIGHT = 0.05  # of a range, from the line between the ends: what stays within it is linear


@dataclass(frozen=True)
class PathFiles:
    """What was written.

    Args:
        folder: Where.
        names: Of the files, the numbers last.
        content: Of the JSON file.
    """

    folder: FilePath
    names: tuple[str, ...]
    content: Mapping[str, Any]


def write_path(
    path: Path,
    stem: str,
    folder: FilePath,
    *,
    extra: Mapping[str, Any] | None = None,
    progress: ProgressCallback = ignore,
) -> PathFiles:
    """Writes all files of a path, together or not at all.

    * `STEM.wav`: every preset plays a note, all equally loud. `STEM-sweep.wav`: one note is held while the presets
      change, each crossfaded into the next; rows of a square go to and fro.
    * Presets in the synth's own format: a bank, if it has banks, else a file a preset.
    * Of a DX7: `STEM.mid`, program changes that go through the bank, if they can; `STEM-sysex.mid`, which sends every
      voice before its note.
    * Of Vital: `STEM-macro.vital`, the first preset with the path in its macro knobs, see `macro_preset`.
    * `STEM.json`: the path, see `read_path`, with names and checksums of all the others.

    Args:
        path: The presets.
        stem: What the names of the files begin with.
        folder: Where to write; made if it is not there.
        extra: What else the JSON file is to say.
        progress: Called while presets are played.

    Raises:
        StorageError: If a file cannot be written; then what was there before still is.
    """
    base = file_name(stem, "", 200)
    engine = engines[path.synth]()
    engine.build_on(path.state)
    kind = formats[engine.native]()
    presets = [_settled(engine, kind, preset) for preset in path.presets]
    files: dict[str, bytes] = _preset_files(base, kind, presets)
    content = path.content()
    content |= extra or {}
    with one_torch_thread():
        files |= _sounds(base, path, progress)
        if path.synth in SPACES:
            found = macro_preset(path)
            if found is None:
                content["macro"] = None
            else:
                files[f"{base}-macro.vital"] = kind.write([engine.whole(found.preset)])
                content["macro"] = found.content()
    if isinstance(kind, Syx):
        files |= _sequences(base, path, kind, presets)
    # Values of presets keep all their digits: what is read is what was found.
    content = write_set(folder, files, f"{base}.json", content, exact=True)
    return PathFiles(folder, (*files, f"{base}.json"), content)


def _settled(engine: Engine, kind: PresetFormat, preset: Preset) -> Preset:
    """The preset as its own file holds it."""
    return engine.whole(engine.pack(preset) if kind.opaque else preset)


def _preset_files(base: str, kind: PresetFormat, presets: Sequence[Preset]) -> dict[str, bytes]:
    ending = kind.extensions[0]
    if ending == ".json":
        ending = ".preset.json"  # our own format, whose ending alone is that of the numbers
    if not kind.single:
        return {f"{base}{ending}": kind.write(presets)}
    digits = max(2, len(str(len(presets))))
    return {f"{base}-{number:0{digits}}{ending}": kind.write([each]) for number, each in enumerate(presets, 1)}


def _sounds(base: str, path: Path, progress: ProgressCallback) -> dict[str, bytes]:
    order = _to_and_fro(path)
    sweep = min(max(_SHORTEST_SWEEP, _STEP_S * len(path)), _LONGEST_SWEEP)
    single = replace(path.note, hold=_HOLD, length=_SECOND)
    held = replace(path.note, hold=sweep, length=sweep + _RELEASE)

    def make() -> Engine:
        engine = engines[path.synth]()
        engine.build_on(path.state)
        return engine

    points = make().space
    encoded = [points.encode(path.steps[place].values) for place in order]
    notes = _played(make, encoded, single, progress)
    levelled = equally_loud(notes, _LUFS)
    in_rows = np.argsort(order)
    steps = np.concatenate([levelled[place].samples for place in in_rows])
    gains = [10 ** (each.gain_db / 20) for each in levelled]
    swept = _swept(make, encoded, held, gains, progress)
    return {
        f"{base}.wav": encode(f"{base}.wav", steps, RENDITION_RATE)[0],
        f"{base}-sweep.wav": encode(f"{base}-sweep.wav", swept, RENDITION_RATE)[0],
    }


def _played(
    make: Callable[[], Engine], points: Sequence[np.ndarray], played: Note, progress: ProgressCallback
) -> list[np.ndarray]:
    return list(_stream(make, points, played, progress))


def _stream(
    make: Callable[[], Engine], points: Sequence[np.ndarray], played: Note, progress: ProgressCallback
) -> Iterator[np.ndarray]:
    with Renderer(make) as renderer:
        rendered = renderer.map(
            lambda engine, point: render_or_silence(engine, point, played, RENDITION_RATE), list(points)
        )
        for number, sound in enumerate(rendered, 1):
            yield sound
            progress(Progress("render", number, len(points), "notes"))


def _swept(
    make: Callable[[], Engine],
    points: Sequence[np.ndarray],
    held: Note,
    gains: Sequence[float],
    progress: ProgressCallback,
) -> np.ndarray:
    """One note through all presets: each is heard around its moment, and fades into the next until that one's."""
    moments = np.arange(held.samples(RENDITION_RATE)) / RENDITION_RATE
    place = np.clip(moments / held.hold, 0, 1) * (len(points) - 1)
    mixed = np.zeros(len(moments))
    # One after the other: all the long sounds of a path together would fill the memory.
    for number, (sound, gain) in enumerate(zip(_stream(make, points, held, progress), gains, strict=True)):
        near = np.clip(1 - np.abs(place - number), 0, 1)
        # The voices of two presets have phases of their own, so it is their powers that add up.
        mixed += sound * gain * np.sin(near * np.pi / 2)
    return mixed.astype(np.float32)


def _to_and_fro(path: Path) -> list[int]:
    """The places in an order in which each is beside the one before."""
    order: list[int] = []
    columns = path.grid.columns
    for row in range(path.grid.rows):
        places = list(range(row * columns, (row + 1) * columns))
        order += places if row % 2 == 0 else places[::-1]
    return order


def _sequences(base: str, path: Path, kind: PresetFormat, presets: Sequence[Preset]) -> dict[str, bytes]:
    """MIDI files in which each voice plays a note: chosen in the bank, and sent as a dump before."""
    pitch = path.note.pitch
    velocity = path.note.velocity
    by_program: list[TimedMessage] = []
    by_dump: list[TimedMessage] = []
    for number, preset in enumerate(presets):
        at = number * _SECOND
        by_program.append(program(at, number % _BANK))
        by_program += note(at, at + _HOLD, pitch, velocity)
        by_dump.append(sysex(at, kind.write([preset])))
        by_dump += note(at + _DUMP_S, at + _DUMP_S + _HOLD, pitch, velocity)
    files = {f"{base}-sysex.mid": midi_file(by_dump, bpm=60, name=base)}
    if len(presets) <= _BANK:
        files[f"{base}.mid"] = midi_file(by_program, bpm=60, name=base)
    return files


@dataclass(frozen=True)
class MacroPath:
    """A preset whose macro knobs go along a path.

    Args:
        preset: The first of the path, with the knobs at 0.
        knobs: What each knob is called: the end that it leads to.
        controls: How many controls the knobs move.
        bent: Controls that do not go in a straight line along the path.
        left: Controls that move along the path and that no knob can move, such as switches: they stay as in the first.
        errors: How far the sound at each place is from that of the path, in dB, see `metrics.perceptual`.
    """

    preset: Preset
    knobs: tuple[str, ...]
    controls: int
    bent: tuple[str, ...]
    left: tuple[str, ...]
    errors: tuple[float, ...]

    def content(self) -> dict[str, Any]:
        """Returns what a JSON file says of it."""
        return {
            "knobs": list(self.knobs),
            "controls": self.controls,
            "not_straight": list(self.bent),
            "not_moved": list(self.left),
            "error_db": list(self.errors),
            "mean_error_db": float(np.mean(self.errors)),
            "largest_error_db": float(np.max(self.errors)),
        }


def macro_preset(path: Path) -> MacroPath | None:
    """Writes a path into the macro knobs of its first preset, and plays it to say how far it is from the path.

    Between two ends macro 1 leads from the first to the other. Among four, macros 1 to 3 are how much there is of the
    second, third and fourth: x (1 - y), (1 - x) y and x y at a place of the square.

    Args:
        path: Of Vital's presets.

    Returns:
        None where no control that a knob can move is different at the ends, or more are than Vital has modulations for.
    """
    space = engines[path.synth].space
    points = np.stack([space.encode(step.values) for step in path.steps])
    ends = path.grid.corners(len(path.ends))
    corners = points[ends]
    weights = path.grid.weights(len(ends))
    moving = np.abs(points - points[0]).max(0) > _LEAST
    known = set(destinations())
    movable = np.zeros(len(space), bool)
    for position, parameter in enumerate(space.parameters):
        movable[position] = isinstance(parameter, Knob) and control_name(parameter.name) in known
    moved = movable & (np.abs(corners - corners[0]).max(0) > _LEAST)
    if not moved.any():
        return None
    line = weights @ corners
    bent = movable & (np.abs(points - line).max(0) > _STRAIGHT)
    amounts = []
    for corner in corners[1:]:
        shift = corner - corners[0]
        chosen = np.flatnonzero(moved & (np.abs(shift) > _LEAST))
        amounts.append({space.names[position]: float(np.clip(shift[position], -1, 1)) for position in chosen})
    macros = [Macro(name or "end", each) for name, each in zip(path.ends[1:], amounts, strict=True)]
    start = path.presets[0]
    try:
        preset = with_macros(start, macros)
        errors = _errors(path, start, macros, weights)
    except PresetError:  # more controls than modulations are free
        return None
    return MacroPath(
        preset=preset,
        knobs=tuple(macro.name for macro in macros),
        controls=int(moved.sum()),
        bent=tuple(space.names[position] for position in np.flatnonzero(bent)),
        left=tuple(space.names[position] for position in np.flatnonzero(moving & ~movable)),
        errors=errors,
    )


def _errors(path: Path, start: Preset, macros: list[Macro], weights: np.ndarray) -> tuple[float, ...]:
    """How far the sound of the knobs is from that of the path at every place, in dB."""
    engine = engines[path.synth]()
    wanted = [_sound(engine, replace(start, values=step.values), path) for step in path.steps]
    errors = []
    for row, target in zip(weights, wanted, strict=True):
        turned = [replace(macro, value=float(share)) for macro, share in zip(macros, row[1:], strict=True)]
        sound = _sound(engine, with_macros(start, turned), path)
        distance = Reference(torch.from_numpy(target)).distance(torch.from_numpy(sound[None]))
        errors.append(round(float(distance[0]), 3))
    return tuple(errors)


def _sound(engine: Engine, preset: Preset, path: Path) -> np.ndarray:
    engine.build_on(preset.state)
    return render_or_silence(engine, engine.space.encode(preset.values), path.note, RATE)
