"""The preset library: an SQLite file of presets, found by words, category and author.

In come presets and preset files, out come entries for lists, presets with their values, and points for models.
Equal presets are stored once, with every name they came under. Open `library.py` first.

* `library.py`    `Library`: add, search, get, remove
* `intake.py`     adds files and whole folders
* `entry.py`      what is known of a preset: `Entry`, `Label`; and of an import
* `_database.py`  the tables, opening the file, transactions
* `_labels.py`    names, tags and the full-text index
* `_vectors.py`   values of presets as bytes
"""

from .entry import Entry, ImportReport, Label
from .library import Library, default_path

__all__ = ["Entry", "ImportReport", "Label", "Library", "default_path"]
