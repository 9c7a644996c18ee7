"""Labels the presets of a library: categories from their names, words from their sounds.

The words are for people who search a library. Each stands alone ("bright" without "dark" is possible), has a fixed
range of one descriptor in Hz, s or dB, and means the same for every synth and library. They are stored as labels.

The attributes of training examples are another system: opposites such as Dark and Bright, whose thresholds come from
one training set, and which models learn from. See `data.examples.attributes`. "Bright" here and there need not agree.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from ..engines import Engine, Note, Renderer
from ..engines._renderer import render_or_silence
from ..features.descriptors import describe
from ..presets import Entry, Label, Library, Preset
from ..presets.preset import category_from_name
from ..progress import Progress, ProgressCallback, ignore

__all__ = ["MEASURED_SOURCE", "NAMED_SOURCE", "WORDS", "tag_library", "words_of"]

NAMED_SOURCE = "guessed from the name"
"""Source of the labels that hold a category inferred from the name."""

MEASURED_SOURCE = "measured at middle C"
"""Source of the labels that hold measured words."""

WORDS: Mapping[str, tuple[str, float, float]] = {
    "dark": ("brightness", 0, 500),
    "bright": ("brightness", 2_000, np.inf),
    "soft attack": ("attack", 0.15, np.inf),
    "noisy": ("noisiness", 0.02, np.inf),
    "steady": ("movement", 0, 3),
    "moving": ("movement", 20, np.inf),
}
"""The words, each with a descriptor, its lower bound (included) and its upper bound, in the descriptor's unit.

See `features.descriptors` for the units. The bounds are such that each word describes 7 to 22 % of the DX7 voices, see
`benchmarks/tags.py`.
"""

_RATE = 22_050
_JOB = 8  # presets that a thread gets at once
_WRITTEN = 256  # presets after which the labels are written to the library


def words_of(values: Mapping[str, float]) -> tuple[str, ...]:
    """Returns the words that apply to a sound.

    Args:
        values: Its descriptors by name, see `features.descriptors`.

    Example:
        >>> words_of({"brightness": 3_000.0, "attack": 0.0, "noisiness": 0.5, "movement": 10.0})
        ('bright', 'noisy')
    """
    found = []
    for word, (descriptor, low, high) in WORDS.items():
        if low <= values[descriptor] < high:
            found.append(word)
    return tuple(found)


def tag_library(
    library: Library,
    synth: str,
    make: Callable[[], Engine],
    progress: ProgressCallback = ignore,
) -> int:
    """Labels the presets of a synth that have no measured words yet; an interrupted call goes on where it stopped.

    Args:
        library: The library with the presets.
        synth: Name of the engine.
        make: Makes the engine.
        progress: Called after every preset, with the number of all that are new.

    Returns:
        How many presets were labelled.

    Raises:
        StorageError: If the library cannot be read or written.
        EngineError: If the synth cannot be loaded.
    """
    entries = [library.entry(number) for number in library.ids(synth)]
    new = [entry for entry in entries if not _is_measured(entry)]
    categories: dict[int, Label] = {}
    for entry in new:
        category = category_from_name(entry.name)
        if category:
            categories[entry.id] = Label(category=category, source=NAMED_SOURCE)
    library.annotate(categories)

    # Rendering is slow and writing locks the library, so labels are written in batches. The measured label is also the
    # mark of a preset that is done: an interrupted call loses at most one batch.
    unwritten: dict[int, Label] = {}
    with Renderer(make) as renderer:
        words_of_presets = _measure(library, [entry.id for entry in new], renderer)
        for count, (entry, words) in enumerate(zip(new, words_of_presets, strict=True), 1):
            unwritten[entry.id] = Label(tags=words, source=MEASURED_SOURCE)
            if len(unwritten) == _WRITTEN or count == len(new):
                library.annotate(unwritten)
                unwritten = {}
            progress(Progress("tag", count, len(new), "presets"))
    return len(new)


def _is_measured(entry: Entry) -> bool:
    return any(label.source == MEASURED_SOURCE for label in entry.labels)


def _measure(library: Library, ids: Sequence[int], renderer: Renderer) -> Iterator[tuple[str, ...]]:
    """Yields the words of each preset, in order."""
    for words in renderer.map(_words_of_presets, _jobs(library, ids)):
        yield from words


def _jobs(library: Library, ids: Sequence[int]) -> Iterator[list[Preset]]:
    """Reads presets a few at a time, only when a thread is about to play them: a library may not fit into memory."""
    for first in range(0, len(ids), _JOB):
        yield [library.get(number) for number in ids[first : first + _JOB]]


def _words_of_presets(engine: Engine, presets: Sequence[Preset]) -> list[tuple[str, ...]]:
    sounds = np.stack([_play(engine, preset) for preset in presets])
    measured = describe(torch.from_numpy(sounds), _RATE)
    words: list[tuple[str, ...]] = []
    for row, sound in enumerate(sounds):
        values = {name: float(column[row]) for name, column in measured.items()}
        words.append(words_of(values) if sound.any() else ("silent",))
    return words


def _play(engine: Engine, preset: Preset) -> np.ndarray:
    engine.build_on(preset.state)
    return render_or_silence(engine, engine.space.encode(preset.values), Note(), _RATE)
