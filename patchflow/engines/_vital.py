"""Plays presets of Vital; the engine behind `vital` and `vital_full`."""

import json
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..errors import RenderError
from ..hosts import Answer, HostProcess
from ..presets import Choice, ParamSpace, Preset, Value
from ..presets.vital import (
    NEWEST,
    SPACES,
    as_synth,
    canonical_vital,
    control_name,
    controls,
    document_of,
    load_state,
    routes_of,
)
from ._engine import Engine, Note
from ._tuners import Tuner, tuned

__all__ = ["VitalPlayer"]

_OSCILLATORS = (1, 2, 3)
_PASSING = 40  # renders that cost as much as starting a process


class VitalPlayer(Engine):
    """A Vital in a process of its own for each rate, see `hosts.vita`.

    Its engines differ in their `space` only; all other parameters are as in the state that the preset is built on.

    Args:
        passing: For the first so many renders on a state, the whole preset is loaded each time, which takes some
            milliseconds; for more of them a process is started that has it loaded. The samples are the same.
    """

    synth: ClassVar[str]
    native: ClassVar[str] = "vital"
    has_state: ClassVar[bool] = True
    resynthesis: ClassVar[bool] = True
    overhead: ClassVar[float] = 1.5  # see benchmarks/screenings.py

    def __init__(self, passing: int = _PASSING) -> None:
        self.passing = passing
        self._state = b""
        self._fresh = _Loaded(self.space, {})
        self._loaded = self._fresh
        self._left = 0  # renders for which no process is started yet

    def build_on(self, state: bytes) -> None:
        """See `Engine.build_on`."""
        if state == self._state:
            return
        loaded = _Loaded(self.space, load_state(state)) if state else self._fresh
        if self._loaded is not self._fresh:
            self._loaded.close()
        loaded.until = self._fresh.until
        self._state = state
        self._loaded = loaded
        self._left = self.passing if state else 0

    def expect_many(self) -> None:
        """See `Engine.expect_many`: the next render starts a process that has the preset loaded."""
        self._left = 0

    def limit(self, until: float) -> None:
        """See `Engine.limit`."""
        self._fresh.until = until
        self._loaded.until = until

    def canonical(self, points: np.ndarray) -> np.ndarray:
        """See `Engine.canonical`."""
        sources = {source for source, _ in self._loaded.routes if source}  # those beyond the space too
        return canonical_vital(points, self.space, sources)

    def transposed(self, points: np.ndarray, cents: np.ndarray, free: np.ndarray | None = None) -> np.ndarray:
        """Moves the transposition of the voice, and for the rest its tuning, or that of all oscillators.

        The keys that LFOs follow stay. Where the voice's transposition may not move, that of all oscillators does.
        """
        return tuned(points, cents, self._tuners(self.space.snap(points)), self.space, free)

    def _tuners(self, points: np.ndarray) -> list[Tuner]:
        index = self.space.index
        heard = _heard_oscillators(points, self.space)
        transposed = [index[f"osc_{n}.transpose"] for n in _OSCILLATORS]
        tune = [index[f"osc_{n}.tune"] for n in _OSCILLATORS]
        semitones = tuple(range(-4800, 4801, 100))
        tuners = [
            Tuner((index["voice_transpose"],), semitones),
            Tuner(tuple(transposed), semitones, heard & _in_semitones(points, self.space)[:, None]),
        ]
        if "voice_tune" in index:
            return [*tuners, Tuner((index["voice_tune"],), (-100, 100))]
        return [*tuners, Tuner(tuple(tune), (-100, 100), heard)]

    def render(self, point: np.ndarray, note: Note, rate: int = 44_100) -> np.ndarray:
        """See `Engine.render`."""
        values = self.space.decode(point)
        # One sample more than needed, because Vital takes seconds, which may be rounded down.
        asked = {"pitch": note.pitch, "velocity": note.velocity, "hold": note.hold, "length": note.length + 1 / rate}
        if self._left:
            self._left -= 1
            answer = self._fresh.play_whole(self._loaded.document(values), asked, rate)
        else:
            answer = self._loaded.play(values, asked, rate)
        sound = np.frombuffer(answer.data, np.float32)[: note.samples(rate)]
        if len(sound) < note.samples(rate) or not np.isfinite(sound).all():
            raise RenderError("vital: gave samples that are no numbers, or too few")
        return sound.copy()

    def unpack(self, preset: Preset) -> Preset:
        """Takes over a preset of the other space; see `Engine.unpack`."""
        return as_synth(preset, self.synth) if preset.synth in SPACES else super().unpack(preset)


