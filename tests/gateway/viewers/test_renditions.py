"""One slow viewer moves to another rendition, and nothing changes for the others."""

import asyncio

from fanlight_common.protocol import binary, bus, control, topics
from fanlight_gateway.streams.fan_out import stream_kbps
from tests.gateway.clients import TestViewer
from tests.gateway.conftest import Start
from tests.gateway.fakes import FakeEncoder
from tests.gateway.viewers.test_video import decodable, streaming
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


def renditions(viewer: TestViewer) -> list[str]:
    """Return the renditions that the viewer was told of, each once."""
    told = [state.rendition for state in viewer.all(control.VideoState) if state.state == "live"]
    return list(dict.fromkeys(told))


async def test_who_falls_behind_moves_down_and_keeps_its_picture_until_the_first_idr(
    start: Start, capture: FakeCapture, directory: FakeDirectory, encoder: FakeEncoder
) -> None:
    site = await start(in_flight_bytes=20_000, backlog_bytes=20_000, retry_s=0.1)
    await site.ready("main")
    half = FakeEncoder(directory, "e2")
    async with site.viewer() as fast, site.viewer(name="viewer-1") as slow:
        await streaming(encoder, fast, slow)
        slow.silent = True
        for _ in range(20):
            encoder.send(size=10_000)
            last = encoder.sequence
            await until(lambda: fast.units[-1].sequence == last)  # noqa: B023  # awaited at once
        await until(lambda: topics.lease("main/half") in directory.subscribed)
        requests = encoder.idr_requests
        seen = len(slow.units)
        slow.silent = False
        newest = slow.units[-1]
        await slow.send(binary.Ack(65535, newest.epoch, newest.sequence, newest.sequence))
        # Nobody encodes main/half yet, so the viewer goes on with main/high, from the next IDR.
        await until(lambda: len(slow.units) > seen or encoder.idr_requests > requests)
        assert renditions(slow) == ["high"]
        half.lease("main/half", 7)
        await until(lambda: slow.units[-1].epoch == 7)
        assert slow.units[-1].idr
        assert renditions(slow) == ["high", "half"]
        assert decodable(slow.units)
        last = encoder.send() and encoder.sequence
        await until(lambda: fast.units[-1].sequence == last)
        assert decodable(fast.units)
        assert renditions(fast) == ["high"]
        assert all(unit.epoch == 1 for unit in fast.units)
        half.send(stream="main/half")
        await until(lambda: slow.units[-1].sequence == half.sequence)
        # Only the fast viewer still wants the old stream.
        assert slow.units[-1].epoch == 7
    await until(lambda: not half.subscribed)
    await half.close()


class Member:
    """What a stream asks a viewer for its rate."""

    def __init__(self, target_kbps: float, floor_kbps: float = 2000) -> None:
        self.target_kbps = target_kbps
        self.is_in_band = target_kbps >= floor_kbps


def test_the_stream_follows_its_slowest_viewer_but_not_one_that_is_below_its_band() -> None:
    assert stream_kbps([Member(9000), Member(3000), Member(400)]) == 3000
    assert stream_kbps([Member(400), Member(500)]) == 400
    assert stream_kbps([]) == 0


async def test_a_rate_is_told_with_room(
    start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    site = await start(start_kbps=1000)
    await site.ready("main")
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        # 50 pictures a second, for longer than a second.
        for _ in range(60):
            encoder.send(size=20_000)
            await asyncio.sleep(0.02)
        demands = [m for m in encoder.told if isinstance(m, bus.StreamDemand)]
        assert (demands[0].kbps, demands[0].in_band) == (1000, False), "a guess"
        assert demands[-1].kbps > 4000, "a path without a limit"
        assert demands[-1].in_band


async def test_who_has_just_come_does_not_lower_the_rate_of_a_stream(
    start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    # The start value is enough for the stream. So the guess is not left out for being below the
    # stream's floor, but because it is a guess.
    site = await start(start_kbps=3000)
    await site.ready("main")
    async with site.viewer() as fast:
        await streaming(encoder, fast)
        # 50 pictures a second, for longer than a second.
        for _ in range(60):
            encoder.send(size=40_000)
            await asyncio.sleep(0.02)
        demands = [m for m in encoder.told if isinstance(m, bus.StreamDemand)]
        assert demands[-1].kbps > 5000
        seen = len(encoder.told)
        async with site.viewer(name="viewer-1") as fresh:
            await streaming(encoder, fast, fresh)
            for _ in range(5):
                await fresh.ping()
        later = [m for m in encoder.told[seen:] if isinstance(m, bus.StreamDemand)]
        assert all(demand.kbps > 5000 and demand.in_band for demand in later)


async def test_keyframes_only_knows_no_renditions(
    start: Start, capture: FakeCapture, directory: FakeDirectory, encoder: FakeEncoder
) -> None:
    site = await start(in_flight_bytes=2000, backlog_bytes=2000, down_s=0)
    await site.ready("main")
    encoder.lease("main/keyframes", 1)
    async with site.viewer(silent=True) as viewer:
        await viewer.send(control.SetKeyframesOnly(True))
        await until(lambda: viewer.all(control.VideoState)[-1].rendition == "keyframes")
        for _ in range(10):
            encoder.send(idr=True, size=2000, stream="main/keyframes")
            await asyncio.sleep(0.03)  # time for another rendition, which may not come
        assert topics.lease("main/half") not in directory.subscribed
        assert topics.lease("main/low") not in directory.subscribed
