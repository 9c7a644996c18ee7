"""The synths that play notes at once, a thread an engine, the newest request first; and what was used last."""

import math
import os
import threading
import time
from collections import OrderedDict, deque
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np

from ..audio.loudness import loudness
from ..engines import Engine, Note, engines
from ..errors import EngineError, OptionError, PatchflowError
from ..presets import Preset

__all__ = [
    "PLAYED_RATE",
    "LastUsed",
    "PlayedNote",
    "Players",
    "Superseded",
]

PLAYED_RATE = 44_100
"""Sample rate of all that is played, in Hz."""

_THREADS = min(2, os.cpu_count() or 1)  # of a synth
_MOST_SYNTHS = 6  # that are kept ready
_CACHE = 64 * 2**20  # bytes of notes that are kept: six minutes
_CACHE_AT_REST = 16 * 2**20  # of them while nobody is there
_PATIENCE = 20.0  # seconds after which a synth hangs
_STARVING = 1.0  # seconds after which who has waited longest is next
_AT_HOME = 2  # notes on one state after which somebody seems to work on it
_LEAVING = 60.0  # seconds without a note after which nobody does any more
_GONE = 600.0  # seconds without a note after which a synth that was not to be kept warm is ended

Key = tuple[str, Note]
K = TypeVar("K")
V = TypeVar("V")


class Superseded(OptionError):
    """A newer request of the same client has taken the place of one that was still waiting."""


@dataclass(frozen=True)
class PlayedNote:
    """A note that was played.

    Args:
        samples: Mono float32 as the synth made it, shape `(T,)`.
        loudness: In LUFS; None of silence.
        ms: How long it took to play, in milliseconds.
        cached: Whether it had been played before.
    """

    samples: np.ndarray
    loudness: float | None
    ms: float
    cached: bool = False


