"""The presets that examples are made of: those of a bank, as far as the synth has parameters for them, each once."""

from dataclasses import dataclass

import numpy as np

from ...engines import Engine
from ..bank import Bank
from ..families import join_families
from ..fitting import fitting
from .recipe import ExamplesRecipe

__all__ = ["Drawn", "draw"]


@dataclass(frozen=True)
class Drawn:
    """Presets of one synth, all different.

    Args:
        points: Encoded presets, float32, shape `(N, P)`.
        names: What each is called, or the first of those that became equal, shape `(N,)`.
        family: Numbers of the families known so far, shape `(N,)`.
        taken: How many presets of the bank they were made of.
    """

    points: np.ndarray
    names: np.ndarray
    family: np.ndarray
    taken: int


def draw(recipe: ExamplesRecipe, make: type[Engine]) -> Drawn:
    """Returns the presets of a recipe.

    Presets that became equal are one; the bank's families of all of them are joined.

    Args:
        recipe: Names a bank.
        make: The engine.

    Raises:
        StorageError: If the bank cannot be read, or is of another synth.
    """
    bank = Bank.load(recipe.bank)
    rows = np.arange(len(bank.points))
    if recipe.items:
        rows = np.sort(np.random.default_rng(recipe.seed).permutation(rows)[: recipe.items])
    engine, points = make(), fitting(bank.points[rows], make, recipe.synth, recipe.bank)
    points = engine.arranged(engine.canonical(make.space.snap(points))).astype(np.float32)
    _, first, member = np.unique(points, axis=0, return_index=True, return_inverse=True)
    family = join_families(bank.family[rows], np.stack([first[member.ravel()], np.arange(len(points))], 1))
    kept = np.sort(first)
    names = np.array([str(name).strip() for name in bank.names[rows][kept]], str)
    return Drawn(points[kept], names, family[kept], len(rows))
