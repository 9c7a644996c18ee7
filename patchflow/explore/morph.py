"""Morphs between two presets, or among four: presets whose sounds lie evenly between, found by playing many."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ..engines import Note, Renderer, engines
from ..engines._renderer import INAUDIBLE, render_or_silence
from ..errors import OptionError, PresetError
from ..match.limits import encode_locks
from ..match.verdict import CLOSENESS
from ..metrics.perceptual import Reference
from ..presets import ParamSpace, Preset, Value, check
from ..progress import Progress, ProgressCallback, ignore
from ..threads import one_torch_thread
from .audio_space import AudioSpace
from .grid import Grid
from .heard_space import HeardSpace, Tried
from .path import Path, path_of
from .path_search import PathSearch
from .player import NOTE, RATE, built

__all__ = ["SAME_DB", "grid_of", "morph"]

SAME_DB = 0.5
"""Distance, and difference of levels, below which two sounds are the same, see `metrics.perceptual`."""

_MOST_STEPS = 512
_LEAST_RENDERS = 200
_BATCH = 64  # presets that are tried together
_KNOWN_ROUNDS = 8  # after so many rounds without a new preset there is none


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
