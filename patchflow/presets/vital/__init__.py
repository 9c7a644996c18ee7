"""Vital: its parameters, and what its preset files hold.

In comes the JSON document of a `.vital` file, out come values of parameters and the state beyond them, and back.
Open `_document.py` first.

* `_document.py`   takes a file apart and puts it together; moves presets between the spaces; writes macro knobs
* `_spaces.py`     the two spaces: `CORE` with 179 parameters, `FULL` with 900; resets what cannot be heard
* `_controls.py`   the controls as Vital describes them (`controls.json`), and their units
* `_mend.py`       puts right what Vital puts up with in its files
* `init.json`      Vital's first preset
"""

from ._controls import SLOTS, VitalControl, controls, destinations, sources
from ._document import (
    NEWEST,
    VITA_VERSION,
    Macro,
    as_synth,
    document_of,
    fresh_part,
    load_state,
    pack_state,
    routes_of,
    state_of,
    values_of,
    with_macros,
)
from ._mend import feature_version, mend
from ._spaces import CORE, FULL, NONE, OTHER, SPACES, canonical_vital, control_name

__all__ = [
    "CORE",
    "FULL",
    "NEWEST",
    "NONE",
    "OTHER",
    "SLOTS",
    "SPACES",
    "VITA_VERSION",
    "Macro",
    "VitalControl",
    "as_synth",
    "canonical_vital",
    "control_name",
    "controls",
    "destinations",
    "document_of",
    "feature_version",
    "fresh_part",
    "load_state",
    "mend",
    "pack_state",
    "routes_of",
    "sources",
    "state_of",
    "values_of",
    "with_macros",
]
