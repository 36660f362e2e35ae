"""Fan-out: all viewers get the same bytes, each has a gate, and there is demand only while somebody
watches."""

import asyncio

import pytest

from fanlight_common.core.grants import Role
from fanlight_common.process import clock, refusals
from fanlight_common.protocol import binary, bus, control, topics
from fanlight_common.protocol.binary import CloseCode
from tests.gateway.clients import Site, TestViewer
from tests.gateway.conftest import Start
from tests.gateway.fakes import FakeEncoder
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until

HIGH = topics.unit("main/high")


def decodable(units: list[binary.VideoUnit]) -> bool:
    """Do the units begin with an IDR, and does each delta follow the unit before it?"""
    for before, after in zip([None, *units], units, strict=False):
        follows = before is not None and (before.epoch, before.sequence + 1) == (
            after.epoch,
            after.sequence,
        )
        if not (after.idr or follows):
            return False
    return bool(units)


async def streaming(encoder: FakeEncoder, *viewers: TestViewer) -> None:
    """Wait until each viewer has its first unit."""
    await until(lambda: all(viewer.units for viewer in viewers))


async def test_the_same_bytes_for_all(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer() as one, site.viewer(Role.VIEW, name="viewer-1") as other:
        assert (await one.get(control.VideoState)).state in ("waiting", "live")
        await streaming(encoder, one, other)
        for _ in range(20):
            encoder.send()
        last = encoder.sequence
        for viewer in (one, other):
            await until(lambda v=viewer: v.units[-1].sequence == last)  # type: ignore[misc]  # bound
            assert decodable(viewer.units)
            assert set(viewer.raw_units) <= set(encoder.sent)
        assert one.all(control.VideoState)[-1].state == "live"


async def test_no_demand_without_viewers(
    site: Site, encoder: FakeEncoder, directory: FakeDirectory
) -> None:
    assert not encoder.subscribed
    async with site.viewer(video=False) as viewer:
        assert (await viewer.get(control.VideoState)).state == "off"
        assert topics.lease("main/high") not in directory.subscribed
        await viewer.send(control.SetVideoEnabled(True))
        await streaming(encoder, viewer)
        assert encoder.subscribed == {HIGH}
        await viewer.send(control.SetVideoEnabled(False))
        await until(lambda: not encoder.subscribed)
        await until(lambda: topics.lease("main/high") not in directory.subscribed)
        assert (await viewer.get(control.VideoState, 3)).state == "off"
        before = len(viewer.units)
        encoder.send(idr=True)
        await viewer.ping()
        assert len(viewer.units) == before
        await viewer.send(control.SetVideoEnabled(True))
        await until(lambda: len(viewer.units) > before)
    await until(lambda: not encoder.subscribed)


async def test_keyframes_only_is_a_stream_of_its_own(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        encoder.lease("main/keyframes", 9)
        await viewer.send(control.SetKeyframesOnly(True))
        await until(lambda: viewer.units[-1].epoch == 9)
        await until(lambda: encoder.subscribed == {topics.unit("main/keyframes")})
        await viewer.send(control.SetKeyframesOnly(True))  # no change
        await viewer.send(control.SetVideoEnabled(True))  # no change
        await viewer.ping()
        assert encoder.subscribed == {topics.unit("main/keyframes")}
    async with site.viewer(keyframes=True) as viewer:
        await streaming(encoder, viewer)
        assert viewer.units[0].epoch == 9


async def test_two_streams_of_one_encoder_do_not_disturb_each_other(
    start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    site = await start(retry_s=60, interval_s=0)  # nothing asks again, so a lost request stays lost
    await site.ready("main")
    encoder.automatic = False
    async with site.viewer() as viewer:
        await until(lambda: encoder.idr_requests == 1 and HIGH in encoder.subscribed)
        encoder.send(idr=True)
        await streaming(encoder, viewer)
        encoder.lease("main/keyframes", 1)
        async with site.viewer(keyframes=True, name="viewer-1"):
            await until(lambda: topics.unit("main/keyframes") in encoder.subscribed)
        await until(lambda: topics.unit("main/keyframes") not in encoder.subscribed)
        asked = encoder.idr_requests
        encoder.send(skip=5)
        await until(lambda: encoder.idr_requests > asked)


async def test_a_gap_closes_until_the_next_idr_which_is_asked_for(
    site: Site, encoder: FakeEncoder
) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        encoder.automatic = False
        asked = encoder.idr_requests
        encoder.send(skip=1)
        encoder.send()
        await until(lambda: encoder.idr_requests > asked)
        encoder.send()
        encoder.send(idr=True)
        last = encoder.sequence
        await until(lambda: viewer.units[-1].sequence == last)
        assert decodable(viewer.units)
        assert not viewer.units[-2].idr or viewer.units[-2].sequence < last - 3


async def test_an_idr_that_does_not_come_is_asked_for_again(
    start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    site = await start(retry_s=0.05, interval_s=0)
    encoder.automatic = False
    async with site.viewer() as viewer:
        await until(lambda: encoder.idr_requests >= 3)
        encoder.send(idr=True)
        await streaming(encoder, viewer)


async def test_one_request_for_all_who_wait(site: Site, encoder: FakeEncoder) -> None:
    encoder.automatic = False
    async with site.viewer() as a, site.viewer(name="viewer-1") as b:
        await until(lambda: encoder.idr_requests == 1 and HIGH in encoder.subscribed)
        encoder.send(idr=True)
        await streaming(encoder, a, b)
        assert encoder.idr_requests == 1


async def test_a_viewers_own_request(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer() as viewer:
        await viewer.send(control.RequestIdr())
        await streaming(encoder, viewer)
        await viewer.ping()
        asked = encoder.idr_requests

        async def asked_again() -> bool:  # refused while an IDR is on its way, and too often
            await viewer.send(control.RequestIdr())
            await viewer.ping()
            return encoder.idr_requests > asked

        await until(asked_again)
        await until(lambda: viewer.units[-1].sequence == encoder.sequence)
        assert decodable(viewer.units)
        await viewer.send(control.SetVideoEnabled(False))
        await viewer.send(control.RequestIdr())
        await viewer.ping()


async def test_a_slow_viewer_delays_nobody_and_catches_up_at_an_idr(
    start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    site = await start(in_flight_bytes=200_000, backlog_bytes=200_000)
    async with site.viewer() as fast, site.viewer(name="viewer-1") as slow:
        await streaming(encoder, fast, slow)
        slow.pause()
        for _ in range(100):
            encoder.send(size=20_000)
            last = encoder.sequence
            # Each unit reaches the fast viewer before the next is made, so nothing holds it up.
            await until(lambda: fast.units[-1].sequence == last)  # noqa: B023  # awaited at once
        assert decodable(fast.units)
        slow.resume()
        await until(lambda: slow.units[-1].idr and slow.units[-1].sequence > last)
        assert decodable(slow.units)
        assert len(slow.units) < len(fast.units)


async def test_room_is_told_at_each_change_and_once_a_second(
    start: Start, capture: FakeCapture, encoder: FakeEncoder
) -> None:
    site = await start(in_flight_bytes=10_000)
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        await until(lambda: encoder.room[-1:] == [True])
        viewer.silent = True
        encoder.send(size=20_000)
        await until(lambda: encoder.room[-1] is False)
        said = len(encoder.room)
        await until(lambda: len(encoder.room) >= said + 1)  # it is told again, a second later
        assert encoder.room[-1] is False
        async with site.viewer(name="viewer-1") as other:  # one viewer with room is enough
            await until(lambda: encoder.room[-1] is True)
            await other.ping()
        await until(lambda: encoder.room[-1] is False)
        unit = viewer.units[-1]
        await viewer.send(binary.Ack(65535, unit.epoch, unit.sequence, 0))
        await until(lambda: encoder.room[-1] is True)


async def test_another_encoder_takes_over(
    site: Site, encoder: FakeEncoder, directory: FakeDirectory
) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        encoder.lease("main/high", 1, alive=False)
        await until(lambda: viewer.all(control.VideoState)[-1].state == "waiting")
        other = FakeEncoder(directory, "e2")
        other.lease("main/high", 2)
        await until(lambda: viewer.units[-1].epoch == 2)
        assert viewer.all(control.VideoState)[-1].state == "live"
        await until(lambda: not encoder.subscribed)
        # The first encoder is alive after all, but its epoch is over.
        other.send(epoch=1, idr=True)
        last = other.send(idr=True)
        await until(lambda: viewer.raw_units[-1] == last)
        assert all(a.epoch <= b.epoch for a, b in zip(viewer.units, viewer.units[1:], strict=False))
        await other.close()


async def test_nonsense_from_an_encoder_is_left_out(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        for parts in ([b"x"], [b"\1" * 30, b""], [b"\2" * 40]):
            encoder.outlet.send_multipart([HIGH, *parts])
        last = encoder.send()
        await until(lambda: viewer.raw_units[-1] == last)


async def test_units_of_a_later_release_are_refused_or_passed_on(
    site: Site,
    encoder: FakeEncoder,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "_said", set())
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        encoder.sequence += 1
        unit = binary.VideoUnit(
            False, 64, 32, encoder.epoch, encoder.sequence, clock.now_us(), b"payload"
        ).encode()
        for at, value in ((2, 9), (4, 7), (5, 8)):  # version, stream kind, codec
            other = bytearray(unit)
            other[at] = value
            for _ in range(5):
                encoder.outlet.send_multipart([HIGH, bytes(other)])
        # A longer header is understood, and the viewer gets it as it is.
        longer = unit[:3] + bytes([unit[3] + 2]) + unit[4:28] + b"8 bytes." + unit[28:]
        encoder.outlet.send_multipart([HIGH, longer])
        await until(lambda: viewer.raw_units[-1] == longer)
        assert viewer.units[-1].payload == b"payload"
        last = encoder.send()
        await until(lambda: viewer.raw_units[-1] == last)
        assert decodable(viewer.units)
    said = [r.getMessage() for r in caplog.records if "not_understood" in r.getMessage()]
    assert [line.split(" reason=")[0].split("peer=")[1].split(" ", 1)[1] for line in said] == [
        "what='VideoUnit' version=9 known=1",
        "what='stream kind 7' version=1 known=none",
        "what='codec 8' version=1 known=none",
    ]


async def test_stopping_while_video_flows(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)

        async def flow() -> None:
            while True:
                encoder.send(size=50_000)
                await asyncio.sleep(0.005)  # 200 pictures a second

        flowing = asyncio.create_task(flow())
        await site.stop()
        assert await viewer.closed() == CloseCode.GOING_AWAY
        flowing.cancel()
        await until(lambda: not encoder.subscribed)


async def test_foreign_records_are_ignored(
    site: Site, encoder: FakeEncoder, directory: FakeDirectory
) -> None:
    odd = bus.ServiceRecord("odd", "odd", True, "1", "h", "")
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        directory.tell(topics.lease("main/high"), odd)
        directory.tell(topics.desk("main"), odd)
        last = encoder.send()
        await until(lambda: viewer.raw_units[-1] == last)
