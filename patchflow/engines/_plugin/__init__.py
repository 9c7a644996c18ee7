"""A plug-in as a synth: its description, the file of that, and the engine that plays it.

In comes a TOML file that `patchflow synth add` has written and the user may have edited, out comes an engine class.
Open `description.py` first.

* `description.py`       `Control` and `Description`: the parameters, and how the plug-in behaves
* `description_file.py`  descriptions on disk: where they lie, reading, checking, writing
* `plugin.py`            the engine: renders, reads and writes the plug-in's own presets
"""

from .description import Control, Description
from .description_file import described, description_file, read_description, to_text
from .plugin import Plugin, engine_of, need_dawdreamer, plugin_state

__all__ = [
    "Control",
    "Description",
    "Plugin",
    "described",
    "description_file",
    "engine_of",
    "need_dawdreamer",
    "plugin_state",
    "read_description",
    "to_text",
]
