"""Writes what explorations find: files that a musician or another program reads, all of one call together or none.

* `midi_file` MIDI files of notes, program changes and system-exclusive messages
* `sketch_files` a sketched melody: MIDI, sound, preset and numbers
* `path_files` a path of presets: banks, sounds, MIDI sequences, Vital's macro knobs, numbers
* `variation_files` variations of a preset of a file, or children of two
"""

from .variation_files import Written, breed_files, vary_file

__all__ = ["Written", "breed_files", "vary_file"]
