"""Who is admitted: token, origin, desk and hello, as a WebSocket tells a refusal."""

import json

import pytest
from websockets.exceptions import ConnectionClosed

from fanlight_common.core.grants import Role
from fanlight_common.process import refusals
from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode
from tests.gateway.clients import VIEWER, Site, close_code
from tests.gateway.conftest import Start
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


async def test_a_browser_comes_with_cookie_and_origin(site: Site, start: Start) -> None:
    cookie = {"Cookie": f"fanlight_token={site.token(Role.VIEW, 'main')}"}
    async with site.socket(headers={**cookie, "Origin": site.url}) as socket:
        assert json.loads(await socket.recv())["welcome"]["role"] == "view"
    proxied = {"Origin": "https://desk.example", "X-Forwarded-Host": "desk.example"}
    async with site.socket(headers={**cookie, **proxied}) as socket:
        assert "welcome" in json.loads(await socket.recv())


@pytest.mark.parametrize(
    ("origin", "bearer"), [("https://evil.example", True), ("null", True), (None, False)]
)
async def test_another_sites_page_is_told_that_it_may_not_and_nothing_else(
    site: Site, origin: str | None, bearer: bool
) -> None:
    headers = {"Cookie": f"fanlight_token={site.token()}"}
    headers |= site.bearer() if bearer else {}
    headers |= {"Origin": origin} if origin else {}
    async with site.socket(headers=headers) as socket:
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == CloseCode.FORBIDDEN
    assert "FANLIGHT_GATEWAY_ALLOWED_ORIGINS" in caught.value.rcvd.reason


async def test_origins_can_be_allowed(start: Start, capture: FakeCapture) -> None:
    site = await start(allowed_origins="https://friend.example")
    headers = {**site.bearer(), "Origin": "https://friend.example"}
    async with site.socket(headers=headers) as socket:
        assert "welcome" in json.loads(await socket.recv())


async def test_who_does_not_get_in(site: Site) -> None:
    for desk, token, code in (
        ("main", site.token(ttl_s=-1), CloseCode.UNAUTHORIZED),
        ("main", "nonsense", CloseCode.UNAUTHORIZED),
        ("main", site.token(desk="other"), CloseCode.FORBIDDEN),
        ("No-Name", site.token(), CloseCode.NO_SUCH_DESK),
    ):
        async with site.socket(desk, site.bearer(token)) as socket:
            assert await close_code(socket) == code
    async with site.socket(headers={"Origin": site.url}) as socket:  # a browser without cookie
        assert await close_code(socket) == CloseCode.UNAUTHORIZED


async def test_a_desk_never_seen_and_one_that_may_yet_announce_itself(
    start: Start, directory: FakeDirectory, capture: FakeCapture
) -> None:
    site = await start(desk_wait_s=0.05)
    await site.ready("main")
    async with site.socket("other") as socket:
        assert await close_code(socket) == CloseCode.NO_SUCH_DESK
    assert (await site.http.get("/healthz")).status_code == 200


async def test_before_anything_is_known_a_viewer_is_told_to_come_back(start: Start) -> None:
    for settle_s in (0.0, 60.0):
        site = await start(settle_s, desk_wait_s=0.05)
        async with site.socket() as socket:  # there is no directory
            assert await close_code(socket) == CloseCode.TRY_LATER
        await site.stop()


async def test_while_the_directory_is_away_no_desk_is_said_not_to_be(
    start: Start, directory: FakeDirectory, capture: FakeCapture
) -> None:
    site = await start(desk_wait_s=0.05)
    await site.ready("main")
    async with site.socket("other") as socket:
        assert await close_code(socket) == CloseCode.NO_SUCH_DESK
    await directory.close()
    await until(lambda: site.worker.directory.reachable_since is None)
    async with site.socket("other") as socket:
        assert await close_code(socket) == CloseCode.TRY_LATER
    async with site.viewer():  # of a desk that is known
        pass


async def test_a_desk_that_announces_itself_late_is_waited_for(
    start: Start, directory: FakeDirectory
) -> None:
    site = await start(desk_wait_s=20)
    async with site.socket("late") as socket:
        late = FakeCapture(directory, "late", "c9")
        late.announce()
        assert "welcome" in json.loads(await socket.recv())
    await late.close()


@pytest.mark.parametrize(
    "first",
    [
        "{}",
        "nonsense",
        control.RequestIdr().encode(),
        binary.Ping(1, 1).encode(),
        control.Hello(VIEWER, True, False, protocol=99).encode(),
    ],
)
async def test_hello_has_to_be_the_first_message(site: Site, first: str | bytes) -> None:
    async with site.socket() as socket:
        await socket.send(first)
        assert await close_code(socket) == CloseCode.BAD_MESSAGE


async def test_a_viewer_of_another_protocol_is_said_once_with_both(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_said", set())
    for _ in range(3):
        async with site.socket() as socket:
            await socket.send(control.Hello(VIEWER, True, False, protocol=99).encode())
            assert await close_code(socket) == CloseCode.BAD_MESSAGE
    said = [r.getMessage() for r in caplog.records if "not_understood" in r.getMessage()]
    assert len(said) == 1
    assert f"what='Hello' version=99 known={binary.PROTOCOL_VERSION}" in said[0]


async def test_hello_has_to_come_in_time(start: Start, capture: FakeCapture) -> None:
    site = await start(hello_timeout_s=0.05)
    async with site.socket() as socket:
        assert await close_code(socket) == CloseCode.BAD_MESSAGE