class LastUsed(Generic[K, V]):
    """What was used last, by its name, kept in memory; what was used longest ago goes first. Any thread may use it.

    Args:
        most_bytes: Bytes that are kept, in all; what was put there last stays, however large it is.

    Attributes:
        total: Bytes of all that is kept.

    Example:
        >>> kept = LastUsed(most_bytes=100)
        >>> for name in ("a", "b", "c"):
        ...     kept.put(name, name.upper(), 40)
        >>> kept.get("a"), kept.get("b"), kept.total
        (None, 'B', 80)
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.total = 0
        self._things: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, name: K) -> V | None:
        """Returns what has a name, which was used now; None if it is not there."""
        with self._lock:
            if name in self._things:
                self._things.move_to_end(name)
            return self._things.get(name, (None, 0))[0]

    def values(self) -> list[V]:
        """Returns all that is kept, what was used longest ago first."""
        with self._lock:
            return [thing for thing, _ in self._things.values()]

    def put(self, name: K, thing: V, size: int) -> None:
        """Keeps something of so many bytes, in place of what had its name."""
        with self._lock:
            self.total += size - self._things.pop(name, (None, 0))[1]
            self._things[name] = (thing, size)
            self.shrink(self.most_bytes, 1)

    def drop(self, name: K) -> None:
        """Forgets what has a name, if there is such a thing."""
        with self._lock:
            self.total -= self._things.pop(name, (None, 0))[1]

    def shrink(self, most_bytes: int = 0, least: int = 0) -> None:
        """Forgets what was used longest ago, until only so many bytes are left, or so few things."""
        with self._lock:
            while self.total > most_bytes and len(self._things) > least:
                self.total -= self._things.popitem(last=False)[1][1]


class Players:
    """The synths that play notes at once, started when they are first asked for.

    The newest note is played first: it is what somebody hears next. Who has waited for a second is next nevertheless.
    What nobody waits for yet is played while nothing else is, one note at a time: another thread is free then.

    Args:
        leaving: Seconds without a note after which a synth has no state of a preset loaded any more.
        gone: Seconds without a note after which a synth is ended that was not to be kept warm.

    Example:
        >>> players = Players()
        >>> tone = engines["tone"]
        >>> preset = Preset("tone", tone.space.decode(tone.space.default()))
        >>> note = players.play("a", preset, Note(hold=0.1, length=0.2)).result()
        >>> len(note.samples), note.cached, players.play("a", preset, Note(hold=0.1, length=0.2)).result().cached
        (8820, False, True)
        >>> players.close()
    """

    def __init__(self, leaving: float = _LEAVING, gone: float = _GONE) -> None:
        self._leaving = leaving
        self._gone = gone
        self._warm: set[str] = set()
        self._notes: LastUsed[Key, PlayedNote] = LastUsed(_CACHE)
        self._bands: OrderedDict[str, _Band] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    def play(self, key: str, preset: Preset, note: Note, newest: str = "", ahead: bool = False) -> "Future[PlayedNote]":
        """Plays a note, or remembers it; returns at once.

        Args:
            key: What the preset is called; the same preset has the same.
            preset: Complete, with allowed values.
            note: What to play.
            newest: Of waiting requests with the same text here, only the newest is played; "" for one that always is.
            ahead: Whether nobody waits for it yet.

        Returns:
            The note; cancel it if nobody waits for it any more. Its errors are `RenderError` if the synth crashes or
            hangs on the preset, other `PatchflowError`s if it cannot be started, and `Superseded`.

        Raises:
            PatchflowError: If there is no such synth.
        """
        found = self.remembered(key, note)
        if found is not None:
            done: Future[PlayedNote] = Future()
            done.set_result(found)
            return done
        return self._band(preset.synth).put(_Request((key, note), preset, note, newest, ahead))

    def remembered(self, key: str, note: Note) -> PlayedNote | None:
        """Returns a note that was played before; None if it was not, or is forgotten."""
        return self._notes.get((key, note))

    @property
    def are_wanted(self) -> bool:
        """Whether somebody waits for a note."""
        with self._lock:
            bands = list(self._bands.values())
        return any(band.is_wanted for band in bands)

    def warm(self, synth: str) -> None:
        """Has a synth ready for good: loads it on each of its threads; does not wait."""
        self._warm.add(synth)
        engine = engines[synth]
        preset = Preset(synth, engine.space.decode(engine.space.default()))
        for pitch in range(_THREADS):
            self.play(f"warm {synth}", preset, Note(60 + pitch, hold=0.05, length=0.05))

    def rest(self) -> None:
        """Forgets most notes, since nobody is there."""
        self._notes.shrink(_CACHE_AT_REST)

    def close(self) -> None:
        """Ends all synths; what waits is cancelled."""
        with self._lock:
            self._closed = True
            bands = list(self._bands.values())
            self._bands.clear()
        for band in bands:
            band.close()

    def _band(self, synth: str) -> "_Band":
        make = engines[synth]
        with self._lock:
            if self._closed:
                raise EngineError("the studio is closing")
            band = self._bands.get(synth)
            # A plug-in whose description was edited is another synth.
            idle = [band] if band is not None and band.make is not make else []
            if band is None or idle:
                gone = math.inf if synth in self._warm else self._gone
                band = self._bands[synth] = _Band(make, self._notes, self._leaving, gone)
            self._bands.move_to_end(synth)
            if len(self._bands) > _MOST_SYNTHS:
                idle.append(self._bands.popitem(last=False)[1])
        for each in idle:  # not waited for: one may hang
            threading.Thread(target=each.close, daemon=True).start()
        return band


@dataclass(eq=False)
class _Request:
    """A note that is to be played, all who wait for it, and whether there is none who does so yet."""

    key: Key
    preset: Preset
    note: Note
    newest: str
    ahead: bool
    since: float = field(default_factory=time.monotonic)
    futures: "list[Future[PlayedNote]]" = field(default_factory=list)

    def join(self) -> "Future[PlayedNote]":
        self.futures.append(Future())
        return self.futures[-1]

    def end(self, result: PlayedNote | Exception) -> None:
        for future in self.futures:
            with suppress(InvalidStateError):  # one that is not waited for any more
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)


class _Band:
    """The threads of one synth, each with an engine of its own, and what waits for them.

    Args:
        make: Makes an engine.
        notes: Keeps every note that was played.
        leaving: See `Players`.
        gone: See `Players`; infinity for a synth that is kept warm.
    """

    def __init__(self, make: type[Engine], notes: LastUsed[Key, PlayedNote], leaving: float, gone: float) -> None:
        self.make = make
        self._notes = notes
        self._leaving = leaving
        self._gone = gone
        self._waiting: deque[_Request] = deque()
        self._playing: list[_Request] = []
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(_THREADS)]
        for thread in self._threads:
            thread.start()

    def put(self, request: _Request) -> "Future[PlayedNote]":
        with self._changed:
            if self._closed:
                raise EngineError(f"{request.preset.synth}: was put away just now; ask again")
            for other in (*self._waiting, *self._playing):
                if other.key == request.key and other.newest == request.newest:
                    other.ahead &= request.ahead
                    return other.join()
            old = [other for other in self._waiting if request.newest and other.newest == request.newest]
            for other in old:
                self._waiting.remove(other)
            future = request.join()
            self._waiting.append(request)
            self._changed.notify()
        for other in old:
            other.end(Superseded(f"newest={request.newest}: a newer request has come"))
        return future

    @property
    def is_wanted(self) -> bool:
        with self._changed:
            return any(not request.ahead for request in (*self._waiting, *self._playing))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _next(self, patience: float | None) -> _Request | None:
        """Waits for a request; None at the end, or after some seconds without one."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._chosen() is not None, patience)
            if self._closed:
                while self._waiting:
                    self._waiting.pop().end(EngineError("the studio is closing"))
            request = self._chosen()
            if request is None:
                return None
            self._waiting.remove(request)
            self._playing.append(request)
            return request

    def _chosen(self) -> _Request | None:
        """What is to be played now, if anything."""
        wanted = [request for request in self._waiting if not request.ahead]
        if wanted:
            return wanted[0] if time.monotonic() - wanted[0].since > _STARVING else wanted[-1]
        return self._waiting[0] if self._waiting and not self._playing else None

    def _work(self) -> None:
        player = _Player(self.make)
        while not self._closed:
            request = self._next(player.patience(self._leaving, self._gone))
            if request is None:
                player.rest()
                continue
            result = None if all(future.cancelled() for future in request.futures) else self._played(player, request)
            with self._changed:  # nobody joins what has ended
                self._playing.remove(request)
            if result is not None:
                request.end(result)
            if isinstance(result, PlayedNote) and not self._waiting:
                player.settle(request.preset)

    def _played(self, player: "_Player", request: _Request) -> PlayedNote | Exception:
        try:
            note = player.play(request.preset, request.note)
        except Exception as error:  # noqa: BLE001 - whoever asked gets it, and the next note is played
            return error
        self._notes.put(request.key, replace(note, cached=True), note.samples.nbytes)
        return note


