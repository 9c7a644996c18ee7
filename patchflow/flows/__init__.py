"""Maps of vectors that can be undone, one a file: `flows["iaf"]` is a class; `Chain` joins several."""

from ..registry import Registry
from ._chain import Chain
from ._flow import Flow

__all__ = ["Chain", "Flow", "flows"]

flows: Registry[type[Flow]] = Registry("patchflow.flows", "flow")
