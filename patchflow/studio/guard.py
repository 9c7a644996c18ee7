"""Who may ask, how much may be sent, what a page may load, and when nobody asks: around the server, as plain ASGI.

A page of any site that somebody visits can send requests to this machine. So each request has to be addressed to us by
name (`Host`: a name that was rebound to 127.0.0.1 is another), to come from our own page if a page sent it (`Origin`,
`Sec-Fetch-Site`), and to know the token where other machines can reach us.
"""

import asyncio
import base64
import hashlib
import ipaddress
import json
import logging
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..engines import EMBEDDED
from ..errors import OptionError
from ..printable import one_line, printable
from ..storage import first_sentence

__all__ = ["COOKIE", "Guard", "InUse", "Quiet", "StudioSettings", "TooLarge", "content_policy", "label_of", "loopback"]

COOKIE = "patchflow_token"
"""Name of the cookie with the token, before `_` and the port: browsers show a cookie to all ports of a host."""

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_UPLOADS = re.compile(r"/api/v1/(sounds|presets|library/import|projects/file)/?")
_LONGEST_NAME = 200  # characters
_JSON_BYTES = 8 * 2**20  # of a body that is no file
_INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL | re.IGNORECASE)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), midi=(self), camera=(), geolocation=()",
}

_log = logging.getLogger(__name__)


class TooLarge(OptionError):
    """More was sent than is taken."""


class InUse(OptionError):
    """Something cannot go, because a job or a project refers to it."""


@dataclass(frozen=True)
class StudioSettings:
    """How a studio is run.

    Args:
        workspace: The folder with everything that is kept.
        library: The user's library file; their own if None.
        host: Address it listens at.
        port: Port it listens at.
        token: What a request has to show; "" where the address is this machine's own.
        upload_bytes: Largest file that is taken.
        upload_seconds: Longest sound that is taken, in seconds.
        kept_bytes: Bytes of sounds, and of presets, that are kept. The oldest go, but none that a job or a project
            refers to.
        kept_presets: Presets that are kept.
        most_jobs: Jobs that are kept.
        warm: Synths that are started with the server, before anybody asks for them.
    """

    workspace: Path
    library: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8700
    token: str = ""
    upload_bytes: int = 64 * 2**20
    upload_seconds: float = 600.0
    kept_bytes: int = 2 * 2**30
    kept_presets: int = 20_000
    most_jobs: int = 1_000
    warm: tuple[str, ...] = EMBEDDED


def label_of(name: str) -> str:
    r"""Returns a name that somebody gave as a label: on one line, not too long. No file is ever called so.

    Example:
        >>> label_of("../a\nb")
        '../a b'
    """
    return one_line(name.encode("utf-8", "replace").decode())[:_LONGEST_NAME].strip()


def loopback(host: str) -> bool:
    """Returns whether an address can be reached from this machine alone.

    Example:
        >>> loopback("127.0.0.1"), loopback("0.0.0.0")
        (True, False)
    """
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def content_policy(pages: Iterable[Path]) -> str:
    """Returns the content security policy of pages: what is inline in them may run by its hash, nothing else.

    Args:
        pages: Files of HTML of our own.
    """
    hashes: list[str] = []
    for page in pages:
        for found in _INLINE.finditer(page.read_text("utf-8")):
            if "src=" not in found["attributes"]:
                digest = base64.b64encode(hashlib.sha256(found["text"].encode()).digest()).decode()
                hashes.append(f" 'sha256-{digest}'")
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self'{''.join(sorted(set(hashes)))}",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


class Guard:
    """Lets through what may come in, counts what is sent, and answers every fault with one line of JSON.

    Args:
        app: The server inside.
        settings: Host, port, token and limits.
        policy: See `content_policy`.
    """

    def __init__(self, app: ASGIApp, settings: StudioSettings, policy: str) -> None:
        self.app = app
        self.settings = settings
        self._headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
        self._headers.append((b"content-security-policy", policy.encode()))
        self._cookie = f"{COOKIE}_{settings.port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there are none here
            return
        reply = _Reply(send, self._headers)
        refused = self._refusal(scope)
        if refused is not None:
            await reply.fail(*refused)
            return
        if self.settings.token and _query_token(scope):
            await reply.redirect(_without_token(scope), self._cookie, self.settings.token)
            return
        body = _Body(receive, self._limit(scope["path"]))
        if _length(scope) > body.limit:
            await reply.fail(*body.too_large())
            return
        try:
            await self.app(scope, body.receive, lambda message: reply.send(message, body))
        except Exception as error:  # noqa: BLE001 - the last resort: no traceback leaves this machine
            if not isinstance(error, ClientDisconnect):  # who goes in mid-upload is no fault of ours
                _log.error("%s %s: %s", scope["method"], printable(scope["path"]), printable(repr(error)))
            if os.environ.get("PATCHFLOW_TRACEBACK"):
                _log.exception("a fault of patchflow")
            what = f"{type(error).__name__}: {printable(first_sentence(error))}"
            await reply.fail(*(body.too_large() if body.over else (500, "Fault", f"a fault of patchflow ({what})")))

    def _limit(self, path: str) -> int:
        # A form has some lines around its file.
        return self.settings.upload_bytes + 4096 if _UPLOADS.fullmatch(path) else _JSON_BYTES

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        """Why a request is refused: status, kind and reason; None if it is not."""
        host = _header(scope, b"host")
        if not self._is_ours(host):
            return 403, "Refused", f"Host={printable(host)!r}: not the address of this studio"
        origin = _header(scope, b"origin")
        if origin and not (origin.startswith(("http://", "https://")) and self._is_ours(origin.partition("://")[2])):
            return 403, "Refused", f"Origin={printable(origin)!r}: not the page of this studio"
        site = _header(scope, b"sec-fetch-site")
        guarded = scope["method"] not in _SAFE or scope["path"].startswith("/api/")
        if guarded and site not in ("", "same-origin", "none"):
            return 403, "Refused", f"Sec-Fetch-Site={printable(site)!r}: not same-origin"
        if self.settings.token and not self._knows_token(scope):
            return 401, "Refused", "no token, or a wrong one: open the address that the studio printed"
        return None

    def _is_ours(self, host: str) -> bool:
        name, port = _host_and_port(host)
        if port != self.settings.port:
            return False
        bound = self.settings.host.lower()
        if name in _LOOPBACK or name.strip("[]") == bound:
            return True
        # Bound to all addresses, we have those of all networks. A name that was rebound is none of them.
        if bound in ("0.0.0.0", "::"):
            return _is_address(name.strip("[]")) or name == socket.gethostname().lower()
        return False

    def _knows_token(self, scope: Scope) -> bool:
        kind, _, bearer = _header(scope, b"authorization").partition(" ")
        shown = [bearer if kind.lower() == "bearer" else "", *_cookies(scope, self._cookie), _query_token(scope)]
        wanted = self.settings.token.encode()
        return any(secrets.compare_digest(each.encode(), wanted) for each in shown)


