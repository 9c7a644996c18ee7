"""The content of a `.vital` file: values of parameters, the state beyond them, and macro knobs of our own in it.

A file is taken apart and put together again without loss:

    values, state = values_of(document, space), state_of(document, space)
    document_of(values, state)  # the same document
"""

import base64
import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ...errors import PresetError, UnknownName
from ...parsing import json_value
from ..preset import Preset, check
from ..space import Choice, ParamSpace, Value
from ._controls import SLOTS, controls, destinations
from ._spaces import FULL, NONE, OTHER, SPACES, control_name

__all__ = [
    "NEWEST",
    "VITA_VERSION",
    "Document",
    "Macro",
    "as_synth",
    "document_of",
    "fresh_part",
    "load_state",
    "pack_state",
    "routes_of",
    "state_of",
    "values_of",
    "with_macros",
]

Document = dict[str, Any]
"""The content of a `.vital` file, as parsed JSON."""

NEWEST = "1.5.5"
"""The newest version of Vital whose files are known, and the one that files are written for; all 1.5 open them."""

VITA_VERSION = "99999.9.9"
"""What the vita package calls its own version; Vital refuses files with it."""

_LABELS = ("author", "preset_name", "preset_style", "synth_version")  # fields of a `Preset`, so not in its state
_UNCONNECTED = {"source": "", "destination": ""}

KNOBS = 4
"""Macro knobs of Vital."""


def values_of(document: Document, space: ParamSpace) -> dict[str, Value]:
    """Returns the values of parameters in a file.

    Args:
        document: With all settings but controls, which are at Vital's defaults where there are none.
        space: Parameters of Vital.

    Raises:
        PresetError: If a control, even one beyond the space, has a value that is not allowed.
    """
    settings = document["settings"]
    # Controls beyond the space are read too: a file with one bad number is rejected whole.
    found: dict[str, Value] = {}
    for name, control in controls().items():
        found[name] = control.value(settings.get(name, control.default))
    for number, slot in enumerate(_slots(settings), 1):
        for end in ("source", "destination"):
            found[f"modulation_{number}_{end}"] = _checked_end(slot, number, end)
    values = {}
    for parameter in space.parameters:
        value = found[control_name(parameter.name)]
        # The core can only name destinations inside the core.
        if parameter.name.endswith(".destination") and value not in _options(space, parameter.name):
            value = OTHER
        values[parameter.name] = value
    return values


def document_of(values: Mapping[str, Value], state: Document) -> Document:
    """Returns the content of a file.

    Args:
        values: Of any parameters of Vital; the others are as in `state` or, if they are not there either, fresh.
        state: From `state_of`.
    """
    init = _init()
    fresh = _fresh()
    own = {control_name(name): value for name, value in values.items()}
    kept = state.get("settings", {})

    # Three layers, the later on top: controls, Vital's own wavetables and LFO shapes, the state.
    # The state never covers a control that has a value.
    settings: Document = {}
    for name, control in controls().items():
        settings[name] = control.number(own.get(name, fresh[name]))
    settings |= copy.deepcopy(init["settings"])  # whoever changes a document changes no other
    for name, setting in kept.items():
        if name not in own:
            settings[name] = setting
    settings["modulations"] = [_slot(slot, number, own) for number, slot in enumerate(_slots(kept), 1)]

    texts = {key: value for key, value in state.items() if key != "settings"}
    return {**init, **texts, "settings": settings}


def state_of(document: Document, space: ParamSpace) -> Document:
    """Returns what a file holds beyond a space: all that `document_of` could not make from its values.

    Args:
        document: As for `values_of`.
        space: Parameters of Vital.
    """
    settings = document["settings"]
    # What the values alone would give: only differences to it are kept, so most states are small.
    rebuilt = document_of(values_of(document, space), {})
    rebuilt["settings"]["modulations"] = [_UNCONNECTED] * SLOTS

    # A control that the file leaves out has Vital's default there, which is not always the fresh value.
    given: Document = {name: control.default for name, control in controls().items()}
    given |= settings
    given["modulations"] = [_beyond(slot, number, space) for number, slot in enumerate(_slots(settings), 1)]

    own = {control_name(name) for name in space.names}
    kept: Document = {}
    for name, setting in given.items():
        if name not in own and setting != rebuilt["settings"].get(name):
            kept[name] = setting

    state: Document = {}
    for key, value in document.items():
        if key != "settings" and key not in _LABELS and value != rebuilt.get(key):
            state[key] = value
    if kept:
        state["settings"] = kept
    return state


def routes_of(values: Mapping[str, Value], state: Document) -> list[list[str]]:
    """Returns source and destination of every modulation, "" for both where it is not connected.

    Args:
        values: By name of the control.
        state: See `document_of`.
    """
    routes = []
    for number, kept in enumerate(_slots(state.get("settings", {})), 1):
        slot = _slot(kept, number, values)
        route = [slot["source"], slot["destination"]]
        routes.append(route if all(route) else ["", ""])
    return routes


