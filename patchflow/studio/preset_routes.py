"""Synths and presets by HTTP: what there is to set, edited, played, drawn, and taken home."""

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, StrictFloat, StrictInt, StrictStr

from ..audio.sound_file import fitting_gain, wav_bytes
from ..engines import Engine, Note, engines, load_presets, save_presets
from ..errors import OptionError, PatchflowError, PresetError
from ..match.output.names import file_name
from ..presets import Choice, Knob, Parameter, Preset, Value
from ..presets.files import extensions
from ..presets.formats import formats
from ..presets.preset import ascii_name
from .desk import Desk, PresetBody, desk
from .players import PLAYED_RATE, PlayedNote
from .sound_routes import FILE_BODY, PNG, WAV, Answers, Id, incoming_file, spectrogram_reply, wav_reply, while_there

__all__ = ["AskedNote", "SynthBody", "all_synths", "asked_note", "attachment", "play_note", "router"]

router = APIRouter(tags=["presets"])

_MOST_IMPORTED = 500  # presets of one file; a larger collection belongs into the library
_MOST_NOTES = 50  # lines on what was mended
_FILE: Answers = {200: {"content": {"application/octet-stream": {}}}}
_TITLES = {"dexed": "Dexed (DX7)", "vital_full": "Vital, all parameters"}
_HINTS = {
    "syx": [
        "Dexed opens cartridges of 32 voices: take the bank, not the single voice.",
        "Click CART in Dexed and load the .syx file, or drop it onto its window.",
        "A DX7 or a DX7 II: send the .syx file with a SysEx program; memory protection has to be off.",
        "MiniDexed: copy the bank into sysex/voice on its card.",
    ],
    "vital": [
        "Vital: open the browser of presets, then Import preset in the menu, and choose the .vital file.",
        "Vital: or copy the file into the folder Presets of Vital's own folder.",
    ],
}
_ANY_HINT = "Open the file in the menu of presets of the plug-in, or of your host."


class SynthBody(BaseModel):
    """A synth."""

    name: str
    title: str
    ready: bool
    why: str = Field(description="Why it is not ready.")
    parameters: int
    native: str
    hints: list[str]


class ParameterBody(BaseModel):
    """One parameter of a synth; `low`, `high`, `log` and `unit` are of numbers, `options` of choices."""

    name: str
    title: str
    kind: Literal["continuous", "integer", "categorical"]
    low: float | None
    high: float | None
    log: bool
    power: float = Field(1.0, description="The value rises from low with this power of how far a knob is turned.")
    unit: str
    options: list[str]
    default: float | int | str


class PanelGroup(BaseModel):
    """Parameters that belong together."""

    group: str
    title: str
    parameters: list[ParameterBody]


class SynthPanel(SynthBody):
    """A synth with all there is to set, and its fresh preset."""

    panel: list[PanelGroup]
    init: PresetBody


class ImportedPresets(BaseModel):
    """What was found in a preset file."""

    presets: list[PresetBody]
    notes: list[str]


class EditBody(BaseModel):
    """What to change of a preset."""

    preset: Id
    values: dict[str, StrictFloat | StrictInt | StrictStr] = Field(max_length=5_000)
    name: Annotated[str, Field(max_length=1000)] | None = None
    origin: Annotated[str, Field(max_length=1000)] | None = Field(None, alias="from")


class RandomBody(BaseModel):
    """Which synth, and which of its presets."""

    synth: str
    seed: Annotated[int, Field(ge=0, lt=2**53)]


class BankBody(BaseModel):
    """Presets that are to be one file."""

    presets: Annotated[list[Id], Field(min_length=1, max_length=1_000)]
    name: Annotated[str, Field(max_length=200)] = "bank"


def asked_note(
    pitch: Annotated[int, Query(ge=0, le=127, description="MIDI note.")] = 60,
    velocity: Annotated[int, Query(ge=1, le=127)] = 100,
    hold: Annotated[float, Query(gt=0, le=30, allow_inf_nan=False, description="Seconds until key up.")] = 1.0,
    length: Annotated[float, Query(ge=0.01, le=30, allow_inf_nan=False, description="Seconds in all.")] = 2.0,
) -> Note:
    """Returns the note that a request asks for."""
    return Note(pitch, velocity, hold, length)


