"""Tells what presets of a library are like: categories from their names, words from what they sound like."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import render_or_silence
from ..features.descriptors import describe
from ..presets import Label, Library, Preset
from ..presets.categories import guess_category
from ..progress import Progress, ProgressCallback, ignore

__all__ = ["MEASURED", "NAMED", "WORDS", "tag_library", "words_of"]

NAMED = "guessed from the name"
"""Source of the labels that hold a guessed category."""

MEASURED = "measured at middle C"
"""Source of the labels that hold measured words."""

WORDS: Mapping[str, tuple[str, float, float]] = {
    "dark": ("brightness", 0, 500),
    "bright": ("brightness", 2_000, np.inf),
    "soft attack": ("attack", 0.15, np.inf),
    "noisy": ("noisiness", 0.02, np.inf),
    "steady": ("movement", 0, 3),
    "moving": ("movement", 20, np.inf),
}
"""The words: which descriptor has to lie in which range, see `features.descriptors`.

The bounds are such that each word describes 7 to 22 % of the DX7 voices, see `benchmarks/tags.py`.
"""

_RATE = 22_050
_JOB = 8
_WRITTEN = 256  # presets after which the library is told


def words_of(values: Mapping[str, float]) -> tuple[str, ...]:
    """Returns the words that descriptors stand for.

    Example:
        >>> words_of({"brightness": 3_000.0, "attack": 0.0, "noisiness": 0.5, "movement": 10.0})
        ('bright', 'noisy')
    """
    return tuple(word for word, (name, low, high) in WORDS.items() if low <= values[name] < high)


def tag_library(
    library: Library,
    synth: str,
    make: Callable[[], Engine],
    progress: ProgressCallback = ignore,
) -> int:
    """Labels the presets of a synth that have no measured words yet; an interrupted call goes on where it stopped.

    Args:
        library: Where the presets are.
        synth: Name of the engine.
        make: Makes it.
        progress: Told the number of presets that are done and of all that are new.

    Returns:
        How many presets were labelled.

    Raises:
        StorageError: If the library cannot be read or written.
        EngineError: If the synth cannot be loaded.
    """
    entries = [library.entry(number) for number in library.ids(synth)]
    new = [entry for entry in entries if MEASURED not in [label.source for label in entry.labels]]
    named = {entry.id: guess_category(entry.name) for entry in new}
    library.annotate({number: Label(category=guess, source=NAMED) for number, guess in named.items() if guess})
    done: dict[int, Label] = {}
    with Renderer(make) as renderer:
        for count, (number, words) in enumerate(_measure(library, [entry.id for entry in new], renderer), 1):
            done[number] = Label(tags=words, source=MEASURED)
            if len(done) == _WRITTEN or count == len(new):
                library.annotate(done)
                done = {}
            progress(Progress("tag", count, len(new), "presets"))
    return len(new)


def _measure(library: Library, ids: Sequence[int], renderer: Renderer) -> Iterator[tuple[int, tuple[str, ...]]]:
    jobs = ([library.get(number) for number in ids[i : i + _JOB]] for i in range(0, len(ids), _JOB))
    words = (found for part in renderer.map(_hear, jobs) for found in part)
    yield from zip(ids, words, strict=True)


def _hear(engine: Engine, presets: Sequence[Preset]) -> list[tuple[str, ...]]:
    sounds = np.stack([_play(engine, preset) for preset in presets])
    measured = describe(torch.from_numpy(sounds), _RATE)
    rows = [{name: float(values[row]) for name, values in measured.items()} for row in range(len(sounds))]
    return [words_of(row) if sound.any() else ("silent",) for row, sound in zip(rows, sounds, strict=True)]


def _play(engine: Engine, preset: Preset) -> np.ndarray:
    engine.build_on(preset.rest)
    return render_or_silence(engine, engine.space.encode(preset.values), Note(), _RATE)
