"""The guard of the studio: who may ask, how much may be sent, and what a page may load."""

import asyncio
import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

import patchflow
from patchflow.studio import StudioSettings, build_app
from patchflow.studio.guard import COOKIE, Guard, content_policy, loopback

SITE = "http://127.0.0.1:8700"
WEB = Path(patchflow.__file__).parent / "web"


def assert_is_one_line(reply) -> None:
    """An error is a line of JSON, and nothing of what is inside."""
    found = reply.json()
    assert set(found) == {"error", "kind"}
    assert found["error"]
    assert "\n" not in found["error"]
    assert "Traceback" not in reply.text
    assert 'File "' not in found["error"]


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "LOCALHOST:8700", "[::1]:8700"])
def test_our_own_addresses_are_served(client: TestClient, host: str):
    assert client.get("/about", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example:8700", "127.0.0.1", "127.0.0.1:8701", "127.0.0.1.evil.example:8700", "evil.example@127.0.0.1:8700",
     "", "[::1]", "0.0.0.0:8700", "127.0.0.1:8700, evil.example:8700", "127.0.0.1:99999999", "\x00"],
)  # fmt: skip
def test_a_name_that_was_rebound_to_us_is_refused(client: TestClient, host: str):
    reply = client.get("/about", headers={"host": host})

    assert reply.status_code == 403
    assert_is_one_line(reply)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1", "http://localhost:3000", "http://127.0.0.1:8700.evil.example",
     "file://", "chrome-extension://127.0.0.1:8700"],
)  # fmt: skip
def test_a_page_of_another_origin_is_refused(client: TestClient, method: str, origin: str):
    reply = client.request(method, "/sounds", headers={"origin": origin})

    assert reply.status_code == 403
    assert_is_one_line(reply)


def test_our_own_page_is_served(client: TestClient):
    headers = {"origin": SITE, "sec-fetch-site": "same-origin"}

    assert client.post("/sounds/example", headers=headers).status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/sounds/example"), ("GET", "/about"), ("DELETE", "/sounds/x")])
def test_what_a_browser_sends_for_another_page_is_refused(client: TestClient, site: str, method: str, path: str):
    assert client.request(method, path, headers={"sec-fetch-site": site}).status_code == 403


