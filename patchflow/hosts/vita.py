"""The Vital synth from the vita package."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import vita

from ..errors import EngineError, RenderError
from ._host import Answer, Host

__all__ = ["Loaded", "Vita"]

Route = Sequence[str]  # source and destination of a modulation slot, "" if it has none

_SETTLING = 0.1  # seconds, after which a thousandth of the way is left
_LONGEST_DELAY = 2**0.5  # stands for 4 s

_LFO_CONTROLS = ("delay_time", "fade_time", "frequency", "keytrack_tune", "phase", "smooth_time", "stereo", "tempo")


def _filled() -> list[str]:
    names = []
    for n in range(1, 9):
        names += [f"lfo_{n}_{control}" for control in _LFO_CONTROLS]
    return names


# Connections that occupy empty slots for a moment, see `_connect`: from `_FILLER` to each of 64 destinations. They are
# written down because to ask Vital for its destinations takes as long as two seconds of sound.
_FILLER = "slide"
_FILLED = _filled()


@dataclass(frozen=True)
class Loaded:
    """A synth and the preset that was loaded into it.

    Args:
        synth: Set to the preset.
        preset: Content of a `.vital` file; {} for the synth's own first preset.
    """

    synth: Any
    preset: dict[str, Any]


class Vita(Host):
    """Plays presets of Vital, each given by what it changes of the preset that was loaded.

    Setting a control takes a microsecond; loading a whole preset takes as long as a second of sound. A synth seeds
    its random generators from a counter of its process, so only the first of each process sounds like the
    first of another: use one process for each rate.

    Questions: `describe` lists all controls and modulations. `render` plays a note of `pitch`, `velocity`, `hold`
    and `length`, with `controls` by name and, if given, `routes`; data is a whole preset to be loaded first.
    The answer is mono float32.

    Args:
        preset: Content of a `.vital` file; "" for the synth's own first preset.
    """

    def __init__(self, preset: str = "") -> None:
        self.preset = preset

    def load(self, rate: int) -> Loaded:
        """See `Host.load`."""
        synth = vita.Synth()  # pyright: ignore[reportPrivateImportUsage]
        synth.set_sample_rate(float(rate))
        if self.preset:
            _load(synth, self.preset)
        return Loaded(synth, json.loads(self.preset or "{}"))

    def answer(self, instrument: Loaded, what: str, arguments: Mapping[str, Any], data: bytes) -> Answer:
        """See `Host.answer`."""
        match what:
            case "describe":
                return Answer(_describe(instrument.synth))
            case "render":
                if data:
                    _load(instrument.synth, data.decode())
                return _render(instrument, **arguments)
        raise EngineError(f"no question {what!r}")


def _load(synth: Any, preset: str) -> None:
    if not synth.load_json(preset):
        raise EngineError("Vital refuses this preset")


def _describe(synth: Any) -> dict[str, Any]:
    names = list(synth.get_controls())
    return {
        "controls": [_control(synth.get_control_details(name)) for name in names],
        "sources": list(vita.get_modulation_sources()),  # pyright: ignore[reportPrivateImportUsage]
        "destinations": list(vita.get_modulation_destinations()),  # pyright: ignore[reportPrivateImportUsage]
        "preset": json.loads(synth.to_json()),
    }


def _control(details: Any) -> dict[str, Any]:
    return {
        "name": details.name,
        "title": details.display_name,
        "low": details.min,
        "high": details.max,
        "default": details.default_value,
        "discrete": details.is_discrete,
        "scale": str(details.scale).rpartition(".")[2],
        "multiply": details.display_multiply,
        "offset": details.post_offset,
        "unit": details.display_units,
        "options": list(details.options),
    }


def _render(
    instrument: Loaded,
    *,
    pitch: int,
    velocity: int,
    hold: float,
    length: float,
    controls: Mapping[str, float] | None = None,
    routes: Sequence[Route] | None = None,
) -> Answer:
    synth = instrument.synth
    controls = dict(controls or {})
    # routes first: the amount of a new connection has to be set after it is connected
    if routes is not None:
        controls |= _reroute(instrument, controls, routes)
    knobs = synth.get_controls()
    for name, number in controls.items():
        knobs[name].set(float(number))
    _settle(synth, pitch, velocity)
    sound = synth.render(pitch, velocity / 127, hold, length)
    return Answer(data=sound.mean(0, dtype=np.float32).view(np.uint8).data)


def _settle(synth: Any, pitch: int, velocity: int) -> None:
    """Plays a note that cannot be heard, until all controls are where they were set.

    They glide there from those of the synth's own first preset, but only while a note is played; where a preset is
    loaded long before, that is over. A silent preset would begin with a click, a dark one bright. The note is the
    one to come, so that nothing glides from its pitch, and its envelope waits until it is over.
    """
    delay = synth.get_controls()["env_1_delay"]
    own = delay.value()
    delay.set(_LONGEST_DELAY)
    synth.render(pitch, velocity / 127, _SETTLING / 2, _SETTLING)
    delay.set(own)


def _reroute(instrument: Loaded, controls: Mapping[str, float], routes: Sequence[Route]) -> dict[str, float]:
    """Connects modulations and returns controls that have to be set afterwards."""
    # Connecting is fast but only right on a synth without connections, as slots cannot be chosen, see `_connect`.
    # Otherwise a whole preset is loaded, with the controls in it.
    settings = instrument.preset.get("settings", {})
    connected = any(slot["source"] or slot.get("line_mapping") for slot in settings.get("modulations", ()))
    if connected or not _can_be_connected(routes):
        _load(instrument.synth, json.dumps(_rerouted(instrument.preset, controls, routes)))
        return {}
    _connect(instrument.synth, routes)
    amounts = {name: number for name, number in settings.items() if name.startswith("modulation_")}
    return {**amounts, **controls}


def _can_be_connected(routes: Sequence[Route]) -> bool:
    """Whether each connection lands in its slot: Vital takes the first that is free and not its own target."""
    used = [tuple(route) for route in routes if all(route)]
    own = any(route[1] == f"modulation_{slot}_amount" for slot, route in enumerate(routes, 1))
    return len(set(used)) == len(used) and not own and all(source != _FILLER for source, _ in used)


def _connect(synth: Any, routes: Sequence[Route]) -> None:
    # Vital puts a connection into the first slot that is free. So that each lands in its own, the
    # empty slots before it get a connection of another source, and these are taken out at the end.
    last = max((slot for slot, route in enumerate(routes, 1) if all(route)), default=0)
    fillers = iter(_FILLED)
    filled = []
    for route in routes[:last]:
        if not all(route):
            filled.append((_FILLER, next(fillers)))
        source, destination = route if all(route) else filled[-1]
        if not synth.connect_modulation(source, destination):
            raise RenderError(f"Vital cannot connect {source} to {destination}")
    for source, destination in filled:
        synth.disconnect_modulation(source, destination)


def _rerouted(preset: dict[str, Any], controls: Mapping[str, float], routes: Sequence[Route]) -> dict[str, Any]:
    """A preset with other controls and connections; a connection keeps the curve of its slot."""
    settings = preset["settings"]
    slots = []
    for slot, (source, destination) in zip(settings["modulations"], routes, strict=True):
        connected = {**slot, "source": source, "destination": destination}
        slots.append(connected if source and destination else _UNCONNECTED)
    return {**preset, "settings": {**settings, **controls, "modulations": slots}}


_UNCONNECTED = {"source": "", "destination": ""}
