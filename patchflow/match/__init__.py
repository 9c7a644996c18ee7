"""A sound in, presets out: candidates, ranking, refinement."""

from ..progress import Progress
from .matcher import Matcher
from .result import Candidate, MatchResult
from .search import Budget
from .target import NoteGuess, Target

__all__ = ["Budget", "Candidate", "MatchResult", "Matcher", "NoteGuess", "Progress", "Target"]
