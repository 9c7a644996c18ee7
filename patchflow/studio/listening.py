"""Blind listening by HTTP: sittings are made and answered, their sounds are played under names that say nothing."""

import threading
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from ..audio.loudness import loudness, match_loudness
from ..audio.sound_file import wav_bytes
from ..engines import Note
from ..errors import OptionError, StorageError, UnknownName
from ..storage import make_folder
from .desk import Desk, desk
from .guard import InUse, TooLarge
from .players import PLAYED_RATE
from .sitting import LOUDNESS, Pair, Showing, Sitting
from .sound_routes import Id, sound_part

__all__ = ["Sittings", "router", "sittings"]

router = APIRouter(tags=["listening"])

_MOST_SITTINGS = 1_000
_MOST_TRIALS = 500
_PEAK_DB = -1.0  # of the loudest sample

Given = Annotated[str, Field(pattern="^[a-z0-9]{6,64}$")]


class ListeningNote(BaseModel):
    """What a preset is played on."""

    model_config = ConfigDict(extra="forbid")

    pitch: int = Field(default=60, ge=0, le=127)
    velocity: int = Field(default=100, ge=1, le=127)
    hold: float = Field(default=1.0, gt=0, le=30)
    length: float = Field(default=2.0, gt=0, le=30)


class ListeningPreset(BaseModel):
    """A preset, and what it is played on; as the target asks for if not given."""

    preset: Given
    note: ListeningNote | None = None


class ListeningTarget(BaseModel):
    """What is heard before each candidate: a sound, or a part of it, or a preset."""

    sound: Given | None = None
    preset: Given | None = None
    start: float | None = Field(default=None, ge=0, le=3600)
    end: float | None = Field(default=None, gt=0, le=3600)
    note: ListeningNote | None = None


class TrialBody(BaseModel):
    """Two candidates for one target, and what made them."""

    target: Given | ListeningTarget
    a: Given | ListeningPreset
    b: Given | ListeningPreset
    labels: tuple[str, str] = ("a", "b")


class SittingBody(BaseModel):
    """What is asked of which pairs."""

    question: Literal["closer", "better"]
    trials: list[TrialBody] = Field(min_length=1, max_length=_MOST_TRIALS)
    seed: int = Field(0, ge=0, lt=2**32)


class AnswerBody(BaseModel):
    """An answer to the trial whose turn it is."""

    trial: int = Field(ge=0)
    choice: Literal["first", "second", "same"]
    seconds: float = Field(0.0, ge=0, le=86_400, allow_inf_nan=False)


class BlindTrial(BaseModel):
    """What to play: the target, the first and the second, by names that say nothing."""

    trial: int
    sounds: list[str]


class BlindSitting(BaseModel):
    """All that the one who answers may know."""

    id: str
    question: Literal["closer", "better"]
    asked: str
    trials: list[BlindTrial]
    answered: int
    done: bool
    created: float


class Sittings:
    """The sittings of a workspace, a file each.

    Args:
        at: The desk with what is played.
    """

    def __init__(self, at: Desk) -> None:
        self._folder = at.workspace.folder / "listening"
        self._lock = threading.RLock()
        self._known: dict[str, Sitting] | None = None

    def all(self) -> list[Sitting]:
        """Returns all sittings, the latest first."""
        with self._lock:
            return sorted(self._all().values(), key=lambda sitting: -sitting.created)

    def references(self) -> Collection[str]:
        """Returns the ids of all presets and sounds that sittings play."""
        found: set[str] = set()
        for sitting in self.all():
            for pair in sitting.pairs:
                for source in (pair.target, pair.a, pair.b):
                    found |= {str(source[kind]) for kind in ("sound", "preset") if source.get(kind)}
        return found

    def one(self, key: str) -> Sitting:
        """Returns a sitting.

        Raises:
            UnknownName: If there is none of this id.
        """
        with self._lock:
            if key not in self._all():
                raise UnknownName("sitting", key, [])
            return self._all()[key]

    def keep(self, sitting: Sitting) -> None:
        """Writes a sitting.

        Raises:
            TooLarge: If there are too many.
            StorageError: If it cannot be written.
        """
        with self._lock:
            if sitting.id not in self._all() and len(self._all()) >= _MOST_SITTINGS:
                raise TooLarge(f"{_MOST_SITTINGS} sittings are kept: remove one first")
            make_folder(self._folder)
            sitting.save(self._folder)
            self._all()[sitting.id] = sitting

    def answer(self, key: str, body: AnswerBody) -> Sitting:
        """Takes an answer; see `Sitting.answered`."""
        with self._lock:
            sitting = self.one(key).answered(body.trial, body.choice, body.seconds)
            self.keep(sitting)
            return sitting

    def remove(self, key: str) -> None:
        """Removes a sitting.

        Raises:
            UnknownName: If there is none of this id.
        """
        with self._lock:
            self.one(key)
            (self._folder / f"{key}.json").unlink(missing_ok=True)
            del self._all()[key]

    def _all(self) -> dict[str, Sitting]:
        if self._known is None:
            self._known = {}
            for path in sorted(self._folder.glob("*.json")) if self._folder.exists() else []:
                try:
                    sitting = Sitting.load(path)
                except StorageError:  # one that is damaged hides no other
                    continue
                if sitting.id == path.stem:
                    self._known[sitting.id] = sitting
        return self._known


_of_desks: "WeakKeyDictionary[Desk, Sittings]" = WeakKeyDictionary()


def sittings(at: Annotated[Desk, Depends(desk)]) -> Sittings:
    """Returns the sittings of a desk; from its first call on, nothing that they play is removed."""
    if at not in _of_desks:
        _of_desks[at] = Sittings(at)
        at.workspace.refer(_of_desks[at].references)
    return _of_desks[at]


