"""The public HTTP routes, as a client sees them."""

import asyncio
import base64
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from fanlight_common.core.grants import Role
from fanlight_common.process import http, tokens
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.http import screenshots
from fanlight_gateway.http.pages import ENTRIES, content_security_policy
from fanlight_gateway.settings import GatewaySettings, ViewerSettings
from tests.gateway.clients import Site
from tests.gateway.conftest import Start
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until

WEB = Path(http.__file__).parents[4] / "services/gateway/fanlight_gateway/web"


async def test_the_list_of_desks_is_what_the_token_allows(
    site: Site, directory: FakeDirectory, capture: FakeCapture
) -> None:
    other = FakeCapture(directory, "other", "c2")
    other.announce(size=(0, 0))
    await site.ready("other")
    everything = await site.http.get("/api/desks", headers=site.bearer())
    assert [(d["name"], d["state"]) for d in everything.json()["desks"]] == [
        ("main", "live"),
        ("other", "away"),
    ]
    assert everything.json()["role"] == "control"
    one = site.bearer(site.token(Role.VIEW, "other"))
    assert [
        d["name"] for d in (await site.http.get("/api/desks", headers=one)).json()["desks"]
    ] == ["other"]
    none = await site.http.get("/api/desks")
    assert none.status_code == 401
    assert none.headers["www-authenticate"] == "Bearer"
    assert none.json()["error"] == "unauthorized"
    await other.close()


class FakeScreenshots:
    """A screenshot service that notes requests and answers as the test says."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.answer = (
            b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Type: image/jpeg\r\nX-Fanlight-Stale: 1\r\n'
            b"X-Secret: no\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n\r\nabc"
        )
        self.server: asyncio.Server | None = None

    async def start(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening, because a server that is left open keeps uvloop from closing."""
        if self.server is not None:
            self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        writer.close()


@pytest.fixture
async def service() -> AsyncIterator[FakeScreenshots]:
    fake = FakeScreenshots()
    yield fake
    await fake.stop()


def announce(directory: FakeDirectory, url: str, id_: str = "s1", alive: bool = True) -> None:
    record = bus.ServiceRecord("screenshot", id_, alive, "1", "h", url)
    directory.tell(topics.service("screenshot", id_), record)


async def ready(site: Site, status: int) -> None:
    async def is_so() -> bool:
        return (await site.http.get("/readyz")).status_code == status

    await until(is_so)


async def test_screenshots_are_passed_on(
    site: Site, directory: FakeDirectory, service: FakeScreenshots
) -> None:
    announce(directory, await service.start())
    await ready(site, 200)
    path = "/api/desks/main/screenshot?format=png&scale=0.5&x=%20%26"
    response = await site.http.get(path, headers={**site.bearer(), "If-None-Match": '"old"'})
    assert response.status_code == 200
    assert response.content == b"abc"
    assert response.headers["etag"] == '"e"'
    assert response.headers["x-fanlight-stale"] == "1"
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"] == "private, no-cache"
    assert "x-secret" not in response.headers
    assert "set-cookie" not in response.headers
    (request,) = service.requests
    assert request.startswith("GET /desks/main/screenshot?format=png&scale=0.5&x=%20%26 HTTP/1.1")
    assert 'if-none-match: "old"' in request.lower()
    assert site.token() not in request  # This is the viewer's own token.
    (passed,) = re.findall(r"(?im)^authorization: bearer (\S+)\r$", request)
    grant = tokens.verify(site.secret, passed, time.time())
    assert (grant.role, grant.desk) == (Role.VIEW, "main")
    assert 0 < grant.expires_at - time.time() <= 300
    service.answer = b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\nConnection: close\r\n\r\n'
    again = await site.http.get(path, headers=site.bearer())
    assert again.status_code == 304
    assert again.headers["etag"] == '"e"'
    service.answer = b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
    busy = await site.http.get(path, headers=site.bearer())
    assert busy.status_code == 503
    assert busy.headers["retry-after"] == "1"
    assert busy.headers["cache-control"] == "no-store"


