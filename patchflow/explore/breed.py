"""Children of two presets: with sections of both, and between them by what is heard."""

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
from .audition import Heard
from .children import Goal, Variations
from .good_presets import Donors
from .player import NOTE
from .sections import section_blocks
from .ways import TriedWay, Way, borrowings
from .workbench import Workbench, check_count, shortfall

__all__ = ["SHARES", "breed"]

SHARES = (0.1, 0.9)
"""Smallest and largest share of the way from one parent to the other: beyond, a child has hardly anything of one."""

_TOLERANCE = 0.05  # of the way
_NONE = "no preset with sections of both was found there, in tune and between the two; try another amount or seed"
_APART = 0.125  # of the way between the parents, between two children


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
    _check(share)
    check_count(count, renders)
    rng = np.random.default_rng(seed)
    # The sections of each parent need its own tuning; what comes out is put in tune as a whole.
    bench = Workbench(engine, first, sections=sections, lock=lock or {}, note=note, progress=progress, tuning=False)
    with bench:
        other = bench.in_tune(bench.encoded(second))
        whole = _way_between(first, second, other)
        donors = Donors(other.points, (second.name or "the second",))
        differing = bench.movable & (other.points[0] != bench.start)
        blocks = section_blocks(bench.space, differing, least=3)

        def ways(number: int) -> list[Way]:
            return list(borrowings(bench.space, bench.start, blocks, donors, number, rng=rng, elsewhere=0.0))

        references = [bench.reference, Reference(torch.from_numpy(other.sounds[0]))]
        children = bench.find(ways, _goal(share, whole), references=references, count=count, renders=renders)
    if not children:
        raise OptionError(f"amount={share:g}: {_NONE}")
    sounds = np.stack([bench.sound, other.sounds[0]])
    said = (*bench.remarks, *shortfall(len(children), count))
    return Variations((bench.preset, second), sounds, children, share, share, note, bench.audition.renders, (), said)


def _check(share: float) -> None:
    low, high = SHARES
    if not low <= share <= high:
        raise OptionError(f"amount={share:g}: not in [{low:g}, {high:g}]; of two presets it is the share of the way")


def _goal(share: float, whole: float) -> Goal:
    """Children at a share of the way between two parents that are so far apart, in dB."""

    def fits(trial: TriedWay) -> bool:
        distance = trial.heard.distance[0]
        stops = trial.way.stops or (0.0, 0.0)
        # a whole section of the second at least, and one of the first that is as it was
        of_both = stops[0] <= trial.share <= stops[-1]
        return bool(of_both and distance.max() <= whole and distance.min() > CLOSENESS["the same"])

    return Goal(share, _TOLERANCE, _share_of_way, max(CLOSENESS["the same"], _APART * whole), fits)


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
