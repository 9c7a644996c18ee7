"""Shapes of presets by HTTP: macros that turn them, their curves, what differs between two, and places in a space."""

import asyncio
import math
import threading
import time
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch
from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi import Path as InPath
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from ..audio.conditioning import resample
from ..engines import Note, engines
from ..errors import OptionError
from ..explore.attribute_map import load_map
from ..explore.audio_space import AudioSpace
from ..explore.children import moves_between
from ..explore.macro_knobs import MacroKnobs, macro_words
from ..explore.player import RATE, built
from ..match.target import prepare_target
from ..metrics.perceptual import Reference
from ..presets import Preset
from .curves import CurvesBody, curves_of
from .desk import Desk, PresetBody, desk
from .job_routes import Locks, Name, Number
from .players import PLAYED_RATE, LastUsed, Players, Superseded
from .sound_routes import Id, sound_part
from .tasks import lock_of

__all__ = ["router"]

_SLOW = 20  # requests at once: half of the threads that there are for all
_SLOW_OF_ONE = 4  # the same of one client


class _SlowRoute(APIRoute):
    """A route whose work may take seconds: more than some requests wait without a thread, so that pages get theirs.

    Of one client few run at once, so that others need not wait for all that it asks for.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns what answers a request once it is its turn."""
        handle = super().get_route_handler()

        async def in_turn(request: Request) -> Response:
            await request.body()  # whatever comes after it says that the client has gone
            client = request.headers.get("x-client") or (request.client.host if request.client else "")
            async with _turns_of.setdefault(request.app, _Turns()).of(client):
                if await request.is_disconnected():
                    raise ClientDisconnect
                return await handle(request)

        return in_turn


class _Turns:
    """Turns of slow requests, by client."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(_SLOW)
        self._own: dict[str, asyncio.Semaphore] = {}
        self._asking: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, client: str) -> AsyncIterator[None]:
        own = self._own.setdefault(client, asyncio.Semaphore(_SLOW_OF_ONE))
        self._asking[client] += 1
        try:
            async with own, self._all:
                yield
        finally:
            self._asking[client] -= 1
            if not self._asking[client]:
                del self._asking[client], self._own[client]


_turns_of: "weakref.WeakKeyDictionary[FastAPI, _Turns]" = weakref.WeakKeyDictionary()
router = APIRouter(tags=["shapes"], route_class=_SlowRoute)

_NOTE = Note(pitch=60, velocity=100, hold=1.0, length=2.0)
_KNOBS = 128 * 2**20  # bytes in memory of knobs of presets that are kept: 500, or some twenty with wavetables
_OF_STATE = 2  # times its length is what a state takes in memory, with the engine that is built on it
_OF_KNOBS = 2**18  # bytes of knobs without a state
_MEASURED = 6  # presets whose slopes are measured at once: each takes 400 MB for processes of its own
_MANY = 8  # presets that are played at once to measure slopes, on all processors
_FEW = 2  # the same while nobody waits for it, on one
_PAUSE = 0.01  # seconds between two looks whether notes are still played
_MOST_Z = 4_096


class MacroBody(BaseModel):
    """A macro, and what its ends are called."""

    word: str
    title: str
    low_word: str
    high_word: str
    provenance: str
    step: float


class MoveBody(BaseModel):
    """A parameter that differs; its size is a share of its range, half of it for another option."""

    name: str
    before: float | int | str
    after: float | int | str
    size: float


class TurnBody(BaseModel):
    """What to turn of a preset, and what stays."""

    model_config = ConfigDict(extra="forbid")

    preset: Annotated[str, Field(pattern="^[a-z0-9]{6,64}$")]
    words: dict[Name, Number] = Field({}, max_length=64)
    lock: Locks = []
    keep: bool = Field(True, description="Whether the turned preset is kept; false only says what would move.")


class TurnedBody(BaseModel):
    """A preset that macros have turned, and what should have changed, in standard deviations over its synth's."""

    preset: PresetBody | None = Field(description="Null if it is not to be kept.")
    moves: list[MoveBody]
    predicted: dict[str, float]


class MovesBody(BaseModel):
    """How two presets differ, and how far apart they sound; null if one is silent."""

    moves: list[MoveBody]
    distance_db: float | None


class EncodeBody(BaseModel):
    """What to find the place of: a sound, or a preset."""

    model_config = ConfigDict(extra="forbid")

    synth: Name
    sound: Annotated[str, Field(pattern="^[a-z0-9]{6,64}$")] | None = None
    preset: Annotated[str, Field(pattern="^[a-z0-9]{6,64}$")] | None = None
    model: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")] | None = None


