"""The encoder on a bus: real sockets, real shared memory, real libx264; a fake directory, capture
and gateway. Every test checks, in Gateway.next, that sequences have no gap and times grow."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.core.errors import CodecError, ConfigurationError, FrameLostError
from fanlight_common.core.geometry import Rect
from fanlight_common.process import refusals
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.protocol.frames import Frame
from fanlight_common.protocol.topics import Lane
from fanlight_encoder import service
from fanlight_encoder.codecs.base import CodecParams, OpenCodec
from fanlight_encoder.codecs.x264 import X264
from fanlight_encoder.core.numbering import held_epoch
from tests.encoder.fake_codecs import flaky_hardware, opened_by
from tests.encoder.fakes import STREAM, Bench, Gateway
from tests.encoder.pictures import Pixels, decode, patches, rgb, text, worst_patch_error
from tests.encoder.viewer import Viewer

QUIET: dict[str, Any] = {"patches": False, "constants": {"repeat_interval_s": 1.0}}
"""One frame, one unit of video."""


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"fanlight_encoder_{name}_total", labels) or 0.0


def luma(image: Pixels) -> NDArray[np.float64]:
    """What letters are made of; chroma is halved for good."""
    weighted: NDArray[np.float64] = image.astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722])
    return weighted


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that only looking again shows."""
    while not condition():  # noqa: ASYNC110  # counters have no event to wait for
        await asyncio.sleep(0.005)


async def test_a_picture_arrives_as_it_was_drawn_and_then_there_is_silence(bench: Bench) -> None:
    await bench.start()
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    first = await gateway.next()
    assert (first.idr, first.epoch, first.sequence) == (True, 1, 1)
    assert (first.width, first.height) == (320, 240)
    # Twice more for decoders that hold pictures back, and then as it really is.
    for _ in range(2):
        unit = await gateway.next()
        assert not unit.idr
        assert not unit.patch
    while (see(gateway, 320, 240).shown != patches(320, 240)[..., 2::-1]).any():
        assert (await gateway.next()).patch
    before = count("units", stream=STREAM, kind="patch")
    await bench.a_while()
    assert count("units", stream=STREAM, kind="patch") == before
    for picture in decode(unit.payload for unit in gateway.units if not unit.patch):
        assert worst_patch_error(rgb(picture), 320, 240) <= 4


def see(gateway: Gateway, width: int, height: int) -> Viewer:
    """What a viewer shows of all that came."""
    viewer = Viewer(width, height)
    for unit in gateway.units:
        if unit.patch:
            viewer.patch(unit.payload)
        else:
            viewer.video(unit.payload, unit.width, unit.height, unit.areas)
    return viewer


async def until_shown(gateway: Gateway, picture: Pixels) -> VideoUnit:
    """The unit with which a viewer of all that came shows the very picture."""
    height, width = picture.shape[:2]
    while True:
        unit = await gateway.next()
        if (see(gateway, width, height).shown == picture[..., 2::-1]).all():
            return unit


