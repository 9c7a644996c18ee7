"""Examples: model inputs of a synth's sounds, with their presets, attribute tags and folds.

A recipe and a bank come in, a folder of NumPy arrays and `about.json` comes out. `make_examples.py` shows the whole
way, `examples.py` is what training and evaluation open.

* `examples_recipe.py`: the settings.
* `attributes.py`: opposite attributes, for macro-controls; plays presets and measures them, block by block.
* `make_examples.py`: selects presets, renders what is missing, finds families, deals folds.
* `examples.py`: the files, and how they are checked when read; `Examples`, one fold of them, with attribute tags.

Tags are the opposite attributes of `data.examples.attributes`. They are relative to one training set, and no words of a
library (`data.label_library`).
"""

from .attributes import MEASURED_ATTRIBUTES, measure_attributes
from .examples import Content, Examples, write_examples
from .examples_recipe import ExamplesRecipe, read_examples_recipe

__all__ = [
    "MEASURED_ATTRIBUTES",
    "Content",
    "Examples",
    "ExamplesRecipe",
    "measure_attributes",
    "read_examples_recipe",
    "write_examples",
]
