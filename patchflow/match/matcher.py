"""The facade: load once, match many sounds."""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.sound import Sound, from_array
from ..audio.sound_file import load
from ..engines import Engine, Started, engines, start_playing
from ..errors import OptionError, PresetError, RenderError
from ..metrics.perceptual import aspect_weights
from ..presets import Preset
from ..presets.space import Value
from ..progress import ProgressCallback, ignore
from .arms import Arm, Attempt
from .limits import DEFAULT_SECONDS, Budget, Clock, budget_of, check_locks, encode_locks
from .proposals import proposers_of
from .result import MatchResult, uncertainty
from .target import SEARCH_RATE, Target, prepare_target
from .turns import Findings, FoundCallback, candidates_of, pick_from, pools_of, take_turns

__all__ = ["DEFAULT_SECONDS", "WAVETABLES", "Matcher", "encode_locks"]

WAVETABLES = ("own", "stock", "both")
"""Which presets of a synth with wavetables are looked for: with some made of the sound, with the synth's own, or both.
"""

_OWN = "wavetable of the sound"
_STOCK = "synthesised from {}'s own shapes"


class Matcher:
    """Finds presets of one or several synths that sound like a recording.

    Args:
        arms: What is searched, each with its own first candidates; at least one.
        settings: What results are to say that they were found with.

    Example:
        >>> import numpy as np
        >>> beep = np.sin(np.arange(11_025) * 0.1)
        >>> result = Matcher.load("tone").match(beep, 22_050, renders=64, candidates=2)
        >>> result.candidates[0].preset.values["wave"]
        'sine'
    """

    def __init__(self, arms: Sequence[Arm], *, settings: Mapping[str, Any] | None = None) -> None:
        self.arms = tuple(arms)
        self.settings = settings or {}

    @property
    def synths(self) -> tuple[str, ...]:
        """Names of the synths."""
        return tuple(dict.fromkeys(arm.synth for arm in self.arms))

    @property
    def synth(self) -> str:
        """Name of the synth, of the first if there are several."""
        return self.arms[0].synth

    @property
    def engine(self) -> type[Engine]:
        """Class of the engine, of the first if there are several."""
        return self.arms[0].engine

    @classmethod
    def load(
        cls,
        synth: str | Sequence[str] = "dexed",
        model: str | Path | None = None,
        library: str | Path | None = None,
        *,
        on: Preset | None = None,
        wavetables: str = "both",
        started: Mapping[str, Started] | None = None,
    ) -> "Matcher":
        """Makes a matcher for a synth, or for several that share the time of every match.

        Args:
            synth: Name of an engine, see `patchflow list engines`, or names of several.
            model: Weights of any model, a run or a name, see `models.find_weights`; if None, those the user
                trained, else those that come with the package. For one synth only.
            library: A preset library whose presets join the candidates; none if None. Only their values are used.
            on: A preset of the synth. Its state, which is all it holds beyond the parameters that are searched, such as
                wavetables, is used in every render and kept in every candidate; the preset itself is among the first
                candidates, and a parameter that is locked without a value stays as it is there. For one synth only.
            wavetables: Of synths whose presets may hold wavetables: `"own"` makes them of the sound, `"stock"` uses
                those that the synth has, `"both"` does both and returns at least one candidate of each. With `on`,
                those of the preset are used.
            started: Synths that were started before, by their names, with `engines.start_playing` at
                `target.SEARCH_RATE` and on the preset of `on`; the others are started now.

        Raises:
            UnknownName: If there is no such engine.
            PresetError: If `on` is of another synth, or does not fit it.
            OptionError: If presets of the synth hold nothing but its parameters, and there is an `on`; if an option is
                for one synth, and there are several; if `wavetables` is none of these or does not go with the others.
            ModelError: If the weights are missing, damaged or of another synth.
            StorageError: If the library cannot be read.
            EngineError: If no synth can be started.
        """
        names = [synth] if isinstance(synth, str) else list(dict.fromkeys(synth))
        kinds = {name: engines[name] for name in names}
        _check(kinds, model, on, wavetables)
        starts = {name: None if on is None else _start(name, engine, on) for name, engine in kinds.items()}
        ready = _all_started(kinds, on, started or {})  # while the weights are read
        arms: list[Arm] = []
        for name, engine in kinds.items():
            renderer, playing = ready[name]
            own = engine.resynthesis and on is None and wavetables != "stock"
            stock = not (own and wavetables == "own")
            if own:
                arms.append(Arm(name, engine, renderer, kind=_OWN, from_sound=True, started=playing))
            if stock:
                kind = _STOCK.format(engine.native.capitalize()) if engine.resynthesis and on is None else ""
                proposers = proposers_of(name, engine, model, library, start=starts[name])
                arms.append(Arm(name, engine, renderer, proposers, on, kind, started=playing))
        settings = {
            "model": model, "library": library, "on": on.name if on else None, "voice": None, "wavetables": wavetables,
        }  # fmt: skip
        matcher = cls(arms, settings=settings)
        matcher._warm_up()
        return matcher

    def match(
        self,
        sound: str | os.PathLike[str] | Sound | np.ndarray,
        rate: int | None = None,
        *,
        seconds: float | None = None,
        renders: int | None = None,
        candidates: int = 4,
        note: int | None = None,
        lock: Mapping[str, Value | None] | None = None,
        seed: int = 0,
        trim_db: float | None = None,
        like: Mapping[str, float] | None = None,
        progress: ProgressCallback = ignore,
        found: FoundCallback | None = None,
    ) -> MatchResult:
        """Searches for presets that sound like a recording.

        Ctrl-C ends the search early and keeps the best so far.

        Args:
            sound: A file, a recording in memory, or an array of samples, `(T,)` or `(T, C)`, see `from_array`.
            rate: Sample rate of an array, in Hz; files and recordings have their own.
            seconds: Seconds to search; 5 if neither this nor `renders` is given.
            renders: Renders to spend. The same seed then gives the same result.
            candidates: How many distinct presets to return at most, 1 to 32.
            note: MIDI note of the sound; estimated if None.
            lock: Parameters or groups to keep fixed, with a value or, for None, at their defaults or as in the
                preset that the matcher builds on. One synth has to have each; the others are searched without it.
            seed: Of the random generator, 0 to 2^63 - 1.
            trim_db: Silence threshold below the peak, in dB; see `prepare_target` for None.
            like: Weights of `"spectrum"`, `"timbre"`, `"pitch"` and `"envelope"`, 0 (left out) to 100; 1 if not given.
            progress: Called after every batch of renders. What it raises ends the search, and the time that it takes is
                not counted.
            found: Called with the best distinct candidates so far, when they got better, see `Findings`.

        Raises:
            AudioError: If the recording is unreadable, silent or too short.
            OptionError: If an option is out of its range, or an array has no rate.
            UnknownName: If a locked name is neither a parameter nor a group.
            PresetError: If a locked value does not fit its parameter.
            EngineError: If the synth cannot be started, or cannot play anything.
        """
        budget = budget_of(seconds, renders)
        if not 1 <= candidates <= 32:
            raise OptionError(f"candidates={candidates}: not in [1, 32]")
        if not 0 <= seed < 2**63:
            raise OptionError(f"seed={seed}: not in [0, 2^63)")
        lock = dict(lock or {})
        check_locks(lock, [arm.engine.space for arm in self.arms])
        weights = aspect_weights(like or {})
        target = replace(prepare_target(_recording(sound, rate), note=note, trim_db=trim_db), like=weights)
        result = self.match_target(
            target, budget, candidates=candidates, lock=lock, seed=seed, progress=progress, found=found
        )
        settings = {
            "seconds": budget.seconds, "renders": budget.renders, "note": note, "lock": lock,
            "candidates": candidates, "seed": seed, "trim_db": trim_db, "like": weights,
        }  # fmt: skip
        return replace(result, settings={**settings, **self.settings})

    def match_target(
        self,
        target: Target,
        budget: Budget,
        *,
        candidates: int = 4,
        lock: Mapping[str, Value | None] | None = None,
        seed: int = 0,
        progress: ProgressCallback = ignore,
        found: FoundCallback | None = None,
    ) -> MatchResult:
        """Searches for a sound that is prepared already.

        Args:
            target: The sound, see `prepare_target`.
            budget: How long to search.
            candidates: See `match`.
            lock: See `match`.
            seed: See `match`.
            progress: See `match`.
            found: See `match`.

        Raises:
            EngineError: If no synth can be started, or can play anything.
        """
        clock = Clock(budget, len(self.arms))
        attempts: list[Attempt] = []
        try:
            # What is made of the sound is near at once, so it comes first, however few renders there are.
            for arm in sorted(self.arms, key=lambda arm: not arm.from_sound):
                shared = attempts[0] if attempts else None
                attempt = Attempt(arm, target, lock or {}, seed=seed, candidates=candidates, shared=shared)
                attempts.append(attempt)
            told = progress if found is None else Findings(target, attempts, candidates, found).beside(progress)
            complete = take_turns(attempts, clock, told)
        finally:
            for attempt in attempts:
                attempt.close()
        seconds = clock.seconds
        pools = pools_of(attempts)
        distinct, picked = pick_from(pools, candidates)
        best = pools[picked[0][0]]
        lost = [attempt.fault for attempt in attempts if attempt.fault]
        stopped = lost[0] if len(lost) == len(attempts) else ""
        faults: list[str] = []
        for attempt in attempts:
            faults += map(str, attempt.scorer.faults)
        return MatchResult(
            target=target,
            candidates=candidates_of(target, distinct, picked),
            uncertainty=uncertainty(best.found, best.arm.engine.space) if best.searched else {},
            renders=math.ceil(clock.renders),
            seconds=seconds,
            complete=complete and not stopped,
            faults=tuple(faults),
            stopped=stopped,
            synths=self.synths,
            dealt={attempt.arm.label: _dealt(attempt) for attempt in attempts},
        )

    def _warm_up(self) -> None:
        """Waits for a synth and matches a short sine with it: else the first match would pay for imports and set-up.

        The other synths go on starting meanwhile; one that cannot is left to the match, which goes on without it.
        """
        started = {arm.started for arm in self.arms if arm.started}
        while started:
            done, started = wait_for(started, return_when=FIRST_COMPLETED)
            failed = [future.exception() for future in done]
            if None in failed:
                break
            if not started and failed[0] is not None:
                raise failed[0]
        ready = [
            arm for arm in self.arms if arm.started is None or (arm.started.done() and not arm.started.exception())
        ]
        sine = np.sin(np.arange(11_025) * 0.1).astype(np.float32)
        with suppress(RenderError):  # this one preset may be one that the synth cannot play
            Matcher(ready).match(Sound(sine, 22_050), renders=len(ready), candidates=1)


