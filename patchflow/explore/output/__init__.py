"""Writes what explorations find: files that a musician or another program reads.

* `midi_file` MIDI files of notes, program changes and system-exclusive messages
* `sketch_files` a sketched melody: MIDI, sound, preset and numbers
* `path_files` a path of presets: banks, sounds, MIDI sequences, numbers
* `vital_macros` a path of Vital's presets as its macro knobs
"""

__all__: list[str] = []
