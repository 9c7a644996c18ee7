"""Presets found by what they sound like and by what is said of them.

* `lexicon` the words of synths in five languages, and what each means
* `meaning` what a text asks of presets: and, or, not
* `wishes`  how far each preset fits what is asked for
"""

from .meaning import Meaning, understand

__all__ = ["Meaning", "understand"]
