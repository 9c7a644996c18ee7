"""The preset library: an SQLite file of presets, found by words, category and author."""

from .entry import Entry, ImportReport, Label
from .library import Library, default_path

__all__ = ["Entry", "ImportReport", "Label", "Library", "default_path"]
