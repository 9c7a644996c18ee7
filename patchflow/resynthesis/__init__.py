"""Any recording as spectra over time, which a synth plays as an instrument: no search, one render.

A sound goes in, a `Resynthesis` comes out, and `Resynthesis.vital` is a preset. Open `resynthesis.py` first.

* `resynthesis.py`     the facade: the steps from samples to tables, in order
* `pitch_track.py`     the pitch over time, to a cent
* `spectra.py`         what has that pitch, the rest as close lines, steady tones in it
* `course.py`          loudness, stationary part, decay, release
* `keyframes.py`       frames where the sound changes, and the path through them
* `wave_table.py`      what plays: wavetables fitted to the recording, a loop of noise; how rough a sound is
* `vital_patch.py`     the document: wavetables, LFO shapes, levels, macros
* `wavetable_file.py`  from file to file
"""

from .resynthesis import Options, Resynthesis

__all__ = ["Options", "Resynthesis"]
