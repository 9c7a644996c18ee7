"""Variations of a preset, all as far from it as was asked and far from each other; and children of two presets."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ..engines import Engine, Note
from ..engines._renderer import INAUDIBLE
from ..errors import OptionError, PresetError
from ..match.verdict import CLOSENESS
from ..metrics.perceptual import Reference
from ..presets import Preset, Value
from ..progress import ProgressCallback, ignore
from .children import Goal, Variations, twin_distance
from .good_presets import Donors, GoodPresets
from .player import NOTE, Heard
from .sections import section_blocks
from .trajectories import HeardPoint, LatentTrajectory, Trajectory, crossovers
from .workbench import Workbench, check_count, shortfall

__all__ = ["AMOUNTS", "DB_PER_AMOUNT", "HOW", "SHARES", "breed", "vary"]

DB_PER_AMOUNT = 40.0
"""How far amount 1 is, in dB of `metrics.perceptual`.

By the words of `match.verdict.CLOSENESS`, 0.1 is then a twin (4 dB), 0.3 close (12), 0.6 of the same family (24) and 1
another sound (40): most pairs of presets of two categories are nearer, see `benchmarks/closeness.py`.
"""

AMOUNTS = (0.05, 1.0)
"""Smallest and largest amount: 2 dB are just heard."""

HOW = ("both", "borrow", "walk")
"""How children are made: sections borrowed, a walk through the space of a model, or some of each."""

SHARES = (0.1, 0.9)
"""Smallest and largest share of the way from one parent to the other: beyond, a child has hardly anything of one."""

_BY_CHANCE = "no trained weights for this synth: sections are borrowed of presets drawn by chance"
_DONORS = 48  # of each source
_TOLERANCE_DB = 0.75
_TOLERANCE = 0.05  # of the distance
_TOLERANCE_OF_WAY = 0.05  # of the way
_NONE = "no preset with sections of both was found there, in tune and between the two; try another amount or seed"
_APART = 0.125  # of the way between the parents, between two children


def vary(
    good: GoodPresets,
    preset: Preset,
    amount: float = 0.3,
    *,
    count: int = 8,
    how: str = "both",
    sections: Sequence[str] = (),
    lock: Mapping[str, Value | None] | None = None,
    note: Note = NOTE,
    seed: int = 0,
    renders: int | None = None,
    progress: ProgressCallback = ignore,
) -> Variations:
    """Returns variations of a preset at a heard distance.

    Sections are borrowed of good presets, or the preset walks through the space of a model; how far to go is found by
    playing what comes out. What tunes the synth, and its level, stay unless a section asks for them, but to put a child
    in tune or make it as loud.

    Args:
        good: What is known of good presets of the synth.
        preset: A preset of the synth.
        amount: How far, see `DB_PER_AMOUNT` and `AMOUNTS`.
        count: How many, 1 to 32; there may be fewer, which a remark says.
        how: One of `HOW`; without a model there is no walk.
        sections: What may change, see `select_sections`; all if empty.
        lock: Parameters or groups that stay, None, or get a value; distances are counted from the preset with these.
        note: What is played.
        seed: Of the random generator.
        renders: How many notes may be played, about; 150 a child if None.
        progress: Called after every round.

    Raises:
        OptionError: If an option is not allowed, nothing is left that may move, or it does not lead as far.
        PresetError: If the preset is of another synth, or silent.
        RenderError: If the synth refuses the preset.

    Example:
        >>> from patchflow.engines import engines
        >>> saw = Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0}, name="Saw")
        >>> good = GoodPresets("tone", engines["tone"])
        >>> found = vary(good, saw, 0.2, count=1, note=Note(hold=0.3, length=0.4))
        >>> abs(found.children[0].distances[0] - 8.0) < 0.75
        True
    """
    _check(good, preset, amount, how)
    check_count(count, renders)
    asked = amount * DB_PER_AMOUNT
    goal = Goal(asked, max(_TOLERANCE_DB, _TOLERANCE * asked), _from_parent, twin_distance(asked))
    bench = Workbench(good.engine, preset, sections=sections, lock=lock or {}, note=note, progress=progress)
    with bench:
        trajectories = _Trajectories(good, bench, how, ", ".join(sections) or "all", np.random.default_rng(seed))
        children = bench.find(trajectories.make, goal, references=[bench.reference], count=count, renders=renders)
        if not children:
            raise OptionError(_out_of_reach(bench.trials, amount))
    spent = bench.audition.renders
    said = (*bench.remarks, *shortfall(len(children), count), *(() if good.models else (_BY_CHANCE,)))
    return Variations((bench.preset,), bench.sound[None], children, amount, asked, note, spent, good.models, said)


def _from_parent(heard: Heard) -> np.ndarray:
    return heard.distance[:, 0]


def _check(good: GoodPresets, preset: Preset, amount: float, how: str) -> None:
    if preset.synth != good.synth:
        raise PresetError(f"{preset.name or 'the preset'}: a preset of {preset.synth}, not of {good.synth}")
    low, high = AMOUNTS
    if not low <= amount <= high:
        raise OptionError(f"amount={amount:g}: not in [{low:g}, {high:g}]; 0.1 is a twin, 0.3 close, 1 another sound")
    if how not in HOW:
        raise OptionError(f"how={how}: not one of {', '.join(HOW)}")
    if how == "walk" and not good.models:
        raise OptionError("how=walk: no trained weights for this synth, so no space to walk in; borrow instead")


class _Trajectories:
    """Makes trajectories from a preset, some of each kind that is asked for."""

    def __init__(self, good: GoodPresets, bench: Workbench, how: str, what: str, rng: np.random.Generator) -> None:
        self.good = good
        self.bench = bench
        self.how = how if good.models else "borrow"
        self.what = what
        self.rng = rng
        self.walked = 0
        self.blocks = section_blocks(bench.space, bench.movable)
        self.donors = good.donors(bench.start, bench.sound, bench.note, _DONORS, play=bench.audition.sounds, rng=rng)

    def make(self, count: int) -> list[Trajectory]:
        """Returns about as many new trajectories."""
        walking = {"both": count // 2, "borrow": 0, "walk": count}[self.how]
        bench = self.bench
        trajectories: list[Trajectory] = []
        if walking:
            walks = self.good.walks(bench.start, bench.sound, bench.note, walking, after=self.walked, rng=self.rng)
            self.walked += walking
            trajectories += [LatentTrajectory(walk, self.what) for walk in walks]
        trajectories += crossovers(bench.space, bench.start, self.blocks, self.donors, count - walking, rng=self.rng)
        return trajectories


def _out_of_reach(trials: Sequence[HeardPoint], amount: float) -> str:
    farthest = max((trial.value for trial in trials), default=0.0) / DB_PER_AMOUNT
    if farthest < AMOUNTS[0]:
        return (
            f"amount={amount:g}: nothing of what may move can be heard in this preset; choose other sections or locks"
        )
    if farthest < amount:
        return f"amount={amount:g}: what may move leads to {farthest:.2f} at most; choose more sections, or less"
    return f"amount={amount:g}: nothing in tune was found there; try another amount or seed, or more renders"


def breed(
    engine: type[Engine],
    first: Preset,
    second: Preset,
    share: float = 0.5,
    *,
    count: int = 8,
    sections: Sequence[str] = (),
    lock: Mapping[str, Value | None] | None = None,
    note: Note = NOTE,
    seed: int = 0,
    renders: int | None = None,
    progress: ProgressCallback = ignore,
) -> Variations:
    """Returns presets with sections of both parents, which lie between them by what is heard.

    The second parent is first put in tune with the first, and no child is farther from either than they are from each
    other. What neither section nor level says, such as wavetables, is that of the first.

    Args:
        engine: Class of the synth.
        first: A preset of it.
        second: Another.
        share: How far on the way from the first to the second, see `SHARES`: the distance from the first over the sum
            of both distances.
        count: How many, 1 to 32; there may be fewer, which a remark says.
        sections: What may come from the second, see `select_sections`; all if empty.
        lock: Parameters or groups that stay as in the first, None, or get a value; the first parent then has it too.
        note: What is played.
        seed: Of the random generator.
        renders: How many notes may be played, about; 150 a child if None.
        progress: Called after every round.

    Raises:
        OptionError: If an option is not allowed, nothing is left that may move, or the two sound the same.
        PresetError: If a preset does not fit the synth, or is silent.
        RenderError: If the synth refuses the first.
    """
    _check_share(share)
    check_count(count, renders)
    rng = np.random.default_rng(seed)
    # The sections of each parent need its own tuning; what comes out is put in tune as a whole.
    bench = Workbench(engine, first, sections=sections, lock=lock or {}, note=note, progress=progress, tuning=False)
    with bench:
        other = bench.in_tune(bench.encoded(second))
        whole = _way_between(first, second, other)
        donors = Donors(other.points, (second.name or "the second",))
        blocks = section_blocks(bench.space, bench.movable & (other.points[0] != bench.start), least=3)

        def swapped(number: int) -> list[Trajectory]:
            return list(crossovers(bench.space, bench.start, blocks, donors, number, rng=rng, elsewhere=0.0))

        references = [bench.reference, Reference(torch.from_numpy(other.sounds[0]))]
        goal = _goal_between(share, whole)
        children = bench.find(swapped, goal, references=references, count=count, renders=renders)
    if not children:
        raise OptionError(f"amount={share:g}: {_NONE}")
    sounds = np.stack([bench.sound, other.sounds[0]])
    said = (*bench.remarks, *shortfall(len(children), count))
    return Variations((bench.preset, second), sounds, children, share, share, note, bench.audition.renders, (), said)


def _check_share(share: float) -> None:
    low, high = SHARES
    if not low <= share <= high:
        raise OptionError(f"amount={share:g}: not in [{low:g}, {high:g}]; of two presets it is the share of the way")


def _goal_between(share: float, whole: float) -> Goal:
    """Children at a share of the way between two parents that are so far apart, in dB."""

    def fits(trial: HeardPoint) -> bool:
        distance = trial.heard.distance[0]
        stops = trial.trajectory.stops or (0.0, 0.0)
        # a whole section of the second at least, and one of the first that is as it was
        of_both = stops[0] <= trial.share <= stops[-1]
        return bool(of_both and distance.max() <= whole and distance.min() > CLOSENESS["the same"])

    return Goal(share, _TOLERANCE_OF_WAY, _share_of_way, max(CLOSENESS["the same"], _APART * whole), fits)


def _share_of_way(heard: Heard) -> np.ndarray:
    return heard.distance[:, 0] / np.maximum(heard.distance.sum(1), 1e-9)


def _way_between(first: Preset, second: Preset, heard: Heard) -> float:
    """How far the second is from the first, in dB.

    Raises:
        OptionError: If they sound the same.
        PresetError: If the second is silent.
    """
    names = [first.name or "the first", second.name or "the second"]
    if np.abs(heard.sounds).max() < INAUDIBLE:
        raise PresetError(f"{names[1]}: silent on this note, so nothing can lie between")
    whole = float(heard.distance[0, 0])
    if whole <= CLOSENESS["the same"]:
        raise OptionError(f"{names[0]} and {names[1]} sound the same: {whole:.1f} dB apart. Nothing lies between them")
    return whole
