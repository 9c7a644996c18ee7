"""Projects by HTTP: the state of a page kept under a name, and as one file with all its presets and sounds.

A project of the workspace is its state alone, a JSON file; what it names is kept as long as it is there. The file that
leaves the studio is a zip archive: `project.json`, `presets/ID.json`, `sounds/ID.audio`, `sounds/ID.json`.
"""

import io
import json
import re
import secrets
import threading
import time
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from ..errors import OptionError, PatchflowError, PresetError, StorageError, UnknownName
from ..parsing import json_value, read_object
from ..presets.archives import UnpackBudget, is_zip, opened_zip
from ..presets.formats import formats
from ..storage import json_text, make_folder, read_bytes, write_atomically
from .desk import Desk, Workspace, desk, label_of
from .guard import InUse, TooLarge
from .preset_routes import attachment
from .sound_routes import FILE_BODY, Id, incoming_file, keep_sound_file

__all__ = ["Projects", "projects", "router"]

router = APIRouter(tags=["projects"])

_FORMAT = "patchflow-project"
_VERSION = 1
_MOST_STATE = 5 * 2**20  # bytes
_DEEPEST = 60  # objects in objects
_MOST_PROJECTS = 1_000
_MOST_FILES = 4_000  # in a project file
_MOST_UNPACKED = 512 * 2**20  # bytes of all of them
_MOST_JSON = 16 * 2**20  # bytes of one that is no sound
_PART = re.compile(r"project\.json|presets/[a-z0-9]{6,64}\.json|sounds/[a-z0-9]{6,64}\.(?:audio|json)")
_ID = re.compile(r"[a-z0-9]{6,64}")
_unpacking = threading.Lock()  # one at a time: a file may unpack to half a GB


class ProjectBody(BaseModel):
    """A project without its state."""

    id: str
    name: str
    created: float
    changed: float
    presets: int
    sounds: int


class WholeProject(ProjectBody):
    """A project, and what there is to say of the file that it came from."""

    state: dict[str, Any]
    notes: list[str] = []


class NewProject(BaseModel):
    """What is to be kept."""

    name: str = Field("", max_length=1_000)
    state: dict[str, Any]


class ChangedProject(BaseModel):
    """What is to be changed of a project."""

    name: str | None = Field(None, max_length=1_000)
    state: dict[str, Any] | None = None
    seen: float | None = Field(None, description="`changed` as it was read: it is refused if somebody was faster.")


class Projects:
    """The projects of a workspace, a file each.

    Args:
        workspace: Where they lie, and where the presets and sounds are that they name.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = workspace.folder / "projects"
        self._known: dict[str, dict[str, Any]] | None = None  # all but the state, and what each refers to
        self._lock = threading.RLock()

    def listed(self) -> list[dict[str, Any]]:
        """Returns all projects without their states, the latest first."""
        with self._lock:
            return sorted(self._all().values(), key=lambda project: -project["changed"])

    def references(self) -> Collection[str]:
        """Returns the ids of all that a project names."""
        with self._lock:
            return set().union(*(project["refers"] for project in self._all().values()))

    def state(self, key: str) -> dict[str, Any]:
        """Returns the state of a project.

        Raises:
            UnknownName: If there is none of this id.
            StorageError: If it cannot be read.
        """
        self.about(key)
        return read_object(self._path(key))["state"]

    def about(self, key: str) -> dict[str, Any]:
        """Returns a project without its state; see `state`."""
        with self._lock:
            if key not in self._all():
                raise UnknownName("project", key, [])
            return self._all()[key]

    def keep(self, key: str, name: str, state: Mapping[str, Any]) -> dict[str, Any]:
        """Writes a project.

        Args:
            key: Its id; a new one if "".
            name: What the user calls it; no file is called so.
            state: What the page wants to have again.

        Raises:
            TooLarge: If the state is too large, or there are too many projects.
            OptionError: If it is too deep.
            StorageError: If it cannot be written.
        """
        text = _state_text(state)
        with self._lock:
            if not key and len(self._all()) >= _MOST_PROJECTS:
                raise TooLarge(f"{_MOST_PROJECTS} projects are kept: remove one first")
            created = self._all()[key]["created"] if key else time.time()
            key = key or secrets.token_hex(8)
            facts = {"name": label_of(name) or "Untitled", "created": created, "changed": round(time.time(), 3)}
            content = {"format": _FORMAT, "version": _VERSION, **facts, "state": json.loads(text)}
            make_folder(self._folder)
            write_atomically(self._path(key), _exact_text(content).encode())
            self._all()[key] = self._facts(key, content)
            return self._all()[key]

    def change(self, key: str, asked: ChangedProject) -> dict[str, Any]:
        """Gives a project another name or state; see `keep`.

        Raises:
            UnknownName: If there is none of this id.
            InUse: If it was changed since it was seen.
        """
        with self._lock:
            now = self.about(key)
            if asked.seen is not None and asked.seen != now["changed"]:
                raise InUse(
                    f"project={now['name']}: it was changed elsewhere. Open it again, or save under another name."
                )
            name = now["name"] if asked.name is None else asked.name
            return self.keep(key, name, self.state(key) if asked.state is None else asked.state)

    def remove(self, key: str) -> None:
        """Removes a project; what it named stays until there is no more room.

        Raises:
            UnknownName: If there is none of this id.
        """
        with self._lock:
            self.about(key)
            self._path(key).unlink(missing_ok=True)
            del self._all()[key]

    def _all(self) -> dict[str, dict[str, Any]]:
        if self._known is None:
            self._known = {}
            for path in sorted(self._folder.glob("*.json")) if self._folder.exists() else []:
                with suppress(StorageError, KeyError, TypeError, ValueError):  # one that is damaged hides no other
                    if _ID.fullmatch(path.stem):
                        self._known[path.stem] = self._facts(path.stem, read_object(path))
        return self._known

    def _facts(self, key: str, content: Mapping[str, Any]) -> dict[str, Any]:
        named = {text for text in _texts(content["state"]) if _ID.fullmatch(text)}
        presets = sorted(id_ for id_ in named if id_ in self._workspace.presets)
        sounds = sorted(id_ for id_ in named if id_ in self._workspace.sounds)
        facts = {name: content[name] for name in ("name", "created", "changed")}
        return {"id": key, **facts, "refers": [*presets, *sounds], "presets": len(presets), "sounds": len(sounds)}

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _exact_text(content: Mapping[str, Any]) -> str:
    """Returns a project as JSON with all digits: six are too few for a time, and for the page's own numbers."""
    return json.dumps(content, allow_nan=False, ensure_ascii=False)


