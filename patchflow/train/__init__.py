"""The training loop and its recipes: a recipe goes in, weights come out.

Open `run` first: `train` reads the recipe and starts the team, and `fit` goes from there to the weights. The other
files in the order in which they are called; `training_data` and what `run` builds have two turns each:

* `recipe`: the settings of a run, read from TOML files that lie over each other.
* `distributed`: several processes as torchrun starts them; one process is a team of one. Threads that share a batch.
* `training_data` (`open_source`): the bank or the examples that a run learns from.
* `run` (`build`): the model, its optimizer and what else changes from step to step.
* `checkpoint`: all that a run needs to go on exactly, written and read again.
* `training_data` (`open_data`): what is learned from and checked on, rendered from the bank or read from the examples.
* `run` (`settle`): what a new model takes from the data, and the terms of its loss.
* `checkpoint` (`Log`): every term of the loss, in a file. `loader`: batches one step ahead.
* `loop`: step, check, keep. It asks `schedule` for the learning rate, the weights of the terms, validation and when to
  stop.

`for_synth` stands in front of all that: it makes a bank and a recipe of a user's preset library, and calls `train`.
"""

from .distributed import is_follower, leave_to_the_first
from .for_synth import train_for_synth
from .recipe import Recipe, read_recipe
from .run import train

__all__ = ["Recipe", "is_follower", "leave_to_the_first", "read_recipe", "train", "train_for_synth"]
