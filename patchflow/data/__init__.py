"""Training material: banks, families and splits, samplers, rendered caches, augmentation."""
