"""One stream's pictures on their way through a codec that may be exchanged."""

import pytest

from fanlight_common.core.errors import CodecError, FrameLostError
from fanlight_common.protocol.frames import Frame
from fanlight_encoder.codecs.h264 import Codec, LavCodec
from fanlight_encoder.codecs.options import CodecParams
from fanlight_encoder.core.picture_size import Size
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.fakes import flaky_hardware, no_hardware
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
    """Opens codecs of any name, all libx264, and knows what they were told."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, CodecParams]] = []
        self.told: list[tuple[int, int]] = []

    def __call__(self, name: str, params: CodecParams) -> Codec:
        self.opened.append((name, params))
        recorder = self

        class Recording(LavCodec):
            def set_target(self, kbps: int, unit_bytes: int) -> None:
                recorder.told.append((kbps, unit_bytes))
                super().set_target(kbps, unit_bytes)

        codec = Recording("libx264", params)
        codec.name = name
        return codec


def pipeline(
    opener: object = no_hardware,
    codec: str = "libx264",
    stream: str = "main/high",
    **settings: object,
) -> Pipeline:
    made = Pipeline(
        stream,
        EncoderSettings.model_validate(settings),
        codec,
        opener,  # type: ignore[arg-type]  # an Opener
    )
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
    it = pipeline(recorder)
    assert it.encode(8000, 50_000, idr=False).idr
    assert not it.encode(8000, 50_000, idr=False).idr
    for size in ((640, 480), (639, 479)):  # one coded size for both
        source = Source(patches(*size))
        it.load(source, source.frame)
        unit = it.encode(8000, 50_000, idr=False)
        assert it.seen == Size(*size)
    assert not unit.idr
    assert [params.size for _, params in recorder.opened] == [Size(320, 240), Size(640, 480)]


def test_a_failure_is_an_idr_by_libx264() -> None:
    it = pipeline(flaky_hardware(2), "h264_nvenc")
    idrs = [it.encode(8000, 50_000, idr=False).idr for _ in range(5)]
    assert idrs == [True, False, True, False, False]
    assert it.codec_name == "libx264"


def test_libx264_too_is_given_a_second_chance_and_no_third() -> None:
    broken: list[CodecError] = []

    def opener(name: str, params: CodecParams) -> Codec:
        for error in broken:
            raise error
        return LavCodec(name, params)

    it = pipeline(opener)
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
    it = pipeline(recorder)
    for kbps in (8000, 3000):
        it.encode(kbps, 10 * kbps, idr=False)
    assert recorder.told == [(8000, 80_000), (3000, 30_000)]
    assert len(recorder.opened) == 1


def test_a_codec_that_cannot_follow_is_opened_anew_where_the_rate_is_another() -> None:
    recorder = Recorder()
    it = pipeline(recorder, "h264_vaapi", bitrate_kbps=8000)
    idrs = [it.encode(kbps, 1000, idr=False).idr for kbps in (8000, 7000, 2000, 3000, 99_000)]
    assert idrs == [True, False, True, False, True]
    assert [params.bitrate_kbps for _, params in recorder.opened] == [8000, 2000, 8000]


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
