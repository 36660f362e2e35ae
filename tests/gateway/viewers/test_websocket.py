"""One WebSocket, from outside: how the connection begins and ends, and with which code."""

import asyncio
import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.settings import ViewerSettings
from tests.gateway.clients import Site, close_code
from tests.gateway.conftest import Start
from tests.screenshot.fakes import FakeCapture, until


async def test_welcome_comes_first_and_nothing_before_hello(site: Site) -> None:
    async with site.socket() as socket:
        welcome = control.decode_from_gateway(str(await socket.recv()))
        assert welcome == control.Welcome("main", "control", ViewerSettings().model_dump())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await socket.recv()
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


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


async def test_too_large(site: Site) -> None:
    async with site.viewer() as viewer:
        await viewer.socket.send(bytes(binary.MAX_VIEWER_MESSAGE_BYTES + 1))
        assert await viewer.closed() == CloseCode.BAD_MESSAGE
    async with site.viewer() as viewer:
        await viewer.socket.send(bytes(3 * binary.MAX_VIEWER_MESSAGE_BYTES))
        assert await viewer.closed() == 1009  # the library closes, without reading the message


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
