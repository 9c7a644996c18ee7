"""What is in a `.vital` file: values of parameters, and the state beyond them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from ...errors import PresetError
from ..parameters import Value
from ..preset import Preset
from ..space import ParamSpace
from ._controls import SLOTS, controls
from ._spaces import FULL, NONE, OTHER, SPACES, control_name

__all__ = [
    "NEWEST",
    "VITA_VERSION",
    "Document",
    "as_synth",
    "document_of",
    "load_rest",
    "pack_rest",
    "rest_of",
    "routes_of",
    "values_of",
]

Document = dict[str, Any]
"""The content of a `.vital` file, as JSON has it."""

NEWEST = "1.5.5"
"""The newest version of Vital whose files are known, and the one that files are written for."""

VITA_VERSION = "99999.9.9"
"""What the vita package calls its own version; Vital refuses files of it."""

_HEAVY = ("lfos", "sample", "wavetables")
_LABELS = ("author", "preset_name", "preset_style", "synth_version")  # these are not part of the rest
_EMPTY = {"source": "", "destination": ""}


def values_of(document: Document, space: ParamSpace) -> dict[str, Value]:
    """Returns the values of parameters in a file.

    Args:
        document: With all settings but controls, which are at Vital's defaults where there are none.
        space: Parameters of Vital.

    Raises:
        PresetError: If a control, even one beyond the space, has a value that is not allowed.
    """
    settings = document["settings"]
    found = {name: control.value(settings.get(name, control.default)) for name, control in controls().items()}
    for number, slot in enumerate(_slots(settings), 1):
        for end in ("source", "destination"):
            found[f"modulation_{number}_{end}"] = _end(slot, number, end)
    values = {}
    for parameter in space.parameters:
        value = found[control_name(parameter.name)]
        known = not parameter.name.endswith(".destination") or value in _options(space, parameter.name)
        values[parameter.name] = value if known else OTHER
    return values


def document_of(values: Mapping[str, Value], rest: Document) -> Document:
    """Returns the content of a file.

    Args:
        values: Of any parameters of Vital; the others are as in `rest` or, if they are not there either, fresh.
        rest: From `rest_of`.
    """
    init = _init()
    fresh = {control_name(name): value for name, value in _fresh().items()}
    own = {control_name(name): value for name, value in values.items()}
    kept = rest.get("settings", {})
    numbers = {name: control.number(own.get(name, fresh[name])) for name, control in controls().items()}
    settings = {**numbers, **init["settings"], **{name: kept[name] for name in kept if name not in own}}
    settings["modulations"] = [_slot(slot, n, own) for n, slot in enumerate(_slots(kept), 1)]
    texts = {key: value for key, value in rest.items() if key != "settings"}
    return {**init, **texts, "settings": settings}


def rest_of(document: Document, space: ParamSpace) -> Document:
    """Returns what a file holds beyond a space: all that `document_of` could not make from its values.

    Args:
        document: As for `values_of`.
        space: Parameters of Vital.
    """
    settings = document["settings"]
    whole = document_of(values_of(document, space), {})
    given = {**{name: control.default for name, control in controls().items()}, **settings}
    given["modulations"] = [_beyond(slot, n, space) for n, slot in enumerate(_slots(settings), 1)]
    whole["settings"]["modulations"] = [_EMPTY] * SLOTS
    own = {control_name(name) for name in space.names}
    kept = {name: value for name, value in given.items() if name not in own and value != whole["settings"].get(name)}
    texts = {key: document[key] for key in document if key not in (*_LABELS, "settings")}
    texts = {key: value for key, value in texts.items() if value != whole.get(key)}
    return {**texts, **({"settings": kept} if kept else {})}


def routes_of(values: Mapping[str, Value], rest: Document) -> list[list[str]]:
    """Returns source and destination of every modulation, "" for both where it is not connected.

    Args:
        values: By name of the control.
        rest: See `document_of`.
    """
    slots = (_slot(slot, n, values) for n, slot in enumerate(_slots(rest.get("settings", {})), 1))
    routes = ([slot["source"], slot["destination"]] for slot in slots)
    return [route if all(route) else ["", ""] for route in routes]


def load_rest(rest: bytes) -> Document:
    """Returns the rest of a preset; {} if there is none.

    Raises:
        PresetError: If it is damaged.
    """
    try:
        document = json.loads(rest or b"{}")
    except ValueError as error:
        raise PresetError("the rest of this Vital preset is damaged: not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("settings", {}), dict):
        raise PresetError("the rest of this Vital preset is damaged: not an object of settings")
    return document


def pack_rest(rest: Document) -> bytes:
    """Returns the rest of a preset as bytes that `load_rest` reads; `b""` if there is none."""
    return json.dumps(rest, separators=(",", ":"), sort_keys=True).encode() if rest else b""


def _end(slot: Document, number: int, end: str) -> str:
    name = slot.get(end) or NONE
    if name not in _options(FULL, f"modulation_{number}.{end}"):
        raise PresetError(f"modulation {number}: {end}={name!r}: unknown to this patchflow")
    return name


def _slots(settings: Document) -> list[Document]:
    slots = list(settings.get("modulations", ()))
    return slots + [_EMPTY] * (SLOTS - len(slots))


def _slot(kept: Document, number: int, own: Mapping[str, Value]) -> Document:
    """A modulation as values have it, if they do, with its curve from the rest."""
    source, destination = (own.get(f"modulation_{number}_{end}", OTHER) for end in ("source", "destination"))
    return {
        **kept,
        "source": kept["source"] if source == OTHER else "" if source == NONE else source,
        "destination": kept["destination"] if destination == OTHER else "" if destination == NONE else destination,
    }


def _beyond(slot: Document, number: int, space: ParamSpace) -> Document:
    """What a space cannot say of a modulation."""
    options = _options(space, f"modulation_{number}.destination")
    if not options:
        return slot
    known = slot.get("destination", "") in ("", *options)
    return {**slot, "source": "", "destination": "" if known else slot["destination"]}


def _options(space: ParamSpace, name: str) -> tuple[str, ...]:
    """The options of a parameter; () if the space does not have it."""
    return getattr(space.parameters[space.index[name]], "options", ()) if name in space.index else ()


@cache
def _init() -> Document:
    init = json.loads(files("patchflow.presets.vital").joinpath("init.json").read_text("utf-8"))
    init["settings"]["wavetables"] *= 3  # all oscillators have the same
    return init


@cache
def _fresh() -> dict[str, Value]:
    return FULL.decode(FULL.default())


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
