"""A sound in, presets out: candidates, ranking, refinement."""

from .matcher import Matcher
from .result import Candidate, MatchResult, NoteGuess, Progress, Target
from .search import Budget

__all__ = ["Budget", "Candidate", "MatchResult", "Matcher", "NoteGuess", "Progress", "Target"]
