"""The training loop and its recipes."""

from .own import train_own
from .parallel import is_follower
from .recipe import Recipe, read_recipe
from .run import train

__all__ = ["Recipe", "is_follower", "read_recipe", "train", "train_own"]
