"""Model inputs, one file each.

A sound comes in, a spectrogram of fixed size goes out. A registry by name, as recipes and weights say it:

* `_input.py`: what an input is: rate, length, shape, and the function.
* `levels.py`: 80 bands, relative to the sound's own maximum. The posterior's.
* `paper.py`: 64 bands and 80 frames, not normalised. That of the paper's models.

`inputs["levels"]` imports an input when it is first used.
"""

from ...registry import Registry
from ._input import Input

__all__ = ["Input", "inputs"]

inputs: Registry[Input] = Registry("patchflow.features.inputs", "input")
