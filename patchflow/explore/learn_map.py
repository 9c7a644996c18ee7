"""Learns the attribute map of a synth: plays presets, fits the map, turns presets by it, plays and fits again."""

import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..data.sampler import Sampler, random_presets
from ..engines import Engine, engines
from ..errors import EngineError, OptionError
from ..features.measures import ATTRIBUTES, MEASURES
from ..metrics.perceptual import Reference
from ..models import save_model, users_weights
from ..parsing import damage_named, npz_arrays
from ..presets import ParamSpace
from ..presets.library.library import Library
from ..progress import Progress, ProgressCallback, ignore
from ..storage import locked, make_folder, read_bytes, write_atomically
from .attribute_map import MAP, AttributeMap, probe_steps
from .player import NOTE, Player, cents_from
from .turn import Turner

__all__ = ["PlayedPresets", "fit_map", "learn_map", "learn_map_for_synth"]

_FEWEST_SOUNDS = 1_000
_FEWEST = 200  # presets that are worth drawing around
_SHARES = {"bank": 0.4, "crossed": 0.25, "jittered": 0.35}  # of what is drawn around a bank at first
_TURNED_SHARES = {"bank": 0.7, "crossed": 0.15, "jittered": 0.15}  # of what is turned
_KEYS = (36, 84)  # lowest and highest MIDI note that is played
_CHUNK = 5_000  # sounds that are kept together
_SIDE_BY_SIDE = 64  # presets that are turned at once
_TURNS = 3  # steps of one turn
_WISH = (0.5, 2.5)  # standard deviations
_KEPT = (1.0, 0.7, 0.4)  # share of the parameters that may move
_RIDGE = (0.3, 1.0, 4.0)
_FIRST = 0.6  # share of the sounds that are played before anything is turned
_BATCH = 512
_RATE = 1.5e-3
_DECAY = 0.02
_OUTLIER = 5.0  # standard deviations beyond which a measure counts as this
_LEAST_SPREAD = 0.1  # of the usual spread of an attribute, where presets hardly differ in it
_LEAST_SCALE = 0.02  # of a parameter that hardly varies
_PROBED = 24  # presets of which it is looked for what changes their pitch
_CENTS = 8.0
_LARGEST = 2**28  # bytes of a file


@dataclass(frozen=True)
class PlayedPresets:
    """Presets, the key that each was played on, and what was measured.

    Args:
        points: Encoded, float32, shape `(N, P)`.
        pitches: MIDI notes, shape `(N,)`.
        measures: Columns of `MEASURES`, NaN where a preset is silent, float32, shape `(N, M)`.
    """

    points: np.ndarray
    pitches: np.ndarray
    measures: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


