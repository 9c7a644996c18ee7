"""Makes data sets: recipes, presets, items, files; `run.make_dataset` does it all."""

from .job import Item, Job
from .pool import Pool, read_pool
from .recipe import DatasetRecipe, read_dataset_recipe

__all__ = ["DatasetRecipe", "Item", "Job", "Pool", "read_dataset_recipe", "read_pool"]
