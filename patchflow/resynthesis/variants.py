"""Variants of a resynthesis for a search to begin at: other noise, fewer or more frames, one table, a steady pitch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..presets import Preset
from ..presets.vital import CORE
from .resynthesis import Options, Resynthesis

__all__ = ["SEARCH_FREE", "Variant", "variants"]

_SMALL = 300_000  # bytes of a file of few frames
_LARGE = 2_000_000
_EFFECTS = ("chorus.", "compressor.", "delay.", "distortion.", "eq.", "reverb.")
# Filter 1 is that of the brightness macro, which bypasses it: filter 2 is the free one. The sustain of envelope 1 stays
# up, or a held key would not go on.
_FREE = (
    "osc_1.level", "osc_1.tune", "osc_2.tune", "env_1.attack", "env_1.hold", "env_1.release", "voice_transpose",
    "volume",
)  # fmt: skip

SEARCH_FREE: frozenset[str] = frozenset(
    name for name in CORE.names if name in _FREE or name.startswith((*_EFFECTS, "filter_2."))
)
"""Parameters of Vital's core that may be moved without breaking the instrument: level, tuning, a filter, effects, and
the attack and the release.

All others stay: what walks through the wavetables, and what the macros move."""


@dataclass(frozen=True)
class Variant:
    """One way to play a recording.

    Args:
        options: What it was made by.
        found: The recording taken apart.
        preset: Of Vital, with all that its state needs.
    """

    options: Options
    found: Resynthesis
    preset: Preset

    @property
    def words(self) -> str:
        """What it is made of, e.g. "two wavetables, 61 frames"."""
        words = self.found.words
        if not self.options.harmonics:
            words += ", one for all"
        if not self.options.follows:
            words += ", steady pitch"
        if self.options.noise == "none":
            words += ", without noise"
        return words

    @property
    def key(self) -> int:
        """The MIDI note that plays the recording as it was."""
        return self.found.key


def variants(
    samples: np.ndarray,
    rate: int,
    *,
    note: float | None = None,
    key: int | None = None,
    hold: float | None = None,
    name: str = "",
) -> Iterator[Variant]:
    """Yields variants one by one, each made when it is asked for: the default first, so that it is there at once.

    A variant that is the same as one before is left out: a short sound may have no more frames than it has.

    Args:
        samples: Mono, shape `(T,)`, without silence before it.
        rate: Sample rate, in Hz.
        note: Its pitch in semitones, 69 at 440 Hz, where that is known; estimated if None.
        key: The MIDI note that is to play it as it was recorded; the one nearest to its pitch if None.
        hold: Seconds until its key was released; estimated if None.
        name: Of the presets.

    Raises:
        AudioError: If it is no sound.
    """
    first = Resynthesis.of(samples, rate, note=note, key=key, hold=hold)
    preset = first.vital(name)
    made = {preset.state}
    yield Variant(Options(), first, preset)
    for options in _others(first):
        found = Resynthesis.of(samples, rate, note=note, key=key, hold=hold, options=options)
        preset = found.vital(name)
        if preset.state not in made:
            made.add(preset.state)
            yield Variant(options, found, preset)


def _others(first: Resynthesis) -> list[Options]:
    """What is worth trying beside the default."""
    default = Options()
    tried = []
    has_lines = any(voice.kind == "lines" for voice in first.voices)
    has_harmonics = any(voice.kind == "harmonics" for voice in first.voices)
    if has_lines:
        tried.append(replace(default, noise="loop"))
    tried.append(replace(default, most_bytes=_LARGE))
    if len(first.curve[0]):
        tried.append(replace(default, follows=False))
    if has_harmonics:
        tried.append(replace(default, harmonics=False))
        if has_lines:
            tried.append(replace(default, noise="none"))
    tried.append(replace(default, most_bytes=_SMALL))
    return tried
