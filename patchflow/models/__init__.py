"""One architecture, one file: `models["posterior"]` is a class; trained ones are files.

Sounds and notes go in, presets of one synth come out, as points of the unit cube. Open `_base` first: its interfaces
say what every model can do. The other files that begin with an underscore are what several architectures share:

* `_regression`: from the spectrogram straight to the preset: `mlp`, `cnn`, `resnet`; an auto-encoder, and an MLP from
  its latent to the preset: `ae`, `vae`, `wae`, `vaeflow`.
* `_flow_regression`: an auto-encoder, and an invertible map to the preset: `flow_reg`, `flow_dis`, `flow_joint`.
* `_weights`: trained models on disk. `posterior` shares nothing with the others.
"""

from ..registry import Registry
from ._base import AutoEncoder, Batch, Density, Macros, Model, Network, as_density, default_sizes, sample
from ._weights import find_weights, header_of, load_model, read_header, save_model, shipped, users_weights, weights_of

__all__ = [
    "AutoEncoder",
    "Batch",
    "Density",
    "Macros",
    "Model",
    "Network",
    "as_density",
    "default_sizes",
    "find_weights",
    "header_of",
    "load_model",
    "models",
    "read_header",
    "sample",
    "save_model",
    "shipped",
    "users_weights",
    "weights_of",
]

models: Registry[type[Model]] = Registry("patchflow.models", "model")
