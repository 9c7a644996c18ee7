"""What each section of the site shows: the classes that its folders of examples hold.

A folder of examples is `site/examples/NAME/`: a file `about.json` and the sounds that it names. The names of a
section's folders do not matter, so one may have several, such as a synth each. `about.json` holds `version`, `section`,
and the fields of that section's class below, and nothing else: those are the documentation of the format.

* Sounds are MP3 files, mono and equally loud: `write_clip` of `example_files.py` makes them. Spectrograms, waveforms
  and lengths are not in the folder: the site makes them of the sounds.
* A preset is a table of the positions of its parameters, each on its range from 0 to 1, by name. Leave out what cannot
  be heard; the page shows those that differ most.
* Amounts and distances have units in their names. Distances are those of `metrics.perceptual`, in dB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "SECTIONS",
    "Attempt",
    "Axis",
    "Clip",
    "Interpolation",
    "LatentMap",
    "Macro",
    "MacroControls",
    "Matrix",
    "Note",
    "OutOfDomain",
    "Pair",
    "Place",
    "Point",
    "Preset",
    "Reconstruction",
    "Scatter",
    "Section",
    "Semantics",
    "Sketch",
    "Sketches",
    "Sound",
    "Sounds",
    "Step",
    "Table",
    "Traversal",
    "Variation",
    "Variations",
]

Preset = Mapping[str, float]
"""Positions of parameters on their ranges, 0 to 1, by name."""


@dataclass(frozen=True)
class Clip:
    """A sound.

    Args:
        file: Its file beside `about.json`.
        label: What it is, in a few words, for people who cannot see where it stands on the page.
    """

    file: str
    label: str


@dataclass(frozen=True)
class Table:
    """Numbers beside the examples.

    Args:
        title: What it shows.
        columns: Heads of the columns.
        rows: Texts of the cells, a row a tuple; numbers are rounded by who writes them.
        source: The file in the repository that they come from, or "".
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str = ""


@dataclass(frozen=True)
class Section:
    """What every section has.

    Args:
        synth: Name of the engine.
        tables: Numbers.
        text: What the reader should know, in Markdown.
        title: What its examples are, where a page has several kinds of them.
    """

    synth: str
    tables: tuple[Table, ...] = field(default=(), kw_only=True)
    text: str = field(default="", kw_only=True)
    title: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class Axis:
    """What goes from a low to a high end: an attribute, or a dimension of a space.

    Args:
        name: Such as "brightness" or "latent 3".
        low: Word for its low end.
        high: Word for its high end.
    """

    name: str
    low: str
    high: str


@dataclass(frozen=True)
class Attempt:
    """What one method made of a sound.

    Args:
        method: Name of the model or the search.
        clip: What it sounds like.
        distance_db: From the original, in dB.
        preset: What was found.
    """

    method: str
    clip: Clip
    distance_db: float
    preset: Preset


@dataclass(frozen=True)
class Sound:
    """A sound and what was made of it.

    Args:
        name: Its name.
        original: The sound.
        preset: What made it, if that is known.
        attempts: What each method made of it.
        category: Such as "voices"; "" where all are of one kind.
        credit: Who made the sound, and the licence; "" for our own.
        link: Where it comes from, or "".
    """

    name: str
    original: Clip
    preset: Preset
    attempts: tuple[Attempt, ...]
    category: str = ""
    credit: str = ""
    link: str = ""


@dataclass(frozen=True)
class Sounds(Section):
    """Sounds and what was made of each.

    Args:
        sounds: The examples.
    """

    sounds: tuple[Sound, ...]


@dataclass(frozen=True)
class Reconstruction(Sounds):
    """Sounds of a synth, played again by the presets that each method finds."""


@dataclass(frozen=True)
class OutOfDomain(Sounds):
    """Sounds that the synth did not make, each with a `category`, a `credit` and a licence that allows to show it.

    The `preset` of each is empty.
    """


@dataclass(frozen=True)
class Step:
    """One place of a path.

    Args:
        at: Where on the path: the amount of a turn, the value of a latent dimension, the share of a morph.
        clip: What it sounds like there.
        preset: The preset there.
        attributes: Measured attributes of the sound by name, in the units that the names say.
        distance_db: From the step before, in dB; 0 for the first.
    """

    at: float
    clip: Clip
    preset: Preset
    attributes: Mapping[str, float]
    distance_db: float = 0.0


@dataclass(frozen=True)
class Macro(Axis):
    """A control that was turned, from one preset on.

    Args:
        unit: Of `Step.at`, such as "standard deviations".
        method: How: "engine in the loop", "instant", "latent dimension".
        start: Name of the preset it was turned from.
        steps: The path, from low to high.
    """

    unit: str
    method: str
    start: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class MacroControls(Section):
    """Controls that turn: spectrograms, parameters and descriptors along each.

    Args:
        macros: The controls.
    """

    macros: tuple[Macro, ...]


