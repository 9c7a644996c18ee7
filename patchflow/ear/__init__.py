"""What a sound is to people: the attributes that are measured of it.

* `sound_attributes` what is measured of a sound, on scales that people hear
"""

from .sound_attributes import ATTRIBUTES, LOUDNESS, MEASURES, SoundAttribute, measure

__all__ = ["ATTRIBUTES", "LOUDNESS", "MEASURES", "SoundAttribute", "measure"]
