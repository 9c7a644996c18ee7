"""Data sets: sounds with the presets and notes that made them, as Parquet files.

A recipe (TOML) and presets come in, a folder comes out that `datasets`, DuckDB or `Dataset` reads. Open
`make_dataset.py` first: it shows the whole way. Item k depends on the seed and on k alone, so any shard can be made
on any machine, at any time, with the same bytes.

* `pool.py`: the settings, and the presets that they name.
* `job.py`: draws and plays items, and the interface of those who spread that work: `executors/`, locally or on a
  cluster.
* `parquet.py`: items as files. `dedupe.py`: equal and nearly equal sounds, families.
* `folder.py`: where the files lie, finished or not. `card.py`: the texts among them, and what decides their bytes.
* `make_dataset.py`: makes all of it, goes on after any stop, finds damaged files and repairs shards.
* `dataset.py`: reads a finished data set.
"""

from .dataset import Dataset, Sample
from .job import Item, Job
from .pool import DatasetRecipe, Pool, read_dataset_recipe, read_pool

__all__ = ["Dataset", "DatasetRecipe", "Item", "Job", "Pool", "Sample", "read_dataset_recipe", "read_pool"]