@pytest.mark.parametrize("rendition", ["high", "half", "low"])
async def test_a_small_change_is_a_patch_in_every_rendition(bench: Bench, rendition: str) -> None:
    await bench.start()
    gateway = await bench.watch(f"main/{rendition}")
    picture = text(640, 480)
    await bench.capture.show(picture)
    await until_shown(gateway, picture)
    await bench.a_while()
    picture = picture.copy()
    picture[100:110, 200:300] = 255
    shown = await bench.capture.show(picture, damage=((Rect(190, 90, 130, 30),),))
    unit = await until_shown(gateway, picture)
    assert len(unit.payload) < 500
    assert unit.patch
    assert (unit.width, unit.height) == (640, 480), "the desk's"
    assert shown == 2
    # Somebody comes: an IDR of the picture as it is now, although no video was made of it.
    await bench.tell(bus.ForceIdr(f"main/{rendition}"))
    unit = await gateway.until(lambda unit: unit.idr)
    later = Viewer(640, 480)
    later.video(unit.payload, unit.width, unit.height, unit.areas)
    assert (later.shown[103:107, 210:290] > 200).all()
    # And a rate that is heard of is held to.
    await bench.tell(bus.StreamDemand(f"main/{rendition}", "g", True, 400, True))
    name = f"main/{rendition}"
    await until(
        lambda: REGISTRY.get_sample_value("fanlight_encoder_rate_kbps", {"stream": name}) == 400.0
    )


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
    # To the one that ran here before, and then not at all.
    await bench.lease(1, instance="another")
    await bench.lease(2, alive=False)
    await bench.a_while()
    assert not bench.capture.subscribed

    await bench.lease(3)
    await bench.capture.until_demand(True)
    await bench.capture.show(patches(320, 240))
    assert (await gateway.next()).epoch == 3

    # Fenced: still subscribed to, and silent.
    await bench.lease(4, instance="another")
    await bench.capture.until_demand(False)
    await bench.until_offer(lambda beat: beat.streams == ())

    # Got back, by a new epoch: from 1, with an IDR (Gateway.next checks).
    await bench.lease(5)
    await bench.capture.until_demand(True)
    await bench.capture.show(patches(320, 240))
    assert (await gateway.next()).epoch == 5
    # From one epoch to the next without a pause.
    await bench.lease(6)
    showing = asyncio.create_task(keep_showing(bench))
    await gateway.until(lambda unit: unit.epoch == 6)
    showing.cancel()


async def test_an_error_about_a_stream_ends_that_stream_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [False]

    class Feed(FrameFeed):
        async def run(self, take: Callable[[Frame], None]) -> None:
            def take_or_fail(frame: Frame) -> None:
                if broken[0]:
                    raise ZeroDivisionError("about this frame")
                take(frame)

            await super().run(take_or_fail)

    monkeypatch.setattr(service, "FrameFeed", Feed)
    await bench.start(**QUIET)
    gateway = await bench.watch()
    other = bench.view("main/half")
    await bench.lease(1, stream="main/half")
    await bench.capture.show(patches(320, 240))
    first = await gateway.next()
    before = count("failed_streams")
    broken[0] = True
    # The second stream may have subscribed after the first picture, so one more is not enough.
    showing = asyncio.create_task(keep_showing(bench))
    await bench.until_offer(lambda beat: beat.streams == ())
    assert count("failed_streams") == before + 2, "both streams of the desk, and not the process"
    await bench.capture.until_demand(False)
    showing.cancel()
    assert caplog.text.count("event=stream_failed") == 2
    assert "ZeroDivisionError" in caplog.text
    # The directory shows the lease again: the same gateway gets an IDR, in the order of its epoch.
    broken[0] = False
    await bench.lease(1)
    await bench.capture.until_demand(True)
    await bench.capture.show(patches(320, 240))
    again = await gateway.next()
    assert again.idr
    assert (again.epoch, again.sequence) == (first.epoch, first.sequence + 1)
    other.close()