def learn_map(
    make: type[Engine],
    bank: np.ndarray | None,
    *,
    folder: Path,
    sounds: int = 200_000,
    rounds: int = 2,
    steps: int = 4_000,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> AttributeMap:
    """Learns which way the attributes of a synth's sounds change with its parameters.

    First presets are drawn around a bank and played. Then, in rounds, presets are turned by the map that was learned so
    far and played: where the map is wrong, the next one learns it.

    Args:
        make: The engine.
        bank: Encoded presets for training, shape `(N, P)`; with fewer than 200, or None, presets are drawn at random.
        folder: Keeps what was played, so that an interrupted call goes on from there.
        sounds: How many to play in all.
        rounds: How often to turn and learn again.
        steps: Training steps of each fit.
        seed: Of the random generators.
        progress: Called while presets are played and the map is fitted.
    """
    make_folder(folder)
    space = make.space
    first = round(sounds * (_FIRST if rounds else 1.0))
    parts = []
    with Player(make) as player:
        for chunk, count in enumerate(_chunks(first)):
            progress(Progress("play", chunk * _CHUNK, sounds, "sounds"))
            rng = np.random.default_rng((seed, 0, chunk))
            make_drawn = partial(_drawn, player, space, bank, count, rng)
            parts.append(_kept(folder / f"drawn-{chunk}.npz", make_drawn))
        learned = fit_map(space, parts, steps=steps, seed=seed, progress=progress)
        done = first
        for number in range(1, rounds + 1):
            for chunk, count in enumerate(_chunks((sounds - first) // rounds)):
                progress(Progress("play", done, sounds, "sounds"))
                rng = np.random.default_rng((seed, number, chunk))
                turner = Turner(make, player, learned)
                make_turned = partial(_turned, player, turner, bank, count, rng)
                parts.append(_kept(folder / f"turned-{number}-{chunk}.npz", make_turned))
                done += count
            learned = fit_map(space, parts, steps=steps, seed=seed, start=learned, progress=progress)
        learned.detunes.copy_(torch.from_numpy(_detuning(player, space, parts[0].points)))
    return learned


def _detuning(player: Player, space: ParamSpace, points: np.ndarray) -> np.ndarray:
    """Which ordered parameters change the pitch of some presets when they move by a tenth of their range, (P,)."""
    found = np.zeros(len(space), bool)
    ordered = np.nonzero(~space.categorical)[0]
    for point in points[:_PROBED].astype(float):
        moved = np.repeat(point[None], len(ordered) + 1, 0)
        rows = np.arange(len(ordered))
        moved[rows + 1, ordered] += probe_steps(space, point)[ordered]
        sounds = player.play(space.snap(moved)).sounds[:, 0]
        cents = cents_from(Reference(torch.from_numpy(sounds[0])), sounds[1:])
        found[ordered] |= np.abs(cents) > _CENTS
    return found


def learn_map_for_synth(
    synth: str,
    *,
    library: Path | None = None,
    sounds: int = 200_000,
    seed: int = 0,
    progress: ProgressCallback = ignore,
) -> Path:
    """Learns the map of a synth from the presets in a library, and keeps it where `load_map` looks first.

    An interrupted call goes on where it stopped when it is repeated with the same arguments.

    Args:
        synth: Name of the engine.
        library: A preset library; with fewer than 200 presets of the synth, or None, presets are drawn at random.
        sounds: How many to play in all, at least 1,000.
        seed: Of the random generators.
        progress: See `learn_map`.

    Returns:
        Path of the weights.

    Raises:
        UnknownName: If there is no such synth.
        OptionError: If there are too few sounds, or an interrupted call had other arguments.
        EngineError: If the synth cannot be loaded.
        StorageError: If a file cannot be read or written, or another process works in the folder.
    """
    if sounds < _FEWEST_SOUNDS:
        raise OptionError(f"sounds={sounds}: not at least {_FEWEST_SOUNDS:,}")
    make = engines[synth]
    bank = None if library is None else Library(library).points(synth, make.space)
    weights = users_weights(synth, MAP)
    folder = weights.parent / f"{synth}-{MAP}"
    with locked(folder):
        settings = f"sounds={sounds} seed={seed} presets={0 if bank is None else len(bank)}"
        _check_settings(folder / "settings.txt", settings)
        learned = learn_map(make, bank, folder=folder, sounds=sounds, seed=seed, progress=progress)
        save_model(weights, learned, MAP, synth, about={"settings": settings})
        shutil.rmtree(folder, ignore_errors=True)
    return weights


def _check_settings(path: Path, settings: str) -> None:
    """Makes sure that what an interrupted call has played is of the same settings."""
    if not path.exists():
        write_atomically(path, settings.encode())
    elif (begun := read_bytes(path).decode("utf-8", "replace")) != settings:
        raise OptionError(f"{path.parent}: holds an unfinished run ({begun}). Repeat that, or remove the folder.")


def fit_map(
    space: ParamSpace,
    parts: Sequence[PlayedPresets],
    *,
    steps: int,
    seed: int = 0,
    width: int = 512,
    depth: int = 3,
    start: AttributeMap | None = None,
    progress: ProgressCallback = ignore,
) -> AttributeMap:
    """Returns a map that predicts the measures of presets.

    Args:
        space: The parameters of the synth.
        parts: What was played.
        steps: Training steps.
        seed: Of the random generators.
        width: See `AttributeMap`.
        depth: See `AttributeMap`.
        start: A map to go on from, whose scales are kept.
        progress: Called every hundred steps with the loss.
    """
    points = torch.from_numpy(np.concatenate([part.points for part in parts])).float()
    pitches = torch.from_numpy(np.concatenate([part.pitches for part in parts])).float()
    measures = torch.from_numpy(np.concatenate([part.measures for part in parts])).float()
    heard = torch.isfinite(measures).all(1)
    if not heard.any():
        raise EngineError("none of the presets that were drawn can be heard, so there is nothing to learn from")
    points, pitches, measures = points[heard], pitches[heard], measures[heard]
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        learned = AttributeMap(space, width=width, depth=depth)
    if start is None:
        learned.centre.copy_(points.mean(0))
        learned.scale.copy_(points.std(0).clamp_min(_LEAST_SCALE))
        learned.mean.copy_(measures.mean(0))
        usual = torch.tensor([attribute.spread for attribute in MEASURES])
        learned.std.copy_(torch.maximum(measures.std(0), _LEAST_SPREAD * usual))
    else:
        learned.load_state_dict(start.state_dict())
    wanted = ((measures - learned.mean) / learned.std).clamp(-_OUTLIER, _OUTLIER)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(learned.parameters(), _RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, steps)
    for step in range(steps):
        rows = torch.randint(len(points), (_BATCH,), generator=generator)
        loss = nn.functional.smooth_l1_loss(learned(points[rows], pitches[rows]), wanted[rows], beta=0.5)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learned.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            progress(Progress("fit", step, steps, "steps", losses={"train": loss.item()}))
    return learned.eval().requires_grad_(False)


def _chunks(count: int) -> Iterator[int]:
    for first in range(0, count, _CHUNK):
        yield min(_CHUNK, count - first)


def _kept(path: Path, make: Callable[[], PlayedPresets]) -> PlayedPresets:
    """What a file keeps of an earlier call; else it is made and kept."""
    if path.exists():
        with damage_named(path, hint="Remove it, and it is made again.", is_what="not what was played"):
            return PlayedPresets(**npz_arrays(read_bytes(path, _LARGEST), ("points", "pitches", "measures")))
    made = make()
    data = io.BytesIO()
    np.savez_compressed(data, points=made.points, pitches=made.pitches, measures=made.measures)
    write_atomically(path, data.getvalue())
    return made


def _played(player: Player, points: np.ndarray, pitches: np.ndarray) -> PlayedPresets:
    notes = [replace(NOTE, pitch=int(pitch)) for pitch in pitches]
    measures = player.play_each(points, notes).measures[:, 0]
    return PlayedPresets(points.astype(np.float32), pitches, measures.astype(np.float32))


def _pitches(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(_KEYS[0], _KEYS[1] + 1, count)


def _presets(
    space: ParamSpace, bank: np.ndarray | None, shares: Mapping[str, float], count: int, rng: np.random.Generator
) -> np.ndarray:
    if bank is None or len(bank) < _FEWEST:
        return space.snap(random_presets(space, count, rng))
    sampler = Sampler(space, bank, np.full(len(bank), 1 / len(bank)), **shares)
    return space.snap(sampler.draw(count, rng))


def _drawn(
    player: Player, space: ParamSpace, bank: np.ndarray | None, count: int, rng: np.random.Generator
) -> PlayedPresets:
    return _played(player, _presets(space, bank, _SHARES, count, rng), _pitches(count, rng))


def _turned(
    player: Player, turner: Turner, bank: np.ndarray | None, count: int, rng: np.random.Generator
) -> PlayedPresets:
    """Presets that were turned by the map, with those where they began."""
    parts: list[PlayedPresets] = []
    while sum(map(len, parts)) < count:
        some = _turn_some(player, turner, bank, rng)
        if not len(some[0]):
            raise EngineError("none of the presets that were drawn can be heard, so there is nothing to learn from")
        parts += some
    return PlayedPresets(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.pitches for part in parts]),
        np.concatenate([part.measures for part in parts]),
    )


def _turn_some(
    player: Player, turner: Turner, bank: np.ndarray | None, rng: np.random.Generator
) -> list[PlayedPresets]:
    """Turns some presets side by side, in steps: half of them as the map predicts, half as what was played asks for."""
    space = turner.engine.space
    begun = _played(player, _presets(space, bank, _TURNED_SHARES, _SIDE_BY_SIDE, rng), _pitches(_SIDE_BY_SIDE, rng))
    audible = np.isfinite(begun.measures).all(1)
    begun = PlayedPresets(begun.points[audible], begun.pitches[audible], begun.measures[audible])
    if not len(begun):
        return [begun]
    wishes = _wishes(len(begun), rng)
    measured = rng.random(len(begun)) < 0.5
    first = turner.standardised(begun.measures)
    now = begun
    parts = [begun]
    for _ in range(_TURNS):
        moved: list[np.ndarray] = []
        for row in range(len(now.points)):
            point = now.points[row].astype(float)
            slopes = turner.slopes(point, now.pitches[row : row + 1])
            known = turner.standardised(now.measures[row : row + 1]) if measured[row] else slopes.values
            kept = rng.random(len(point)) < rng.choice(_KEPT)
            step = turner.step(
                slopes, known - first[row] - wishes[row], point - begun.points[row],
                turned=wishes[row] != 0, free=kept, ridge=float(rng.choice(_RIDGE)),
            )  # fmt: skip
            moved.append(space.snap(point + step * rng.uniform(0.6, 1.4)))
        played = _played(player, np.array(moved), now.pitches)
        parts.append(played)
        # one that fell silent stays where it was
        still = np.isfinite(played.measures).all(1, keepdims=True)
        now = PlayedPresets(
            np.where(still, played.points, now.points), now.pitches, np.where(still, played.measures, now.measures)
        )
    return parts


def _wishes(count: int, rng: np.random.Generator) -> np.ndarray:
    """Changes of one attribute, sometimes of another too, (count, M)."""
    wishes = np.zeros((count, len(MEASURES)))
    rows = np.arange(count)
    sizes = rng.uniform(*_WISH, count) * rng.choice([-1.0, 1.0], count)
    wishes[rows, rng.integers(len(ATTRIBUTES), size=count)] = sizes
    another = rng.normal(size=count) * (rng.random(count) < 0.2)
    wishes[rows, rng.integers(len(ATTRIBUTES), size=count)] += another
    return wishes
