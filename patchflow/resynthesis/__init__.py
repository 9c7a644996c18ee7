"""Any recording as spectra over time, which a synth plays as an instrument: no search, one render.

A sound goes in, a `Resynthesis` comes out, and `Resynthesis.vital` is a preset. Open `resynthesis.py` first.

* `resynthesis.py`     the facade: the steps from samples to tables, in order
* `pitch_track.py`     the pitch over time, to a cent
* `spectra.py`         what has that pitch, the rest as close lines, steady tones in it; roughness
* `course.py`          loudness, stationary part, decay, release
* `wave_table.py`      what plays: wavetables, with frames where the sound changes, the way through them, noise
* `vital_patch.py`     the document: wavetables, LFO shapes, levels, macros
* `variants.py`        what else a search may begin at, and which parameters it may move
* `wavetable_file.py`  from file to file
"""

from .resynthesis import Options, Resynthesis
from .variants import SEARCH_FREE, Variant, variants

__all__ = ["SEARCH_FREE", "Options", "Resynthesis", "Variant", "variants"]
