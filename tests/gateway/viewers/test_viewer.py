"""What a viewer's messages mean, and what it is answered, over a WebSocket."""

import contextlib

from websockets.exceptions import ConnectionClosed

from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode
from tests.gateway.clients import VIEWER, Site, close_code
from tests.gateway.conftest import Start
from tests.gateway.fakes import FakeEncoder
from tests.gateway.viewers.test_video import streaming
from tests.screenshot.fakes import FakeCapture


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


async def test_too_fast(start: Start, capture: FakeCapture) -> None:
    site = await start(message_rate=1, message_burst=10)
    async with site.viewer() as viewer:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(11):
                await viewer.send(binary.Ping(1, 1))
        assert await viewer.closed() == CloseCode.TOO_FAST


async def test_ages_are_measured_once_a_picture(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer(silent=True) as viewer:
        await streaming(encoder, viewer)
        for _ in range(3):
            await viewer.send(binary.Ack(20, 1, 1, 1))
        await viewer.send(binary.Ack(binary.Ack.AGE_UNKNOWN_MS, 1, 1, 2))
        await viewer.ping()
        text = (await site.http.get("/metrics", headers=site.bearer())).text
        assert "fanlight_gateway_picture_age_seconds_count" in text
