"""One synth, one file: `engines["dexed"]()` makes one. Plug-ins that were described are synths as well."""

from ._description import Control, Description
from ._description_file import described, description_file, read_description
from ._description_text import to_text
from ._engine import Engine, Note
from ._plugin import Plugin, engine_of, need_dawdreamer
from ._plugin_state import plugin_state
from ._preset_files import load_presets, save_presets, unpacked
from ._registry import Engines, engines
from ._renderer import Renderer
from ._subset import Selection, Subset, subset_of
from ._subset_file import parse_selection, read_selection, selection_text, subset_files

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