AtDesk = Annotated[Desk, Depends(desk)]
Kept = Annotated[Sittings, Depends(sittings)]


@router.post("/listening", status_code=201)
def add_sitting(at: AtDesk, kept: Kept, body: SittingBody) -> BlindSitting:
    """Makes a sitting: each pair in both orders, shuffled by the seed."""
    pairs: list[Pair] = []
    for trial in body.trials:
        target = _target(at, trial.target)
        pairs.append(Pair(target, _preset(at, trial.a, target), _preset(at, trial.b, target), trial.labels))
    sitting = Sitting.made(body.question, pairs, body.seed)
    kept.keep(sitting)
    return BlindSitting(**sitting.blinded())


@router.get("/listening")
def list_sittings(kept: Kept) -> list[BlindSitting]:
    """Returns all sittings, the latest first."""
    return [BlindSitting(**sitting.blinded()) for sitting in kept.all()]


@router.get("/listening/{sitting_id}")
def show_sitting(kept: Kept, sitting_id: Id) -> BlindSitting:
    """Returns a sitting, without what its sounds are."""
    return BlindSitting(**kept.one(sitting_id).blinded())


@router.delete("/listening/{sitting_id}", status_code=204)
def remove_sitting(kept: Kept, sitting_id: Id) -> None:
    """Removes a sitting with its answers."""
    kept.remove(sitting_id)


@router.post("/listening/{sitting_id}/answers")
def answer_trial(kept: Kept, sitting_id: Id, body: AnswerBody) -> BlindSitting:
    """Takes the answer to the trial whose turn it is."""
    return BlindSitting(**kept.answer(sitting_id, body).blinded())


@router.get("/listening/{sitting_id}/result", response_model=None)
def sitting_result(
    kept: Kept, sitting_id: Id, form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json"
) -> dict[str, Any] | Response:
    """Returns what came of a sitting, when all is answered: shares of wins, intervals, and each answer."""
    sitting = kept.one(sitting_id)
    if not sitting.done:
        raise InUse(
            f"{sitting.left} of {len(sitting.showings)} trials are not answered: the result comes after the last"
        )
    if form == "json":
        return sitting.result()
    headers = {"content-disposition": f'attachment; filename="listening-{sitting_id}.csv"'}
    return Response(sitting.table(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/listening/{sitting_id}/sounds/{name}", response_class=Response)
def sitting_sound(at: AtDesk, kept: Kept, sitting_id: Id, name: Annotated[str, InPath(max_length=64)]) -> Response:
    """Returns one of the sounds of a trial as WAV; the three of a trial are equally loud."""
    sitting = kept.one(sitting_id)
    samples, rate = _levelled(at, sitting, sitting.showing_of(name), name)
    return Response(wav_bytes(samples, rate), media_type="audio/wav", headers={"cache-control": "no-store"})


def _levelled(at: Desk, sitting: Sitting, showing: Showing, name: str) -> tuple[np.ndarray, int]:
    """One of three sounds, as loud as the others: softer than usual if one of them would clip."""
    played = {each: _sound(at, showing.source(each, sitting.pairs)) for each in showing.sounds}
    level = LOUDNESS
    for samples, rate in played.values():
        peak = float(np.abs(samples).max()) if len(samples) else 0.0
        if peak > 0:
            level = min(level, loudness(samples, rate) + _PEAK_DB - 20 * float(np.log10(peak)))
    samples, rate = played[name]
    return match_loudness(samples, rate, level).samples, rate


def _sound(at: Desk, source: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    if source.get("sound"):
        part = sound_part(at, source["sound"], source.get("start"), source.get("end"))
        return part.samples, part.rate
    key = str(source["preset"])
    note = at.players.play(key, at.workspace.preset(key), Note(**source["note"])).result()
    return note.samples, PLAYED_RATE


def _target(at: Desk, given: str | ListeningTarget) -> dict[str, Any]:
    """What is heard before each candidate, with all that is needed to play it.

    Raises:
        OptionError: If it is neither a sound nor a preset, or both.
        UnknownName: If it is not in the workspace.
    """
    if isinstance(given, str):
        given = ListeningTarget(sound=given) if given in at.workspace.sounds else ListeningTarget(preset=given)
    if (given.sound is None) == (given.preset is None):
        raise OptionError("target: either a sound or a preset")
    if given.preset is not None:
        at.workspace.preset(given.preset)
        return {"preset": given.preset, "note": (given.note or ListeningNote()).model_dump()}
    heard = at.workspace.sound_facts(given.sound or "")["heard"]
    start = heard["start"] if given.start is None else given.start
    end = heard["end"] if given.end is None else given.end
    sound_part(at, given.sound or "", start, end)
    return {"sound": given.sound, "start": start, "end": end}


def _preset(at: Desk, given: str | ListeningPreset, target: Mapping[str, Any]) -> dict[str, Any]:
    """A candidate, played as the target asks for if nothing else is said: on its note, as long as it.

    Raises:
        UnknownName: If it is not in the workspace.
    """
    one = ListeningPreset(preset=given) if isinstance(given, str) else given
    at.workspace.preset(one.preset)
    if one.note is not None:
        return {"preset": one.preset, "note": one.note.model_dump()}
    if "preset" in target:
        return {"preset": one.preset, "note": dict(target["note"])}
    heard = at.workspace.sound_facts(target["sound"])["heard"]
    length = min(30.0, max(0.1, target["end"] - target["start"]))
    pitch = 60 if heard["pitch"] is None else heard["pitch"]
    return {
        "preset": one.preset,
        "note": {"pitch": pitch, "velocity": 100, "hold": min(length, max(0.05, heard["hold"])), "length": length},
    }