class PlaceBody(BaseModel):
    """A place in the space of a synth."""

    model_config = ConfigDict(extra="forbid")

    z: list[Number] = Field(max_length=_MOST_Z)
    synth: Name
    model: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")] | None = None


@router.get("/synths/{synth}/macros")
def list_macros(synth: Annotated[str, InPath(max_length=100)]) -> list[MacroBody]:
    """The macros of a synth."""
    return [
        MacroBody(
            word=one.word, title=one.title, low_word=one.low, high_word=one.high, provenance=one.provenance,
            step=one.step,
        )
        for one in macro_words(synth)
    ]  # fmt: skip


@router.post("/macros/turn")
def turn_macros(
    request: Request,
    asked: TurnBody,
    x_ahead: Annotated[bool, Header(description="Whether nobody waits for it yet: all else comes first.")] = False,
    x_client: Annotated[str, Header(max_length=64, description="Who asks; the address if not given.")] = "",
) -> TurnedBody:
    """A preset with macros turned, by what is known of its synth; nothing is played.

    Of a synth without a learned map the first call for a preset plays it some dozen times, which takes a second or
    two; all later ones take milliseconds. With `X-Ahead` that gives way to notes, and ends with an error of status 409
    as soon as the client asks so for another preset.
    """
    at = desk(request)
    preset = at.workspace.preset(asked.preset)
    client = x_client or (request.client.host if request.client else "") or "somebody"
    turned = _knobs_of(at).of(asked.preset, preset, client if x_ahead else "").turned(asked.words, lock_of(asked.lock))
    words = ", ".join(f"{word} {amount:+g}" for word, amount in asked.words.items() if amount)
    origin = f"{preset.name or 'a preset'} turned: {words}" if words else None
    moves = [MoveBody(**vars(move)) for move in turned.moves]
    kept = at.workspace.keep_preset(turned.preset, origin) if asked.keep else None
    return TurnedBody(preset=kept, moves=moves, predicted=turned.predicted)


@router.get("/presets/{preset_id}/moves/{other_id}")
def compare_presets(request: Request, preset_id: Id, other_id: Id) -> MovesBody:
    """What differs between two presets of one synth, and how far apart they sound on middle C."""
    at = desk(request)
    first = at.workspace.preset(preset_id)
    second = at.workspace.preset(other_id)
    if first.synth != second.synth:
        raise OptionError(f"presets: the first is of {first.synth}, the other of {second.synth}; give two of one synth")
    make = engines[first.synth]
    points = [make.space.snap(make.space.encode(preset.values)) for preset in (first, second)]
    found = moves_between(built(make, first.state), points[0], points[1])
    waiting = [at.players.play(preset_id, first, _NOTE), at.players.play(other_id, second, _NOTE)]
    sounds = [resample(played.result().samples, PLAYED_RATE, RATE).astype(np.float32) for played in waiting]
    distance = None
    if all(np.abs(sound).max() > 0 for sound in sounds):
        distance = float(Reference(torch.from_numpy(sounds[0])).distance(torch.from_numpy(sounds[1][None]))[0])
    moves = [MoveBody(**vars(move)) for move in found]
    return MovesBody(moves=moves, distance_db=distance if distance is not None and math.isfinite(distance) else None)


@router.get("/presets/{preset_id}/curves")
def draw_curves(request: Request, preset_id: Id) -> CurvesBody:
    """What can be drawn of a preset: a DX7's algorithm and envelopes, Vital's envelopes, waves and LFOs.

    Of other synths it is every group of parameters that is called like the stages of an envelope.
    """
    return curves_of(desk(request).workspace.preset(preset_id))


@router.post("/encode")
def place_of(request: Request, asked: EncodeBody) -> PlaceBody:
    """The place of a sound or a preset in the space of a synth."""
    at = desk(request)
    if (asked.sound is None) == (asked.preset is None):
        raise OptionError("encode: give a sound or a preset, one of them")
    space = _space(asked.synth, asked.model)
    if asked.preset is not None:
        preset = at.workspace.preset(asked.preset)
        if preset.synth != asked.synth:
            raise OptionError(f"preset={asked.preset}: is of {preset.synth}, not {asked.synth}")
        z = space.encode(space.parameters.encode(preset.values)[None])[0]
    else:
        target = prepare_target(sound_part(at, asked.sound or "", None, None))
        note = Note(target.guesses[0].pitch, _NOTE.velocity, target.hold, target.length)
        z = space.hear(target.samples[None], target.rate, note)[0]
    return PlaceBody(z=z.tolist(), synth=asked.synth, model=asked.model)


