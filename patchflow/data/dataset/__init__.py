"""Makes data sets: recipes, presets, items, files; `run.make_dataset` does it all."""

from .dataset import Dataset, Sample
from .dataset_recipe import DatasetRecipe, read_dataset_recipe
from .job import Item, Job
from .pool import Pool, read_pool

__all__ = ["Dataset", "DatasetRecipe", "Item", "Job", "Pool", "Sample", "read_dataset_recipe", "read_pool"]