async def test_a_viewer_does_not_pay_for_a_service_that_refuses_the_gateway(
    site: Site, directory: FakeDirectory, service: FakeScreenshots
) -> None:
    service.answer = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n"
    announce(directory, await service.start())
    await ready(site, 200)
    response = await site.http.get("/api/desks/main/screenshot", headers=site.bearer())
    assert len(service.requests) == 1
    assert response.status_code == 503
    assert response.json()["error"] == "no_screenshot_service"


async def test_another_screenshot_service_is_asked_when_one_is_silent(
    site: Site, directory: FakeDirectory, service: FakeScreenshots
) -> None:
    url = await service.start()
    for number in range(6):  # Which service is asked first does not matter.
        announce(directory, "http://127.0.0.1:9", f"dead{number}")
    announce(directory, url)
    known = site.worker.directory.records
    await until(lambda: sum(t.startswith(topics.service("screenshot")) for t in known) == 7)
    response = await site.http.get("/api/desks/main/screenshot", headers=site.bearer())
    assert response.status_code == 200
    for number in range(6):
        announce(directory, "http://127.0.0.1:9", f"dead{number}", alive=False)
    announce(directory, url, alive=False)
    await ready(site, 503)
    response = await site.http.get("/api/desks/main/screenshot", headers=site.bearer())
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["error"] == "no_screenshot_service"


@pytest.mark.parametrize(
    ("value", "wait_s"), [("20", 20), ("x", 0), ("nan", 0), ("26", 0), ("-1", 0)]
)
def test_how_long_an_answer_may_take(value: str, wait_s: float) -> None:
    assert screenshots._wait_s(value) == wait_s


async def test_screenshots_want_a_token_for_the_desk(site: Site) -> None:
    assert (await site.http.get("/api/desks/main/screenshot")).status_code == 401
    other = site.bearer(site.token(desk="other"))
    refused = await site.http.get("/api/desks/main/screenshot", headers=other)
    assert refused.status_code == 403
    assert refused.json()["error"] == "forbidden"
    named = await site.http.get("/api/desks/No-Name/screenshot", headers=site.bearer())
    assert named.status_code == 404


async def test_ready_says_what_is_missing(start: Start) -> None:
    site = await start()
    response = await site.http.get("/readyz")
    assert response.status_code == 503
    assert len(response.json()["missing"]) == 2
    assert (await site.http.get("/healthz")).json() == {"healthy": True}


async def test_a_gateway_that_drains_says_that_it_is_not_ready_and_goes_on(
    start: Start, directory: FakeDirectory, capture: FakeCapture, service: FakeScreenshots
) -> None:
    announce(directory, await service.start())
    site = await start(drain_s=0.5)
    await site.ready("main")
    await ready(site, 200)
    assert site.worker.drain is not None
    assert site.worker.drain_limit_s == 0.6
    async with site.viewer() as viewer:
        draining = asyncio.ensure_future(site.worker.drain())
        await ready(site, 503)
        assert (await site.http.get("/readyz")).json()["missing"] == ["it is about to stop"]
        assert (await site.http.get("/healthz")).status_code == 200
        # The load balancer may not have seen it yet.
        async with site.viewer(name="viewer-1") as another:
            await another.ping()
        await viewer.ping()
        await draining
        assert viewer.close_code is None, "that comes after"


async def test_who_is_told_to_go_finds_nobody_listening(site: Site) -> None:
    port = int(site.url.rsplit(":", 1)[1])
    async with site.viewer() as viewer:
        await viewer.ping()

        async def is_refused() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return True
            writer.close()
            return False

        stopping = asyncio.ensure_future(site.stop())
        assert await viewer.closed() == CloseCode.GOING_AWAY
        assert await is_refused()
        await stopping