def fresh_part(name: str) -> Any:
    """Returns what Vital has in place of a part of the settings that a file lacks.

    Args:
        name: `"lfos"`, `"modulations"`, `"sample"` or `"wavetables"`.

    Example:
        >>> len(fresh_part("lfos")), fresh_part("lfos")[0]["name"], fresh_part("wavetables")[0]["name"]
        (8, 'Triangle', 'Init')
    """
    # Our own first preset has more than one shape in its wavetables, Vital's has a saw.
    return [_saw() for _ in range(3)] if name == "wavetables" else copy.deepcopy(_init()["settings"][name])


def _saw() -> Document:
    """The wavetable of a Vital that was just started."""
    # in Vital's own order of single-precision steps, so that it is the same to the bit
    falling = 1 - np.float32(2) / np.float32(2047) * np.arange(2048, dtype=np.float32)
    data = base64.b64encode(np.roll(falling, 1024).astype("<f4").tobytes()).decode()
    source = {"interpolation": 1, "interpolation_style": 1, "keyframes": [{"position": 0, "wave_data": data}]}
    return {
        "author": "",
        "full_normalize": True,
        "groups": [{"components": [{**source, "type": "Wave Source"}]}],
        "name": "Init",
        "remove_all_dc": True,
        "version": NEWEST,
    }


def load_state(state: bytes) -> Document:
    """Returns the state of a preset; {} if there is none.

    Raises:
        PresetError: If it is damaged.
    """
    try:
        document = json_value(state or b"{}")
    except ValueError as error:
        raise PresetError("the state of this Vital preset is damaged: not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("settings", {}), dict):
        raise PresetError("the state of this Vital preset is damaged: not an object of settings")
    for part in ("modulations", "lfos", "wavetables"):
        items = document.get("settings", {}).get(part, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise PresetError(f"the state of this Vital preset is damaged: {part} are not a list of objects")
    return document


def pack_state(state: Document) -> bytes:
    """Returns the state of a preset as bytes that `load_state` reads; `b""` if there is none."""
    if not state:
        return b""
    # The library tells presets apart by these bytes, so equal states must give equal ones.
    return json.dumps(state, separators=(",", ":"), sort_keys=True).encode()


def _checked_end(slot: Document, number: int, end: str) -> str:
    """The source or destination of a modulation, `NONE` if it has none."""
    name = slot.get(end) or NONE
    if name not in _options(FULL, f"modulation_{number}.{end}"):
        raise PresetError(f"modulation {number}: {end}={name!r}: unknown to this patchflow")
    return name


def _slots(settings: Document) -> list[Document]:
    """All modulations; a file may leave out the last ones."""
    slots = [
        slot if set(_UNCONNECTED) <= set(slot) else {**_UNCONNECTED, **slot} for slot in settings.get("modulations", ())
    ]
    return slots + [_UNCONNECTED] * (SLOTS - len(slots))


def _slot(kept: Document, number: int, own: Mapping[str, Value]) -> Document:
    """A modulation with source and destination from the values where these have them, all else as it was kept."""
    slot = dict(kept)
    for end in ("source", "destination"):
        chosen = own.get(f"modulation_{number}_{end}", OTHER)
        if chosen == OTHER:
            slot[end] = kept[end]
        elif chosen == NONE:
            slot[end] = ""
        else:
            slot[end] = chosen
    return slot


def _beyond(slot: Document, number: int, space: ParamSpace) -> Document:
    """What a space cannot express of a modulation, such as its curve."""
    options = _options(space, f"modulation_{number}.destination")
    if not options:
        return slot
    known = slot.get("destination", "") in ("", *options)
    return {**slot, "source": "", "destination": "" if known else slot["destination"]}


def _options(space: ParamSpace, name: str) -> tuple[str, ...]:
    """The options of a parameter; () if the space does not have it, or it is no choice."""
    if name not in space.index:
        return ()
    parameter = space.parameters[space.index[name]]
    return parameter.options if isinstance(parameter, Choice) else ()


@cache
def _init() -> Document:
    """The content of Vital's first preset, without its controls."""
    init = json.loads(files("patchflow.presets.vital").joinpath("init.json").read_text("utf-8"))
    init["settings"]["wavetables"] *= 3  # all oscillators have the same
    return init


@cache
def _fresh() -> dict[str, Value]:
    """The values of a fresh preset, by name of the control."""
    fresh = FULL.decode(FULL.default())
    return {control_name(name): value for name, value in fresh.items()}


def as_synth(preset: Preset, synth: str) -> Preset:
    """Returns the same preset for another engine that plays Vital.

    What the other space has becomes values, all else goes to the state. Both make the same file, to the
    single precision of Vital's numbers, so nothing is lost on the way to either.

    Args:
        preset: Of Vital, complete.
        synth: One of `SPACES`.

    Raises:
        PresetError: If the preset is of another synth, incomplete, or its state is damaged.

    Example:
        >>> preset = Preset("vital", SPACES["vital"].decode(SPACES["vital"].default()))
        >>> len(preset.values), len(as_synth(preset, "vital_full").values)
        (179, 900)
    """
    if preset.synth not in SPACES:
        raise PresetError(f"{preset.name or 'preset'}: is for {preset.synth!r}, not one of {', '.join(SPACES)}")
    check(preset, SPACES[preset.synth])
    document = document_of(preset.values, load_state(preset.state))
    space = SPACES[synth]
    state = pack_state(state_of(document, space))
    return replace(preset, synth=synth, values=values_of(document, space), state=state)


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
