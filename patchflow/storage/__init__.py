"""Files written whole or not at all, one by one or several as one; folders locked for one process at a time.

All that is written goes through here, so that nothing is lost when a command is killed, and the next command that works
in the same folder finds nothing left of it. Open `atomic.py` first.

* `atomic`: one file, read or written whole; folders made and tried
* `journal`: several files of a folder that appear together or not at all; what the operating system is asked
* `locks`: one process at a time on a folder; temporary files of dead processes are swept
"""

from .atomic import (
    array_bytes,
    json_text,
    make_folder,
    opened_file,
    other_kind,
    read_bytes,
    readable,
    user_folder,
    writable_folder,
    write_atomically,
)
from .journal import first_sentence, reason, write_together
from .locks import LOCK, FolderInUse, locked, sweep

__all__ = [
    "LOCK",
    "FolderInUse",
    "array_bytes",
    "first_sentence",
    "json_text",
    "locked",
    "make_folder",
    "opened_file",
    "other_kind",
    "read_bytes",
    "readable",
    "reason",
    "sweep",
    "user_folder",
    "writable_folder",
    "write_atomically",
    "write_together",
]