_of_desks: "WeakKeyDictionary[Desk, Projects]" = WeakKeyDictionary()


def projects(at: Annotated[Desk, Depends(desk)]) -> Projects:
    """Returns the projects of a desk; from its first call on, nothing that they name is removed."""
    if at not in _of_desks:
        _of_desks[at] = Projects(at.workspace)
        at.workspace.refer(_of_desks[at].references)
    return _of_desks[at]


Kept = Annotated[Projects, Depends(projects)]


def _texts(value: Any, deepest: int = _DEEPEST) -> Iterator[str]:
    """Yields all texts of a state.

    Raises:
        OptionError: If it is too deep.
    """
    left: list[tuple[Any, int]] = [(value, 0)]
    while left:
        item, depth = left.pop()
        if depth > deepest:
            raise OptionError(f"state: more than {deepest} objects in each other")
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            left += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, list):
            left += [(inner, depth + 1) for inner in item]


def _state_text(state: Mapping[str, Any]) -> str:
    for _ in _texts(state):
        pass  # it is not too deep
    try:
        text = json.dumps(state, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise OptionError(f"state: {error}") from error
    data = text.encode("utf-8", "replace")
    if len(data) > _MOST_STATE:
        raise TooLarge(f"state: {len(data) / 2**20:.1f} MiB, more than {_MOST_STATE // 2**20} MiB")
    try:
        json_value(data)  # whatever is kept can be read again
    except ValueError as error:
        raise OptionError(f"state: {error}") from error
    return data.decode()


@router.get("/projects")
def list_projects(kept: Kept) -> list[ProjectBody]:
    """Returns all projects, the latest first."""
    return [ProjectBody(**project) for project in kept.listed()]


@router.post("/projects", status_code=201)
def add_project(kept: Kept, body: NewProject) -> ProjectBody:
    """Keeps the state of a page, and all presets and sounds that it names by their ids."""
    return ProjectBody(**kept.keep("", body.name, body.state))


@router.get("/projects/{project_id}")
def show_project(kept: Kept, project_id: Id) -> WholeProject:
    """Returns a project with its state."""
    return WholeProject(**kept.about(project_id), state=kept.state(project_id))


@router.put("/projects/{project_id}")
def change_project(kept: Kept, project_id: Id, body: ChangedProject) -> ProjectBody:
    """Gives a project another name or state."""
    return ProjectBody(**kept.change(project_id, body))


@router.delete("/projects/{project_id}", status_code=204)
def remove_project(kept: Kept, project_id: Id) -> None:
    """Removes a project."""
    kept.remove(project_id)


@router.get("/projects/{project_id}/file", response_class=Response)
def project_file(kept: Kept, at: Annotated[Desk, Depends(desk)], project_id: Id) -> Response:
    """Returns a project as one file with all its presets and sounds."""
    about = kept.about(project_id)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        state = {"format": _FORMAT, "version": _VERSION, **about, "state": kept.state(project_id)}
        archive.writestr("project.json", _exact_text({name: state[name] for name in state if name != "refers"}))
        for key in about["refers"]:
            if key in at.workspace.presets:
                archive.writestr(f"presets/{key}.json", at.workspace.presets.read(key, ".json"))
            if key in at.workspace.sounds:
                name = at.workspace.sound_facts(key)["name"]
                archive.writestr(f"sounds/{key}.json", json_text({"name": name}))
                archive.writestr(f"sounds/{key}.audio", read_bytes(at.workspace.sounds.path(key, ".sound")))
    headers = {"content-disposition": attachment(about["name"], ".patchflow")}
    return Response(buffer.getvalue(), media_type="application/zip", headers=headers)


@router.post("/projects/file", status_code=201, openapi_extra=FILE_BODY)
async def add_project_file(
    request: Request, kept: Kept, name: Annotated[str, Query(max_length=1_000)] = ""
) -> WholeProject:
    """Takes a project out of a file, with its presets and sounds."""
    async with incoming_file(request, name) as (path, label):
        return await run_in_threadpool(_unpacked, desk(request), kept, path, label)


def _unpacked(at: Desk, kept: Projects, path: Path, label: str) -> WholeProject:
    """Takes a project out of a file.

    Raises:
        PresetError: If it is no project file, or is damaged or too large.
        StorageError: If something cannot be written.
    """
    with _unpacking:
        try:
            parts = _parts(read_bytes(path), at.settings.upload_bytes)
            content = json_value(parts.pop("project.json"))
            _check_project(content)
        except (PresetError, ValueError) as error:
            raise PresetError(f"{label or 'the file'}: not a project file, or damaged ({error})") from error
        taken, notes = _taken(at, parts)
        state = _renamed(content["state"], taken)
        named = content.get("name")
        about = kept.keep("", named if isinstance(named, str) else label.rpartition(".")[0], state)
        return WholeProject(**about, state=kept.state(about["id"]), notes=notes)


def _check_project(content: Any) -> None:
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise PresetError(f'project.json has no "format": "{_FORMAT}"')
    if content.get("version") != _VERSION or not isinstance(content.get("state"), dict):
        raise PresetError(f"project.json is not of version {_VERSION}: a newer patchflow has made it")


def _parts(data: bytes, most: int) -> dict[str, bytes]:
    """The files of an archive, by names that are those of a project and nothing else.

    Args:
        data: The archive.
        most: Bytes of a sound, as of one that is sent alone.

    Raises:
        PresetError: If it is none, or has other files, or unpacks to more than is taken.
    """
    if not is_zip(data):
        raise PresetError("not a zip archive")
    found: dict[str, bytes] = {}
    budget = UnpackBudget(_MOST_UNPACKED)
    with opened_zip(data) as archive:
        entries = archive.infolist()
        if len(entries) > _MOST_FILES:
            raise PresetError(f"{len(entries)} files, more than {_MOST_FILES}")
        for entry in entries:
            if not _PART.fullmatch(entry.filename) or entry.filename in found:
                raise PresetError(f"{entry.filename[:80]!r} is no part of a project")
            limit = _MOST_JSON if entry.filename.endswith(".json") else most
            found[entry.filename] = UnpackBudget(min(limit, budget.left)).unpack(archive, entry)
            budget.left -= len(found[entry.filename])
    if "project.json" not in found:
        raise PresetError("project.json is missing")
    return found


def _taken(at: Desk, parts: Mapping[str, bytes]) -> tuple[dict[str, str], list[str]]:
    """Takes presets and sounds into the workspace; returns the ids that they have here, and what could not be taken."""
    ids: dict[str, str] = {}
    notes: list[str] = []
    for part, data in parts.items():
        key = Path(part).stem
        try:
            if part.startswith("presets/"):
                read = formats["json"]().read(data)
                if len(read.presets) != 1:
                    raise PresetError(str(read.rejected[0]) if read.rejected else "not one preset")
                ids[key] = at.workspace.keep_preset(read.presets[0], "of a project file").id
            elif part.endswith(".audio"):
                about = json_value(parts.get(f"sounds/{key}.json", b"{}"))
                name = about.get("name") if isinstance(about, dict) else None
                with at.workspace.incoming() as path:
                    path.write_bytes(data)
                    ids[key] = keep_sound_file(at, path, label_of(name) if isinstance(name, str) else key).id
        except StorageError:
            raise
        except (PatchflowError, ValueError) as error:
            notes.append(f"{part}: left out: {error}")
    return ids, notes


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """The state with the ids that presets and sounds have here."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, dict):
        return {name: _renamed(inner, ids) for name, inner in value.items()}
    return [_renamed(inner, ids) for inner in value] if isinstance(value, list) else value
