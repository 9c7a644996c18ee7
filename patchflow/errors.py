"""Every error patchflow raises on purpose.

* PatchflowError
  + UnknownName         a registry, a space or a library has no such entry
  + MissingDependency   an optional package is not installed
  + PresetError         a preset does not fit its synth, or a preset file is damaged
  + AudioError          a sound cannot be read, is silent, too long or not a sound
  + OptionError         an option or a recipe key has a value that is not allowed
  + ModelError          weights are missing, damaged or of another model
  + StorageError        a file or folder cannot be read or written
  + EngineError         a synth cannot be loaded or described
    - RenderError       it refuses, crashes or hangs on one preset; others may do
  + Interrupted         Ctrl-C, with what to do now

The command line prints each as one line and exits with code 1; with 130 after Ctrl-C. A caller's bug is a `ValueError`.
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "AudioError",
    "EngineError",
    "Interrupted",
    "MissingDependency",
    "ModelError",
    "OptionError",
    "PatchflowError",
    "PresetError",
    "RenderError",
    "StorageError",
    "UnknownName",
]


class PatchflowError(Exception):
    """Something the user can put right; the message names the value and what was allowed."""


class UnknownName(PatchflowError, KeyError):
    """A name that is not in the list it was looked up in.

    Args:
        kind: What was looked up, e.g. `"metric"`.
        name: The name that was given.
        known: The names there are; the nearest one is suggested.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        super().__init__(kind, name, tuple(sorted(known)))

    def __str__(self) -> str:
        kind, name, known = self.args
        # A name out of a file may be of any kind, and of any length.
        near = difflib.get_close_matches(name, known, n=1) if isinstance(name, str) and len(name) < 200 else []
        if near:
            hint = f"Did you mean {near[0]!r}?"
        elif len(known) <= 12:
            hint = f"Known: {', '.join(known) or 'none'}."
        else:
            hint = f"Known: {', '.join(known[:12])} and {len(known) - 12} more."
        shown = repr(name)
        if len(shown) > 200:
            shown = f"{shown[:200]}…"
        return f"no {kind} named {shown}. {hint}"


class MissingDependency(PatchflowError):
    """An optional package that a feature needs is not installed."""


class PresetError(PatchflowError):
    """A preset that does not fit its synth, or a preset file that is damaged."""


class AudioError(PatchflowError):
    """A sound that cannot be read, is silent, too long or not a sound."""


class OptionError(PatchflowError):
    """An option or a recipe key with a value that is not allowed."""


class ModelError(PatchflowError):
    """Weights that are missing, damaged or of another model."""


class StorageError(PatchflowError):
    """A file or folder that cannot be read or written."""


class EngineError(PatchflowError):
    """A synth that cannot be loaded or described."""


class RenderError(EngineError):
    """A synth that refuses, crashes or hangs on one preset; others may do."""


class Interrupted(PatchflowError):
    """Ctrl-C, where a user should know what is kept and how to go on."""
