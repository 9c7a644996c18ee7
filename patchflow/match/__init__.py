"""A sound in, presets out: proposes candidates, ranks them by sound and refines the best.

What comes in is a recording (`audio.Sound` or a file); what goes out is a `MatchResult`: distinct presets, best first.
Open `matcher.py` first, then `search.py`, whose loop is nine lines.

* `matcher`: the facade; loads synths and their weights once, matches many sounds
* `arms`: one search for each synth, and for each kind of its presets
* `turns`: which of them gets the next batch
* `limits`: what a match may spend, and what it may not change
* `target`: a recording prepared for the search: trimmed, its note and the release of the key estimated; and presets
  that are made of the sound itself
* `search`: the loop; which stage is next, what was rendered already, when the budget is spent
* `stages`: what a stage is; draw, the first one; tune, which puts good presets in tune; recombine, which breeds the
  best presets, and its moves
* `proposals`: where the drawn presets come from; `fingerprints`: presets that were played once, of which the nearest
  to a sound are known before anything plays
* `polish`: the last stage, small steps of every audible parameter
* `scorer`: renders presets on all cores and measures how far each is from the target
* `result`: what a match returns, and how candidates that sound different are picked
* `verdict`: what a musician wants to know of a candidate: how close it is, in tune or not, what else differs
* `output`: writes the files of a match: presets, sound, picture and numbers
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..progress import Progress
    from .limits import Budget
    from .matcher import Matcher
    from .result import Candidate, MatchResult
    from .target import NoteGuess, Target

__all__ = ["Budget", "Candidate", "MatchResult", "Matcher", "NoteGuess", "Progress", "Target"]

_WHERE = {
    "Budget": ".limits", "Candidate": ".result", "MatchResult": ".result", "Matcher": ".matcher",
    "NoteGuess": ".target", "Progress": "..progress", "Target": ".target",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # Imported on first use: the process that draws pictures must not import torch on the way to them.
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
