"""Presets made of the sound itself: variants of its resynthesis, and what helped in them together."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..engines import Engine
from ..presets import Preset
from .target import Target

if TYPE_CHECKING:
    from ..resynthesis import Options

__all__ = ["Resynthesised", "presets_of_sound", "together"]

_MORE_ROUNDS = 6  # of corrections, as a variant of its own
_HELPED = 3  # variants that are tried together with the best
_HELD = 0.9  # share of a sound up to which a key may be released


@dataclass(frozen=True)
class Resynthesised:
    """A preset that was made of the sound itself, with a state of its own.

    Args:
        preset: Of the synth that is searched.
        pitch: MIDI note that plays it as it was recorded.
        hold: Seconds until the key is released.
        words: What it is made of.
        notes: What was left out or is odd, one plain line each.
        free: Which parameters a search may move, boolean, shape `(P,)`.
    """

    preset: Preset
    pitch: int
    hold: float
    words: str
    notes: tuple[str, ...]
    free: np.ndarray


def presets_of_sound(target: Target, engine: type[Engine], heard: Mapping[str, float]) -> Iterator[Resynthesised]:
    """Yields presets made of a sound, each when it is asked for, what is likely to be the best first.

    Args:
        target: The sound.
        engine: A synth that has `resynthesis`.
        heard: The distances of those that were played, by their words; filled while they are yielded.
    """
    # Imported here: only some synths need it.
    from ..resynthesis import SEARCH_FREE, Resynthesis, Variant, variants

    samples = target.samples
    rate = target.rate
    if target.recording is not None:
        rate = target.recording.rate
        samples = target.recording.samples[: round(target.length * rate)]
    is_known = len(target.guesses) == 1
    key = target.guesses[0].pitch if is_known else None
    note = None
    if target.pitched:
        note = float(target.guesses[0].pitch) if is_known else target.sounding
    space = engine.space
    free = np.array([name in SEARCH_FREE for name in space.names])

    def made_of(variant: Variant, hold: float, words: str) -> Resynthesised:
        preset = variant.preset
        if preset.values.keys() != space.index.keys():
            preset = engine().unpack(preset)
        return Resynthesised(preset, variant.key, hold, words, variant.found.notes, free)

    # What follows the release of a key is hard to tell from the sound itself: speech pauses. So the key is held to the
    # end first, and released where that seems to be second.
    held = variants(samples, rate, note=note, key=key, hold=target.length)
    tried: dict[str, Options] = {}
    made: set[bytes] = set()
    for variant in held:
        tried[variant.words] = variant.options
        made.add(variant.preset.state)
        yield made_of(variant, target.length, variant.words)
        if len(tried) == 1 and target.hold < _HELD * target.length:
            released = next(variants(samples, rate, note=note, key=key, hold=target.hold))
            yield made_of(released, target.hold, f"{released.words}, released at {target.hold:.2f} s")
    for options in together(tried, heard):
        found = Resynthesis.of(samples, rate, note=note, key=key, hold=target.length, options=options)
        variant = Variant(options, found, found.vital())
        if variant.preset.state not in made:
            made.add(variant.preset.state)
            words = variant.words if variant.words not in tried else f"{variant.words} ({len(made)})"
            yield made_of(variant, target.length, words)


def together(tried: Mapping[str, "Options"], heard: Mapping[str, float]) -> list["Options"]:
    """What helped alone may help more together: the best variant with what else was nearer than the first."""
    nearest_first = sorted((words for words in tried if words in heard), key=lambda words: heard[words])
    if not nearest_first:
        return []
    best = nearest_first[0]
    first, *_ = tried
    helped = [words for words in nearest_first[1:] if heard[words] < heard.get(first, math.inf)]
    default = tried[first]
    found = [replace(tried[best], rounds=_MORE_ROUNDS)]
    both = tried[best]
    for words in helped[:_HELPED]:
        changes = {name: value for name, value in vars(tried[words]).items() if value != getattr(default, name)}
        found.append(replace(tried[best], **changes))
        both = replace(both, **changes)
    found += [both, replace(both, rounds=_MORE_ROUNDS)]
    return list(dict.fromkeys(found))
