"""Training material: banks, families and splits, samplers, rendered caches, augmentation."""

from .bank import Bank
from .sampler import Sampler

__all__ = ["Bank", "Sampler"]
