"""Vital: its parameters, and what its preset files hold."""

from ._canonical import canonical
from ._controls import SLOTS, Control, controls, destinations, sources
from ._document import NEWEST, VITA_VERSION, as_synth, document_of, load_rest, pack_rest, rest_of, routes_of, values_of
from ._macros import Macro, with_macros
from ._spaces import CORE, FULL, NONE, OTHER, SPACES, control_name

__all__ = [
    "CORE",
    "FULL",
    "NEWEST",
    "NONE",
    "OTHER",
    "SLOTS",
    "SPACES",
    "VITA_VERSION",
    "Control",
    "Macro",
    "as_synth",
    "canonical",
    "control_name",
    "controls",
    "destinations",
    "document_of",
    "load_rest",
    "pack_rest",
    "rest_of",
    "routes_of",
    "sources",
    "values_of",
    "with_macros",
]
