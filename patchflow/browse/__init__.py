"""Presets found by what they sound like and by what is said of them: in the user's library and in the embedded bank.

In come a library, a sound or words, out come hits with the reason for each. Open `find.py` first.

* `shelf`   presets with what they sound like, of a library or of the embedded bank; listens to those that are new
* `find`    ranks them by nearness to a sound and by words; picks them by tag, category, author and synth
* `index`   finds the nearest of very many
* `embedded` the presets that come with the package
* `lexicon` the words of synths in five languages, and what each means
* `meaning` what a text asks of presets: and, or, not
* `wishes`  how far each preset fits what is asked for
* `standing` where each preset stands among those of its synth
* `make`    makes presets that fit words better than those there are
* `played`  plays presets: beside a sound, to sort them by how far they are from it, and for a map
* `places`  where presets lie on a map; `map_page` writes the page of one
"""

from .embedded import preset_called
from .find import Hit, find, picked
from .meaning import Meaning, understand
from .places import places
from .shelf import Listened, Shelf, listen_to

__all__ = [
    "Hit",
    "Listened",
    "Meaning",
    "Shelf",
    "find",
    "listen_to",
    "picked",
    "places",
    "preset_called",
    "understand",
]
