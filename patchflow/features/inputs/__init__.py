"""What a model may hear, one file each: `inputs["levels"]`."""

from ...registry import Registry
from ._input import Input

__all__ = ["Input", "inputs"]

inputs: Registry[Input] = Registry("patchflow.features.inputs", "input")
