"""Builds the server: the routers of all parts, every error as one line of JSON, and the pages."""

import asyncio
import errno
import importlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import EngineError, OptionError, PatchflowError, RenderError, StorageError, UnknownName
from ..printable import printable
from ..storage import FolderInUse, reason
from ..version import version
from . import listening, preset_routes, project_routes, sound_routes
from .desk import Desk, desk
from .guard import Guard, InUse, Quiet, StudioSettings, TooLarge, content_policy, loopback
from .job_states import JobNotNow, QueueFull
from .players import Superseded

__all__ = ["BASE", "WEB", "build_app", "serve"]

BASE = "/api/v1"
"""Where the API begins."""

WEB = Path(__file__).parents[1] / "web"
"""The folder with the pages."""

ROUTERS = (
    listening.router,
    preset_routes.router,
    project_routes.router,
    sound_routes.router,
)
"""The parts of the API that are there at once, one module each."""

LATER = ("job_routes", "library_routes", "shape_routes")
"""Modules of the parts that need torch or scipy, whose import takes longer than anybody waits for a page."""

_STATUS: tuple[tuple[type[PatchflowError], int], ...] = (
    (UnknownName, 404),
    (TooLarge, 413),
    (InUse, 409),
    (JobNotNow, 409),
    (QueueFull, 429),
    (Superseded, 409),
    (FolderInUse, 409),
    (StorageError, 507),
    (RenderError, 422),
    (EngineError, 503),
    (PatchflowError, 422),
)
_WORDS = {
    400: "a body that cannot be read",
    401: "no token, or a wrong one",
    403: "a request of another page",
    404: "there is none of this name",
    409: "something else is in the way",
    413: "more than is taken",
    422: "a value that is not allowed, or a file that cannot be read",
    429: "too many jobs are waiting",
}
_LONGEST_ERROR = 500  # characters


class ErrorBody(BaseModel):
    """What went wrong, in one line: name, value, what was allowed."""

    error: str
    kind: str


class Limits(BaseModel):
    """How much is taken and kept."""

    upload_bytes: int
    upload_seconds: float
    jobs: int


class About(BaseModel):
    """What this studio is."""

    version: str
    synths: list[str]
    limits: Limits
    library: str
    workspace: str
    example: str


def build_app(settings: StudioSettings, *, later: bool = False) -> FastAPI:
    """Returns the server of a studio; its desk is `app.state.desk`.

    The workspace is taken when the server starts and given back when it ends.

    Args:
        settings: Where it is, who may reach it, and its limits.
        later: Whether the parts that take long to import are made while the server runs: who asks for one waits.
    """
    app = FastAPI(
        title="patchflow studio",
        version="1",
        description="Give it a sound, get the preset. Errors are one line of JSON: `{error, kind}`.",
        openapi_url=f"{BASE}/openapi.json",
        docs_url=None,  # these pages load from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
        responses={status: {"model": ErrorBody, "description": words} for status, words in _WORDS.items()},
    )
    app.state.desk = Desk(settings)
    app.state.later = later
    app.state.fault = None
    app.add_exception_handler(PatchflowError, _tell)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(HTTPException, _tell_http)
    app.add_exception_handler(OSError, _tell_system)
    for router in (_about, *ROUTERS):
        app.include_router(router, prefix=BASE)
    app.include_router(_pages)
    app.mount("/web", _Web(directory=WEB))
    app.state.whole = threading.Event()
    if not later:
        _include_rest(app)
    app.add_middleware(_Waiting, server=app)
    app.add_middleware(Quiet, rest=app.state.desk.rest)
    app.add_middleware(Guard, settings=settings, policy=content_policy(sorted(WEB.glob("studio/*.html"))))
    return app


def serve(settings: StudioSettings, ready: Callable[[str], None]) -> None:
    """Runs a studio until Ctrl-C.

    Args:
        settings: See `StudioSettings`; of port 0, any free port is taken. The token is made here, where one is needed.
        ready: Called with the address of the page, when it can be opened.

    Raises:
        OptionError: If the address is none of this machine, or something else listens at the port.
        FolderInUse: If another studio has the workspace.
        StorageError: If the workspace cannot be made or read.
    """
    import uvicorn

    with _listening(settings.host, settings.port) as listener:
        token = "" if loopback(settings.host) else secrets.token_urlsafe(24)
        app = build_app(replace(settings, port=listener.getsockname()[1], token=token), later=True)
        app.state.desk.open()  # before anything is said to be ready
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2
        )
        # What it says is of connections that somebody cut; faults of ours are said by the guard.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        ready(_address(app.state.desk.settings))
        with suppress(KeyboardInterrupt):  # uvicorn has ended everything before it says so
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise OptionError(f"port={port}: not in [0, 65535]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With the protocol: asyncio sends small answers at once only where it knows that it is TCP, else 40 ms later.
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise OptionError(f"host={host!r}: not an address of this machine") from error
    try:
        if os.name != "nt":  # where it would let two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OptionError(f"port={port}: in use at {host}. Give another --port, or 0 for any free one.") from error
        raise OptionError(f"host={host}, port={port}: cannot listen there: {reason(error)}") from error
    return listener


def _address(settings: StudioSettings) -> str:
    everywhere = settings.host in ("0.0.0.0", "::")
    host = socket.gethostname().lower() if everywhere else settings.host
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.port}/{f'?token={settings.token}' if settings.token else ''}"


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    found: Desk = app.state.desk
    whole: threading.Event = app.state.whole
    workspace = found.workspace
    found.open()
    # Until all have said what they need, nothing goes.
    workspace.refer(lambda: () if whole.is_set() else (*workspace.sounds.keys(), *workspace.presets.keys()))
    project_routes.projects(found)
    listening.sittings(found)
    if not app.state.later:
        _begin_rest(app)
    bringing = threading.Thread(target=_bring_up, args=(app,), daemon=True)
    bringing.start()
    try:
        yield
    finally:
        await asyncio.to_thread(bringing.join)
        found.close()