async def test_a_record_that_raises_ends_what_it_is_about(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def held(record: bus.DirectoryOutlet, id_: str, instance: str) -> int | None:
        if isinstance(record, bus.LeaseRecord) and record.epoch == 13:
            raise ZeroDivisionError("about this record")
        return held_epoch(record, id_, instance)

    monkeypatch.setattr(service, "held_epoch", held)
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    await bench.lease(13)
    await bench.until_offer(lambda beat: beat.streams == ())
    assert caplog.text.count("event=stream_failed") == 1
    await bench.lease(14)
    await bench.until_offer(lambda beat: beat.streams == (bus.HeldStream(STREAM, 14),))


async def test_an_idr_on_demand_on_an_idle_desk(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    made, asked = (
        count("idr_made", stream=STREAM, reason="asked"),
        count("idr_requested", stream=STREAM),
    )
    # Ten viewers at once are one IDR.
    for _ in range(10):
        await bench.tell(bus.ForceIdr(STREAM))
    assert (await gateway.next()).idr
    await until(lambda: count("idr_requested", stream=STREAM) == asked + 10)
    await bench.capture.show(patches(320, 240))
    assert not (await gateway.next()).idr
    assert count("idr_made", stream=STREAM, reason="asked") == made + 1
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
    # Wait until that has been heard: an IDR that is asked for behind it does not come.
    asked = count("idr_requested", stream=STREAM)
    await bench.tell(bus.ForceIdr(STREAM))
    await until(lambda: count("idr_requested", stream=STREAM) == asked + 1)
    skipped = count("skipped", reason="no_room")
    shown = 0
    while count("skipped", reason="no_room") < skipped + 3:
        shown += 1
        await bench.capture.show(text(320, 240, shown))
        await asyncio.sleep(0.005)
    # The last may be on its way still; it is the one that has to come.
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


async def test_keyframes_go_on_although_nothing_changes(bench: Bench) -> None:
    await bench.start()
    gateway = await bench.watch("main/keyframes")
    await bench.capture.show(patches(320, 240))
    units = [await gateway.next() for _ in range(3)]
    assert all(unit.idr for unit in units)
    for unit in units:
        (picture,) = decode([unit.payload])
        assert worst_patch_error(rgb(picture), 320, 240) <= 4


async def test_one_process_encodes_several_streams(bench: Bench) -> None:
    await bench.start(**QUIET)
    high = await bench.watch()
    keyframes = await bench.watch("main/keyframes")
    both = {bus.HeldStream(STREAM, 1), bus.HeldStream("main/keyframes", 1)}
    await bench.until_offer(lambda beat: set(beat.streams) == both)
    # The second feed subscribes a moment after the first.
    showing = asyncio.create_task(keep_showing(bench))
    await high.next()
    await keyframes.next()
    await bench.until_offer(lambda beat: beat.load > 0)
    showing.cancel()


async def keep_showing(bench: Bench) -> None:
    for number in range(1000):
        await bench.capture.show(text(320, 240, number))
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("size", [(640, 480), (321, 239)])
async def test_a_resize_is_an_idr_of_the_new_size(bench: Bench, size: tuple[int, int]) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    await bench.capture.show(patches(*size))
    unit = await gateway.next()
    assert unit.idr
    assert (unit.width, unit.height) == size
    assert (unit.epoch, unit.sequence) == (1, 2)
    (picture,) = decode([unit.payload])
    assert (picture.width, picture.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert worst_patch_error(rgb(picture), *size) <= 4


async def test_a_desk_too_large_is_scaled_down(bench: Bench) -> None:
    await bench.start(**QUIET, max_width=160, max_height=160)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    unit = await gateway.next()
    assert (unit.width, unit.height) == (160, 120)


async def test_a_hardware_codec_that_fails_is_replaced_within_the_stream(bench: Bench) -> None:
    # Eight pictures: enough for the five that are tried at start.
    await bench.start(flaky_hardware(8), **QUIET, codec="h264_nvenc")
    gateway = await bench.watch()
    for number in range(12):
        await bench.capture.show(text(320, 240, number))
        await gateway.next()
    assert [unit.idr for unit in gateway.units] == [n in (0, 8) for n in range(12)]
    assert {unit.epoch for unit in gateway.units} == {1}
    decode(unit.payload for unit in gateway.units)
    assert bench.worker.healthy()[1]["streams"] == {STREAM: "libx264"}


async def test_a_stream_whose_every_codec_fails_rests_and_comes_back(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    broken = True

    def opener(params: CodecParams) -> OpenCodec:
        if broken and params.size.width == 320:
            raise CodecError("no memory")
        return X264.open(params)

    await bench.start((opened_by(X264, opener),), **QUIET)
    gateway = await bench.watch()
    failures = count("codec_failures", codec="libx264")
    await bench.capture.show(patches(320, 240))
    await until(lambda: count("codec_failures", codec="libx264") > failures)
    broken = False
    # With no new frame: what could not be encoded is kept.
    assert (await gateway.next()).idr
    assert "event=codecs_failed" in caplog.text
    assert "event=stream_failed" not in caplog.text, "that is an error that ends a stream"


async def test_a_codec_that_is_set_and_does_not_work_ends_it_with_one_line(bench: Bench) -> None:
    starting = asyncio.create_task(bench.start(codec="h264_vaapi"))
    await until(lambda: hasattr(bench, "serving"))
    with pytest.raises(ExceptionGroup) as caught:
        await bench.serving
    starting.cancel()
    error = caught.value.exceptions[0]
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith("FANLIGHT_ENCODER_CODEC=h264_vaapi does not work: h264_vaapi: ")
    assert "\n" not in str(error)


async def test_a_torn_frame_is_not_shown(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    lost = count("skipped", reason="frame_lost")
    await bench.capture.show_torn(text(320, 240))
    await until(lambda: count("skipped", reason="frame_lost") == lost + 1)
    await bench.capture.show(patches(320, 240))
    (picture,) = decode([(await gateway.next()).payload])
    assert worst_patch_error(rgb(picture), 320, 240) <= 4


async def test_a_frame_that_was_lost_is_nothing_for_the_garbage_collector(bench: Bench) -> None:
    # An error that is kept keeps the pictures of those who raised it: tens of megabytes.
    await bench.start(**QUIET)
    await bench.watch()
    gc.disable()
    try:
        for _ in range(5):
            lost = count("skipped", reason="frame_lost")
            await bench.capture.show_torn(text(320, 240))
            await until(lambda: count("skipped", reason="frame_lost") > lost)  # noqa: B023
        kept = [o for o in gc.get_objects() if isinstance(o, FrameLostError)]
    finally:
        gc.enable()
    assert len(kept) <= 1, "the last one may be on its way"


async def test_what_was_seen_lost_makes_the_last_picture_no_younger(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    first = await gateway.next()
    lost = count("skipped", reason="frame_lost")
    await bench.capture.show_torn(text(320, 240))
    await until(lambda: count("skipped", reason="frame_lost") == lost + 1)
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
    lost = count("skipped", reason="frame_lost")
    await bench.capture.show_unreachable(patches(320, 240))
    await until(lambda: count("skipped", reason="frame_lost") == lost + 1)
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    assert list(bench.capture.subscribed) == [b"frame/main/shm/"]


async def test_the_same_picture_again_is_not_encoded_again(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    made = count("units", stream=STREAM, kind="delta")
    await bench.capture.again(patches(320, 240))
    await bench.a_while()
    assert count("units", stream=STREAM, kind="delta") == made


async def test_bytes_that_mean_nothing_harm_nothing(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.tell_garbage()
    await bench.tell(bus.ForceIdr("other/high"))
    await bench.tell(bus.StreamDemand("other/high", "g", False, 0, True))
    await bench.capture.garbage()
    for topic in (b"", b"unit/", b"unit/main/", b"unit/main/odd/", b"other/main/high/", b"\xff/"):
        bench.subscribe_raw(topic)
    await bench.a_while()
    await bench.capture.show(patches(320, 240))
    assert (await gateway.next()).idr
    assert (await bench.until_offer(lambda beat: True)).streams == (bus.HeldStream(STREAM, 1),)


async def test_streams_of_a_later_release_are_refused_once_and_harm_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_said", set())
    await bench.start(**QUIET)
    gateway = await bench.watch()
    for _ in range(3):
        for stream in ("main/high.vp9", "main/high.opus.audio", "main/high.h264.video"):
            bench.subscribe_raw(topics.unit(stream))
            await bench.tell(bus.StreamDemand(stream, "g", False, 0, True))
    await until(lambda: caplog.text.count("event=not_understood") >= 3)
    await bench.a_while()
    said = [r.getMessage() for r in caplog.records if "not_understood" in r.getMessage()]
    assert len(said) == 3
    for what in ("codec vp9", "codec opus", "stream kind video"):
        assert any(f"where=outlet peer=unknown what={what!r}" in line for line in said)
    assert bench.watched.isdisjoint({topics.lease("main/high.vp9")})
    await bench.capture.show(patches(320, 240))
    unit = await gateway.next()
    assert (unit.idr, unit.kind, unit.codec) == (True, "screen", "h264")


async def test_it_stops_in_the_middle_of_it_all(bench: Bench) -> None:
    await bench.start()
    gateway = await bench.watch()
    showing = asyncio.create_task(keep_showing(bench))
    for _ in range(3):
        await gateway.next()
    await bench.stop()
    showing.cancel()
