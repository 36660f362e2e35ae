"""A viewer works over any transport. This one is made for the test, and is just a `Transport`."""

import itertools
import time
from typing import Any, TypeVar

import pytest

from fanlight_common.core.grants import Grant, Role
from fanlight_common.protocol import binary, bus, control, input
from fanlight_common.protocol.binary import CloseCode, VideoUnit
from fanlight_gateway import __main__ as main
from fanlight_gateway.gateway import Gateway
from fanlight_gateway.viewers.transport import Transport
from fanlight_gateway.viewers.viewer import Viewer
from tests.gateway.clients import Site
from tests.gateway.conftest import Start
from tests.gateway.fakes import FakeEncoder
from tests.gateway.memory_transport import MemoryTransport
from tests.screenshot.fakes import FakeCapture, until

GRANT = Grant(Role.CONTROL, "main", int(time.time()) + 3600)
T = TypeVar("T")


@pytest.fixture
async def gateway(
    monkeypatch: pytest.MonkeyPatch, start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> Gateway:
    """Return the object of a running gateway."""
    running: list[Gateway] = []
    build = main.app.build

    def noted(gateway: Gateway, *others: Any) -> Any:
        running.append(gateway)
        return build(gateway, *others)

    monkeypatch.setattr(main.app, "build", noted)
    site: Site = await start(retry_s=0.1, backlog_bytes=100_000)
    await site.ready("main")
    return running[0]


def join(gateway: Gateway, transport: Transport, *, grant: Grant = GRANT) -> Viewer:
    """Do what a transport does once it has read a hello."""
    gateway.add_transport(transport)
    (record,) = gateway.book.desks()
    viewer = gateway.add_viewer(control.Hello("viewer-0", True, False), grant, record, transport)
    viewer.flush()
    return viewer


def end(gateway: Gateway, viewer: Viewer) -> None:
    """Do what a transport does when it has ended."""
    gateway.remove_viewer(viewer)
    gateway.remove_transport(viewer.transport)


def got(transport: MemoryTransport, kind: type[T]) -> list[T]:
    return [message for message in transport.sent if isinstance(message, kind)]


async def test_a_viewer_over_a_third_transport(
    gateway: Gateway, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    transport = MemoryTransport()
    viewer = join(gateway, transport)
    assert gateway.connected == 1

    # Control messages and units arrive, and what the viewer sends is handled.
    await until(lambda: got(transport, control.DeskState) and got(transport, VideoUnit))
    assert got(transport, control.VideoState)[-1].state == "live"
    unit = got(transport, VideoUnit)[-1]
    viewer.handle(binary.Ack(10, unit.epoch, unit.sequence, unit.sequence).encode())
    viewer.handle(binary.Ping(7, 1).encode())
    assert isinstance(transport.sent[-1], binary.Pong)
    viewer.handle(input.Key(True, 4).encode())
    await until(lambda: any(isinstance(m, bus.Input) for m in capture.told))

    # A stall: nothing is sent. Of each kind the newest message waits, and video is dropped.
    transport.is_writable = False
    before = len(transport.sent)
    for text in ("one", "two", "three"):
        capture.event(text=control.Clipboard(text).encode())
    viewer.handle(binary.Ping(8, 1).encode())
    for _ in range(20):
        encoder.send(size=20_000)
    last = encoder.sequence
    encoder.automatic = False
    await until(lambda: not viewer._video._current.gate.is_open)  # type: ignore[union-attr]
    assert len(transport.sent) == before

    # Writable again: first comes the pong, then the newest clipboard, then video from an IDR on.
    transport.is_writable = True
    viewer.flush()
    pong, clipboard, *_ = transport.sent[before:]
    assert isinstance(pong, binary.Pong)
    assert clipboard == control.Clipboard("three")
    encoder.automatic = True
    await until(lambda: got(transport, VideoUnit)[-1].sequence > last)
    for earlier, later in itertools.pairwise(got(transport, VideoUnit)):
        assert later.idr or later.sequence == earlier.sequence + 1

    # Closing: the viewer's reason arrives, and its stream and its keys are released.
    viewer.close(CloseCode.FORBIDDEN, "go")
    viewer.close(CloseCode.FAILED, "later")
    assert transport.closed == (CloseCode.FORBIDDEN, "go")
    end(gateway, viewer)
    await until(lambda: not encoder.subscribed)
    await until(lambda: any(isinstance(m, bus.ReleaseViewer) for m in capture.told))
    assert gateway.connected == 0


async def test_a_transport_that_carries_no_video_gets_none(
    gateway: Gateway, encoder: FakeEncoder
) -> None:
    transport = MemoryTransport()
    transport.carries_video = False
    viewer = join(gateway, transport)
    viewer.handle(control.SetVideoEnabled(True).encode())
    assert {state.state for state in got(transport, control.VideoState)} == {"off"}
    assert not encoder.subscribed
    end(gateway, viewer)


async def test_a_send_that_raises_ends_the_viewer(
    gateway: Gateway, encoder: FakeEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = MemoryTransport()
    viewer = join(gateway, transport)
    await until(lambda: got(transport, VideoUnit))
    monkeypatch.setattr(transport, "_keep", lambda _: 1 / 0)
    encoder.send()
    await until(lambda: transport.closed)
    assert transport.closed is not None
    assert transport.closed[0] == CloseCode.FAILED
    end(gateway, viewer)


async def test_an_expired_token_and_an_earlier_connection_are_closed(gateway: Gateway) -> None:
    expired = Grant(Role.VIEW, "main", int(time.time()) - 1)
    one, two = MemoryTransport(), MemoryTransport()
    earlier = join(gateway, one)
    viewer = join(gateway, two, grant=expired)
    assert one.closed is not None
    assert one.closed[0] == CloseCode.REPLACED
    end(gateway, earlier)
    await until(lambda: two.closed)
    assert two.closed is not None
    assert two.closed[0] == CloseCode.UNAUTHORIZED
    end(gateway, viewer)
