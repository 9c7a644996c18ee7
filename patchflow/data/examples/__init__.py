"""Examples: what a model hears of the sounds of one synth, with the presets that made them, tags and folds."""

from .examples import Examples
from .folder import Content, write_examples
from .hearing import measure_words
from .opposites import MEASURED
from .recipe import ExamplesRecipe, is_examples_recipe, read_examples_recipe

__all__ = [
    "MEASURED",
    "Content",
    "Examples",
    "ExamplesRecipe",
    "is_examples_recipe",
    "measure_words",
    "read_examples_recipe",
    "write_examples",
]
