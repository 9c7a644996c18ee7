"""Plays presets of Vital, whichever of its parameters they set."""

import json
from typing import ClassVar

import numpy as np

from ..errors import RenderError
from ..hosts import HostProcess
from ..presets.vital import NEWEST, canonical, control_name, controls, document_of, load_rest, routes_of
from ._engine import Engine, Note

__all__ = ["VitalPlayer"]


class VitalPlayer(Engine):
    """A Vital in a process of its own for each rate, see `hosts.vita`.

    Its engines differ in their `space` only; all other parameters are as in the rest that the preset is built on.
    """

    native: ClassVar[str] = "vital"

    def __init__(self) -> None:
        self._names = [control_name(name) for name in self.space.names]
        self._hosts: dict[int, HostProcess] = {}
        self.build_on(b"")

    def build_on(self, rest: bytes) -> None:
        """See `Engine.build_on`."""
        self._rest = load_rest(rest)
        fresh = self.space.decode(self.space.default())
        preset = {**document_of(fresh, self._rest), "synth_version": NEWEST}
        self._preset = json.dumps(preset)
        self._numbers = preset["settings"]
        self._routes = routes_of({control_name(name): value for name, value in fresh.items()}, self._rest)
        for host in self._hosts.values():
            host.close()
        self._hosts = {}

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """See `Engine.canonical`."""
        return canonical(points, self.space, {source for source, _ in self._routes if source})

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        values = dict(zip(self._names, self.space.decode(point).values(), strict=True))
        numbers = {name: controls()[name].number(value) for name, value in values.items() if name in controls()}
        changed = {name: number for name, number in numbers.items() if number != self._numbers[name]}
        routes = routes_of(values, self._rest)
        asked = {"pitch": note.pitch, "velocity": note.velocity, "hold": note.hold, "length": note.length + 1 / rate}
        asked |= {"controls": changed, "routes": None if routes == self._routes else routes}
        answer = self._host(rate).ask("render", asked, rate=rate)
        sound = np.frombuffer(answer.data, np.float32)[: note.samples(rate)]
        if len(sound) < note.samples(rate) or not np.isfinite(sound).all():
            raise RenderError("vital: gave samples that are no numbers, or too few")
        return sound.copy()

    def _host(self, rate: int) -> HostProcess:
        if rate not in self._hosts:
            self._hosts[rate] = HostProcess("vita", {"preset": self._preset}, name="vital")
        return self._hosts[rate]