def _dealt(attempt: Attempt) -> dict[str, Any]:
    """What an arm did, for the numbers of a match."""
    best = attempt.best
    about: dict[str, Any] = {
        "renders": math.ceil(attempt.renders),
        "seconds": round(attempt.seconds, 3),
        "distance": best if math.isfinite(best) else None,
    }
    if attempt.fault:
        about["fault"] = attempt.fault
    if attempt.tried:
        about["tried"] = {made.words: float(found.distance[0]) for made, found in attempt.tried}
    return about


def _check(kinds: Mapping[str, type[Engine]], model: object, on: Preset | None, wavetables: str) -> None:
    """Checks what does not go together, before anything is loaded."""
    if not kinds:
        raise OptionError("synth=[]: name at least one")
    names = ", ".join(kinds)
    if wavetables not in WAVETABLES:
        raise OptionError(f"wavetables={wavetables!r}: not one of {', '.join(WAVETABLES)}")
    if len(kinds) > 1 and on is not None:
        raise OptionError(f"on={on.name!r}: a preset is of one synth, and {len(kinds)} are searched: {names}")
    if len(kinds) > 1 and model is not None:
        raise OptionError(f"model={str(model)!r}: a model is of one synth, and {len(kinds)} are searched: {names}")
    if wavetables != "own":
        return
    if on is not None:
        raise OptionError(f"on={on.name!r} and wavetables='own': wavetables are those of the preset or of the sound")
    if not any(engine.resynthesis for engine in kinds.values()):
        raise OptionError(f"wavetables='own': presets of {names} hold no wavetables")


