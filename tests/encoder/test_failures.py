"""Streams, records and codecs that fail, and what is left of the service then."""

import asyncio
from collections.abc import Callable

import pytest

from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.bus.member import BusMember
from fanlight_common.core.errors import CodecError, ConfigurationError
from fanlight_common.process import refusals
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.frames import Frame
from fanlight_encoder import metrics, service
from fanlight_encoder.codecs.base import CodecParams, OpenCodec
from fanlight_encoder.codecs.x264 import X264
from fanlight_encoder.core.numbering import held_epoch
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.fake_codecs import flaky_hardware, opened_by
from tests.encoder.fakes import QUIET, STREAM, Bench, keep_showing, until
from tests.encoder.pictures import decode, patches, text
from tests.metrics import count


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
    before = count(metrics.failed_streams)
    broken[0] = True
    # The second stream may have subscribed after the first picture, so one more is not enough.
    showing = asyncio.create_task(keep_showing(bench))
    # Each of the two fails by itself, and a heartbeat may come between them.
    await until(lambda: count(metrics.failed_streams) - before == 2)
    await bench.until_offer(lambda beat: beat.streams == ())
    failed = count(metrics.failed_streams) - before
    assert failed == 2, "both streams of the desk, and not the process"
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


async def test_a_feed_that_cannot_be_opened_ends_its_stream_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [True]
    closed: list[Pipeline] = []

    class Feed(FrameFeed):
        def __init__(self, worker: BusMember, desk: str) -> None:
            if broken[0]:
                raise ZeroDivisionError("no feed")
            super().__init__(worker, desk)

    class Closing(Pipeline):
        def close(self) -> None:
            closed.append(self)
            super().close()

    monkeypatch.setattr(service, "FrameFeed", Feed)
    monkeypatch.setattr(service, "Pipeline", Closing)
    await bench.start(**QUIET)
    await bench.desk(bench.capture.record())
    gateway = bench.view()
    await bench.lease(1)
    await until(lambda: "no feed" in caplog.text)
    await bench.until_offer(lambda beat: beat.streams == ())
    assert len(closed) == 1
    broken[0] = False
    await bench.lease(1)
    await bench.capture.until_demand(True)
    await bench.capture.show(patches(320, 240))
    assert (await gateway.next()).idr


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
    await until(lambda: "event=stream_failed" in caplog.text)
    await bench.until_offer(lambda beat: beat.streams == ())
    assert caplog.text.count("event=stream_failed") == 1
    await bench.lease(14)
    await bench.until_offer(lambda beat: beat.streams == (bus.HeldStream(STREAM, 14),))


async def test_a_hardware_codec_that_fails_is_replaced_within_the_stream(bench: Bench) -> None:
    # Eight pictures are enough for the five of the trial at start.
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
    failures = count(metrics.codec_failures, codec="libx264")
    await bench.capture.show(patches(320, 240))
    await until(lambda: count(metrics.codec_failures, codec="libx264") > failures)
    broken = False
    # It comes without a new frame, because the frame that could not be encoded was kept.
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