def asked_newest(
    request: Request,
    x_newest: Annotated[
        str, Header(max_length=100, description="Of a client's waiting requests, the newest counts.")
    ] = "",
    x_client: Annotated[str, Header(max_length=64, description="Who asks; the address if not given.")] = "",
) -> str:
    """Returns which requests of one client this one takes the place of; "" if of none."""
    client = x_client or (request.client.host if request.client else "")
    return f"{client} {x_newest}" if x_newest else ""


AskedNote = Annotated[Note, Depends(asked_note)]
Newest = Annotated[str, Depends(asked_newest)]
Ahead = Annotated[bool, Header(alias="x-ahead", description="Whether nobody waits for it yet: all else comes first.")]
Gain = Annotated[float, Query(ge=-60, le=60, allow_inf_nan=False, description="dB more, less if it would clip.")]


def all_synths() -> list[SynthBody]:
    """Returns all synths by name, ready or not."""
    return [_synth(name) for name in engines]


@router.get("/synths")
def list_synths() -> list[SynthBody]:
    """All synths: those that come with patchflow, and the plug-ins that were added."""
    return all_synths()


@router.get("/synths/{synth}")
def show_synth(request: Request, synth: str) -> SynthPanel:
    """A synth with its parameters by group, and its fresh preset."""
    engine = engines[synth]
    init = Preset(synth, _fresh(engine), name="Init")
    body = desk(request).workspace.keep_preset(init, "fresh")
    return SynthPanel(**_synth(synth).model_dump(), panel=_panel(engine), init=body)


@router.post("/presets", status_code=201, openapi_extra=FILE_BODY)
async def import_presets(request: Request, name: Annotated[str, Query(max_length=1000)] = "") -> ImportedPresets:
    """Reads the presets of a file of any known format."""
    async with incoming_file(request, name, tuple(extensions())) as (path, label):
        return await run_in_threadpool(_import, desk(request), path, label or "the file")


@router.post("/presets/edit")
def edit_preset(request: Request, edit: EditBody) -> PresetBody:
    """Changes values of a preset: what comes back is another preset, and the first stays."""
    workspace = desk(request).workspace
    preset = workspace.preset(edit.preset)
    unknown = [name for name in edit.values if name not in preset.values]
    if unknown:
        raise OptionError(f"{unknown[0]!r:.80}: not a parameter of {preset.synth}")
    name = preset.name if edit.name is None else edit.name
    return workspace.keep_preset(replace(preset, values={**preset.values, **edit.values}, name=name), edit.origin)


@router.post("/presets/random")
def drawn_preset(request: Request, body: RandomBody) -> PresetBody:
    """A preset by chance: of the bank that comes with patchflow or, where there is none, of all that can be set."""
    from ..browse.embedded import BANKS, embedded_preset, embedded_presets
    from ..data.sampler import random_presets

    rng = np.random.default_rng(body.seed)
    space = engines[body.synth].space
    workspace = desk(request).workspace
    if (BANKS / f"{body.synth}.safetensors").exists():
        number = int(rng.choice(embedded_presets(body.synth).ids))
        return workspace.keep_preset(embedded_preset(body.synth, number), "by chance, of the bank")
    point = space.snap(random_presets(space, 1, rng)[0])
    return workspace.keep_preset(Preset(body.synth, space.decode(point), name=f"Random {body.seed}"), "by chance")


@router.get("/presets/{preset_id}")
def show_preset(request: Request, preset_id: Id) -> PresetBody:
    """A preset that is kept."""
    return desk(request).workspace.preset_body(preset_id)


