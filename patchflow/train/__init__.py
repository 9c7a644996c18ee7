"""The training loop and its recipes."""

from .loop import Report, train
from .own import train_own
from .recipe import Recipe, read_recipe

__all__ = ["Recipe", "Report", "read_recipe", "train", "train_own"]
