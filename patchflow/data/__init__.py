"""Training data: presets of one synth, the sounds they make, and which sounds are near-duplicates.

Presets come in, from banks, libraries and preset files; out go folders that models are trained and tested on. Open
`bank.py` first, then one of the three pipelines:

* `examples/`: model inputs with presets, attributes and folds, for one fixed note. What the paper's models learn from.
* `dataset/`: sounds with presets and notes, as Parquet files for anybody. Local or on a cluster.
* `cache.py`: model inputs of drawn presets and notes, on disk or renewed in memory, for the posterior.

What the pipelines share:

* `bank.py`: presets with sound families and a split, and how to make them; near-duplicates, and how families are dealt
  to folds. `bank_recipe.py`: of which files.
* `sampler.py`: draws presets and notes around a bank, and presets as people make them, by their roles.
* `label_library.py`: words for people who search a preset library. They are not the opposite attributes of training
  presets, see there.
"""

from .bank import Bank
from .sampler import Sampler

__all__ = ["Bank", "Sampler"]