@dataclass(frozen=True)
class Place:
    """A place in a picture of the space.

    Args:
        x: To the right.
        y: Upwards.
        group: What it belongs to, such as "bank", "path", "neighbours of the first".
        name: Of the preset, or "".
    """

    x: float
    y: float
    group: str
    name: str = ""


@dataclass(frozen=True)
class Pair:
    """Two sounds, their neighbourhoods and the way between them.

    Args:
        first: Name of the sound at the beginning.
        second: Name of the sound at the end.
        path: The way, `Step.at` from 0 to 1.
        naive: The straight line between the parameters, at the same number of steps; may be empty.
        around_first: Neighbours of the first, `distance_db` from it.
        around_second: Neighbours of the second.
        whole: The way as one sound.
        picture: The space in two dimensions: both, their neighbours, the path and presets around.
    """

    first: str
    second: str
    path: tuple[Step, ...]
    naive: tuple[Step, ...]
    around_first: tuple[Step, ...]
    around_second: tuple[Step, ...]
    whole: tuple[Clip, ...]
    picture: tuple[Place, ...]


@dataclass(frozen=True)
class Interpolation(Section):
    """Ways between sounds.

    Args:
        pairs: The examples.
    """

    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Variation:
    """Variations of a preset at one amount.

    Args:
        amount: What was asked for, 0 to 1.
        heard: What came out, on the same scale.
        section: Which parameters could move, or "all".
        method: How, such as "borrow" or "walk".
        clip: What it sounds like.
        preset: The variation.
        distance_db: From the preset that was varied, in dB.
    """

    amount: float
    heard: float
    section: str
    method: str
    clip: Clip
    preset: Preset
    distance_db: float


@dataclass(frozen=True)
class Variations(Section):
    """A preset and its variations.

    Args:
        name: Of the preset.
        original: What it sounds like.
        preset: The preset.
        variations: By rising amount.
    """

    name: str
    original: Clip
    preset: Preset
    variations: tuple[Variation, ...]


@dataclass(frozen=True)
class Point:
    """A preset in two dimensions of a space.

    Args:
        x: First dimension.
        y: Second.
        value: Of the attribute, which colours it.
    """

    x: float
    y: float
    value: float


@dataclass(frozen=True)
class Scatter:
    """Where presets with little and with much of an attribute lie.

    Args:
        title: Such as "Before: the first two principal components of the spectrograms".
        x: What the first dimension is.
        y: What the second is.
        points: The presets.
    """

    title: str
    x: str
    y: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LatentMap(Axis):
    """The space before it was organised by an attribute, and after.

    Args:
        before: Without the attribute's dimension.
        after: With it.
    """

    before: Scatter
    after: Scatter


@dataclass(frozen=True)
class Traversal(Axis):
    """One attribute from end to end, all else fixed: the six parameters that move most are drawn.

    Args:
        start: What is fixed, such as "the origin of the space" or the name of a preset.
        steps: The path.
    """

    start: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Matrix:
    """Which macro moves what.

    Args:
        title: What its numbers are.
        macros: Its rows.
        attributes: Its columns.
        values: A row a macro, from -1 to 1.
    """

    title: str
    macros: tuple[str, ...]
    attributes: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Semantics(Section):
    """Attributes as dimensions of the space.

    Args:
        maps: Before and after.
        traversals: From end to end.
        matrices: Which macro moves what.
    """

    maps: tuple[LatentMap, ...]
    traversals: tuple[Traversal, ...]
    matrices: tuple[Matrix, ...]


@dataclass(frozen=True)
class Note:
    """A note that was heard in a voice.

    Args:
        start: When it begins, in seconds.
        length: How long it is, in seconds.
        pitch: MIDI note; may lie between two.
        velocity: MIDI velocity, 1 to 127.
    """

    start: float
    length: float
    pitch: float
    velocity: int


@dataclass(frozen=True)
class Sketch:
    """A voice and what was made of it.

    Args:
        name: Its name.
        voice: The recording.
        credit: Who sang, and the licence; "" for our own or generated.
        contour: Pitch over time, (seconds, MIDI note) pairs, where there is one.
        notes: The notes that were found.
        found: The preset, played on one note.
        played: The melody, played with the preset.
        preset: The preset.
        distance_db: Of `found` from the voice, in dB.
    """

    name: str
    voice: Clip
    credit: str
    contour: tuple[tuple[float, float], ...]
    notes: tuple[Note, ...]
    found: Clip
    played: Clip
    preset: Preset
    distance_db: float


@dataclass(frozen=True)
class Sketches(Section):
    """Vocal sketches.

    Args:
        sketches: The examples.
    """

    sketches: tuple[Sketch, ...]


SECTIONS: dict[str, type[Any]] = {
    "reconstruction": Reconstruction,
    "macros": MacroControls,
    "interpolation": Interpolation,
    "variations": Variations,
    "out_of_domain": OutOfDomain,
    "semantics": Semantics,
    "sketches": Sketches,
}
"""What a folder of examples may hold, by the name of the section."""
