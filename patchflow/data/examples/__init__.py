"""Examples: what a model hears of the sounds of one synth, with the presets that made them, tags and folds."""

from ..attributes import MEASURED
from .content import Content, write_examples
from .examples import Examples
from .examples_recipe import ExamplesRecipe, is_examples_recipe, read_examples_recipe
from .measure import measure_words

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
