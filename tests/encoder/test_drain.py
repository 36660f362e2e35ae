"""An encoder that is relieved of a stream, or has lost it, and one that is told to end."""

import asyncio

import pytest

from fanlight_common.protocol import bus
from fanlight_encoder.core.numbering import may_go_on
from fanlight_encoder.service import HandoverTimes
from tests.encoder.fakes import QUIET, STREAM, Bench, keep_showing
from tests.encoder.pictures import text


def lease(epoch: int, handover_from: int, *, alive: bool = True) -> bus.LeaseRecord:
    return bus.LeaseRecord(STREAM, alive, "x", "x-1", "o", "i", epoch, handover_from)


def test_who_may_go_on() -> None:
    assert may_go_on(lease(101, handover_from=100), 100)
    assert may_go_on(lease(102, handover_from=100), 101), "the second of two that leave"
    assert not may_go_on(lease(101, handover_from=0), 100), "it was thought dead"
    assert not may_go_on(lease(102, handover_from=101), 100)
    assert not may_go_on(lease(100, handover_from=100), 100)
    assert not may_go_on(lease(101, handover_from=100, alive=False), 100)
    assert not may_go_on(bus.ServiceRecord("encoder", "x", True, "x-1", "h", ""), 100)


async def test_it_goes_on_until_nobody_is_subscribed_any_more(bench: Bench) -> None:
    await bench.start(**QUIET, handover_s=60)
    gateway = await bench.watch()
    showing = asyncio.create_task(keep_showing(bench))
    await gateway.next()
    await bench.lease(2, instance="another", handover_from=1)
    # It no longer claims the stream, but still sends pictures.
    await bench.until_offer(lambda beat: beat.streams == ())
    shown = gateway.units[-1].sequence
    await bench.lease(
        2, instance="another", handover_from=1
    )  # the same record again changes nothing
    unit = await gateway.until(lambda unit: unit.sequence > shown + 5)
    assert unit.epoch == 1
    gateway.close()
    await bench.capture.until_demand(False)
    showing.cancel()


async def test_an_encoder_that_was_thought_dead_is_silent_at_once(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(text(320, 240))
    await gateway.next()
    await bench.lease(2, instance="another")
    await bench.capture.until_demand(False)
    await bench.until_offer(lambda beat: beat.streams == ())


async def test_a_successor_that_never_begins_is_not_waited_for_for_ever(bench: Bench) -> None:
    await bench.start(**QUIET, handover_s=0.2)
    gateway = await bench.watch()
    await bench.capture.show(text(320, 240))
    await gateway.next()
    await bench.lease(2, instance="another", handover_from=1)
    await bench.capture.until_demand(False)


async def test_a_lease_that_comes_back_in_the_midst_of_it_is_a_new_one(bench: Bench) -> None:
    await bench.start(**QUIET, handover_s=0.5)
    gateway = await bench.watch()
    showing = asyncio.create_task(keep_showing(bench))
    await gateway.next()
    await bench.lease(2, instance="another", handover_from=1)
    await bench.until_offer(lambda beat: beat.streams == ())
    await bench.lease(3)
    unit = await gateway.until(lambda unit: unit.epoch == 3)
    assert unit.idr
    await bench.until_offer(lambda beat: beat.streams == (bus.HeldStream(STREAM, 3),))
    # The earlier handover would have ended after 0.5 s. That does not end this stream.
    await asyncio.sleep(0.6)
    shown = gateway.units[-1].sequence
    await gateway.until(lambda unit: unit.sequence > shown + 10)
    showing.cancel()


async def test_to_drain_is_to_ask_to_be_relieved_and_to_wait_for_it(bench: Bench) -> None:
    worker = await bench.start(**QUIET, handover_s=60)
    assert worker.drain is not None
    assert worker.drain_limit_s == 1.2
    gateway = await bench.watch()
    showing = asyncio.create_task(keep_showing(bench))
    await gateway.next()
    await bench.others(alive=True)
    draining = asyncio.ensure_future(worker.drain())
    await bench.until_offer(lambda beat: beat.capacity == 0)
    await bench.lease(2, instance="another", handover_from=1)
    await bench.until_offer(lambda beat: beat.streams == ())
    await gateway.next()
    # This is longer than it looks for others, and it must not end.
    await asyncio.sleep(2.5 * HandoverTimes().look_for_others_s)
    assert not draining.done()
    shown = gateway.units[-1].sequence
    await gateway.until(lambda unit: unit.sequence > shown + 10)
    gateway.close()
    await draining
    showing.cancel()


@pytest.mark.parametrize("others", [False, True])
async def test_who_is_alone_or_has_nothing_does_not_wait(bench: Bench, others: bool) -> None:
    worker = await bench.start(**QUIET)
    assert worker.drain is not None
    if others:  # there are others, and no stream
        await bench.others(alive=True)
    else:
        gateway = await bench.watch()
        await bench.capture.show(text(320, 240))
        await gateway.next()
    await worker.drain()


async def test_others_that_leave_as_well_are_not_waited_for(bench: Bench) -> None:
    worker = await bench.start(**QUIET)
    assert worker.drain is not None
    gateway = await bench.watch()
    await bench.capture.show(text(320, 240))
    await gateway.next()
    await bench.others(alive=True)
    draining = asyncio.ensure_future(worker.drain())
    await bench.until_offer(lambda beat: beat.capacity == 0)
    # This is longer than it looks for others, and it must not end.
    await asyncio.sleep(2.5 * HandoverTimes().look_for_others_s)
    assert not draining.done()
    await bench.others(alive=False)
    await draining
