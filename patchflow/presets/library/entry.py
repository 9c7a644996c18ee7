"""What a library returns about its presets, and about an import."""

from dataclasses import dataclass

from ..formats import Rejected

__all__ = ["Entry", "ImportReport", "Label"]


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
        """The first category that is known, or ""."""
        return next((label.category for label in self.labels if label.category), "")

    @property
    def author(self) -> str:
        """The first author that is known, or ""."""
        return next((label.author for label in self.labels if label.author), "")

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
