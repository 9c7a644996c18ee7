"""What one does with a space of sounds: turn macro-controls, morph, vary, look around, sketch with the voice.

What comes in are presets, recordings and wishes; what goes out are paths of presets, each with what it sounds like. A
learned map gives the direction, and the synth itself has the last word: what is promised was rendered and measured.

* `player` plays presets of one synth and measures them, alone or in tune with another sound
* `attribute_map` what a preset's sound measures, learned, and how each parameter moves that; `learn_map` learns it
* `turn` more or less of an attribute, the others stay; `turned_path` the same of a preset, by words
* `named_words` words that nothing measures: such as natural, learned from the names of presets; or the latent
  dimensions of a model, named by what they measurably do, and moves along them
* `macro_knobs` the same words turned at once, by the map alone, for knobs that a hand turns
* `note_spans` where the notes of a voice begin and end
* `melody` its notes on keys, and how its pitch, level and brightness move
* `sketch` a voice becomes a melody played by a synth
* `audio_space` sounds and presets to one space and back; and where sounds lie between others
* `grid` places of a path, and of sounds that were tried those that lie evenly there; `path_search` tries them
* `morph` from one preset to another, or among four, read from files; `path` is what is found
* `output` writes paths as files
* `sections` what may change in a preset, by the words musicians use
* `good_presets` presets to borrow of, and walks through the space of a model
* `trajectories` from a preset to others, and how far to go on each
* `workbench` a parent, what may change in it, and the search for its children
* `children` what children are, and which of many are taken
* `vary` variations of a preset at a heard distance, and children of two presets
* `neighbours` neighbourhoods of presets, and the line between two
* `output` what is written of all this
"""

from .player import NOTE, RATE, Player, Renders

__all__ = ["NOTE", "RATE", "Player", "Renders"]
