"""The training loop and its recipes."""

from .own import train_own
from .parallel import is_follower
from .recipe import Recipe, read_recipe
from .report import Report
from .run import train

__all__ = ["Recipe", "Report", "is_follower", "read_recipe", "train", "train_own"]