@router.get("/presets/{preset_id}/audio", response_class=Response, responses=WAV)
async def play_preset(
    request: Request, preset_id: Id, note: AskedNote, newest: Newest, *, gain_db: Gain = 0.0, ahead: Ahead = False
) -> Response:
    """A note of a preset as WAV; `X-Gain-Db`, `X-Loudness-Lufs` (with it), `X-Render-Ms` and `X-Cached` say more."""
    tag = f"{preset_id}-{note.pitch}-{note.velocity}-{note.hold}-{note.length}-{gain_db}"
    played = await play_note(request, preset_id, note, newest, ahead)
    gain = fitting_gain(played.samples, gain_db)
    heard = "null" if played.loudness is None else f"{played.loudness + gain:.2f}"
    headers = {"x-gain-db": f"{gain:.2f}", "x-loudness-lufs": heard}
    headers |= {"x-render-ms": f"{played.ms:.1f}", "x-cached": str(int(played.cached))}
    return wav_reply(request, wav_bytes(played.samples, PLAYED_RATE, gain_db), tag, headers)


@router.get("/presets/{preset_id}/spectrogram", response_class=Response, responses=PNG)
async def draw_preset(request: Request, preset_id: Id, note: AskedNote) -> Response:
    """A spectrogram of a note as a grey PNG; frequencies are logarithmic, the lowest at the bottom."""
    played = await play_note(request, preset_id, note)
    return await run_in_threadpool(spectrogram_reply, played.samples, PLAYED_RATE)


@router.get("/presets/{preset_id}/file", response_class=Response, responses=_FILE)
def take_preset(
    request: Request,
    preset_id: Id,
    kind: Annotated[str, Query(alias="format", description="The synth's own if not given.")] = "",
) -> Response:
    """The preset as a file, of the synth's own format if no other is asked for."""
    found = desk(request)
    preset = found.workspace.preset(preset_id)
    ending = formats[kind or engines[preset.synth].native].extensions[0]
    return _download(_file(found, [preset], ending), _stem(preset), ending)


@router.post("/bank", response_class=Response, responses=_FILE)
def take_bank(request: Request, bank: BankBody) -> Response:
    """Several presets as one bank or, where their synth has none or they are of several synths, as a zip of files."""
    found = desk(request)
    presets = _told_apart([found.workspace.preset(key) for key in bank.presets])
    kinds = {formats[engines[preset.synth].native] for preset in presets}
    synths = {preset.synth for preset in presets}
    stem = ascii_name(bank.name) or "bank"
    if len(synths) == len(kinds) == 1 and not next(iter(kinds)).single:
        ending = next(iter(kinds)).extensions[0]
        return _download(_file(found, presets, ending), stem, ending)
    return _download(_zip(found, presets), stem, ".zip")


def _told_apart(presets: Sequence[Preset]) -> list[Preset]:
    """Numbers presets of one name; in front, as a DX7 shows no more than ten letters: by those its voices are told."""
    shown = [ascii_name(one.name, 10) if one.synth == "dexed" else one.name for one in presets]
    count = Counter(shown)
    return [
        replace(preset, name=f"{place} {preset.name}".strip()) if count[name] > 1 else preset
        for place, (name, preset) in enumerate(zip(shown, presets, strict=True), 1)
    ]


async def play_note(request: Request, key: str, note: Note, newest: str = "", ahead: bool = False) -> PlayedNote:
    """Plays a note of a preset that is kept; not any more if the client has gone meanwhile.

    Args:
        request: Of the client.
        key: The preset.
        note: What to play.
        newest: See `Players.play`.
        ahead: See `Players.play`.

    Raises:
        PatchflowError: If there is no such preset, or its synth does not play it.
    """
    found = desk(request)
    remembered = found.players.remembered(key, note)
    if remembered is not None and key in found.workspace.presets:
        return remembered
    return await while_there(request, found.players.play(key, found.workspace.preset(key), note, newest, ahead))


