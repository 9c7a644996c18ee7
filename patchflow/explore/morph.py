"""Morphs between two presets, or among four, read from files: presets whose sounds lie evenly between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..audio.sound import Sound, from_array
from ..audio.sound_file import load
from ..engines import Note, Renderer, engines
from ..engines._renderer import INAUDIBLE, one_torch_thread, render_or_silence
from ..errors import OptionError, PresetError
from ..match.limits import encode_locks
from ..match.matcher import Matcher
from ..match.output.play import only_voice
from ..match.result import MatchResult
from ..match.verdict import CLOSENESS, closeness
from ..metrics.perceptual import Reference
from ..presets import ParamSpace, Preset, Value, check, chosen_voice
from ..progress import Progress, ProgressCallback, TellCallback, ignore, tell_nobody
from ..storage import readable
from .audio_space import AudioSpace, HeardSpace, Tried
from .grid import Grid
from .path import Path, path_of
from .path_search import PathSearch
from .player import NOTE, RATE, built

__all__ = ["SAME_DB", "Ends", "grid_of", "morph", "read_ends"]

SAME_DB = 0.5
"""Distance, and difference of levels, below which two sounds are the same, see `metrics.perceptual`."""

_MOST_STEPS = 512
_LEAST_RENDERS = 200
_BATCH = 64  # presets that are tried together
_KNOWN_ROUNDS = 8  # after so many rounds without a new preset there is none

_SYNTH = "dexed"  # for sounds, where nothing says which
_SOUNDS = frozenset(".wav .wave .aif .aiff .flac .mp3 .ogg .opus .m4a .aac .wma .webm .caf".split())  # noqa: SIM905
_RENDERS = 2_000  # of a match
_RATE = 44_100


@dataclass(frozen=True)
class Ends:
    """What a morph is between.

    Args:
        presets: Of one synth.
        note: What they are to be played on.
        found: What was done to get them, a line for each that was found by a match.
    """

    presets: tuple[Preset, ...]
    note: Note
    found: tuple[str, ...]


def read_ends(
    names: Sequence[str],
    *,
    synth: str = "",
    voice: int | None = None,
    pitch: int | None = None,
    renders: int = _RENDERS,
    seed: int = 0,
    tell: TellCallback = tell_nobody,
    progress: ProgressCallback = ignore,
) -> Ends:
    """Reads presets and sounds; what is no preset of the synth is played and matched by it first.

    Args:
        names: Preset files, a voice of a bank as `bank.syx:3`, the numbers of a match, or sound files.
        synth: Whose presets the morph is through; that of the presets if "", and the DX7 for sounds alone.
        voice: Which preset of each file whose name does not say it, from 1.
        pitch: MIDI note they are played on, and that sounds are matched with. If None, that of the first sound, and
            middle C of presets alone.
        renders: How many renders a match takes.
        seed: Of the matches.
        tell: Called with a line for what was mended in a preset or is lost on the way, and for each match.
        progress: Called in matches.

    Raises:
        PresetError: If a preset is damaged, or they are of different synths and none is asked for.
        OptionError: If a file has several voices and none is chosen.
        AudioError: If a sound is silent, too short or none.
        StorageError: If a file cannot be read.
        UnknownName: If there is no such synth.
    """
    if synth:
        engines[synth]  # what is wrong with the name is said before anything is read
    read = _read_all(names, voice, tell)
    wanted = synth or _common_synth(names, read)
    own = [end for end in read if isinstance(end, Preset) and end.synth == wanted]
    _tell_states(own, tell)
    if len(own) == len(read):
        return Ends(tuple(own), _note(pitch), ())
    presets = {place: end for place, end in enumerate(read) if isinstance(end, Preset) and end.synth == wanted}
    lines = {}
    with one_torch_thread():
        matcher = Matcher.load(wanted, wavetables="stock")  # what is between two presets has to be in their parameters
        # Sounds come first: where no note is asked for, that of the first one is what all ends are played on.
        strange = sorted(set(range(len(read))) - set(presets), key=lambda place: isinstance(read[place], Preset))
        for place in strange:
            end = read[place]
            if isinstance(end, Preset):
                pitch = _note(pitch).pitch
            sound = _played(end, _note(pitch)) if isinstance(end, Preset) else end
            result = matcher.match(sound, renders=renders, candidates=1, note=pitch, seed=seed, progress=progress)
            best = result.candidates[0]
            pitch = best.note.pitch
            presets[place] = replace(best.preset, name=_called(names[place], end))
            lines[place] = _line(names[place], end, wanted, result)
            tell(lines[place])
    in_order = range(len(read))
    return Ends(tuple(presets[place] for place in in_order), _note(pitch), tuple(lines[p] for p in sorted(lines)))


def morph(
    ends: Sequence[Preset],
    *,
    space: AudioSpace | None = None,
    steps: int = 32,
    note: Note = NOTE,
    lock: Mapping[str, Value | None] | None = None,
    renders: int = 2_000,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> Path:
    """Finds presets whose sounds lead from one end to the other in equal steps.

    What is tried are the straight paths of the parameters and of the audio space, presets whose parts (operators, say)
    change over at times of their own, and then children of the best at each place: the moves of the search that matches
    sounds. Of all that were played, those are taken that lie nearest to the line between the sounds of the ends, see
    `HeardSpace`, and nearest to where their neighbours lie: the whole path at once, see `choose`. So discrete
    parameters are decided by what is heard, loudness and pitch move evenly, and ends of one pitch stay in tune all the
    way. The ends are the presets themselves.

    Args:
        ends: Two presets of one synth, or four: the corners of a square, row by row.
        space: The audio space of the synth; that of `AudioSpace.load` if not given.
        steps: Presets on the path, the ends among them, 3 to 512; of four corners in rows and columns, see `grid_of`.
        note: What is played and listened to.
        lock: Parameters or groups that stay as they are in the first preset, or at a value.
        renders: How many presets to play, at least 200.
        seed: Of the random generator; the same seed gives the same path.
        progress: Called after every batch of renders.

    Raises:
        OptionError: If the number of ends, steps or renders is not allowed, if the ends sound the same, or if locks
            leave nothing to move.
        PresetError: If the presets are of different synths, one cannot be heard, or one is another sound with what the
            first holds beyond its parameters.
        UnknownName: If a locked name is neither a parameter nor a group.
    """
    grid = grid_of(steps, len(ends))
    if renders < _LEAST_RENDERS:
        raise OptionError(f"renders={renders}: not at least {_LEAST_RENDERS}")
    synth = _one_synth(ends)
    engine = engines[synth]
    space = space or AudioSpace.load(synth)
    if space.synth != synth:
        raise PresetError(
            f"{ends[0].name or 'preset'}: is for {synth!r}, and the audio space is one of {space.synth!r}"
        )
    corners, free = _corners(engine.space, ends, lock or {})
    with one_torch_thread(), Renderer(lambda: built(engine, ends[0].state)) as renderer:
        tried = Tried(renderer, note, _heard_ends(renderer, corners, note, ends, lock or {}))
        search = PathSearch(renderer.make(), corners, free, grid=grid, tried=tried, rng=np.random.default_rng(seed))
        search.begin(space)
        known = 0  # rounds in a row that found nothing new: where few parameters are free, there are few presets
        while len(tried) < renders and known < _KNOWN_ROUNDS:
            before = len(tried)
            search.go_on(min(_BATCH, renders - before))
            known = known + 1 if len(tried) == before else 0
            progress(Progress("gather", len(tried), renders, "presets"))
        points = tried.points[search.path()]
        return path_of(ends, points, grid, note, renderer=renderer, space=space.description)


def grid_of(steps: int, ends: int) -> Grid:
    """Returns the places of a path of so many steps.

    Args:
        steps: How many presets.
        ends: Between how many.

    Raises:
        OptionError: If the numbers are not allowed.

    Example:
        >>> grid_of(32, 4)
        Grid(rows=4, columns=8)
    """
    if ends not in (2, 4):
        raise OptionError(f"{ends} presets: a morph is between 2, or among 4")
    if not 3 <= steps <= _MOST_STEPS:
        raise OptionError(f"steps={steps}: not in [3, {_MOST_STEPS}]")
    if ends == 2:
        return Grid(1, steps)
    rows = max(row for row in range(1, int(steps**0.5) + 1) if steps % row == 0)
    if rows < 2:
        raise OptionError(f"steps={steps}: among four presets they are rows of columns, such as 16, 25 or 32")
    return Grid(rows, steps // rows)


def _one_synth(ends: Sequence[Preset]) -> str:
    first, *others = ends
    for other in others:
        if other.synth != first.synth:
            raise PresetError(
                f"{first.name or 'first preset'!r} is for {first.synth!r} and {other.name or 'another'!r} for "
                f"{other.synth!r}: a morph is through presets of one synth"
            )
    return first.synth


def _corners(
    space: ParamSpace, ends: Sequence[Preset], lock: Mapping[str, Value | None]
) -> tuple[np.ndarray, np.ndarray]:
    """The ends, encoded, with locked parameters alike in all; and the positions of parameters that are free."""
    for end in ends:
        check(end, space)
    corners = space.snap(np.stack([space.encode(end.values) for end in ends]))
    locked = encode_locks(space, lock, corners[0])
    for position, value in locked.items():
        corners[:, position] = value
    corners = space.snap(corners)
    free = np.setdiff1d(np.arange(len(space)), list(locked))
    if not len(free) or (lock and (corners == corners[0]).all()):
        raise OptionError(f"lock {', '.join(lock)}: leaves nothing to move, all presets are the same then")
    return corners, free


def _heard_ends(
    renderer: Renderer, corners: np.ndarray, note: Note, ends: Sequence[Preset], lock: Mapping[str, Value | None]
) -> HeardSpace:
    """The space between the sounds of the ends.

    Raises:
        PresetError: If one cannot be heard, or is another sound with what the first holds beyond its parameters.
        OptionError: If they all sound the same.
    """
    jobs = list(corners)
    sounds = np.stack(list(renderer.map(lambda engine, point: render_or_silence(engine, point, note, RATE), jobs)))
    for end, sound in zip(ends, sounds, strict=True):
        if np.abs(sound).max() < INAUDIBLE:
            raise PresetError(f"{end.name or 'preset'}: cannot be heard on note {note.pitch}, so there is no way to it")
    _check_states(corners, sounds, note, ends)
    apart = Reference(torch.from_numpy(sounds[0])).distance(torch.from_numpy(sounds[1:]))
    levels = 10 * np.log10(np.square(sounds, dtype=float).mean(1))
    if float(apart.max()) < SAME_DB and np.ptp(levels) < SAME_DB:
        names = " and ".join(repr(end.name or "preset") for end in (ends[0], ends[1]))
        why = f" with {', '.join(lock)} locked" if lock else ""
        raise OptionError(
            f"{names} sound the same{why} ({float(apart.max()):.1f} dB apart): there is nothing between them"
        )
    return HeardSpace(sounds)


def _check_states(corners: np.ndarray, sounds: np.ndarray, note: Note, ends: Sequence[Preset]) -> None:
    """Refuses ends that are other sounds with what the first holds beyond its parameters, as all of the path has it.

    Raises:
        PresetError: If one is no twin of itself.
    """
    first = ends[0]
    for end, corner, sound in zip(ends, corners, sounds, strict=True):
        if end.state == first.state:
            continue
        own = render_or_silence(built(engines[end.synth], end.state), corner, note, RATE)
        off = float(Reference(torch.from_numpy(own)).distance(torch.from_numpy(sound[None]))[0])
        if off > CLOSENESS["a twin"]:
            raise PresetError(
                f"{end.name or 'preset'}: holds other things beyond its parameters, such as wavetables, than "
                f"{first.name or 'the first'}, and is another sound with those ({off:.0f} dB from itself). A path is "
                f"through parameters alone: render it, and give the sound as an end"
            )


def _read_all(names: Sequence[str], voice: int | None, tell: TellCallback) -> list[Preset | Sound]:
    ends = [_read(name, voice, tell) for name in names]
    if voice is not None and not any(isinstance(end, Preset) for end in ends):
        raise OptionError(f"voice={voice}: a sound has no voices")
    return ends


def _tell_states(ends: Sequence[Preset], tell: TellCallback) -> None:
    """Says what is lost of presets that differ in what they hold beyond their parameters."""
    if len({end.state for end in ends}) > 1:
        tell(
            "these presets hold more than parameters, such as wavetables, and not the same: all of the path has what "
            f"{ends[0].name!r} holds"
        )


def _note(pitch: int | None) -> Note:
    return NOTE if pitch is None else replace(NOTE, pitch=pitch)


def _read(name: str, usual: int | None, tell: TellCallback) -> Preset | Sound:
    path, voice = chosen_voice(name)
    if path.suffix.lower() in _SOUNDS:
        if voice is not None:
            raise OptionError(f"{name}: a sound has no voices")
        return load(path)
    preset = only_voice(path, usual if voice is None else voice, tell=tell)
    check(preset, engines[preset.synth].space)
    return preset if preset.name.strip() else replace(preset, name=readable(path.stem))


def _common_synth(names: Sequence[str], read: Sequence[Preset | Sound]) -> str:
    synths = [end.synth for end in read if isinstance(end, Preset)]
    if not synths:
        return _SYNTH
    for name, end in zip(names, read, strict=True):
        if isinstance(end, Preset) and end.synth != synths[0]:
            raise PresetError(
                f"{name}: is for {end.synth!r}, another one for {synths[0]!r}. The way between two synths is through "
                f"sound: with --synth {synths[0]} a match finds a preset of it that sounds like this one"
            )
    return synths[0]


def _played(preset: Preset, note: Note) -> Sound:
    engine = engines[preset.synth]()
    engine.build_on(preset.state)
    samples = engine.render(engine.space.encode(preset.values), note, _RATE)
    return from_array(samples, _RATE)


def _called(name: str, end: Preset | Sound) -> str:
    return end.name if isinstance(end, Preset) else readable(chosen_voice(name)[0].stem)


def _line(name: str, end: Preset | Sound, synth: str, result: MatchResult) -> str:
    best = result.candidates[0]
    distance = best.distances["perceptual"]
    word = closeness(distance, best.cents, unlike=best.unlike)
    what = f"a preset of {end.synth}" if isinstance(end, Preset) else "a sound"
    return f"{name}: {what}, so a match found a preset of {synth} for it: {word}, {distance:.1f} dB"
