"""Examples: model inputs of a synth's sounds, with their presets, attribute tags and folds.

A recipe and a bank come in, a folder of NumPy arrays and `about.json` comes out. `make_examples.py` shows the whole
way, `examples.py` is what training and evaluation open.

* `examples_recipe.py`: the settings.
* `measure.py`: plays presets; keeps model inputs, measures and fingerprints, block by block.
* `make_examples.py`: selects presets, renders what is missing, finds families, deals folds.
* `content.py`: the files, and how they are checked when read.
* `examples.py`: `Examples`, one fold of them, with attribute tags.

Tags are the opposite attributes of `data.attributes`. They are relative to one training set, and no words of a
library (`data.label_library`).
"""

from ..attributes import MEASURED_ATTRIBUTES
from .content import Content, write_examples
from .examples import Examples
from .examples_recipe import ExamplesRecipe, read_examples_recipe
from .measure import measure_attributes

__all__ = [
    "MEASURED_ATTRIBUTES",
    "Content",
    "Examples",
    "ExamplesRecipe",
    "measure_attributes",
    "read_examples_recipe",
    "write_examples",
]
