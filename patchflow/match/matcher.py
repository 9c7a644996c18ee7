"""The facade: load once, match many sounds."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.sound import Sound, from_array
from ..audio.sound_file import load
from ..engines import Engine, Note, Renderer, engines
from ..errors import OptionError, PresetError, RenderError
from ..models import find_weights, load_model, models, weights_of
from ..presets import ParamSpace, Preset
from ..presets.library.library import Library
from ..presets.parameters import Value
from ..progress import ProgressCallback, ignore
from .distinct import pick_distinct, uncertainty
from .proposals import FromLibrary, FromModel, FromPreset, FromSpace, Proposer
from .result import Candidate, MatchResult
from .scorer import Scored, Scorer
from .search import Budget, Search
from .target import SEARCH_RATE, Target, prepare_target
from .verdict import Judge, pitch_of

__all__ = ["DEFAULT_SECONDS", "Matcher", "encode_locks"]

DEFAULT_SECONDS = 5.0
"""How long to search if no limit is given, in seconds."""

_VELOCITY = 100


class Matcher:
    """Finds presets of one synth that sound like a recording.

    Args:
        synth: Name of the engine.
        engine: Its class.
        proposers: Where first candidates come from.
        on: A preset of the synth that all candidates are built on, see `load`.
        settings: What results are to say that they were found with.

    Example:
        >>> import numpy as np
        >>> beep = np.sin(np.arange(11_025) * 0.1)
        >>> result = Matcher.load("tone").match(beep, 22_050, renders=64, candidates=2)
        >>> result.candidates[0].preset.values["wave"]
        'sine'
    """

    def __init__(
        self,
        synth: str,
        engine: type[Engine],
        proposers: list[Proposer],
        on: Preset | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.synth = synth
        self.engine = engine
        self.proposers = proposers
        self.on = on
        self.settings = settings or {}
        self._renderer = Renderer(self._built)

    @classmethod
    def load(
        cls,
        synth: str = "dexed",
        model: str | Path | None = None,
        library: str | Path | None = None,
        *,
        on: Preset | None = None,
    ) -> "Matcher":
        """Makes a matcher for a synth.

        Args:
            synth: Name of an engine, see `patchflow list engines`.
            model: Weights of any model, a run or a name, see `models.find_weights`; if None, those the user
                trained, else those that come with the package.
            library: A preset library whose presets join the candidates; none if None. Only their values are used.
            on: A preset of the synth. Its state, which is all it holds beyond the parameters that are searched, such as
                wavetables, is used in every render and kept in every candidate; the preset itself is among the first
                candidates, and a parameter that is locked without a value stays as it is there.

        Raises:
            UnknownName: If there is no such engine.
            PresetError: If `on` is of another synth, or does not fit it.
            OptionError: If presets of the synth hold nothing but its parameters, and there is an `on`.
            ModelError: If the weights are missing, damaged or of another synth.
            StorageError: If the library cannot be read.
        """
        engine = engines[synth]
        proposers: list[Proposer] = []
        if on is not None:
            proposers.append(FromPreset(engine.space, _start(synth, engine, on)))
        weights = find_weights(synth, engine.space, model, models) if model else weights_of(synth, engine.space)
        posterior = None
        if weights is not None:
            learned = FromModel(load_model(weights, engine.space, models), _VELOCITY)
            proposers.append(learned)
            posterior = learned if learned.moves else None  # a model that has moves can rank the presets of a library
        if library is not None:
            points = Library(library).points(synth, engine.space)
            if len(points):
                proposers.append(FromLibrary(points, posterior))
        settings = {"model": model, "library": library, "on": on.name if on else None, "voice": None}
        matcher = cls(synth, engine, proposers or [FromSpace(engine.space)], on, settings=settings)
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
        progress: ProgressCallback = ignore,
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
                preset that the matcher builds on.
            seed: Of the random generator, 0 to 2^63 - 1.
            trim_db: Silence threshold below the peak, in dB; see `prepare_target` for None.
            progress: Called after every batch of renders.

        Raises:
            AudioError: If the recording is unreadable, silent or too short.
            OptionError: If an option is out of its range, or an array has no rate.
            UnknownName: If a locked name is neither a parameter nor a group.
            PresetError: If a locked value does not fit its parameter.
            EngineError: If the synth cannot be started, or cannot play anything.
        """
        budget = _budget(seconds, renders)
        if not 1 <= candidates <= 32:
            raise OptionError(f"candidates={candidates}: not in [1, 32]")
        if not 0 <= seed < 2**63:
            raise OptionError(f"seed={seed}: not in [0, 2^63)")
        start = None if self.on is None else _start(self.synth, self.engine, self.on)
        locked = encode_locks(self.engine.space, lock or {}, start)
        target = prepare_target(_recording(sound, rate), note=note, trim_db=trim_db)
        found = self.match_target(target, budget, candidates=candidates, locked=locked, seed=seed, progress=progress)
        settings = {
            "seconds": budget.seconds, "renders": budget.renders, "note": note, "lock": dict(lock or {}),
            "candidates": candidates, "seed": seed, "trim_db": trim_db,
        }  # fmt: skip
        return replace(found, settings={**settings, **self.settings})

    def match_target(
        self,
        target: Target,
        budget: Budget,
        *,
        candidates: int = 4,
        locked: Mapping[int, float] | None = None,
        seed: int = 0,
        progress: ProgressCallback = ignore,
    ) -> MatchResult:
        """Searches for a sound that is prepared already.

        Args:
            target: The sound, see `prepare_target`.
            budget: How long to search.
            candidates: See `match`.
            locked: Encoded values by position of parameters to keep fixed, see `encode_locks`.
            seed: See `match`.
            progress: Called after every batch of renders.

        Raises:
            EngineError: If the synth cannot be started, or cannot play anything.
        """
        scorer = Scorer(self._renderer, target, _VELOCITY)
        search = Search(scorer, self._built(), self.proposers, locked=locked, seed=seed, candidates=candidates)
        trace = search.run(budget, progress)
        found = _playable(trace.found)
        distinct = pick_distinct(found, _playable(trace.distinct), candidates)
        renders, seconds, _ = trace.history[-1]
        return MatchResult(
            target=target,
            candidates=self._candidates(target, distinct, scorer),
            uncertainty=uncertainty(found, self.engine.space),
            renders=renders,
            seconds=seconds,
            complete=trace.complete,
            faults=tuple(map(str, scorer.faults)),
            stopped=trace.stopped,
        )

    def _warm_up(self) -> None:
        """Starts the synth and matches a short sine: else the first match would pay for imports and set-up."""
        start = self.engine.space.default() if self.on is None else _start(self.synth, self.engine, self.on)

        def play(engine: Engine) -> None:
            with suppress(RenderError):  # this one preset may be one that the synth cannot play
                engine.render(start, Note(length=0.05, hold=0.05), SEARCH_RATE)

        self._renderer.each(play)
        sine = np.sin(np.arange(11_025) * 0.1).astype(np.float32)
        with suppress(RenderError):  # this one preset may be one that the synth cannot play
            self.match(Sound(sine, 22_050), renders=1, candidates=1)

    def _built(self) -> Engine:
        """An engine with the state that all candidates are built on."""
        engine = self.engine()
        if self.on is not None:
            engine.build_on(self.on.state)
        return engine

    def _candidates(self, target: Target, found: Scored, scorer: Scorer) -> tuple[Candidate, ...]:
        name = Path(target.name).stem
        base = self.on or Preset(self.synth, {})
        judge = Judge(target.samples, target.rate, pitched=target.pitched)
        candidates = []
        for row, point in enumerate(found.points):
            values = self.engine.space.decode(point)
            sound = found.sounds[row]
            cents = None if sound is None else judge.cents(sound)
            sounding = None if cents is None or target.f0 is None else pitch_of(target.f0) + cents / 100
            candidate = Candidate(
                preset=replace(base, values=values, name=name),
                point=point,
                note=scorer.note(found.pitch[row]),
                # The search adds something for presets that are too quiet; the distance as users know it is without.
                distances={
                    "perceptual": float(found.distance[row] - found.faint[row]),
                    "log_mel_l1": float(found.level[row]),
                },
                renders=int(found.found_at[row, 0]),
                seconds=float(found.found_at[row, 1]),
                sound=sound,
                cents=cents,
                sounding=sounding,
                unlike=target.pitched and cents is None and sound is not None,
            )
            candidates.append(candidate)
        return tuple(candidates)


