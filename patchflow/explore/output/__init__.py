"""Writes what explorations find: files that a musician or another program reads.

* `midi_file` MIDI files of notes, program changes and system-exclusive messages
* `sketch_files` a sketched melody: MIDI, sound, preset and numbers
"""

__all__: list[str] = []
