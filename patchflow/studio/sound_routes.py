"""Sounds by HTTP: received, heard, shown and played."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile
from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from ..audio.loudness import loudness
from ..audio.note_names import note_name
from ..audio.sound import Sound
from ..audio.sound_file import fitting_gain, wav_bytes
from ..errors import OptionError, PatchflowError
from .curves import LOWEST_HZ, spectrogram_png
from .desk import Desk, desk, label_of
from .guard import TooLarge
from .players import PlayedNote, Superseded

__all__ = [
    "PNG",
    "WAV",
    "Answers",
    "HeardBody",
    "Id",
    "SoundBody",
    "incoming_file",
    "keep_sound_file",
    "router",
    "sound_part",
    "wav_reply",
    "while_there",
]

router = APIRouter(tags=["sounds"])

Id = Annotated[str, InPath(pattern="^[a-z0-9]{6,64}$", description="As the API gave it.")]
From = Annotated[float | None, Query(ge=0, le=3600, allow_inf_nan=False, description="Seconds, where a part begins.")]
To = Annotated[float | None, Query(ge=0, le=3600, allow_inf_nan=False, description="Seconds, where a part ends.")]

_EXAMPLE = Path(__file__).parents[1] / "examples" / "bell.flac"
_PEAKS = 400
_MATCHED_S = 30.0  # what a match reads of a sound
_LEAST_NOISE_S = 0.05
FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}
"""What the API's document says of a file that is sent: bare, or as the field `file` of a form."""


class GuessBody(BaseModel):
    """A note that a sound may be, and how sure that is."""

    pitch: int
    share: float


class HeardBody(BaseModel):
    """What was heard in a sound, or in a part of it. Times are seconds from the sound's beginning."""

    pitch: int | None
    note: str
    f0: float | None
    start: float
    end: float
    hold: float
    noise_db: float | None
    guesses: list[GuessBody]
    pitched: bool
    remarks: list[str]


class SoundBody(BaseModel):
    """A sound that is kept."""

    id: str
    name: str
    rate: int
    seconds: float
    channels: int
    peaks: list[float]
    loudness_lufs: float | None
    heard: HeardBody