def _synth(name: str) -> SynthBody:
    try:
        engine = engines[name]
        size = len(engine.space)
    except PatchflowError as error:
        return SynthBody(name=name, title=_title(name), ready=False, why=str(error), parameters=0, native="", hints=[])
    hints = _HINTS.get(engine.native, [_ANY_HINT])
    return SynthBody(
        name=name, title=_title(name), ready=True, why="", parameters=size, native=engine.native, hints=hints
    )


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def _fresh(engine: type[Engine]) -> dict[str, Value]:
    """The values of a fresh preset, as they are written in the space: from a point they come back rounded."""
    given = {parameter.name: parameter.default for parameter in engine.space.parameters}
    default = engine.space.decode(engine.space.default())
    return {name: default[name] if value is None else value for name, value in given.items()}


def _panel(engine: type[Engine]) -> list[PanelGroup]:
    groups: dict[str, list[ParameterBody]] = {}
    defaults = _fresh(engine)
    for parameter in engine.space.parameters:
        body = _parameter(parameter, defaults[parameter.name])
        groups.setdefault(parameter.group, []).append(body)
    return [PanelGroup(group=name, title=_words(name), parameters=found) for name, found in groups.items()]


def _parameter(parameter: Parameter, default: float | str) -> ParameterBody:
    title = _words(parameter.name.removeprefix(f"{parameter.group}."))
    facts: dict[str, Any] = {"name": parameter.name, "title": title, "unit": parameter.unit, "default": default}
    if isinstance(parameter, Choice):
        options = list(parameter.options)
        return ParameterBody(**facts, kind="categorical", low=None, high=None, log=False, options=options)
    continuous = isinstance(parameter, Knob)
    return ParameterBody(
        **facts, kind="continuous" if continuous else "integer", low=parameter.low, high=parameter.high,
        log=parameter.log if continuous else False, power=parameter.power if continuous else 1.0, options=[],
    )  # fmt: skip


def _words(name: str) -> str:
    text = name.replace(".", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _import(found: Desk, path: Path, label: str) -> ImportedPresets:
    """Keeps the presets of a file that was received.

    Raises:
        PatchflowError: If it is no preset file, or nothing in it can be read.
    """
    try:
        report = load_presets(path)
    except PatchflowError as error:
        raise type(error)(str(error).replace(str(path), label)) from error
    bodies: list[PresetBody] = []
    notes = list(report.problems)
    for preset in report.presets[:_MOST_IMPORTED]:
        # A preset without a name has been given that of its file, which here is one of ours.
        named = replace(preset, name=Path(label).stem) if preset.name == path.stem else preset
        try:
            bodies.append(found.workspace.keep_preset(named, f"read from {label}"))
        except PatchflowError as error:
            notes.append(f"{preset.name!r}: {error}")
    if len(report.presets) > _MOST_IMPORTED:
        notes.append(f"only the first {_MOST_IMPORTED} of {len(report.presets):,} presets are taken: import the file "
                     "into the library")  # fmt: skip
    if not bodies:
        raise PresetError(f"{label}: no preset in it{f': {notes[0]}' if notes else ''}")
    return ImportedPresets(presets=bodies, notes=notes[:_MOST_NOTES])


def _file(found: Desk, presets: Sequence[Preset], ending: str) -> bytes:
    with found.workspace.incoming(ending) as path:
        try:
            save_presets(path, presets)
        except PatchflowError as error:
            raise type(error)(str(error).replace(str(path), f"a {ending} file")) from error
        return path.read_bytes()


def _zip(found: Desk, presets: Sequence[Preset]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, preset in enumerate(presets, 1):
            ending = formats[engines[preset.synth].native].extensions[0]
            archive.writestr(file_name(f"{place:02} {_stem(preset)}", ending), _file(found, [preset], ending))
    return buffer.getvalue()


def _stem(preset: Preset) -> str:
    return preset.name.strip() or preset.synth


def _download(data: bytes, stem: str, ending: str) -> Response:
    headers = {"content-disposition": attachment(stem, ending)}
    return Response(data, media_type="application/octet-stream", headers=headers)


def attachment(stem: str, ending: str) -> str:
    """Returns the header that says under which name a file is saved, for old clients in plain letters too."""
    name = file_name(stem, ending)
    plain = file_name(ascii_name(stem) or "preset", ending)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
