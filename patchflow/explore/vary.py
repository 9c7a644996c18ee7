"""Variations of a preset: presets that all sound as far from it as was asked, and far from each other."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..engines import Note
from ..errors import OptionError, PresetError
from ..presets import Preset, Value
from ..progress import ProgressCallback, ignore
from .audition import Heard
from .children import Goal, Variations, twin_distance
from .good_presets import GoodPresets
from .player import NOTE
from .sections import section_blocks
from .ways import Stroll, TriedWay, Way, borrowings
from .workbench import Workbench, check_count, shortfall

__all__ = ["AMOUNTS", "DB_PER_AMOUNT", "HOW", "vary"]

DB_PER_AMOUNT = 40.0
"""How far amount 1 is, in dB of `metrics.perceptual`.

By the words of `match.verdict.CLOSENESS`, 0.1 is then a twin (4 dB), 0.3 close (12), 0.6 of the same family (24) and 1
another sound (40): most pairs of presets of two categories are nearer, see `benchmarks/closeness.py`.
"""

AMOUNTS = (0.05, 1.0)
"""Smallest and largest amount: 2 dB are just heard."""

HOW = ("both", "borrow", "walk")
"""How children are made: sections borrowed, a walk through the space of a model, or some of each."""

_BY_CHANCE = "no trained weights for this synth: sections are borrowed of presets drawn by chance"
_DONORS = 48  # of each source
_TOLERANCE_DB = 0.75
_TOLERANCE = 0.05  # of the distance


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
        ways = _Ways(good, bench, how, ", ".join(sections) or "all", np.random.default_rng(seed))
        children = bench.find(ways.make, goal, references=[bench.reference], count=count, renders=renders)
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


class _Ways:
    """Makes ways from a preset, some of each kind that is asked for."""

    def __init__(self, good: GoodPresets, bench: Workbench, how: str, what: str, rng: np.random.Generator) -> None:
        self.good = good
        self.bench = bench
        self.how = how if good.models else "borrow"
        self.what = what
        self.rng = rng
        self.walked = 0
        self.blocks = section_blocks(bench.space, bench.movable)
        self.donors = good.donors(bench.start, bench.sound, bench.note, _DONORS, play=bench.audition.sounds, rng=rng)

    def make(self, count: int) -> list[Way]:
        """Returns about as many new ways."""
        walking = {"both": count // 2, "borrow": 0, "walk": count}[self.how]
        bench = self.bench
        ways: list[Way] = []
        if walking:
            walks = self.good.walks(bench.start, bench.sound, bench.note, walking, after=self.walked, rng=self.rng)
            self.walked += walking
            ways += [Stroll(walk, self.what) for walk in walks]
        ways += borrowings(bench.space, bench.start, self.blocks, self.donors, count - walking, rng=self.rng)
        return ways


def _out_of_reach(trials: Sequence[TriedWay], amount: float) -> str:
    farthest = max((trial.value for trial in trials), default=0.0) / DB_PER_AMOUNT
    if farthest < AMOUNTS[0]:
        return (
            f"amount={amount:g}: nothing of what may move can be heard in this preset; choose other sections or locks"
        )
    if farthest < amount:
        return f"amount={amount:g}: what may move leads to {farthest:.2f} at most; choose more sections, or less"
    return f"amount={amount:g}: nothing in tune was found there; try another amount or seed, or more renders"
