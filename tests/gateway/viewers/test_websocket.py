"""One WebSocket, from outside: who is admitted, how the connection ends, and with which code."""

import asyncio
import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from fanlight_common.core.grants import Role
from fanlight_common.process import refusals
from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.settings import ViewerSettings
from tests.gateway.clients import VIEWER, Site
from tests.gateway.conftest import Start
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


async def close_code(socket: ClientConnection) -> int | None:
    """Wait until the gateway closes the socket, and return the code."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code


async def test_welcome_comes_first_and_nothing_before_hello(site: Site) -> None:
    async with site.socket() as socket:
        welcome = control.decode_from_gateway(str(await socket.recv()))
        assert welcome == control.Welcome("main", "control", ViewerSettings().model_dump())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await socket.recv()
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


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


async def test_the_same_viewer_again_replaces_the_earlier_socket(site: Site) -> None:
    async with site.viewer() as one, site.viewer(name="viewer-1") as other:
        async with site.viewer() as again:
            assert await one.closed() == CloseCode.REPLACED
            await again.ping()
            await other.ping()
            assert other.close_code is None
        # The end of a viewer that was replaced does not remove the viewer that replaced it.
        async with site.viewer() as last:
            await last.ping()


async def test_an_expired_token_ends_the_connection(site: Site) -> None:
    token = site.token(ttl_s=1.99)
    async with site.socket(headers=site.bearer(token)) as socket:
        await socket.send(control.Hello(VIEWER, False, False).encode())
        assert await close_code(socket) == CloseCode.UNAUTHORIZED


async def test_pings_are_answered_with_the_gateways_clock(site: Site) -> None:
    async with site.viewer(video=False) as viewer:
        await viewer.send(binary.Ping(7, 123))
        pong = await viewer.get(binary.Pong)
        assert (pong.id, pong.viewer_us) == (7, 123)
        assert (await viewer.ping()).gateway_us > pong.gateway_us


async def test_bad_messages_are_answered_counted_and_end_it_when_there_are_too_many(
    start: Start, capture: FakeCapture
) -> None:
    site = await start(bad_message_limit=4)
    async with site.viewer() as viewer:
        hello = control.Hello(VIEWER, True, False).encode()
        for bad in (b"\xff", "nonsense", hello):
            await viewer.socket.send(bad)
        assert (await viewer.get(control.Error)).code == "bad_message"
        await viewer.ping()
        assert len(viewer.all(control.Error)) == 1  # one a second is enough
        await viewer.socket.send(b"")
        assert await viewer.closed() == CloseCode.BAD_MESSAGE


async def test_too_large(site: Site) -> None:
    async with site.viewer() as viewer:
        await viewer.socket.send(bytes(binary.MAX_VIEWER_MESSAGE_BYTES + 1))
        assert await viewer.closed() == CloseCode.BAD_MESSAGE
    async with site.viewer() as viewer:
        await viewer.socket.send(bytes(3 * binary.MAX_VIEWER_MESSAGE_BYTES))
        assert await viewer.closed() == 1009  # the library closes, without reading the message


async def test_too_fast(start: Start, capture: FakeCapture) -> None:
    site = await start(message_rate=1, message_burst=10)
    async with site.viewer() as viewer:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(11):
                await viewer.send(binary.Ping(1, 1))
        assert await viewer.closed() == CloseCode.TOO_FAST


async def test_too_many_viewers(start: Start, capture: FakeCapture) -> None:
    site = await start(max_viewers=1)
    async with site.viewer() as viewer, site.socket() as socket:
        assert await close_code(socket) == CloseCode.TRY_LATER
        await viewer.ping()


async def test_the_end_of_the_gateway_is_told(site: Site) -> None:
    async with site.viewer() as viewer, site.socket() as silent:
        viewer_two = site.viewer(name="viewer-1")
        async with viewer_two as two:
            two.pause()  # a viewer that does not read must not hold up the others
            await site.stop()
            assert await viewer.closed() == CloseCode.GOING_AWAY
            assert await close_code(silent) == CloseCode.GOING_AWAY


async def test_a_viewer_that_does_not_read_is_dropped(start: Start, capture: FakeCapture) -> None:
    site = await start(slow_timeout_s=0.2)
    async with site.viewer(video=False) as viewer, site.viewer(name="viewer-1") as other:
        viewer.pause()
        text = "x" * control.MAX_CLIPBOARD_CHARS
        before = await slow(site)

        async def is_dropped() -> bool:
            capture.event(text=control.Clipboard(text).encode())
            await other.ping()
            return await slow(site) != before

        await until(is_dropped)
        await until(lambda: site.connected == 1)  # cut, although it does not read
        viewer.resume()
        assert await viewer.closed() in (CloseCode.SLOW, 1006)


async def slow(site: Site) -> list[str]:
    """Return how many viewers were closed as slow. All tests share the counter."""
    text = (await site.http.get("/metrics", headers=site.bearer())).text
    return [line for line in text.splitlines() if "closed_viewers_total" in line and "SLOW" in line]


messages = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40),
    st.tuples(st.integers(0x10, 0x27), st.binary(max_size=20)).map(lambda m: bytes([m[0]]) + m[1]),
    st.dictionaries(
        st.sampled_from(["hello", "set_video_enabled", "request_idr", "clipboard", "set_focus"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
            max_leaves=5,
        ),
        max_size=2,
    ).map(json.dumps),
)


async def test_any_bytes_on_the_websocket_harm_nobody_else(
    start: Start, capture: FakeCapture
) -> None:
    site = await start(bad_message_limit=1_000_000)
    loop = asyncio.get_running_loop()

    async def throw(garbage: list[bytes | str], raw: bytes) -> None:
        async with site.viewer(name="attacker") as attacker:
            for message in garbage:
                await attacker.socket.send(message)
            await attacker.ping()
            with contextlib.suppress(ConnectionClosed, ConnectionError):
                await attacker.socket.send(raw, text=True)  # possibly no UTF-8
                await attacker.ping()
        await witness.ping()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(messages, max_size=20), st.binary(max_size=20))
    def attack(garbage: list[bytes | str], raw: bytes) -> None:
        asyncio.run_coroutine_threadsafe(throw(garbage, raw), loop).result(20)

    async with site.viewer(name="witness0") as witness:
        await asyncio.to_thread(attack)
        assert witness.close_code is None
        assert (await witness.ping()).id
