"""The training loop and its recipes: a recipe goes in, weights come out.

Open `run` first: `train` goes from the recipe to the weights in one function, and calls the other files in this order:

* `recipe`: the settings of a run, read from TOML files that lie over each other.
* `distributed`: several processes as torchrun starts them; one process is a team of one.
* `training_data`: what is learned from and checked on, rendered from a bank or read from examples.
* `build`: the model, its optimizer and the terms of its loss, before the first step.
* `checkpoint`: all that a run needs to go on exactly, written and read again.
* `loader`, `replicas`: batches one step ahead; threads that share a batch.
* `loop`: step, check, keep. It asks `schedule` for the learning rate, `losses` for weights and validation, and
  `early_stopping` when to stop, and writes to `log`.

`for_synth` stands in front of all that: it makes a bank and a recipe of a user's preset library, and calls `train`.
"""

from .distributed import is_follower
from .for_synth import train_for_synth
from .recipe import Recipe, read_recipe
from .run import train

__all__ = ["Recipe", "is_follower", "read_recipe", "train", "train_for_synth"]
