"""Jobs by HTTP: asked for, followed while they go on, paused, gone on with, cancelled."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Header, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from ..engines import engines
from ..errors import OptionError, StorageError, UnknownName
from ..explore.morph import grid_of
from ..explore.turned_path import AskedWords
from ..match.limits import budget_of, check_locks
from ..metrics.perceptual import aspect_weights
from ..presets import Preset
from ..presets.library.library import default_path
from ..progress import tell_nobody
from .desk import Desk, PresetBody, desk
from .job_states import ENDED, JobLimits
from .jobs import Jobs
from .sound_routes import Id, sound_part
from .tasks import KeptPreset, lock_of
from .worker import Worker, WorkReport

__all__ = [
    "JobBody",
    "JobRequest",
    "check_request",
    "open_jobs",
    "router",
]

router = APIRouter(tags=["jobs"])

_MOST_SYNTHS = 8  # in one match
_NAMES = 64  # locks, sections or words in one request
_SENT_EVERY = 0.2  # seconds between two events
_COMMENT = 15.0  # seconds without an event after which a comment keeps the line open
_RETRY = 1000  # ms after which a browser asks again

Key = Annotated[str, Field(pattern="^[a-z0-9]{6,64}$")]
Seed = Annotated[int, Field(ge=0, lt=2**53)]  # what a page can say exactly
Name = Annotated[str, Field(min_length=1, max_length=100)]
Count = Annotated[int, Field(ge=1, le=32)]
Steps = Annotated[int, Field(ge=2, le=128)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Renders = Annotated[int, Field(ge=1, le=1_000_000)]
Locks = Annotated[list[Name], Field(max_length=_NAMES)] | dict[Name, Number | int | str | None]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MatchRequest(_Request):
    """Find presets that sound like a sound, or like a part of it."""

    kind: Literal["match"]
    sound: Key
    synths: Annotated[list[Name], Field(min_length=1, max_length=_MOST_SYNTHS)] = ["dexed", "vital"]
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    renders: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    candidates: Count = 8
    seed: Seed = 0
    note: Annotated[int, Field(ge=0, le=127)] | None = None
    start: Annotated[float, Field(ge=0, le=3600)] | None = None
    end: Annotated[float, Field(gt=0, le=3600)] | None = None
    trim_db: Annotated[float, Field(ge=-120, lt=0)] | None = None
    like: dict[Name, Annotated[float, Field(ge=0, le=100)]] = {}
    lock: Locks = []
    on: Key | None = None


class VaryRequest(_Request):
    """Make variations of a preset, all as far from it as is asked."""

    kind: Literal["vary"]
    preset: Key
    amount: Annotated[float, Field(ge=0.05, le=1)] = 0.3
    count: Count = 8
    sections: Annotated[list[Name], Field(max_length=_NAMES)] = []
    lock: Locks = []
    how: Literal["both", "borrow", "walk"] = "both"
    seed: Seed = 0
    renders: Renders | None = None


class BreedRequest(_Request):
    """Make children of two presets of one synth."""

    kind: Literal["breed"]
    presets: Annotated[list[Key], Field(min_length=2, max_length=2)]
    share: Annotated[float, Field(ge=0.1, le=0.9)] = 0.5
    count: Count = 8
    sections: Annotated[list[Name], Field(max_length=_NAMES)] = []
    lock: Locks = []
    seed: Seed = 0
    renders: Renders | None = None


class TurnRequest(_Request):
    """Turn attributes of a preset; everything that is tried is played, and what is promised was heard."""

    kind: Literal["turn"]
    preset: Key
    words: Annotated[dict[Name, Number], Field(min_length=1, max_length=_NAMES)]
    steps: Steps = 8
    lock: Locks = []
    seed: Seed = 0


class MorphRequest(_Request):
    """Find presets that lead from one to another in equal steps, or fill the square of four."""

    kind: Literal["morph"]
    presets: Annotated[list[Key], Field(min_length=2, max_length=4)]
    steps: Annotated[int, Field(ge=2, le=1024)] = 16
    lock: Locks = []
    seed: Seed = 0
    renders: Annotated[int, Field(ge=200, le=100_000)] = 2_000


class MakeRequest(_Request):
    """Make presets that fit words better than those there are."""

    kind: Literal["make"]
    text: Annotated[str, Field(min_length=1, max_length=500)]
    synth: Name = "dexed"
    count: Count = 4
    seed: Seed = 0
    renders: Renders | None = None


class TrainRequest(_Request):
    """Train weights of a synth from the presets of the library; a job that was ended goes on from its checkpoint."""

    kind: Literal["train"]
    synth: Name
    minutes: Annotated[float, Field(ge=1, le=100_000)] = 60.0


class ListenRequest(_Request):
    """Listen to the presets of the library that nobody has listened to yet."""

    kind: Literal["listen"]


JobRequest = Annotated[
    MatchRequest | VaryRequest | BreedRequest | TurnRequest | MorphRequest | MakeRequest | TrainRequest | ListenRequest,
    Field(discriminator="kind"),
]
"""What may be asked for."""


class ProgressBody(BaseModel):
    """How far a job is: so much of a stage, and what was spent."""

    stage: str
    done: float
    total: float
    unit: str = ""
    subject: str = ""
    renders: int | None = None
    steps: int | None = None
    distance: float | None = None
    seconds: float | None = None
    seconds_left: float | None = None
    losses: dict[str, float] = {}


class JobBody(BaseModel):
    """A job. Its result grows while a match goes on."""

    id: str
    kind: str
    state: Literal["queued", "running", "paused", "done", "cancelled", "failed"]
    place: int | None = Field(description="How many jobs are before it, while it waits.")
    progress: ProgressBody | None
    created: float
    started: float | None
    ended: float | None
    request: dict[str, Any]
    error: str | None
    result: dict[str, Any] | None
    revision: int


def open_jobs(at: Desk) -> Jobs:
    """Makes the queue of a studio, which is `desk.jobs` from now on, and goes on with what it holds.

    Args:
        at: The desk.

    Raises:
        StorageError: If the states of jobs cannot be read.
    """

    def start(heard: Callable[[Worker, WorkReport], None]) -> Worker:
        worker = Worker(heard)
        worker.warm(at.settings.warm, _library(at))
        return worker

    def prepare(request: Mapping[str, Any]) -> dict[str, Any]:
        return _order(at, request)

    def keep(content: Any) -> Any:
        return _kept(at, content)

    limits = JobLimits(ended=at.settings.most_jobs // 2)
    ready = bool(at.settings.warm)
    at.jobs = Jobs(at.settings.workspace / "jobs", prepare, keep, limits=limits, start=start, ready=ready)
    at.workspace.refer(at.jobs.references)
    at.jobs.open()
    return at.jobs


def check_request(at: Desk, asked: JobRequest) -> None:
    """Makes sure that a request can be done, as far as can be said before it is.

    Raises:
        PatchflowError: If it names what is not there, or an option is not allowed.
    """
    if isinstance(asked, MatchRequest):
        sound_part(at, asked.sound, asked.start, asked.end)
        budget_of(asked.seconds, asked.renders)
        aspect_weights(asked.like)
        spaces = [engines[synth].space for synth in asked.synths]
        check_locks(lock_of(asked.lock), spaces)
        if asked.on is not None:
            _check_base(asked.synths, at.workspace.preset(asked.on))
        return
    if isinstance(asked, MakeRequest | TrainRequest):
        engines[asked.synth]
    presets = [at.workspace.preset(key) for key in _presets(asked.model_dump())]
    for preset in presets[1:]:
        if preset.synth != presets[0].synth:
            raise OptionError(f"presets: {preset.name!r} is of {preset.synth}, the first of {presets[0].synth}")
    if isinstance(asked, VaryRequest | BreedRequest | TurnRequest | MorphRequest):
        check_locks(lock_of(asked.lock), [engines[presets[0].synth].space])
    if isinstance(asked, MorphRequest):
        grid_of(asked.steps, len(asked.presets))
    if isinstance(asked, TurnRequest):
        AskedWords.of(asked.words, presets[0].synth, None, tell_nobody)


@router.post("/jobs", status_code=201)
def add_job(
    request: Request,
    asked: JobRequest,
    x_client: Annotated[str, Header(max_length=64, description="Who asks: clients take turns.")] = "",
) -> JobBody:
    """Asks for work that takes longer than a request."""
    at = desk(request)
    check_request(at, asked)
    client = x_client or (request.client.host if request.client else "")
    return JobBody(**at.jobs.add(asked.kind, asked.model_dump(), client))


@router.get("/jobs")
def list_jobs(request: Request) -> list[JobBody]:
    """All jobs, the newest first; their results are left out, `GET /jobs/{job_id}` has them."""
    return [JobBody(**job) for job in desk(request).jobs.all()]


@router.get("/jobs/{job_id}")
def show_job(request: Request, job_id: Id) -> JobBody:
    """A job, with what it has found so far."""
    return JobBody(**desk(request).jobs.shown(job_id))


@router.delete("/jobs/{job_id}", status_code=204)
def remove_job(request: Request, job_id: Id) -> None:
    """Forgets a job, and ends it if it is not over."""
    desk(request).jobs.remove(job_id)


@router.post("/jobs/{job_id}/{what}")
def order_job(request: Request, job_id: Id, what: Annotated[Literal["pause", "resume", "cancel"], InPath()]) -> JobBody:
    """Holds a job up, has it go on, or ends it; what a match has found is kept."""
    jobs: Jobs = desk(request).jobs
    {"pause": jobs.pause, "resume": jobs.resume, "cancel": jobs.cancel}[what](job_id)
    return JobBody(**jobs.shown(job_id))


_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {}},
        "description": "Events `job`, each the whole job; the last when it ended",
    },
    204: {"description": "It has ended, and the last event was received"},
}


@router.get("/jobs/{job_id}/events", response_class=Response, responses=_EVENTS)
async def follow_job(
    request: Request,
    job_id: Id,
    last_event_id: Annotated[str, Header(max_length=64, description="Id of the last event that was received.")] = "",
) -> Response:
    """Server-sent events: the job whenever it changes, at most five a second."""
    jobs: Jobs = desk(request).jobs
    now = await asyncio.to_thread(jobs.shown, job_id)
    if now["state"] in ENDED and last_event_id == str(now["revision"]):
        return Response(status_code=204)  # so that the browser does not ask again
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(jobs, job_id), media_type="text/event-stream", headers=headers)


async def _events(jobs: Jobs, key: str) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the server is ending
            loop.call_soon_threadsafe(changed.set)

    stop = jobs.watch(key, wake)
    sent = ""
    try:
        yield f"retry: {_RETRY}\n\n"
        while True:
            changed.clear()
            try:
                job = await asyncio.to_thread(jobs.shown, key)
            except UnknownName:
                return
            text = await asyncio.to_thread(JobBody(**job).model_dump_json)
            if text != sent:  # who was woken just before the job was read has sent that change already
                yield f"event: job\nid: {job['revision']}\ndata: {text}\n\n"
                sent = text
            if job["state"] in ENDED:
                return
            await asyncio.sleep(_SENT_EVERY)
            while not changed.is_set():
                try:
                    await asyncio.wait_for(changed.wait(), _COMMENT)
                except TimeoutError:
                    yield ": still there\n\n"
    finally:
        stop()


def _order(at: Desk, request: Mapping[str, Any]) -> dict[str, Any]:
    """All that a worker needs for a job."""
    order: dict[str, Any] = {"request": dict(request), "library": _library(at)}
    if "sound" in request:
        order["sound"] = sound_part(at, request["sound"], request["start"], request["end"])
        order["on"] = None if request["on"] is None else at.workspace.preset(request["on"])
    order["presets"] = [at.workspace.preset(key) for key in _presets(request)]
    return order


def _presets(request: Mapping[str, Any]) -> list[str]:
    return [request["preset"]] if "preset" in request else list(request.get("presets", ()))


def _library(at: Desk) -> Path | None:
    """The library that jobs use: that of the studio, or the user's own if there is one."""
    if at.library_path is not None:
        return at.library_path
    with suppress(StorageError):  # who has no folder has no library in it
        own = default_path()
        return own if own.exists() else None
    return None


def _kept(at: Desk, content: Any) -> Any:
    """A result as JSON, with its presets in the workspace."""
    if isinstance(content, KeptPreset):
        body: PresetBody = at.workspace.keep_preset(content.preset, content.origin)
        return body.model_dump(mode="json", by_alias=True)
    if isinstance(content, Mapping):
        return {str(name): _kept(at, value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_kept(at, value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _check_base(synths: Sequence[str], base: Preset) -> None:
    """The same that `Matcher.load` would say."""
    if len(set(synths)) > 1 or synths[0] != base.synth:
        raise OptionError(f"on: a preset of {base.synth}, so synths has to be [{base.synth!r}], not {list(synths)}")
    if not engines[base.synth].has_state:
        raise OptionError(f"on: presets of {base.synth} hold nothing but parameters, so there is nothing to build on")
