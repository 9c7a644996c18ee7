"""The library by HTTP: its list, favourites and labels, import, search by words and by sound, and the map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from ..audio.sound_file import fitting_gain, wav_bytes
from ..browse import Hit, Shelf, find, picked, places, understand
from ..browse.find import hints
from ..browse.map_page import map_columns
from ..browse.shelf import ear_version
from ..engines import engines, load_presets
from ..errors import OptionError, PatchflowError, PresetError
from ..features.measures import MEASURES
from ..presets import Entry, ParamSpace
from ..presets.files import extensions
from ..presets.formats import formats
from ..printable import printable
from ..storage import json_text
from .desk import Desk, PresetBody, desk
from .players import PLAYED_RATE
from .preset_routes import AskedNote, Newest
from .sound_routes import FILE_BODY, incoming_file, while_there
from .stock import FAVOURITE, MOST_HITS, LikeBody, Stock, Stocked, hits_beside, stock, vector_like

__all__ = ["router"]

router = APIRouter(tags=["library"])

_MOST_TAGS = 50

Where = Literal["", "library", "bank"]
_KEY = r"^([A-Za-z0-9_]{1,60}:)?[0-9]{1,18}$"
Key = Annotated[str, InPath(pattern=_KEY, description="`17`, or `dexed:17` of the bank.")]
AtDesk = Annotated[Desk, Depends(desk)]
InStock = Annotated[Stock, Depends(stock)]


class ListedPreset(BaseModel):
    """A preset of the library or of the embedded bank, without its values."""

    key: str
    name: str
    synth: str
    category: str
    tags: list[str]
    own_tags: list[str]
    author: str
    favourite: bool
    origin: Literal["library", "bank"]


class Listed(BaseModel):
    """A part of the list."""

    total: int
    unheard: int = Field(description="How many of the library nobody has listened to yet: no sound finds them.")
    entries: list[ListedPreset]


class FoundPreset(ListedPreset):
    """A hit of a search."""

    score: float
    nearness: float | None
    fit: float | None
    distance: float | None = Field(description="In dB, of what was played beside the sound.")
    reason: str


class SearchResult(BaseModel):
    """What a search found, and how it was understood."""

    understood: str
    remarks: list[str]
    unknown: list[str]
    among: int = Field(description="How many presets have what was picked.")
    unheard: int
    hits: list[FoundPreset]
    hints: list[str]


class SearchBody(LikeBody):
    """What to look for: words, what it should be like, and what it must have; at least one of them."""

    words: str = Field("", max_length=100_000)
    either: bool = Field(False, description="Whether being like that or fitting the words is enough.")
    tags: list[str] = Field([], max_length=_MOST_TAGS, description='Each such as "bright or noisy".')
    category: str = ""
    synth: str = ""
    favourites: bool = False
    origin: Where = ""


def _listed(stocked: Stocked, row: int) -> dict[str, Any]:
    entry = stocked.entries[row]
    return {
        "key": stocked.keys[row],
        "name": printable(entry.name),
        "synth": entry.synth,
        "category": printable(entry.category),
        "tags": [printable(tag) for tag in entry.tags if tag != FAVOURITE],
        "own_tags": [printable(tag) for tag in entry.own_tags if tag != FAVOURITE],
        "author": printable(entry.author),
        "favourite": bool(stocked.starred[row]),
        "origin": "library" if row < stocked.own else "bank",
    }


def _wishes(category: str, tags: Sequence[str], synth: str) -> dict[str, list[str]]:
    wishes = {"category": [category], "tag": tags, "synth": [synth]}
    return {name: list(filter(str.strip, values)) for name, values in wishes.items()}


def _chosen(stocked: Stocked, wishes: Mapping[str, Sequence[str]], favourites: bool, origin: Where) -> np.ndarray:
    """Which presets have what is asked for, bool, shape `(N,)`."""
    rows = picked(stocked.shelf, wishes)
    if origin:
        rows = rows & ((np.arange(len(rows)) < stocked.own) == (origin == "library"))
    return rows & stocked.starred if favourites else rows


@router.get("/library")
def list_library(
    here: InStock,
    *,
    text: Annotated[str, Query(max_length=1_000)] = "",
    category: str = "",
    tag: str = "",
    synth: str = "",
    favourites: bool = False,
    origin: Where = "",
    sort: Literal["", "name", "category", "synth"] = "",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 100,
) -> Listed:
    """Returns a part of the list of all presets that have some words in their labels, and what else is asked for."""
    stocked = here.now()
    wishes = _wishes(category, [tag], synth)
    rows = _chosen(stocked, wishes, favourites, origin) & stocked.texts.having_all(text.casefold().split())
    found = np.flatnonzero(rows)
    if sort:
        places_in_list = stocked.once("order", sort, make=lambda: _order(stocked.entries, sort))
        found = found[np.argsort(places_in_list[found])]
    part = [ListedPreset(**_listed(stocked, row)) for row in found[offset : offset + limit].tolist()]
    return Listed(total=len(found), unheard=stocked.shelf.unknown, entries=part)


def _order(entries: Sequence[Entry], sort: str) -> np.ndarray:
    """The place of each preset in a sorted list, shape `(N,)`: those without are last, equal ones by name."""
    texts = [(getattr(entry, sort).casefold(), entry.name.casefold()) for entry in entries]
    order = sorted(range(len(entries)), key=lambda row: (not texts[row][0], *texts[row]))
    found = np.empty(len(entries), int)
    found[order] = np.arange(len(entries))
    return found


@router.get("/library/facets")
def library_facets(here: InStock) -> dict[str, Any]:
    """Returns which categories, tags and synths there are, and how many presets have each, the most frequent first."""
    stocked = here.now()
    facets = stocked.once("facets", make=lambda: _facets(stocked.entries))
    totals = {"presets": len(stocked.keys), "library": stocked.own, "favourites": int(stocked.starred.sum())}
    return {**facets, **totals, "unheard": stocked.shelf.unknown, "path": str(here.library.path)}


def _facets(entries: Sequence[Entry]) -> dict[str, list[dict[str, Any]]]:
    counted: dict[str, Counter[str]] = {"category": Counter(), "tag": Counter(), "synth": Counter()}
    for entry in entries:
        counted["category"][entry.category] += 1
        counted["synth"][entry.synth] += 1
        counted["tag"].update(entry.tags)
    facets: dict[str, list[dict[str, Any]]] = {}
    for name, counts in counted.items():
        ordered = [(value, count) for value, count in counts.most_common() if value and value != FAVOURITE]
        facets[name] = [{"name": printable(value), "count": count} for value, count in ordered]
    return facets


class Imported(BaseModel):
    """What an import brought."""

    added: int
    doubles: int
    notes: list[str]
    job: str | None = Field(description="The job that listens to them, so that they are found by their sound.")


@router.post("/library/import", status_code=201, openapi_extra=FILE_BODY)
async def import_into_library(
    request: Request, here: InStock, name: Annotated[str, Query(max_length=1_000)] = ""
) -> Imported:
    """Takes the presets of a file of any known format into the library, and has them listened to in the background."""
    async with incoming_file(request, name, tuple(extensions())) as (path, label):
        return await run_in_threadpool(_imported, desk(request), here, path, label or "the file")


def _imported(at: Desk, here: Stock, path: Path, name: str) -> Imported:
    try:
        read = load_presets(path)
    except PatchflowError as error:
        raise type(error)(str(error).replace(str(path), name)) from error
    notes = [f"{name}: {finding}" for finding in (*read.rejected, *read.mended)]
    if not read.presets:
        raise PresetError("; ".join(notes[:3]) or f"{name}: no presets")
    done = here.library.add(read.presets, _space, name)
    notes += [f"{name}: {voice}" for voice in done.rejected]
    here.now(fresh=True)
    return Imported(added=done.added, doubles=done.merged, notes=[*read.notes, *notes], job=_listening(at))


def _space(synth: str) -> ParamSpace:
    return engines[synth].space


def _listening(at: Desk) -> str | None:
    """Has what is new listened to; the answer is the job's name, None where there is no room for one."""
    if at.jobs is None:
        return None
    waiting = [job["id"] for job in at.jobs.all() if job["kind"] == "listen" and job["state"] == "queued"]
    if waiting:
        return waiting[0]
    with suppress(OptionError):  # the queue is full: the next import makes up for it
        return at.jobs.add("listen", {"kind": "listen"}, client="library")["id"]
    return None


