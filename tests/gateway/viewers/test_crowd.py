"""Many viewers of one gateway, on real sockets. What one viewer does has no effect on others."""

import asyncio
import base64
import contextlib
import itertools
import os

import pytest
from websockets.frames import Frame, Opcode

from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.core.congestion import Congestion
from tests.gateway.clients import Site, TestViewer
from tests.gateway.fakes import FakeEncoder
from tests.gateway.viewers.test_containment import Fault
from tests.screenshot.fakes import until

MANY = 60
UNITS = 40
SIZE_BYTES = 20_000
GARBAGE = bytes([0xEE]) * 30
PINGS = 40


async def test_the_others_get_every_unit_in_order(
    site: Site, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of sixty viewers one stalls, one sends garbage, and one causes an error."""
    async with contextlib.AsyncExitStack() as stack:
        viewers = [
            await stack.enter_async_context(site.viewer(name=f"viewer-{index}"))
            for index in range(MANY)
        ]
        await until(lambda: all(viewer.units for viewer in viewers))
        stalled, vandal, *others = viewers
        encoder.automatic = False
        seen = {viewer: len(viewer.units) for viewer in others}
        sent = []
        fault = Fault(monkeypatch, Congestion, "acked")

        def have_it(data: bytes, but: int) -> bool:
            return sum(viewer.raw_units[-1][8:] == data[8:] for viewer in others) >= MANY - 2 - but

        for number in range(UNITS):
            if number == UNITS // 4:
                stalled.pause()
            elif number == UNITS // 2:
                fault.arm()
            if number % 2 and vandal.close_code is None:
                with contextlib.suppress(ConnectionError):
                    await garbage(vandal)
            sent.append(encoder.send(idr=not number, size=SIZE_BYTES))
            await until(lambda: have_it(sent[-1], but=number >= UNITS // 2))  # noqa: B023  # awaited at once
        await until(lambda: any(viewer.close_code for viewer in others))
        (failed,) = [viewer for viewer in others if viewer.close_code is not None]
        assert failed.close_code == CloseCode.FAILED
        expected = [binary.VideoUnit.decode(data).sequence for data in sent]
        for viewer in others:
            if viewer is not failed:
                got = viewer.units[seen[viewer] :]
                assert [unit.sequence for unit in got][-UNITS:] == expected
                assert viewer.close_code is None
        assert await vandal.closed() == CloseCode.BAD_MESSAGE
        assert site.connected == MANY - 2
        encoder.automatic = True
        stalled.resume()
        await until(lambda: stalled.units[-1].sequence == encoder.sequence)
        # How many units it missed depends on the machine. It can decode all that it got.
        for before, after in itertools.pairwise(stalled.units):
            assert after.idr or after.sequence == before.sequence + 1


async def garbage(vandal: TestViewer) -> None:
    """Send what is no message: binary and text, short and long."""
    for message in (GARBAGE, b"", GARBAGE * 100, "nonsense"):
        with contextlib.suppress(Exception):
            await vandal.socket.send(message)


@pytest.mark.parametrize("cut", [1, 7, 50, 1 << 16])
async def test_what_comes_with_the_hello_is_handled_in_order(site: Site, cut: int) -> None:
    """Short messages go past the library only once the library has handed on all earlier ones."""
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /api/desks/main/stream HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {site.token()}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    hello = control.Hello("viewer-0", False, False).encode().encode()
    stream = Frame(Opcode.TEXT, hello).serialize(mask=True)
    for number in range(1, PINGS + 1):
        ping = binary.Ping(number, number).encode()
        if number % 5:
            stream += Frame(Opcode.BINARY, ping).serialize(mask=True)
        else:  # for the library: a message in two frames, with a WebSocket ping between them
            stream += Frame(Opcode.BINARY, ping[:3], fin=False).serialize(mask=True)
            stream += Frame(Opcode.PING, b"amid").serialize(mask=True)
            stream += Frame(Opcode.CONT, ping[3:]).serialize(mask=True)
    for at in range(0, len(stream), cut):
        writer.write(stream[at : at + cut])
        await asyncio.sleep(0)
    got: list[int] = []
    async with asyncio.timeout(20):
        while len(got) < PINGS:
            kind, size = await reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await reader.readexactly(2))
            data = await reader.readexactly(size)
            if kind == 0x82 and data[0] == binary.Pong.TYPE:
                got.append(binary.Pong.decode(data).id)
    writer.close()
    await writer.wait_closed()
    assert got == list(range(1, PINGS + 1))