def _heard_oscillators(points: np.ndarray, space: ParamSpace) -> np.ndarray:
    """Returns which oscillators are on, or may be borrowed from by one that is; shape `(N, 3)`."""
    borrowing = np.zeros(len(points), bool)
    for n in _OSCILLATORS:
        place = space.index[f"osc_{n}.distortion_type"]
        kind = space.parameters[place]
        assert isinstance(kind, Choice)
        borrows = np.array(["<-" in option for option in kind.options])
        borrowing |= borrows[(points[:, place] * kind.cells).astype(int)]
    on = points[:, [space.index[f"osc_{n}.on"] for n in _OSCILLATORS]] > 0.5
    return on | borrowing[:, None]


def _in_semitones(points: np.ndarray, space: ParamSpace) -> np.ndarray:
    """Returns where no oscillator rounds its transposition to the notes of a scale, shape `(N,)`."""
    names = [f"osc_{n}.transpose_quantize" for n in _OSCILLATORS]
    places = [space.index[name] for name in names if name in space.index]
    return np.all(points[:, places] * space.cells[places] < 1, axis=1)


class _Loaded:
    """Processes, one for each rate, that have loaded one preset and play variations of it.

    A variation is sent as its differences to the loaded preset: to set a control takes a microsecond, to load a preset
    as long as to play a second of sound.

    Args:
        space: The parameters that vary.
        state: All else in the preset.

    Attributes:
        until: When renders have to be done, see `Engine.limit`.
    """

    def __init__(self, space: ParamSpace, state: Mapping[str, Any]) -> None:
        self._kept = dict(state)
        self._first = space.decode(space.default())
        self._preset = ""  # what the processes load: several MB where there are wavetables, so not before it is played
        self.routes = self._routes(self._first)
        self.until = math.inf
        self._hosts: dict[int, HostProcess] = {}

    def document(self, values: Mapping[str, Value]) -> str:
        """Returns the content of a whole preset."""
        return json.dumps({**document_of(values, self._kept), "synth_version": NEWEST})

    def play(self, values: Mapping[str, Value], asked: Mapping[str, Any], rate: int) -> Answer:
        """Plays a variation, by what it changes."""
        # Modulations beyond a preset's own have it loaded anew for each note, so what is loaded has those of the first.
        if not self._hosts:
            self._start_from(values if self._kept else self._first)
        changed: dict[str, float] = {}
        for parameter, value in values.items():
            name = control_name(parameter)
            if name not in controls():  # a source or destination: see `routes`
                continue
            number = controls()[name].number(value)
            if number != self._numbers[name]:
                changed[name] = number
        routes = self._routes(values)
        moved = {"controls": changed, "routes": None if routes == self._loaded_routes else routes}
        return self._host(rate).ask("render", {**asked, **moved}, rate=rate)

    def play_whole(self, preset: str, asked: Mapping[str, Any], rate: int) -> Answer:
        """Plays any preset."""
        return self._host(rate).ask("render", asked, preset.encode(), rate=rate)

    def close(self) -> None:
        """Ends the processes."""
        for host in self._hosts.values():
            host.close()

    def _start_from(self, values: Mapping[str, Value]) -> None:
        """Has the processes that will be started load these values, which changes no sample."""
        self._preset = self.document(values)
        settings = json.loads(self._preset)["settings"]  # through JSON, as Vital gets them
        self._numbers = {name: number for name, number in settings.items() if isinstance(number, int | float)}
        self._loaded_routes = self._routes(values)

    def _routes(self, values: Mapping[str, Value]) -> list[list[str]]:
        return routes_of({control_name(name): value for name, value in values.items()}, self._kept)

    def _host(self, rate: int) -> HostProcess:
        if not self._preset:
            self._start_from(self._first)
        if rate not in self._hosts:
            self._hosts[rate] = HostProcess("vita", {"preset": self._preset}, name="vital")
        self._hosts[rate].until = self.until
        return self._hosts[rate]
