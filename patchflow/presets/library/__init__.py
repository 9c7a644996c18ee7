"""The preset library: an SQLite file of presets, found by words, category and author.

In come presets and preset files, out come entries for lists, presets with their values, and points for models.
Equal presets are stored once, with every name they came under. Open `library.py` first.

* `library.py`    `Library`: add, search, get, remove, undo
* `intake.py`     adds files and whole folders; `_folders.py` finds what may hold presets in there
* `entry.py`      what is known of a preset: `Entry`, `Label`; and of an import
* `repair.py`     rescues a damaged library; `_pages.py` reads the file without SQLite, `_salvage.py` sorts its rows
* `_database.py`  opening the file: checks, transactions, faults; `_lock.py` waits for other programs
* `_tables.py`    the tables, and their versions
* `_labels.py`    names, tags and the full-text index; `_hints.py` what there is instead of what is not found
* `_removal.py`   takes presets out, and brings them back
* `_vectors.py`   values of presets as bytes
"""

from .entry import Entry, ImportReport, Label
from .library import Library, default_path

__all__ = ["Entry", "ImportReport", "Label", "Library", "default_path"]