def _all_started(
    kinds: Mapping[str, type[Engine]], on: Preset | None, started: Mapping[str, Started]
) -> dict[str, Started]:
    """Starts the synths that are not yet started."""
    ready = dict(started)
    for name, engine in kinds.items():
        if name not in ready:
            ready[name] = start_playing(engine, SEARCH_RATE, on)
    return ready


def _recording(sound: str | os.PathLike[str] | Sound | np.ndarray, rate: int | None) -> Sound:
    if isinstance(sound, np.ndarray):
        if rate is None:
            raise OptionError("rate=None: an array needs its sample rate, as in match(samples, 44100)")
        return from_array(sound, rate)
    if rate is not None:
        raise OptionError(f"rate={rate}: only an array is given one; files and recordings have their own")
    return sound if isinstance(sound, Sound) else load(sound)


def _start(synth: str, engine: type[Engine], on: Preset) -> np.ndarray:
    """The preset that others are built on, encoded, shape `(P,)`."""
    if not engine.has_state:
        raise OptionError(
            f"on={on.name!r}: presets of {synth!r} hold nothing but its parameters, so there is nothing to build on"
        )
    if on.synth != synth:
        raise PresetError(f"{on.name or 'preset'}: is for {on.synth!r}, not {synth!r}")
    return engine.space.encode(on.values)
