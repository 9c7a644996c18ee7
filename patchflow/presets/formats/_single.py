"""What formats of one preset a file have in common."""

from collections.abc import Sequence

from ...errors import PresetError
from ..preset import Preset

__all__ = ["only_preset"]


def only_preset(presets: Sequence[Preset], extension: str) -> Preset:
    """Returns the preset that a file is to hold.

    Args:
        presets: What is to be written.
        extension: Of the file, for errors.

    Raises:
        PresetError: If there are none or several.

    Example:
        >>> only_preset([Preset("tone", {}, "Ping")], ".fxp").name
        'Ping'
    """
    if not presets:
        raise PresetError(f"{extension}: no preset to write")
    if len(presets) > 1:
        raise PresetError(f"{extension}: a file holds one preset, not {len(presets):,}")
    return presets[0]