@router.post("/library/add", status_code=201)
def add_to_library(here: InStock, at: AtDesk, preset: Annotated[str, Body(embed=True)]) -> ListedPreset:
    """Takes a preset of the workspace into the library; returns it as it is listed there."""
    done = here.library.add([at.workspace.preset(preset)], _space, "studio")
    stocked = here.now(fresh=True)
    if done.added:
        _listening(at)
    return ListedPreset(**_listed(stocked, stocked.rows[str(done.ids[0])]))


@router.post("/library/{key}/favourite")
def set_favourite(here: InStock, key: Key, favourite: Annotated[bool, Body(embed=True)]) -> ListedPreset:
    """Makes a preset a favourite, or takes that back."""
    here.favour(key, favourite)
    return ListedPreset(**_listed(here.now(), here.row(key)))


class LabelsBody(BaseModel):
    """What the user says of a preset; what files say of it stays."""

    tags: list[str] = Field([], max_length=_MOST_TAGS)
    category: str | None = None


@router.post("/library/{key}/labels")
def set_labels(here: InStock, key: Key, labels: LabelsBody) -> ListedPreset:
    """Gives a preset of the library tags and a category, in place of those that the user gave it earlier."""
    here.relabel(key, labels.tags, labels.category)
    return ListedPreset(**_listed(here.now(), here.row(key)))