def _recording(sound: str | os.PathLike[str] | Sound | np.ndarray, rate: int | None) -> Sound:
    if isinstance(sound, np.ndarray):
        if rate is None:
            raise OptionError("rate=None: an array needs its sample rate, as in match(samples, 44100)")
        return from_array(sound, rate)
    if rate is not None:
        raise OptionError(f"rate={rate}: only an array is given one; files and recordings have their own")
    return sound if isinstance(sound, Sound) else load(sound)


def _playable(found: Scored) -> Scored:
    """What the synth could play; everything else is infinitely far away."""
    return found.take(np.nonzero(np.isfinite(found.distance))[0])


def _start(synth: str, engine: type[Engine], on: Preset) -> np.ndarray:
    """The preset that others are built on, encoded, shape `(P,)`."""
    if not engine.has_state:
        raise OptionError(
            f"on={on.name!r}: presets of {synth!r} hold nothing but its parameters, so there is nothing to build on"
        )
    if on.synth != synth:
        raise PresetError(f"{on.name or 'preset'}: is for {on.synth!r}, not {synth!r}")
    return engine.space.encode(on.values)


def encode_locks(space: ParamSpace, lock: Mapping[str, Any], start: np.ndarray | None = None) -> dict[int, float]:
    """Returns the encoded value of every locked parameter by its position.

    Args:
        space: The synth's parameters.
        lock: Values by name of a parameter, or None by name of a parameter or group to leave it as it is.
        start: As it is, encoded, shape `(P,)`; the fresh preset if not given.

    Raises:
        UnknownName: If a name is neither a parameter nor a group.
        PresetError: If a value does not fit.
        OptionError: If a whole group is given one value.
    """
    if start is None:
        start = space.default()
    locked: dict[int, float] = {}
    for name, value in lock.items():
        positions = space.select(name)
        if value is None:
            locked |= {i: float(start[i]) for i in positions}
        elif name in space.index:
            parameter = space.parameters[positions[0]]
            locked[positions[0]] = parameter.unit_value(parameter.number(value))
        else:
            raise OptionError(f"lock {name}={value!r}: {name} is a group; lock it without a value, or its parameters")
    return locked


def _budget(seconds: float | None, renders: int | None) -> Budget:
    if seconds is not None and renders is not None:
        raise OptionError(f"seconds={seconds:g} and renders={renders}: give one of them")
    if renders is not None:
        if not 1 <= renders <= 10_000_000:
            raise OptionError(f"renders={renders}: not in [1, 10000000]")
        return Budget(renders=renders)
    if seconds is None:
        seconds = DEFAULT_SECONDS
    if not 0 < seconds <= 86_400:
        raise OptionError(f"seconds={seconds:g}: not in (0, 86400]")
    return Budget(seconds=seconds)
