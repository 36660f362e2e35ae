"""Frames that are overwritten before the encoder reads them, or whose memory it cannot attach."""

import gc

from fanlight_common.core.errors import FrameLostError
from fanlight_common.protocol import bus
from fanlight_common.protocol.topics import Lane
from fanlight_encoder import metrics
from tests.encoder.fakes import QUIET, STREAM, Bench, until
from tests.encoder.pictures import decode, patches, rgb, text, worst_patch_error
from tests.metrics import count


async def test_a_torn_frame_is_not_shown(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    lost = count(metrics.skipped, reason="frame_lost")
    await bench.capture.show_torn(text(320, 240))
    await until(lambda: count(metrics.skipped, reason="frame_lost") == lost + 1)
    await bench.capture.show(patches(320, 240))
    (picture,) = decode([(await gateway.next()).payload])
    assert worst_patch_error(rgb(picture), 320, 240) <= 4


async def test_a_frame_that_was_lost_is_nothing_for_the_garbage_collector(bench: Bench) -> None:
    # An error that is kept keeps the pictures in its traceback, which are tens of megabytes.
    await bench.start(**QUIET)
    await bench.watch()
    gc.disable()
    try:
        for _ in range(5):
            lost = count(metrics.skipped, reason="frame_lost")
            await bench.capture.show_torn(text(320, 240))
            await until(lambda: count(metrics.skipped, reason="frame_lost") > lost)  # noqa: B023
        # The type is asked for, because a weak proxy whose object is gone raises at isinstance.
        kept = [o for o in gc.get_objects() if issubclass(type(o), FrameLostError)]
    finally:
        gc.enable()
    assert len(kept) <= 1, "the last one may be on its way"


async def test_what_was_seen_lost_makes_the_last_picture_no_younger(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    first = await gateway.next()
    lost = count(metrics.skipped, reason="frame_lost")
    await bench.capture.show_torn(text(320, 240))
    await until(lambda: count(metrics.skipped, reason="frame_lost") == lost + 1)
    await bench.tell(bus.ForceIdr(STREAM))
    assert (await gateway.next()).captured_us == first.captured_us + 1


async def test_where_memory_cannot_be_shared_the_pixels_are_asked_for(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show_unreachable(patches(320, 240))
    await bench.capture.until_demand(True, Lane.PIXELS)
    await bench.capture.show(patches(320, 240), Lane.PIXELS)
    (picture,) = decode([(await gateway.next()).payload])
    assert worst_patch_error(rgb(picture), 320, 240) <= 4


async def test_memory_that_was_shared_before_is_not_given_up(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    lost = count(metrics.skipped, reason="frame_lost")
    await bench.capture.show_unreachable(patches(320, 240))
    await until(lambda: count(metrics.skipped, reason="frame_lost") == lost + 1)
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    assert list(bench.capture.subscribed) == [b"frame/main/shm/"]