@asynccontextmanager
async def incoming_file(request: Request, name: str, endings: tuple[str, ...] = ()) -> AsyncIterator[tuple[Path, str]]:
    """Receives a file that is sent bare, or as the field `file` of a form; yields where it is, and its label.

    Args:
        request: Who sends it.
        name: What the client calls it; the name in the form if "".
        endings: Of its name, those that the file here has too; it is called by no other part of its name.

    Raises:
        OptionError: If the form has no file.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=8) as form:
            sent = form.get("file")
            if sent is None or isinstance(sent, str):
                raise OptionError("file: the form has no file of this name")
            label = label_of(name or sent.filename or "")
            with desk(request).workspace.incoming(_ending(label, endings)) as path:
                with path.open("xb") as file:
                    while data := await sent.read(1 << 20):
                        file.write(data)
                yield path, label
        return
    label = label_of(name)
    with desk(request).workspace.incoming(_ending(label, endings)) as path:
        with path.open("xb") as file:
            async for data in request.stream():
                file.write(data)
        yield path, label


def _ending(label: str, endings: tuple[str, ...]) -> str:
    return next((ending for ending in endings if label.lower().endswith(ending)), "")


@router.post("/sounds", status_code=201, openapi_extra=FILE_BODY)
async def add_sound(request: Request, name: Annotated[str, Query(max_length=1000)] = "") -> SoundBody:
    """Receives a sound file of any kind that is known. It may have 64 MiB and 10 minutes."""
    async with incoming_file(request, name) as (path, label):
        return await run_in_threadpool(keep_sound_file, desk(request), path, label)


@router.post("/sounds/example", status_code=201)
def add_example(request: Request) -> SoundBody:
    """Takes the sound that is shipped, a bell, for whoever has none at hand."""
    with desk(request).workspace.incoming() as path:
        path.write_bytes(_EXAMPLE.read_bytes())
        return keep_sound_file(desk(request), path, _EXAMPLE.name)


@router.get("/sounds")
def list_sounds(request: Request) -> list[SoundBody]:
    """All sounds that are kept, the newest first."""
    workspace = desk(request).workspace
    bodies: list[SoundBody] = []
    for key in workspace.sounds.keys():  # noqa: SIM118 - no mapping
        with suppress(PatchflowError):  # one that is damaged, or that another tab has just removed, hides no other
            bodies.append(SoundBody(**workspace.sound_facts(key)))
    return bodies


@router.get("/sounds/{sound_id}")
def show_sound(request: Request, sound_id: Id) -> SoundBody:
    """A sound that is kept."""
    return SoundBody(**desk(request).workspace.sound_facts(sound_id))


@router.delete("/sounds/{sound_id}", status_code=204)
def remove_sound(request: Request, sound_id: Id) -> None:
    """Removes a sound, unless a job or a project needs it."""
    desk(request).workspace.sounds.remove(sound_id)


@router.get("/sounds/{sound_id}/heard")
def hear_part(
    request: Request,
    sound_id: Id,
    *,
    start: From = None,
    end: To = None,
    note: Annotated[int | None, Query(ge=0, le=127)] = None,
    trim_db: Annotated[float | None, Query(ge=-120, lt=0, allow_inf_nan=False)] = None,
) -> HeardBody:
    """What is heard in a part of a sound, as a match would; with a note or a level of silence that the user knows."""
    return _hear(sound_part(desk(request), sound_id, start, end), start or 0.0, note=note, trim_db=trim_db)


Answers = dict[int | str, dict[str, Any]]  # what the API's document says, by status
WAV: Answers = {200: {"content": {"audio/wav": {}}}, 206: {"description": "A part", "content": {"audio/wav": {}}}}
PNG: Answers = {200: {"content": {"image/png": {}}}}


@router.get("/sounds/{sound_id}/audio", response_class=Response, responses=WAV)
def play_sound(request: Request, sound_id: Id, start: From = None, end: To = None) -> Response:
    """The sound, or a part of it, as WAV of 16 bits and one channel, with `X-Loudness-Lufs`; ranges are served."""
    found = desk(request)
    tag = f"{sound_id}-{start}-{end}"
    part = sound_part(found, sound_id, start or 0.0, end)
    heard = loudness(part.samples, part.rate) + fitting_gain(part.samples)
    headers = {"x-loudness-lufs": f"{heard:.2f}" if np.isfinite(heard) else "null"}
    return wav_reply(request, wav_bytes(part.samples, part.rate), tag, headers)


@router.get("/sounds/{sound_id}/spectrogram", response_class=Response, responses=PNG)
def draw_sound(request: Request, sound_id: Id, start: From = None, end: To = None) -> Response:
    """A spectrogram as a grey PNG; frequencies are logarithmic, the lowest at the bottom."""
    part = sound_part(desk(request), sound_id, start or 0.0, end)
    return spectrogram_reply(part.samples, part.rate)


def sound_part(found: Desk, key: str, start: float | None, end: float | None) -> Sound:
    """Returns a part of a sound that is kept; as a match reads the whole of it if there are no limits.

    Args:
        found: The desk.
        key: The sound.
        start: Seconds from its beginning.
        end: Seconds from its beginning.

    Raises:
        UnknownName: If there is no such sound.
        OptionError: If there is no such part.
        AudioError: If the part is silent, or too short to be a sound.
    """
    if start is None and end is None:
        return found.workspace.recording(key, _MATCHED_S)
    sound = found.workspace.recording(key, found.settings.upload_seconds)
    first = start or 0.0
    last = sound.seconds if end is None else min(end, sound.seconds)
    if not first < last:
        raise OptionError(f"start={first:g}, end={last:g}: not a part of {sound.seconds:.3g} s")
    samples = sound.samples[round(first * sound.rate) : round(last * sound.rate)]
    return replace(sound, samples=samples, start=sound.start + first)


def keep_sound_file(found: Desk, path: Path, label: str) -> SoundBody:
    """Reads a sound that was received, and keeps it.

    Args:
        found: The desk.
        path: The file, among the incoming ones.
        label: What the user calls it.

    Raises:
        TooLarge: If it is too long.
        PatchflowError: If it is no sound.
    """
    most = found.settings.upload_seconds
    name = label or "sound"
    _refuse_long(path, name, most)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(name.encode())
    key = digest.hexdigest()[:16]
    if key not in found.workspace.sounds:
        with found.workspace.decoding:
            sound = found.workspace.decoded(path, name, most)
            if sound.length > most + 0.5:
                raise TooLarge(f"{name}: lasts {sound.length:,.0f} s, more than {most:g} s. Cut the sound out of it.")
            matched = sound if sound.length <= _MATCHED_S else found.workspace.decoded(path, name, _MATCHED_S)
            found.workspace.keep_sound(path, _facts(key, name, sound, matched))
    else:
        found.workspace.sounds.touch(key)
    return SoundBody(**found.workspace.sound_facts(key))


def _refuse_long(path: Path, name: str, most: float) -> None:
    """Refuses a sound by the length that it states: a file of some kilobytes may hold hours."""
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, TypeError):
        return  # not one that it knows: whoever decodes it stops in time
    seconds = info.frames / info.samplerate
    if most < seconds < 1e9:  # what has no length states an enormous one
        raise TooLarge(f"{name}: lasts {seconds:,.0f} s, more than {most:g} s. Cut the sound out of it.")


def _facts(key: str, name: str, sound: Sound, matched: Sound) -> dict[str, object]:
    heard = loudness(matched.samples, matched.rate)
    return {
        "id": key,
        "name": name,
        "rate": sound.rate,
        "seconds": round(sound.seconds, 6),
        "channels": sound.channels,
        "peaks": _peaks(sound.samples),
        "loudness_lufs": round(float(heard), 2) if np.isfinite(heard) else None,
        "heard": _hear(matched).model_dump(),
    }


def _peaks(samples: np.ndarray) -> list[float]:
    edges = np.linspace(0, len(samples), min(_PEAKS, len(samples)) + 1).astype(int)[:-1]
    highest = np.minimum(np.maximum.reduceat(np.abs(samples), edges), 1.0)
    return [round(float(peak), 4) for peak in highest]


def _hear(sound: Sound, begin: float = 0.0, *, note: int | None = None, trim_db: float | None = None) -> HeardBody:
    """What is heard in a sound, or in a part that begins so many seconds after its beginning."""
    from ..match.target import prepare_target

    target = prepare_target(sound, note=note, trim_db=trim_db)
    first = max(0.0, target.trim_offset - sound.start)
    last = first + (target.length if target.recording is None else target.recording.seconds)
    best = target.guesses[0]
    remarks = [*target.notes, target.remark] if target.remark else list(target.notes)
    return HeardBody(
        pitch=best.pitch if target.pitched or note is not None else None,
        note=note_name(best.pitch) if target.pitched or note is not None else "",
        f0=None if target.f0 is None else round(target.f0, 3),
        start=round(begin + first, 4),
        end=round(begin + last, 4),
        hold=round(target.hold, 4),
        noise_db=_noise_db(sound, first, last),
        guesses=[GuessBody(pitch=guess.pitch, share=round(guess.confidence, 4)) for guess in target.guesses],
        pitched=target.pitched,
        remarks=remarks,
    )


def _noise_db(sound: Sound, first: float, last: float) -> float | None:
    """Level of what is before and after the sound, in dB of full scale; None if that is nothing."""
    before = sound.samples[: round(first * sound.rate)]
    rest = np.concatenate([before, sound.samples[round(last * sound.rate) :]])
    power = float(np.square(rest, dtype=np.float64).mean()) if len(rest) >= _LEAST_NOISE_S * sound.rate else 0.0
    return round(10 * float(np.log10(power)), 1) if power > 1e-12 else None


async def while_there(request: Request, waiting: "Future[PlayedNote]") -> PlayedNote:
    """Returns a note when it is played; has it not played if the client goes before it is begun.

    Args:
        request: Of the client; its body was read.
        waiting: See `Players.play`.

    Raises:
        PatchflowError: If it cannot be played, or the client has gone.
    """
    playing = asyncio.wrap_future(waiting)
    leaving = asyncio.ensure_future(_gone(request))
    await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    if not playing.done():
        playing.cancel()
        raise Superseded("the client has gone")
    return playing.result()


async def _gone(request: Request) -> None:
    """Returns when the client has ended the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def wav_reply(request: Request, data: bytes, tag: str, headers: dict[str, str] | None = None) -> Response:
    """Returns a sound that never changes under its tag: not again if the client has it, and in parts if it asks so.

    Args:
        request: Of the client.
        data: The whole file.
        tag: Its name among all versions.
        headers: Others.
    """
    etag = f'"{tag}"'
    headers = {**(headers or {}), "etag": etag, "cache-control": "private, max-age=31536000, immutable",
               "accept-ranges": "bytes"}  # fmt: skip
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    found = re.fullmatch(r"bytes=(\d{1,12})?-(\d{1,12})?", request.headers.get("range", ""))
    if found is None or found[0] == "bytes=-":
        return Response(data, media_type="audio/wav", headers=headers)
    last = len(data) - 1
    if found[1] is None:  # so many bytes at the end
        first = max(0, len(data) - int(found[2]))
    else:
        first = int(found[1])
        last = min(last, int(found[2] or last))
    if first > last:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(data)}"})
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], status_code=206, media_type="audio/wav", headers=headers)


def spectrogram_reply(samples: np.ndarray, rate: int) -> Response:
    """Returns the spectrogram of a sound, see `spectrogram_png`."""
    data, high = spectrogram_png(samples, rate)
    headers = {"x-seconds": f"{len(samples) / rate:.4f}", "x-low-hz": f"{LOWEST_HZ:g}", "x-high-hz": f"{high:g}",
               "cache-control": "private, max-age=31536000, immutable"}  # fmt: skip
    return Response(data, media_type="image/png", headers=headers)
