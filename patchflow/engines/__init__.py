"""Synths that play presets: one synth, one file, and any plug-in that was described.

In come a point of the unit cube and a note, out come mono samples. `engines["dexed"]()` makes a synth, whether it is
shipped, a subset of another, or a plug-in that `patchflow synth add` has described. Open `_engine.py` first.

* `_engine.py`        the interface of a synth, and `Note`
* `_engines.py`       all synths by name
* `_renderer.py`      renders many presets on all cores, while torch keeps to one thread
* `tone.py`           the smallest synth, for tests and tutorials
* `dexed.py`          the DX7, and how its voices are moved by cents
* `vital.py`, `vital_full.py`  Vital with few and with all parameters; `_vital.py` plays both
* `_plugin/`          any plug-in: its description, the file of that, its engine
* `_tuners.py`        moves presets by cents with parameters that transpose
* `_subset.py`        a synth with fewer parameters; `subsets/` has those that are shipped
* `_preset_files.py`  preset files whose values only the synth itself can read
"""

from ._engine import Engine, Note
from ._engines import EMBEDDED, ChosenSynths, Engines, choose_synths, engines
from ._plugin.description import Control, Description
from ._plugin.description_file import described, description_file, read_description, to_text
from ._plugin.plugin import Plugin, engine_of, need_dawdreamer, plugin_state
from ._preset_files import load_presets, save_presets, unpacked
from ._renderer import Renderer, Started, one_torch_thread, start_playing
from ._subset import Selection, Subset, parse_selection, read_selection, selection_text, subset_files, subset_of

__all__ = [
    "EMBEDDED",
    "ChosenSynths",
    "Control",
    "Description",
    "Engine",
    "Engines",
    "Note",
    "Plugin",
    "Renderer",
    "Selection",
    "Started",
    "Subset",
    "choose_synths",
    "described",
    "description_file",
    "engine_of",
    "engines",
    "load_presets",
    "need_dawdreamer",
    "one_torch_thread",
    "parse_selection",
    "plugin_state",
    "read_description",
    "read_selection",
    "save_presets",
    "selection_text",
    "start_playing",
    "subset_files",
    "subset_of",
    "to_text",
    "unpacked",
]
