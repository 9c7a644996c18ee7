"""One synth, one file: `engines["dexed"]()` makes one. Plug-ins that were described are synths as well."""

from ._engine import Engine, Note
from ._engines import Engines, engines
from ._plugin.description import Control, Description
from ._plugin.description_file import described, description_file, read_description, to_text
from ._plugin.plugin import Plugin, engine_of, need_dawdreamer, plugin_state
from ._preset_files import load_presets, save_presets, unpacked
from ._renderer import Renderer
from ._subset import Selection, Subset, parse_selection, read_selection, selection_text, subset_files, subset_of

__all__ = [
    "Control",
    "Description",
    "Engine",
    "Engines",
    "Note",
    "Plugin",
    "Renderer",
    "Selection",
    "Subset",
    "described",
    "description_file",
    "engine_of",
    "engines",
    "load_presets",
    "need_dawdreamer",
    "parse_selection",
    "plugin_state",
    "read_description",
    "read_selection",
    "save_presets",
    "selection_text",
    "subset_files",
    "subset_of",
    "to_text",
    "unpacked",
]
