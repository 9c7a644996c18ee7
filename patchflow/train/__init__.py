"""The training loop and its recipes."""

from .distributed import is_follower
from .for_synth import train_own
from .recipe import Recipe, read_recipe
from .run import train

__all__ = ["Recipe", "is_follower", "read_recipe", "train", "train_own"]