class _Player:
    """One engine, on one thread.

    Args:
        make: Makes it, when the first note is played.
    """

    def __init__(self, make: type[Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None
        self._state = b""
        self._played = 0  # notes on this state

    def play(self, preset: Preset, note: Note) -> PlayedNote:
        start = time.perf_counter()
        if self._engine is None:
            self._engine = self._make()
        engine = self._engine
        engine.limit(time.monotonic() + _PATIENCE)
        engine.build_on(preset.state)
        self._played = self._played + 1 if preset.state == self._state else 1
        self._state = preset.state
        samples = engine.render(engine.space.encode(preset.values), note, PLAYED_RATE)
        heard = loudness(samples, PLAYED_RATE)
        ms = 1000 * (time.perf_counter() - start)
        return PlayedNote(samples, float(heard) if np.isfinite(heard) else None, ms)

    def patience(self, leaving: float, gone: float) -> float | None:
        """Returns how many seconds to wait for a note before it is time to `rest`; None if it never is."""
        if self._engine is None or (not self._state and math.isinf(gone)):
            return None
        return leaving if self._state else gone

    def rest(self) -> None:
        """Lets go what has the last preset loaded, such as a process more; if it has gone already, the engine."""
        if self._engine is not None and self._state:
            self._engine.build_on(b"")
        else:
            self._engine = None  # its processes end with it
        self._state = b""
        self._played = 0

    def settle(self, preset: Preset) -> None:
        """Has ready the state that somebody works on, while nothing else is to be played.

        To load a preset with wavetables takes a fifth of a second for every note. A process that has it loaded takes
        half a second to start, and is then as fast as without.
        """
        if self._engine is None or not preset.state or self._played != _AT_HOME:
            return
        self._engine.expect_many()
        with suppress(PatchflowError):  # the note itself was played, and the next one tells what is wrong
            self._engine.render(self._engine.space.encode(preset.values), Note(hold=0.01, length=0.01), PLAYED_RATE)
