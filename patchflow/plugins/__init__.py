"""Makes a synth of a plug-in: finds out what its parameters are and how it behaves, and writes that down."""

from .add import add_synth, remove_synth, synth_description
from .probe import probe

__all__ = ["add_synth", "probe", "remove_synth", "synth_description"]