def _include_rest(app: FastAPI) -> None:
    for name in LATER:
        app.include_router(importlib.import_module(f"{__package__}.{name}").router, prefix=BASE)


def _begin_rest(app: FastAPI) -> None:
    """Goes on with the jobs, and lets in who asks for them.

    Raises:
        StorageError: If their states cannot be read.
    """
    importlib.import_module(f"{__package__}.job_routes").open_jobs(app.state.desk)
    if app.state.later:
        _include_rest(app)  # only now: what is asked for too early waits as long as it has no route
    app.state.whole.set()


def _bring_up(app: FastAPI) -> None:
    """Has ready what takes long to import or to start, while the page is loaded."""
    found: Desk = app.state.desk
    for synth in found.settings.warm:
        with suppress(PatchflowError):  # whoever asks for it is told what is wrong
            found.players.warm(synth)
    if app.state.later:
        try:
            _begin_rest(app)
        except Exception as error:  # noqa: BLE001 - whoever asks for these parts is told
            app.state.fault = error
            app.state.whole.set()
    if found.settings.warm:
        importlib.import_module("patchflow.match.matcher")


class _Waiting:
    """Has requests wait for parts of the API that are still being imported.

    Args:
        app: The server inside.
        server: The same, where its parts are known.
    """

    def __init__(self, app: ASGIApp, server: FastAPI) -> None:
        self.app = app
        self.server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self.server.state
        if scope["type"] == "http" and not self._is_there(scope):
            await asyncio.to_thread(state.whole.wait)
        if scope["type"] == "http" and state.fault is not None and not self._is_there(scope):
            raise state.fault
        await self.app(scope, receive, send)

    def _is_there(self, scope: Scope) -> bool:
        if self.server.state.whole.is_set() and self.server.state.fault is None:
            return True
        path = scope["path"]
        if not path.startswith(f"{BASE}/") or path == self.server.openapi_url:
            return not path.startswith(f"{BASE}/")
        return any(route.matches(scope)[0] == Match.FULL for route in self.server.router.routes)


async def _tell(_: Request, error: Exception) -> JSONResponse:
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    return _line(status, type(error).__name__, str(error))


async def _tell_invalid(_: Request, error: Exception) -> JSONResponse:
    """What is wrong with the first value that is."""
    first = cast(RequestValidationError, error).errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    value = f"={first['input']!r:.80}" if isinstance(first.get("input"), str | int | float) else ""
    return _line(422, "OptionError", f"{where}{value}: {first['msg'][:1].lower()}{first['msg'][1:]}")


async def _tell_http(request: Request, error: Exception) -> JSONResponse:
    told = cast(HTTPException, error)
    reply = _line(told.status_code, "Refused", f"{request.method} {request.url.path}: {told.detail}")
    reply.headers.update(told.headers or {})
    return reply


async def _tell_system(_: Request, error: Exception) -> JSONResponse:
    """What the operating system does not do: nearly always, a full disk takes no more of what is received."""
    return _line(507, "StorageError", f"cannot keep what was sent: {reason(cast(OSError, error))}")


def _line(status: int, kind: str, text: str) -> JSONResponse:
    text = printable(text)
    text = text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"
    return JSONResponse({"error": text, "kind": kind}, status)


_about = APIRouter(tags=["studio"])


@_about.get("/about")
def about(request: Request) -> About:
    """What this studio is: version, synths that are ready, limits, and where it keeps things."""
    from ..presets.library.library import default_path

    found = desk(request)
    settings = found.settings
    library = found.library_path
    if library is None:
        with suppress(StorageError):  # who has no folder has no library in it
            library = default_path()
    return About(
        version=version(),
        synths=[synth.name for synth in preset_routes.all_synths() if synth.ready],
        limits=Limits(
            upload_bytes=settings.upload_bytes, upload_seconds=settings.upload_seconds, jobs=settings.most_jobs
        ),
        library=str(library or ""),
        workspace=str(settings.workspace),
        example="bell",
    )


_pages = APIRouter(include_in_schema=False)


@_pages.get("/")
def studio_page() -> FileResponse:
    return _page("studio.html")


@_pages.get("/listening")
@_pages.get("/listening.html")
def listening_page() -> FileResponse:
    return _page("listening.html")


def _page(name: str) -> FileResponse:
    path = WEB / "studio" / name
    if not path.is_file():
        raise HTTPException(404, f"there is no {name}")
    return FileResponse(path, headers={"cache-control": "no-cache"})


class _Web(StaticFiles):
    """The files that pages load: the browser asks each time whether one has changed, but not those of one version."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = "public, max-age=31536000, immutable" if path.startswith("vendor/") else "no-cache"
        response.headers["cache-control"] = kept
        return response
