"""Live control: OSC, MIDI and SysEx in, parameters out, while a sound is played.

In come messages of a DAW, a controller or a synth, out go the parameters that they change. It calls match, explore and
the library, and holds no logic of its own. Open `addresses.py` first.

* `addresses.py`   all OSC addresses: what they take, what they do, what they answer
* `live_patch.py`  the state: preset, macros, parameters, presets in hand
* `live_macros.py` what its macros make of it
* `travels.py`     places of the audio space, paths and maps; sounds that are searched, varied and played
* `mailbox.py`     messages that wait, of a value only the newest; and what takes long beside them
* `server.py`      receives OSC, works it off, answers
* `midi.py`        controllers with soft takeover, learn, notes, clock
* `ports.py`       MIDI ports
* `dx7_link.py`    DX7 messages at the pace that the synth can take, and dumps that come back
"""

from .server import LiveServer

__all__ = ["LiveServer"]
