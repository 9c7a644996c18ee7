"""Makes a synth of a plug-in: measures its parameters and behaviour, and writes a description.

In comes a plug-in's file, out comes a `Description` of it on disk, after which `engines` has a synth of its name.
Open `probe.py` first.

* `add.py`      adds and removes plug-ins of this computer's synths
* `probe.py`    the steps of a description: load, test, read parameters, listen, time
* `trial.py`    plays an unknown plug-in, and decides whether two sounds differ
* `audible.py`  which parameters can be heard
* `cents.py`    which parameters transpose the sound, and by how many cents
* `needs.py`    which of them do so while others have certain values
* `kinds.py`    whether a parameter is a knob, steps or a choice; names and groups
"""

from .add import add_synth, remove_synth, synth_description
from .probe import probe

__all__ = ["add_synth", "probe", "remove_synth", "synth_description"]
