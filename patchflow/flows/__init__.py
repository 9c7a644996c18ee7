"""Maps of vectors that can be undone, one a file: `flows["iaf"]` is a class; `Chain` joins several."""

from ._chain import Chain, chain
from ._flow import Flow, flows

__all__ = ["Chain", "Flow", "chain", "flows"]
