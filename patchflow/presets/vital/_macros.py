"""Writes macro-controls of our own into Vital's four macro knobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import PresetError, UnknownName
from ..preset import Preset
from ._controls import SLOTS, destinations
from ._document import Document, document_of, load_state, pack_state, state_of, values_of
from ._spaces import SPACES, control_name

__all__ = ["Macro", "with_macros"]

KNOBS = 4
"""Macro knobs of Vital."""


@dataclass(frozen=True)
class Macro:
    """One knob that moves several.

    Args:
        name: What its knob is called in Vital.
        amounts: How far it moves parameters, by their names, in shares of their ranges, -1 to 1.
        value: Where the knob is, 0 to 1.
    """

    name: str
    amounts: Mapping[str, float]
    value: float = 0.0


def with_macros(preset: Preset, macros: Sequence[Macro]) -> Preset:
    """Returns a preset that has macros in Vital's macro knobs, the first in the first.

    Old modulations by these knobs are removed. The new ones take free modulation slots, the last first.

    Args:
        preset: Of Vital.
        macros: At most four.

    Raises:
        PresetError: If there are too many, an amount or value is out of its range, or no modulation is free.
        UnknownName: If Vital cannot modulate a parameter.

    Example:
        >>> from patchflow.presets.vital import CORE
        >>> preset = Preset("vital", CORE.decode(CORE.default()))
        >>> with_macros(preset, [Macro("Dark", {"filter_1.cutoff": -0.5})]).state[:18]
        b'{"macro1":"Dark","'
    """
    if len(macros) > KNOBS:
        raise PresetError(f"{len(macros)} macros: Vital has {KNOBS}")
    space = SPACES[preset.synth]
    document = document_of(preset.values, load_state(preset.state))
    for number, macro in enumerate(macros, 1):
        _write(document, number, macro)
    state = pack_state(state_of(document, space))
    return replace(preset, values=values_of(document, space), state=state)


def _write(document: Document, number: int, macro: Macro) -> None:
    settings = document["settings"]
    knob = f"macro_control_{number}"
    if not 0 <= macro.value <= 1:
        raise PresetError(f"macro {macro.name!r}: value={macro.value:g}: not in [0, 1]")
    document[f"macro{number}"] = macro.name
    settings[knob] = macro.value
    for place, slot in enumerate(settings["modulations"]):
        if slot["source"] == knob:
            settings["modulations"][place] = {"source": "", "destination": ""}
    for name, amount in macro.amounts.items():
        _connect(settings, knob, name, amount)


def _connect(settings: Document, knob: str, name: str, amount: float) -> None:
    destination = control_name(name)
    if destination not in destinations():
        raise UnknownName("parameter that Vital can modulate", name, destinations())
    if not -1 <= amount <= 1:
        raise PresetError(f"{name}: amount={amount:g}: not in [-1, 1]")
    # The last slots first: the core space has the first eight, and they stay free for what the user does next.
    slots = settings["modulations"]
    for number in range(SLOTS, 0, -1):
        slot = slots[number - 1]
        modulates_itself = destination == f"modulation_{number}_amount"
        if not slot["source"] and not slot["destination"] and not modulates_itself:
            break
    else:
        raise PresetError(f"{name}: no modulation is free, Vital has {SLOTS}")
    slots[number - 1] = {"source": knob, "destination": destination}
    fresh = {"amount": amount, "power": 0.0, "bipolar": 0.0, "stereo": 0.0, "bypass": 0.0}
    for part, value in fresh.items():
        settings[f"modulation_{number}_{part}"] = value
