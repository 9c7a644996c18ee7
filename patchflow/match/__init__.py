"""A sound in, presets out: candidates, ranking, refinement."""

from ..progress import Progress
from .matcher import Matcher
from .result import Candidate, MatchResult, NoteGuess, Target
from .search import Budget

__all__ = ["Budget", "Candidate", "MatchResult", "Matcher", "NoteGuess", "Progress", "Target"]
