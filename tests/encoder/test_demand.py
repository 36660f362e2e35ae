"""What the encoder works on: leased streams that have a subscriber and room, and IDRs on demand."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from fanlight_common.protocol import bus
from fanlight_encoder import metrics
from tests.encoder.fakes import QUIET, STREAM, Bench, keep_showing, until
from tests.encoder.pictures import Pixels, decode, patches, rgb, text
from tests.metrics import count


def luma(image: Pixels) -> NDArray[np.float64]:
    """Return the luma, which shows letters. Chroma cannot be compared, because 4:2:0 halves it."""
    weighted: NDArray[np.float64] = image.astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722])
    return weighted


async def test_without_a_subscription_no_frames_are_asked_for(bench: Bench) -> None:
    await bench.start()
    await bench.desk(bench.capture.record())
    await bench.lease(1)
    await bench.a_while()
    assert not bench.capture.subscribed
    assert not bench.watched
    gateway = bench.view()
    await bench.capture.until_demand(True)
    await bench.until_offer(lambda beat: beat.streams == (bus.HeldStream(STREAM, 1),))
    gateway.close()
    await bench.capture.until_demand(False)
    await bench.until_offer(lambda beat: beat.streams == ())
    await until(lambda: not bench.watched)


async def test_only_the_holder_of_the_lease_encodes(bench: Bench) -> None:
    await bench.start(**QUIET)
    await bench.desk(bench.capture.record())
    gateway = bench.view()
    await until(lambda: b"lease/main/high/" in bench.watched)
    # The lease is first that of the process that ran here before, and then nobody's.
    await bench.lease(1, instance="another")
    await bench.lease(2, alive=False)
    await bench.a_while()
    assert not bench.capture.subscribed

    await bench.lease(3)
    await bench.capture.until_demand(True)
    await bench.capture.show(patches(320, 240))
    assert (await gateway.next()).epoch == 3

    # It has lost the lease: it still has a subscriber, and is silent.
    await bench.lease(4, instance="another")
    await bench.capture.until_demand(False)
    await bench.until_offer(lambda beat: beat.streams == ())

    # It gets the lease back with a new epoch, and begins at 1 with an IDR (Gateway.next checks).
    await bench.lease(5)
    await bench.capture.until_demand(True)
    await bench.capture.show(patches(320, 240))
    assert (await gateway.next()).epoch == 5
    # It goes from one epoch to the next without a pause.
    await bench.lease(6)
    showing = asyncio.create_task(keep_showing(bench))
    await gateway.until(lambda unit: unit.epoch == 6)
    showing.cancel()


async def test_an_idr_on_demand_on_an_idle_desk(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    made, asked = (
        count(metrics.idr_encoded, stream=STREAM, reason="asked"),
        count(metrics.idr_requested, stream=STREAM),
    )
    # Ten requests at once lead to one IDR.
    for _ in range(10):
        await bench.tell(bus.ForceIdr(STREAM))
    assert (await gateway.next()).idr
    await until(lambda: count(metrics.idr_requested, stream=STREAM) == asked + 10)
    await bench.capture.show(patches(320, 240))
    assert not (await gateway.next()).idr
    assert count(metrics.idr_encoded, stream=STREAM, reason="asked") == made + 1
    decode([gateway.units[1].payload, gateway.units[2].payload])


async def test_a_second_gateway_is_given_an_idr(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    bench.view()
    assert (await gateway.next()).idr


async def test_no_room_skips_before_encoding_and_the_newest_is_not_lost(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    await bench.tell(bus.StreamDemand(STREAM, "g", False, 0, True))
    # Wait until the encoder knows that: it counts a request that comes after it, and makes no IDR.
    asked = count(metrics.idr_requested, stream=STREAM)
    await bench.tell(bus.ForceIdr(STREAM))
    await until(lambda: count(metrics.idr_requested, stream=STREAM) == asked + 1)
    skipped = count(metrics.skipped, reason="no_room")
    shown = 0
    while count(metrics.skipped, reason="no_room") < skipped + 3:
        shown += 1
        await bench.capture.show(text(320, 240, shown))
        await asyncio.sleep(0.005)
    # The last frame may still be on its way. It is the one that has to be encoded.
    await bench.a_while()
    assert len(gateway.units) == 1
    await bench.tell(bus.StreamDemand(STREAM, "g", True, 0, True))
    unit = await gateway.next()
    assert unit.sequence == 2
    assert unit.idr, "the request was remembered"
    (picture,) = decode([unit.payload])
    others = [
        abs(luma(rgb(picture)) - luma(text(320, 240, n)[..., 2::-1])).mean() for n in (shown, 0)
    ]
    assert others[0] < others[1] / 2