@router.post("/decode")
def preset_at_place(request: Request, asked: PlaceBody) -> PresetBody:
    """The preset at a place in the space of a synth."""
    space = _space(asked.synth, asked.model)
    if len(asked.z) != space.size:
        raise OptionError(f"z: has {len(asked.z)} numbers, this space {space.size}")
    point = space.presets(np.array(asked.z, float)[None])[0]
    preset = Preset(asked.synth, space.parameters.decode(point), name="Decoded")
    return desk(request).workspace.keep_preset(preset, f"a place in {space.description}")


class _Making:
    """Knobs of a preset, while its slopes are measured and afterwards.

    Args:
        client: Who asked for them and does not wait for them yet; "" once somebody does.
    """

    def __init__(self, client: str) -> None:
        self.client = client
        self.is_left = False  # the client is at another preset by now
        self.done: Future[MacroKnobs] = Future()


class _Knobs:
    """The knobs of presets that were turned last; those of one preset are made once, however many ask.

    Where they are measured, a few presets are at once, and only one of those that nobody waits for.

    Args:
        players: Whose notes come before what nobody waits for.
    """

    def __init__(self, players: Players) -> None:
        self._players = players
        self._made: LastUsed[str, _Making] = LastUsed(_KNOBS)
        self._measured: list[_Making] = []  # those that are measured now
        self._changed = threading.Condition()

    def of(self, key: str, preset: Preset, client: str = "") -> MacroKnobs:
        """Returns the knobs of a preset.

        Args:
            key: What the preset is called.
            preset: The preset.
            client: Who asks before they are needed; "" for who needs them now.

        Raises:
            Superseded: If the client has asked so for another preset meanwhile.
            PatchflowError: If the preset cannot be turned.
        """
        with self._changed:
            making = self._made.get(key)
            is_mine = making is None
            if making is None:
                making = _Making(client)
                self._made.put(key, making, _OF_KNOBS + _OF_STATE * len(preset.state))
            making.is_left = False
            if not client:
                making.client = ""
            for other in self._made.values() if client else ():
                other.is_left |= other.client == client and other is not making
            self._changed.notify_all()
        if is_mine:
            self._make(key, preset, making)
        return making.done.result()

    def _make(self, key: str, preset: Preset, making: _Making) -> None:
        try:
            with self._turn(key, preset.synth, making):
                knobs = MacroKnobs(preset, pace=lambda: self._pace(key, making))
            making.done.set_result(knobs)
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            with self._changed:
                self._forget(key, making)
            making.done.set_exception(error)

    @contextmanager
    def _turn(self, key: str, synth: str, making: _Making) -> Iterator[None]:
        """Waits until a preset may be measured; where there is a learned map nothing is."""
        if load_map(synth, engines[synth].space) is not None:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: self._may_begin(making))
            self._end_if_left(key, making)
            self._measured.append(making)
        try:
            yield
        finally:
            with self._changed:
                self._measured.remove(making)
                self._changed.notify_all()

    def _may_begin(self, making: _Making) -> bool:
        if making.client and (making.is_left or any(other.client for other in self._measured)):
            return making.is_left  # to end
        return len(self._measured) < _MEASURED

    def _pace(self, key: str, making: _Making) -> int:
        """How many presets are played next; while nobody waits for it, none before all notes are played."""
        while making.client and not making.is_left and self._players.are_wanted:
            time.sleep(_PAUSE)
        with self._changed:
            self._end_if_left(key, making)
            return _FEW if making.client else _MANY

    def _end_if_left(self, key: str, making: _Making) -> None:
        if making.client and making.is_left:
            self._forget(key, making)  # now: whoever asks from here on has it measured anew
            raise Superseded("another preset is asked for")

    def _forget(self, key: str, making: _Making) -> None:
        if self._made.get(key) is making:
            self._made.drop(key)


_of_desks: "weakref.WeakKeyDictionary[Desk, _Knobs]" = weakref.WeakKeyDictionary()


def _knobs_of(at: Desk) -> _Knobs:
    return _of_desks.setdefault(at, _Knobs(at.players))


@lru_cache(maxsize=4)
def _space(synth: str, model: str | None) -> AudioSpace:
    return AudioSpace.load(synth, model)
