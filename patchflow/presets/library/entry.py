"""What a library returns: about its presets and their sounds, an import, a search without a hit, and what came back."""

from dataclasses import dataclass

import numpy as np

from ..formats import Rejected

__all__ = ["OWN_LABEL", "Entry", "Hint", "ImportReport", "Label", "Restored", "Sounds"]

OWN_LABEL = "you"
"""The source of the label that the user wrote: its category goes before those of files."""


@dataclass(frozen=True)
class Label:
    """Name, category, author and tags of a preset in one of the places it came from.

    Args:
        name: Its name there.
        category: E.g. `"Bass"`; "" if unknown.
        author: "" if unknown.
        tags: Free words.
        source: The file it came from, or "".
    """

    name: str = ""
    category: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Entry:
    """A preset of a library, without its values.

    Args:
        id: Its number in the library, never given to another preset.
        synth: Name of its engine.
        labels: All its labels, the first import first; at least one.

    Example:
        >>> Entry(1, "dexed", (Label("BRASS"), Label("Brass 1", author="Ann"))).author
        'Ann'
    """

    id: int
    synth: str
    labels: tuple[Label, ...]

    @property
    def name(self) -> str:
        """The first name that is not empty, or ""."""
        return next((label.name for label in self.labels if label.name), "")

    @property
    def category(self) -> str:
        """The category that the user gave it, else the first that is known, or ""."""
        known = [label for label in self.labels if label.category]
        own = [label for label in known if label.source == OWN_LABEL]
        return next((label.category for label in (*own, *known)), "")

    @property
    def author(self) -> str:
        """The first author that is known, or ""."""
        return next((label.author for label in self.labels if label.author), "")

    @property
    def own_tags(self) -> tuple[str, ...]:
        """The tags that the user gave it."""
        return next((label.tags for label in self.labels if label.source == OWN_LABEL), ())

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags, each once."""
        found: dict[str, None] = {}
        for label in self.labels:
            found |= dict.fromkeys(label.tags)
        return tuple(found)


@dataclass(frozen=True)
class ImportReport:
    """The outcome of adding presets to a library.

    Args:
        ids: The number of each that is now in the library, in the order they were given.
        added: How many were new.
        merged: How many had exactly the values of one that was there; only their labels were added.
        rejected: Those that do not fit their synth.
    """

    ids: tuple[int, ...]
    added: int
    merged: int
    rejected: tuple[Rejected, ...] = ()


_PLURALS = {"": "Words", "tag": "Tags", "category": "Categories", "author": "Authors", "synth": "Synths"}


@dataclass(frozen=True)
class Hint:
    """A word of a search, or one of its filters, that no preset has.

    Args:
        field: Which filter, e.g. `"category"`; "" for a word of the text.
        word: What was looked for.
        near: What is there and looks like it, the most alike first.
        known: The most frequent ones there are, the most frequent first.

    Example:
        >>> print(Hint("", "brigth", ("bright",), ("bright", "Bass")))
        no preset has 'brigth'. Did you mean 'bright'? Words there are: bright, Bass.
    """

    field: str
    word: str
    near: tuple[str, ...]
    known: tuple[str, ...]

    def __str__(self) -> str:
        what = f"the {self.field} {self.word!r}" if self.field else repr(self.word)
        said = f"no preset has {what}."
        if self.near:
            said += f" Did you mean {' or '.join(map(repr, self.near))}?"
        if self.known:
            kind = _PLURALS[self.field]
            said += f" {kind} there are: {', '.join(self.known)}."
        return said


@dataclass(frozen=True)
class Restored:
    """A preset that came back.

    Args:
        id: Its number now.
        was: Its number before it was removed: another one only if the same preset was imported again meanwhile.
        name: Its name.
    """

    id: int
    was: int
    name: str


@dataclass(frozen=True)
class Sounds:
    """What the presets of a library sound like, a row each.

    Args:
        ids: Their numbers, ascending, int64, shape `(N,)`.
        synths: The names of their engines, shape `(N,)`.
        known: Whether it is known what a preset sounds like, by the version of the ear that was asked for, bool,
            shape `(N,)`.
        vectors: What the ear says, float32, shape `(N, width)`: of length 1, or zeros of what is silent or not known.
        measures: What is measured, float32, shape `(N, M)`; NaN of what is silent or not known.
    """

    ids: np.ndarray
    synths: np.ndarray
    known: np.ndarray
    vectors: np.ndarray
    measures: np.ndarray