class Quiet:
    """Has something done whenever nobody has asked for anything for a while: once, on a thread of its own.

    Args:
        app: The server inside.
        rest: What is done.
        seconds: How long nobody has asked.
    """

    def __init__(self, app: ASGIApp, rest: Callable[[], None], seconds: float = 60.0) -> None:
        self.app = app
        self._rest = rest
        self._seconds = seconds
        self._last = 0.0
        self._waits = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self._last = time.monotonic()
            if not self._waits:
                self._waits = True
                self._look_again(self._seconds)

    def _look_again(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        left = self._last + self._seconds - time.monotonic()
        if left > 0:
            self._look_again(left)
            return
        self._waits = False
        threading.Thread(target=self._rest, name="rest", daemon=True).start()


class _Body:
    """What a client sends, counted.

    Args:
        receive: Gives it.
        limit: Bytes that are taken.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self.limit = limit
        self.over = False
        self._count = 0

    async def receive(self) -> Message:
        if self.over:  # whoever reads on is told that it has ended
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._count += len(message.get("body", b""))
        if self._count > self.limit:
            self.over = True
            return {"type": "http.disconnect"}
        return message

    def too_large(self) -> tuple[int, str, str]:
        return 413, "TooLarge", f"the request is larger than {self.limit:,} bytes"


class _Reply:
    """The answer, with our headers.

    Args:
        send: Takes it.
        headers: That every answer has.
    """

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.started = False

    async def send(self, message: Message, body: _Body) -> None:
        if message["type"] == "http.response.start":
            if body.over:
                await self.fail(*body.too_large())
                return
            self.started = True
            message = {**message, "headers": [*message["headers"], *self._headers]}
        elif body.over:
            return
        await self._send(message)

    async def fail(self, status: int, kind: str, error: str) -> None:
        """Sends an error, unless an answer is under way: that one is cut off."""
        data = json.dumps({"error": error, "kind": kind}).encode() + b"\n"
        # What was not read of a body would be taken for the next request.
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await self._whole(status, headers, data)

    async def redirect(self, place: str, name: str, token: str) -> None:
        """Sends a browser on to an address without the token, which it keeps as a cookie."""
        cookie = f"{name}={token}; HttpOnly; SameSite=Strict; Path=/"
        await self._whole(303, [(b"location", place.encode()), (b"set-cookie", cookie.encode())], b"")

    async def _whole(self, status: int, headers: list[tuple[bytes, bytes]], data: bytes) -> None:
        if self.started:
            return
        self.started = True
        headers = [*headers, (b"content-length", str(len(data)).encode()), *self._headers]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": data})


def _header(scope: Scope, name: bytes) -> str:
    """A header; of one that is sent several times, all, which is then none that we know."""
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name).strip()


def _length(scope: Scope) -> int:
    text = _header(scope, b"content-length")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _host_and_port(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]+)(?::(\d{1,5}))?", text)
    return (found[1].lower(), int(found[2] or 80)) if found else ("", -1)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _cookies(scope: Scope, name: str) -> list[str]:
    """All values of a cookie. What other programs on this host have set may be no proper cookies, and hides none."""
    sent = "; ".join(value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie")
    pairs = [part.strip().partition("=") for part in sent.split(";")]
    return [value for key, _, value in pairs if key == name]


def _query_token(scope: Scope) -> str:
    """The token in an address; in that of the API it has no place."""
    if scope["method"] != "GET" or scope["path"].startswith("/api/"):
        return ""
    return dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token", "")


def _without_token(scope: Scope) -> str:
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    query = urlencode([(key, value) for key, value in pairs if key != "token"])
    path = "/" + scope.get("raw_path", scope["path"].encode()).decode("latin-1").lstrip("/\\")
    return f"{path}?{query}" if query else path
