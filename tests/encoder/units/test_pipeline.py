"""One stream's pictures, and a codec that may be replaced by another."""

import dataclasses

import pytest

from fanlight_common.core.errors import CodecError, FrameLostError
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition, split_stream
from fanlight_common.protocol.frames import Frame
from fanlight_encoder.codecs.base import Codec, CodecParams, OpenCodec
from fanlight_encoder.codecs.h264_hardware import NVENC, VAAPI
from fanlight_encoder.codecs.x264 import X264, X264Codec
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.fake_codecs import flaky, opened_by
from tests.encoder.pictures import Pixels, decode, patches, rgb, text, worst_patch_error


class Source:
    """A feed of one picture, which may be overwritten while it is read."""

    def __init__(self, pixels: Pixels, *, torn: bool = False) -> None:
        self._pixels = memoryview(pixels.tobytes())
        self._torn = torn
        height, width, _ = pixels.shape
        self.frame = Frame(width, height, 4 * width, 1, 1, 1, 1, (), None, self._pixels)

    def pixels(self, frame: Frame) -> memoryview:
        return self._pixels

    def check(self, frame: Frame) -> None:
        if self._torn:
            raise FrameLostError("overwritten")


class Recorder:
    """Opens libx264 under another codec's names, and keeps what it was told."""

    def __init__(self) -> None:
        self.opened: list[CodecParams] = []
        self.told: list[tuple[int, int]] = []
        self.closed = 0

    def __call__(self, params: CodecParams) -> OpenCodec:
        self.opened.append(params)
        recorder = self

        class Recording(X264Codec):
            def set_target(self, kbps: int, unit_bytes: int) -> None:
                recorder.told.append((kbps, unit_bytes))
                super().set_target(kbps, unit_bytes)

            def close(self) -> None:
                recorder.closed += 1
                super().close()

        return Recording(params)


def pipeline(
    codec: Codec = X264,
    stream: str = "main/high",
    **settings: object,
) -> Pipeline:
    params = EncoderSettings.model_validate(settings).stream_params(split_stream(stream)[1])
    made = Pipeline(stream, params, codec, X264 if codec.name == X264.name else codec)
    source = Source(patches(320, 240))
    made.load(source, source.frame)
    return made


def test_a_torn_frame_leaves_the_last_picture() -> None:
    it = pipeline()
    torn = Source(text(640, 480), torn=True)
    with pytest.raises(FrameLostError):
        it.load(torn, torn.frame)
    (picture,) = decode([it.encode(8000, 50_000, idr=True).payload])
    assert worst_patch_error(rgb(picture), 320, 240) <= 4


def test_a_new_size_is_a_new_codec_and_an_idr() -> None:
    recorder = Recorder()
    it = pipeline(opened_by(X264, recorder))
    assert it.encode(8000, 50_000, idr=False).idr
    assert not it.encode(8000, 50_000, idr=False).idr
    for size in ((640, 480), (639, 479)):  # both have one coded size
        source = Source(patches(*size))
        it.load(source, source.frame)
        unit = it.encode(8000, 50_000, idr=False)
        assert it.seen == Size(*size)
    assert not unit.idr
    assert [params.size for params in recorder.opened] == [Size(320, 240), Size(640, 480)]


def test_a_failure_is_an_idr_by_libx264() -> None:
    it = pipeline(flaky(NVENC, 2))
    idrs = [it.encode(8000, 50_000, idr=False).idr for _ in range(5)]
    assert idrs == [True, False, True, False, False]
    assert it.codec is X264


def test_libx264_too_is_given_a_second_chance_and_no_third() -> None:
    broken: list[CodecError] = []

    def opener(params: CodecParams) -> OpenCodec:
        for error in broken:
            raise error
        return X264.open(params)

    codec = opened_by(X264, opener)
    it = Pipeline("main/high", EncoderSettings().stream_params(Rendition.HIGH), codec, codec)
    source = Source(patches(320, 240))
    it.load(source, source.frame)
    assert it.encode(8000, 50_000, idr=False).idr
    broken.append(CodecError("no memory"))
    source = Source(patches(640, 480))
    it.load(source, source.frame)
    with pytest.raises(CodecError, match="no memory"):
        it.encode(8000, 50_000, idr=False)
    broken.clear()
    assert it.encode(8000, 50_000, idr=False).idr


def test_each_unit_is_told_its_rate_and_its_size() -> None:
    recorder = Recorder()
    it = pipeline(opened_by(X264, recorder))
    for kbps in (8000, 3000):
        it.encode(kbps, 10 * kbps, idr=False)
    assert recorder.told == [(8000, 80_000), (3000, 30_000)]
    assert len(recorder.opened) == 1


def test_a_codec_that_cannot_follow_is_opened_anew_where_the_rate_is_another() -> None:
    recorder = Recorder()
    it = pipeline(opened_by(VAAPI, recorder), bitrate_kbps=8000)
    idrs = [it.encode(kbps, 1000, idr=False).idr for kbps in (8000, 7000, 2000, 3000, 99_000)]
    assert idrs == [True, False, True, False, True]
    assert [params.bitrate_kbps for params in recorder.opened] == [8000, 2000, 8000]
    assert recorder.closed == 2


def test_a_codec_that_makes_no_idr_when_asked_is_opened_anew_for_one() -> None:
    recorder = Recorder()
    can = dataclasses.replace(X264.capabilities, forced_idr=False)
    it = pipeline(dataclasses.replace(X264, open=recorder, capabilities=can))
    idrs = [it.encode(8000, 50_000, idr=wanted).idr for wanted in (False, False, True, False)]
    assert idrs == [True, False, True, False]
    assert len(recorder.opened) == 2


def test_what_is_closed_begins_anew_with_an_idr() -> None:
    recorder = Recorder()
    it = pipeline(opened_by(X264, recorder))
    it.close()
    assert it.encode(8000, 50_000, idr=False).idr
    it.close()
    it.close()
    assert recorder.closed == 1
    assert it.encode(8000, 50_000, idr=False).idr


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        ("main/high", Size(1365, 767)),
        ("main/half", Size(682, 382)),
        ("main/low", Size(454, 254)),
        ("main/keyframes", Size(1365, 767)),
    ],
)
def test_renditions_are_of_another_size(stream: str, size: Size) -> None:
    it = pipeline(stream=stream)
    source = Source(patches(1365, 767))
    it.load(source, source.frame)
    assert it.seen == size
    (picture,) = decode([it.encode(1000, 12_500, idr=True).payload])
    assert worst_patch_error(rgb(picture), size.width, size.height) <= 4