@router.get("/library/{key}/preset")
def library_preset(here: InStock, at: AtDesk, key: Key) -> PresetBody:
    """Returns a preset with its values; from now on it is in the workspace."""
    entry, preset = here.called(key)
    if formats[engines[preset.synth].native].single:  # banks have a short name of their own, that fits their letters
        preset = replace(preset, name=entry.name)
    return at.workspace.keep_preset(preset, f"{entry.name} of the {'embedded bank' if ':' in key else 'library'}")


class KeysBody(BaseModel):
    """Several presets."""

    keys: list[Annotated[str, Field(pattern=_KEY)]] = Field(min_length=1, max_length=MOST_HITS)


@router.post("/library/presets")
def library_presets(here: InStock, at: AtDesk, body: KeysBody) -> list[PresetBody]:
    """Returns several presets with their values, such as those of a lasso; see `GET /library/{key}/preset`."""
    return [library_preset(here, at, key) for key in body.keys]


@router.get("/library/{key}/audio", response_class=Response)
async def library_audio(
    request: Request, here: InStock, at: AtDesk, key: Key, *, note: AskedNote, newest: Newest
) -> Response:
    """Returns a note of a preset as WAV, without taking it into the workspace; `X-Loudness-Lufs` tells how loud."""
    _, preset = await run_in_threadpool(here.called, key)
    played = await while_there(request, at.players.play(f"library {key}", preset, note, newest))
    heard = "null" if played.loudness is None else f"{played.loudness + fitting_gain(played.samples):.2f}"
    headers = {"cache-control": "no-cache", "x-loudness-lufs": heard}
    return Response(wav_bytes(played.samples, PLAYED_RATE), media_type="audio/wav", headers=headers)


@router.post("/search")
def search_library(here: InStock, at: AtDesk, body: SearchBody) -> SearchResult:
    """Finds presets by what they sound like: by words, like a sound or a preset, or both; the best first."""
    stocked = here.now()
    like = vector_like(here, at, body)
    wishes = _wishes(body.category, body.tags, body.synth)
    rows = _chosen(stocked, wishes, body.favourites, body.origin)
    words = understand(body.words, stocked.shelf) if body.words.strip() else None
    among = None if rows.all() else rows
    asked = {"like": like, "words": words, "text": body.words.strip(), "rows": among, "either": body.either}
    search_for = partial(find, stocked.shelf, **asked)
    said: list[str] = []
    hits = hits_beside(here, at, body, search_for, said.append) if body.play else search_for(limit=body.limit)
    unknown = () if words is None else words.unknown
    return SearchResult(
        understood="" if words is None else printable(words.text()),
        remarks=list(map(printable, [*said, *(() if words is None else words.remarks)])),
        unknown=list(map(printable, unknown)),
        among=int(rows.sum()),
        unheard=stocked.shelf.unknown,
        hits=[_found(stocked, hit) for hit in hits],
        hints=[] if hits else [str(hint) for hint in hints(stocked.shelf, wishes, unknown)],
    )


def _found(stocked: Stocked, hit: Hit) -> FoundPreset:
    facts = _listed(stocked, stocked.rows[hit.number])
    scores = {name: getattr(hit, name) for name in ("score", "nearness", "fit", "distance")}
    return FoundPreset(**facts, **scores, reason=printable(hit.reason))


@router.get("/map", response_class=Response)
def preset_map(here: InStock, synth: str = "", how: Literal["pca", "umap"] = "pca") -> Response:
    """Returns where all presets lie, in columns; see `browse.map_page.map_columns`."""
    stocked = here.now()
    content = stocked.once("map", synth, how, make=lambda: _map(stocked.shelf, synth, how))
    return Response(content, media_type="application/json")


def _map(shelf: Shelf, synth: str, how: str) -> bytes:
    where = places(shelf, how=how)
    rows = picked(shelf, {"synth": [synth] if synth else []}) & np.isfinite(where).all(axis=1)
    shown = np.flatnonzero(rows)
    return json_text({"ear": ear_version(), **map_columns(shelf.where(shown), where[shown])}).encode()


class Place(BaseModel):
    """Where something lies on the map of `pca`."""

    x: float
    y: float


@router.post("/map/place")
def map_place(here: InStock, at: AtDesk, body: SearchBody) -> Place:
    """Returns where a sound or a preset lies among the others, which move for nobody."""
    like = vector_like(here, at, body)
    if like is None:
        raise OptionError("sound, preset or key: one of them says what is to be placed")
    one = Shelf([here.now().entries[0]], like[None], np.full((1, len(MEASURES)), np.nan), part=True)
    x, y = places(one)[0]
    return Place(x=float(x), y=float(y))
