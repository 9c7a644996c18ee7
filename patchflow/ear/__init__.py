"""What a sound is to people: vectors in which one timbre is one place, and attributes that are measured.

* `ear` the ear: sounds to vectors, presets to vectors and attributes
* `network` what the ear is given of a sound, and its network
* `views` what leaves a timbre the same
* `learn_ear` how the ear is trained
* `sound_attributes` measures a sound on scales that people hear; their names and words are `features.measures`
"""

from ..features.measures import ATTRIBUTES, LOUDNESS, MEASURES, SoundAttribute
from .ear import Ear, preset_vectors
from .sound_attributes import measure

__all__ = ["ATTRIBUTES", "LOUDNESS", "MEASURES", "Ear", "SoundAttribute", "measure", "preset_vectors"]