def test_a_link_on_another_page_opens_the_studio(client: TestClient):
    assert client.get(f"{SITE}/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.fixture
def afar(settings: StudioSettings) -> TestClient:
    """A studio that other machines can reach."""
    return TestClient(
        build_app(replace(settings, host="0.0.0.0", token="secret")), base_url="http://192.168.0.7:8700"
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/web/studio/studio.css", "/api/v1/about", "/api/v1/about?token=secret"])
def test_who_does_not_know_the_token_gets_nothing(afar: TestClient, path: str):
    reply = afar.get(path)

    assert reply.status_code == 401
    assert_is_one_line(reply)


@pytest.mark.parametrize(
    "shown", ["Bearer wrong", "Bearer ", "Basic secret", "secret", "Bearer sécret".encode("latin-1")]
)
def test_a_wrong_token_is_refused(afar: TestClient, shown: bytes):
    assert afar.get("/api/v1/about", headers={b"authorization": shown}).status_code == 401


def test_a_program_shows_the_token_as_a_header(afar: TestClient):
    assert afar.get("/api/v1/about", headers={"authorization": "Bearer secret"}).status_code == 200


def test_a_browser_changes_the_token_of_the_address_for_a_cookie(afar: TestClient):
    reply = afar.get("/?token=secret&x=1", follow_redirects=False)

    assert (reply.status_code, reply.headers["location"]) == (303, "/?x=1")
    assert reply.headers["set-cookie"] == f"{COOKIE}_8700=secret; HttpOnly; SameSite=Strict; Path=/"
    assert afar.get("/api/v1/about").status_code == 200  # the client keeps cookies


@pytest.mark.parametrize(
    "others",
    ["{0}_8700=wrong; {1}", "{1}; {0}_8700=wrong", 'x={{"a":"b,c"}}; {1}', 'a[b]=1; "; {1}', "{0}_8701=x; {1}"],
)
def test_cookies_of_other_programs_on_this_host_hide_none_of_ours(afar: TestClient, others: str):
    cookies = others.format(COOKIE, f"{COOKIE}_8700=secret")
    wrong = cookies.replace("secret", "sécret").encode("latin-1")

    assert afar.get("/api/v1/about", headers={"cookie": cookies}).status_code == 200
    assert afar.get("/api/v1/about", headers={b"cookie": wrong}).status_code == 401


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/\\/evil.example/"])
def test_after_the_token_a_browser_stays_here(settings: StudioSettings, path: str):
    async def app(scope, receive, send):
        raise AssertionError

    guard = Guard(app, replace(settings, token="secret"), "")
    sent = asyncio.run(asked(guard, [], method="GET", path=path, query_string=b"token=secret"))

    assert dict(sent[0]["headers"])[b"location"] == b"/evil.example/"


@pytest.mark.parametrize("host", ["evil.example:8700", "192.168.0.7:80"])
def test_bound_to_all_addresses_names_of_others_are_refused(afar: TestClient, host: str):
    assert afar.get("/api/v1/about", headers={"authorization": "Bearer secret", "host": host}).status_code == 403


def test_only_this_machine_reaches_a_loopback_address():
    assert [loopback(host) for host in ("127.0.0.1", "localhost", "::1", "127.9.9.9")] == [True] * 4
    assert [loopback(host) for host in ("0.0.0.0", "::", "192.168.0.1", "evil.example")] == [False] * 4


@pytest.fixture
def small(settings: StudioSettings) -> TestClient:
    """A studio that takes no more than 10 kB."""
    return TestClient(build_app(replace(settings, upload_bytes=10_000)), base_url=f"{SITE}/api/v1")


def test_a_file_that_is_too_large_is_refused_by_what_it_says(small: TestClient):
    reply = small.post("/sounds", content=bytes(20_000))

    assert reply.status_code == 413
    assert "14,096 bytes" in reply.json()["error"]
    assert_is_one_line(reply)


def test_a_file_that_does_not_say_how_large_it_is_is_counted(small: TestClient, settings: StudioSettings):
    with small:
        reply = small.post("/sounds", content=(bytes(1000) for _ in range(100)))

        assert reply.status_code == 413
        assert_is_one_line(reply)
        assert list((settings.workspace / "incoming").iterdir()) == []


def test_a_body_that_is_no_file_is_limited_too(client: TestClient):
    assert client.post("/presets/random", content=bytes(9 * 2**20)).status_code == 413
    assert client.post("/presets/random", content=(bytes(2**20) for _ in range(9))).status_code == 413


@pytest.mark.parametrize("length", ["-5", "1e3", "٣", "9" * 30])
def test_a_length_that_is_none_does_not_harm(client: TestClient, length: str):
    reply = client.post("/sounds", content=b"none", headers={b"content-length": length.encode()})

    assert reply.status_code == 422


PAGES = sorted(WEB.glob("studio/*.html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_inline_in_a_page_may_run_by_its_hash(client: TestClient, page: Path):
    policy = client.get("/about").headers["content-security-policy"]
    inline = re.findall(r"<script(?![^>]*src=)[^>]*>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)

    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    for script in inline:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy


def test_a_page_of_scripts_has_their_hashes(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text('<script src="a.js"></script><script type="importmap">{}</script>')

    assert content_policy([page]).count("sha256-") == 1


@pytest.mark.parametrize("path", ["/", "/web/studio/studio.css", "/api/v1/about", "/api/v1/nothing", "/nothing"])
def test_every_answer_says_what_may_be_loaded(client: TestClient, path: str):
    headers = client.get(f"{SITE}{path}").headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    ["/web/../studio/app.py", "/web/%2e%2e/studio/app.py", "/web/..%2f..%2fpyproject.toml", "/web//etc/passwd",
     "/web/studio/../../errors.py", "/web/%00", "/web/" + "a" * 5000, "/web/\\..\\errors.py"],
)  # fmt: skip
def test_nothing_but_the_files_of_pages_is_served(client: TestClient, path: str):
    reply = client.get(f"{SITE}{path}")

    assert reply.status_code in (400, 404)
    assert_is_one_line(reply)


@pytest.mark.parametrize("key", ["..%2fx", "%2e%2e", "ABCDEF", "a" * 65, "a.json", "nul%00byte", "élève"])
@pytest.mark.parametrize("kind", ["presets", "sounds"])
def test_an_id_is_never_a_path(client: TestClient, kind: str, key: str):
    reply = client.get(f"/{kind}/{key}")

    assert reply.status_code in (404, 422)
    assert_is_one_line(reply)


def test_a_fault_of_ours_is_one_line_and_the_next_request_is_served(settings: StudioSettings):
    app = build_app(settings)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError('the first line\nFile "secret"')

    with TestClient(app, base_url=SITE) as client:
        reply = client.get("/broken")

        assert reply.status_code == 500
        assert_is_one_line(reply)
        assert client.get("/api/v1/about").status_code == 200


def test_who_goes_in_mid_upload_is_no_fault_of_ours(settings: StudioSettings, caplog: pytest.LogCaptureFixture):
    async def app(scope, receive, send):
        raise ClientDisconnect

    asyncio.run(asked(Guard(app, settings, "default-src 'self'"), []))

    assert caplog.messages == []


def test_what_comes_too_fast_is_not_sent_twice(settings: StudioSettings):
    """An answer that is under way when its body turns out too large is cut off, and never followed by another."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.body", "body": b"late"})

    sent = asyncio.run(asked(Guard(app, replace(settings, upload_bytes=10), "default-src 'self'"), [b"x" * 5000] * 3))

    assert [message["type"] for message in sent] == ["http.response.start"]


def test_a_web_socket_is_refused(settings: StudioSettings):
    async def app(scope, receive, send):
        raise AssertionError

    sent = asyncio.run(asked(Guard(app, settings, ""), [], kind="websocket"))

    assert [message["type"] for message in sent] == ["websocket.close"]


async def asked(guard: Guard, parts: list[bytes], kind: str = "http", **scope: object) -> list[dict]:
    """Returns what a guard sends to a client that sends a body in parts."""
    sent: list[dict] = []
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive():
        return waiting.pop(0)

    async def send(message) -> None:
        sent.append(dict(message))

    usual = {
        "type": kind, "method": "POST", "path": "/api/v1/sounds", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8700")],
    }  # fmt: skip
    await guard({**usual, **scope}, receive, send)
    return sent
