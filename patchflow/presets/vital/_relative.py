"""Presets of one engine that plays Vital as presets of the other."""

from dataclasses import replace

from ...errors import PresetError
from ..preset import Preset
from ._document import document_of, load_rest, pack_rest, rest_of, values_of
from ._spaces import SPACES

__all__ = ["as_synth"]


def as_synth(preset: Preset, synth: str) -> Preset:
    """Returns the same preset for another engine that plays Vital.

    What the other space has becomes values, what it has not goes to the rest. Both make the same file, to the
    single precision of Vital's numbers, so nothing is lost on the way to either.

    Args:
        preset: Of Vital, complete.
        synth: One of `SPACES`.

    Raises:
        PresetError: If the preset is of another synth, incomplete, or its rest is damaged.

    Example:
        >>> preset = Preset("vital", SPACES["vital"].decode(SPACES["vital"].default()))
        >>> len(preset.values), len(as_synth(preset, "vital_full").values)
        (179, 900)
    """
    if preset.synth not in SPACES:
        raise PresetError(f"{preset.name or 'preset'}: is for {preset.synth!r}, not one of {', '.join(SPACES)}")
    SPACES[preset.synth].numbers(preset.values)
    document, space = document_of(preset.values, load_rest(preset.rest)), SPACES[synth]
    return replace(preset, synth=synth, values=values_of(document, space), rest=pack_rest(rest_of(document, space)))
