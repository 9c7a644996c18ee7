"""The preset library: an SQLite file of presets, found by words, category and author.

In come presets and preset files, out come entries for lists, presets with their values, and points for models.
Equal presets are stored once, with every name they came under. Open `library.py` first.

* `library.py`    `Library`: add, search, get, remove, undo
* `intake.py`     adds files and whole folders
* `entry.py`      what a library returns: `Entry`, `Label`, `Sounds` and others
* `repair.py`     rescues a damaged library; `_salvage.py` reads what is left of the file, without SQLite
* `_database.py`  opening the file: checks, transactions, faults; waits for other programs
* `_tables.py`    the tables, and their versions
* `_labels.py`    names, tags and the full-text index, and what there is instead of what is not found
* `_vectors.py`   values of presets, and what they sound like, as bytes
"""

from .entry import OWN_LABEL, Entry, Hint, ImportReport, Label, Restored
from .library import Library, default_path

__all__ = ["OWN_LABEL", "Entry", "Hint", "ImportReport", "Label", "Library", "Restored", "default_path"]
