"""A lease moves while people watch. It is handed over without a break, or taken away at once."""

from collections.abc import AsyncIterator

import pytest

from fanlight_common.protocol import bus, control, topics
from tests.gateway.clients import Site
from tests.gateway.fakes import FakeEncoder
from tests.gateway.viewers.test_video import decodable, streaming
from tests.screenshot.fakes import FakeDirectory, until

HIGH = topics.unit("main/high")


@pytest.fixture
async def other(directory: FakeDirectory) -> AsyncIterator[FakeEncoder]:
    fake = FakeEncoder(directory, "e2")
    fake.automatic = False
    yield fake
    await fake.close()


async def test_the_old_encoder_is_shown_until_the_first_idr_of_the_new_one(
    site: Site, encoder: FakeEncoder, other: FakeEncoder
) -> None:
    async with site.viewer() as one, site.viewer(name="viewer-1") as two:
        await streaming(encoder, one, two)
        asked = encoder.idr_requests
        other.lease("main/high", 2, handover_from=1)
        # Both encoders are wanted now, and both are told what the viewers can take.
        await until(lambda: HIGH in other.subscribed and HIGH in encoder.subscribed)
        await until(lambda: other.room == [True])
        for _ in range(10):
            encoder.send()
        last = encoder.sequence
        for viewer in (one, two):
            await until(lambda v=viewer: v.units[-1].sequence == last)  # type: ignore[misc]  # bound
        # Units of the new encoder are of no use before its IDR, so an IDR is asked for.
        other.send()
        await until(lambda: other.idr_requests == 1)
        encoder.send()
        for viewer in (one, two):
            await until(lambda v=viewer: v.units[-1].sequence == last + 1)  # type: ignore[misc]  # bound
        other.send(idr=True)
        for viewer in (one, two):
            await until(lambda v=viewer: v.units[-1].epoch == 2)  # type: ignore[misc]  # bound
        await until(lambda: HIGH not in encoder.subscribed)
        encoder.send(idr=True)
        other.send()
        for viewer in (one, two):
            await until(lambda v=viewer: v.units[-1].sequence == other.sequence)  # type: ignore[misc]  # bound
            assert decodable(viewer.units)
            assert [u.epoch for u in viewer.units] == sorted(u.epoch for u in viewer.units)
            assert [u.sequence for u in viewer.units if u.epoch == 1][-10:] == list(
                range(last - 8, last + 2)
            ), "no unit of the old one is missing"
        assert encoder.idr_requests == asked, "who leaves is not asked for an IDR"


async def test_an_encoder_that_lost_its_lease_reaches_nobody(
    site: Site, encoder: FakeEncoder, other: FakeEncoder
) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        other.lease("main/high", 2)
        await until(lambda: HIGH not in encoder.subscribed and HIGH in other.subscribed)
        # The first encoder is alive after all, and faster than the other.
        encoder.send()
        encoder.send(idr=True)
        other.send(idr=True)
        encoder.send()
        other.send()
        await until(lambda: viewer.units[-1].epoch == 2 and not viewer.units[-1].idr)
        seen = [(unit.epoch, unit.sequence) for unit in viewer.units]
        assert seen[-2:] == [(2, 1), (2, 2)]
        assert all(sequence < encoder.sequence - 2 for epoch, sequence in seen if epoch == 1)
        assert decodable(viewer.units)


async def test_a_viewer_that_comes_in_the_midst_of_it_begins_with_the_new_one(
    site: Site, encoder: FakeEncoder, other: FakeEncoder
) -> None:
    async with site.viewer() as early:
        await streaming(encoder, early)
        other.lease("main/high", 2, handover_from=1)
        await until(lambda: HIGH in other.subscribed)
        asked = encoder.idr_requests
        async with site.viewer(name="viewer-1") as late:
            await until(lambda: other.idr_requests == 1)
            encoder.send()
            other.send(idr=True)
            await streaming(other, late)
            assert late.units[0].epoch == 2
            assert late.units[0].idr
        assert encoder.idr_requests == asked


async def test_both_are_let_go_with_the_last_viewer(
    site: Site, encoder: FakeEncoder, other: FakeEncoder, directory: FakeDirectory
) -> None:
    async with site.viewer() as viewer:
        await streaming(encoder, viewer)
        other.lease("main/high", 2, handover_from=1)
        await until(lambda: HIGH in other.subscribed)
    await until(lambda: not encoder.subscribed and not other.subscribed)
    assert topics.lease("main/high") not in directory.subscribed


async def test_what_another_directory_says_of_the_past_is_ignored(
    site: Site, encoder: FakeEncoder, other: FakeEncoder, directory: FakeDirectory
) -> None:
    encoder.lease("main/high", 7)
    async with site.viewer() as viewer:
        await until(lambda: viewer.units and viewer.units[-1].epoch == 7)
        other.lease("main/high", 6)
        # This record is sent after the other one, so it arrives after it.
        directory.tell(
            topics.lease("main/high"),
            bus.LeaseRecord("main/high", False, "", "", "", "", 7),
        )
        await until(lambda: viewer.all(control.VideoState)[-1].state == "waiting")
        assert not other.subscribed
        encoder.send()
        await until(lambda: viewer.units[-1].sequence == encoder.sequence)
