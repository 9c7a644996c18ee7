"""What a plug-in saves, as a preset in the plug-in's own format."""

from collections.abc import Sequence

from ..hosts import HostProcess
from ..presets.vst3 import from_juce
from ._description import Native

__all__ = ["plugin_state"]


def plugin_state(host: HostProcess, values: Sequence[Native], rest: bytes = b"") -> bytes:
    """Lets a plug-in save itself.

    Args:
        host: Where it runs.
        values: Indices and values to set first.
        rest: A preset in its own format, to load before them.

    Returns:
        The content of an `.fxb` or `.vstpreset` file; of other plug-ins, what only they can read.

    Raises:
        RenderError: If the plug-in crashes or hangs on it.
    """
    answer = host.ask("state", {"values": values}, rest)
    plugin = answer.facts["class"]
    data = bytes(answer.data)
    return from_juce(data, plugin).pack() if plugin else data
