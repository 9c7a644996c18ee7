"""A plug-in as a synth: what is known of it, the file that says so, and the engine that plays it."""

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