async def test_metrics_want_a_token_for_all_desks_in_the_header(site: Site) -> None:
    assert (await site.http.get("/metrics")).status_code == 401
    one = site.bearer(site.token(desk="main"))
    assert (await site.http.get("/metrics", headers=one)).status_code == 403
    assert (
        "fanlight_gateway_viewers" in (await site.http.get("/metrics", headers=site.bearer())).text
    )
    await site.sign_in(site.token())
    assert (await site.http.get("/metrics")).status_code == 401  # A cookie does not do.


IMMUTABLE = "public, max-age=31536000, immutable"


async def test_the_page_and_its_modules(site: Site) -> None:
    page = await site.http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"ws://{site.url.removeprefix('http://')}" in policy
    assert "unsafe" not in policy
    for name, value in (
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
    ):
        assert page.headers[name] == value
    # The path is relative, so that the page works under any path.
    assert not re.findall(r'(?:src|href)="(?:/|https?:)', page.text)
    (folder,) = set(re.findall(r'(?:src|href)="(v/[0-9a-f]{16}/)', page.text))
    for name in (*ENTRIES, "app.css"):
        # Pages of others use its own name. Our page uses a name under which it is kept for good.
        for path, kept in ((name, "no-cache"), (f"{folder}{name}", IMMUTABLE)):
            file = await site.http.get(f"/{path}")
            kind = "text/css" if name.endswith("css") else "text/javascript"
            assert file.headers["content-type"] == f"{kind}; charset=utf-8"
            assert file.headers["cache-control"] == kept
            assert file.headers["content-encoding"] == "gzip"
            plain = await site.http.get(f"/{path}", headers={"Accept-Encoding": "identity"})
            assert "content-encoding" not in plain.headers
            assert plain.content == file.content
            known = {"If-None-Match": file.headers["etag"]}
            assert (await site.http.get(f"/{path}", headers=known)).status_code == 304
    # The page's first code is within it, and nothing else that would run.
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    # A file is also served by the name that another version gave it, but not to be kept.
    other = await site.http.get("/v/0123456789abcdef/app.js")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    again = await site.http.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    # A module within a bundle is no file of its own.
    for path in (
        "/nothing.js",
        "/session.js",
        "/../app.py",
        "/%2e%2e/app.py",
        "/api/nothing",
        "/docs",
    ):
        missing = await site.http.get(path)
        assert missing.status_code == 404
        assert missing.json()["error"] == "http_404"
    assert (await site.http.put("/api/session")).status_code == 405


def test_a_strange_host_does_not_get_into_the_policy() -> None:
    assert "ws://[::1]:8080 wss://[::1]:8080" in content_security_policy("[::1]:8080", "a")
    for host in (None, "", "a; script-src *", "a b", "a\n"):
        assert content_security_policy(host, "a").endswith("frame-ancestors 'self'")
        assert "connect-src 'self';" in content_security_policy(host, "a")


def test_settings() -> None:
    settings = GatewaySettings(allowed_origins=" https://A.example:443 , http://b:81,")
    assert settings.origins == {"https://a.example", "http://b:81"}
    with pytest.raises(ValidationError, match="no origin"):
        GatewaySettings(allowed_origins="https://a/b")
    for path in ("x", "/a b", "/a;b"):
        with pytest.raises(ValidationError):
            GatewaySettings(root_path=path)


def test_the_page_has_the_viewers_settings_and_no_other_with_the_same_defaults() -> None:
    text = (WEB / "protocol" / "settings.js").read_text()
    block = text[text.index("Object.freeze({") : text.index("});")]
    defaults = dict(re.findall(r"^\s*(\w+): ([\d.]+),", block, re.MULTILINE))
    known = {name: float(value) for name, value in defaults.items()}
    assert known == ViewerSettings().model_dump()
    assert json.dumps(ViewerSettings().model_dump())
