"""Writes the description of a plug-in as text that explains itself."""

from collections.abc import Iterator

import numpy as np

from ..settings import quoted
from ._description import Control, Description

__all__ = ["to_text"]

_HEADER = """\
# How patchflow plays the plug-in {name}. Made by `patchflow synth add`; yours to edit.
#
# kind    knob: any value from low to high.  steps: values in order.  choice: options without an order.
#         fixed: always at its default; change the word to have it searched (what else it needs is there).
# group   parameters of one group are kept together when presets are recombined, and locked together.
# Every number is on the plug-in's own scale, from 0 to 1. What the plug-in shows for it stands beside it.
"""

_FRESH = (
    "fork: a copy plays each note; reload: it is loaded anew, slow; reuse: fastest, but it remembers what it played"
)
_NOISE = "between two renders of one preset; 0 is the same to the last bit"


def to_text(description: Description) -> str:
    """Returns the text of a description's file, from which the same description is read.

    Example:
        >>> print(to_text(Description("a", "a.so", (Control(0, "Cut", "knob", 0.5),))).splitlines()[7])
        plugin = "a.so"
    """
    lines = [_HEADER.format(name=description.name)]
    lines += [
        f"plugin = {quoted(description.plugin)}",
        f"id = {quoted(description.id)}  # of the presets that it takes",
        f"presets = {quoted(description.native)}  # the format they are written in",
        f'fresh = "{description.fresh}"  # {_FRESH}',
        f"latency = {description.latency}  # samples",
        f"noise_floor_db = {description.noise_floor_db:g}  # {_NOISE}",
        f"renders_per_second = {description.renders_per_second:g}  # notes of four seconds",
    ]
    return "\n".join([*lines, *(line for control in description.controls for line in _control(control)), ""])


def _control(control: Control) -> Iterator[str]:
    yield ""
    for note in control.notes:
        yield f"# {note}"
    yield "[[parameter]]"
    yield f"index = {control.index}"
    yield f"name = {quoted(control.name)}"
    if control.label:
        yield f"label = {quoted(control.label)}  # what the plug-in calls it"
    yield f"kind = {quoted(control.kind)}"
    if control.group:
        yield f"group = {quoted(control.group)}"
    yield f"default = {_number(control.default)}"
    if control.options:
        yield f"options = [{', '.join(map(quoted, control.options))}]"
        yield f"values = [{', '.join(map(_number, control.values))}]"
    elif control.kind in ("knob", "fixed"):
        yield f"low = {_number(control.low)}"
        yield f"high = {_number(control.high)}"


def _number(value: float) -> str:
    """The shortest decimal of the plug-in's 24-bit number."""
    return np.format_float_positional(np.float32(value), trim="0")
