"""libx264 as it is opened here, checked by what others make of its units: ffprobe and a decoder."""

import dataclasses
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fanlight_common.core.errors import CodecError
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.base import CodecParams
from fanlight_encoder.codecs.libav import LavCodec, Opening
from fanlight_encoder.codecs.x264 import X264, X264Codec
from fanlight_encoder.core.annexb import is_idr
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.convert import Converter
from tests.encoder.pictures import Pixels, decode, patches, rgb, text, worst_patch_error

SIZE = Size(640, 360)


def picture(pixels: Pixels) -> av.VideoFrame:
    height, width, _ = pixels.shape
    size = Size(width, height)
    return Converter().convert(memoryview(pixels).cast("B"), size, 4 * width, size)


def params(
    size: Size = SIZE,
    rendition: Rendition = Rendition.HIGH,
    constants: Mapping[str, Any] = {},
    **settings: object,
) -> CodecParams:
    stream = EncoderSettings.model_validate(settings).stream_params(rendition)
    return CodecParams.for_stream(dataclasses.replace(stream, **constants), size)


def probe(stream: Path) -> dict[str, object]:
    answer = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-show_frames", "-of", "json", stream],
        check=True,
        capture_output=True,
    )
    found: dict[str, object] = json.loads(answer.stdout)
    return found


def headers(stream: Path) -> dict[str, int]:
    """Return the last value of each syntax element."""
    answer = subprocess.run(
        ["ffmpeg", "-i", stream, "-c", "copy", "-bsf:v", "trace_headers", "-f", "null", "-"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {
        name: int(value)
        for name, value in re.findall(r"\] \d+ +(\w+)(?:\[\d+\])* +[01]+ = (-?\d+)", answer.stderr)
    }


@pytest.mark.parametrize(
    ("size", "settings", "rendition", "profile", "level"),
    [
        (Size(1920, 1080), {}, Rendition.HIGH, "Constrained Baseline", 42),
        (Size(1920, 1080), {"max_fps": 30}, Rendition.HIGH, "Constrained Baseline", 40),
        (Size(640, 360), {}, Rendition.HIGH, "Constrained Baseline", 32),
        (Size(3840, 2160), {}, Rendition.HIGH, "Constrained Baseline", 52),
        (Size(640, 360), {"preset": "veryfast"}, Rendition.HIGH, "High", 32),
        (Size(640, 360), {"constants": {"cabac": True}}, Rendition.HIGH, "Main", 32),
        (
            Size(640, 360),
            {"constants": {"crf": 23, "gop": 30}},
            Rendition.HIGH,
            "Constrained Baseline",
            31,
        ),
        (Size(960, 540), {}, Rendition.HALF, "High", 32),
        (Size(640, 360), {}, Rendition.LOW, "High", 30),
        (Size(640, 360), {}, Rendition.KEYFRAMES, "High", 22),
    ],
)
def test_units_are_what_every_browser_decodes_one_in_one_out(
    tmp_path: Path,
    size: Size,
    settings: dict[str, Any],
    rendition: Rendition,
    profile: str,
    level: int,
) -> None:
    codec = X264Codec(params(size, rendition, **settings))
    image = picture(patches(size.width, size.height))
    units = [codec.encode(image, idr=number in (0, 3)).payload for number in range(5)]
    stream = tmp_path / "units.h264"
    stream.write_bytes(b"".join(units))

    found = probe(stream)
    (video,) = found["streams"]  # type: ignore[misc]  # JSON
    assert video["profile"] == profile
    assert video["level"] == level
    assert video["has_b_frames"] == 0
    assert (video["width"], video["height"]) == (size.width, size.height)
    assert video["pix_fmt"] == "yuv420p"
    assert video["color_range"] == "tv"
    assert video["color_space"] == video["color_primaries"] == video["color_transfer"] == "bt709"
    pictures = found["frames"]
    assert [p["pict_type"] for p in pictures] == list("IPPIP")  # type: ignore[attr-defined]  # JSON

    said = headers(stream)
    assert said["bitstream_restriction_flag"] == 1
    assert said["max_num_reorder_frames"] == 0
    # This tells decoders that ignore the flags above that units come in the order of pictures.
    assert said["pic_order_cnt_type"] == 2
    assert said["video_full_range_flag"] == 0


def test_each_idr_stands_alone_and_comes_only_where_it_is_asked_for() -> None:
    codec = X264Codec(params(preset="veryfast"))
    wanted = [True, False, False, True, False]
    made = [
        # Each picture is a new one, because no change of scene may make an IDR of its own.
        codec.encode(picture(text(640, 360, 100 * number)), idr=idr)
        for number, idr in enumerate(wanted)
    ]
    assert [unit.idr for unit in made] == [is_idr(unit.payload) for unit in made] == wanted
    decode(unit.payload for unit in made[3:])


@pytest.mark.parametrize("settings", [{}, {"constants": {"crf": 23}}, {"preset": "veryfast"}])
def test_flat_colours_come_back_within_4_of_255(settings: dict[str, Any]) -> None:
    codec = X264Codec(params(**settings))
    image = picture(patches(640, 360))
    shown = decode(codec.encode(image, idr=number == 0).payload for number in range(4))
    for each in shown:
        assert worst_patch_error(rgb(each), 640, 360) <= 4


def test_text_gets_sharp_and_then_costs_nothing() -> None:
    codec = X264Codec(params(bitrate_kbps=2000))
    image = picture(text(640, 360))
    made = [codec.encode(image, idr=number == 0) for number in range(60)]
    shown = decode(unit.payload for unit in made)
    luma = [np.frombuffer(each.planes[0], np.uint8).astype(float) for each in (image, *shown)]
    errors = [float(np.sqrt(((each - luma[0]) ** 2).mean())) for each in luma[1:]]
    assert errors[-1] < 4 < errors[0]
    assert made[-1].qp is not None
    assert made[-1].qp <= 23
    assert len(made[-1].payload) < 200


def test_no_unit_is_larger_than_it_was_told_to_be_and_none_is_an_idr() -> None:
    codec = X264Codec(params(qmin=1))
    images = [picture(text(640, 360, 100 * number)) for number in range(4)]
    codec.set_target(8000, 50_000)
    assert 25_000 < len(codec.encode(images[0], idr=True).payload) < 50_000
    for unit_bytes in (33_000, 8_000, 2_000, 60_000, 4_000):
        made = []
        for number in range(20):
            codec.set_target(8000, unit_bytes)
            made.append(codec.encode(images[number % 4], idr=False))
        assert not any(unit.idr for unit in made)
        assert max(len(unit.payload) for unit in made) <= unit_bytes
        assert sum(len(unit.payload) for unit in made[4:]) > 0.6 * 16 * unit_bytes


def test_the_buffer_is_the_largest_unit_whatever_it_is_told() -> None:
    codec = X264Codec(params(bitrate_kbps=1000, qmin=1))
    codec.set_target(1000, 10**9)
    assert len(codec.encode(picture(text(640, 360)), idr=True).payload) <= 100 * 125
    codec.set_target(1000, -5)
    assert len(codec.encode(picture(text(640, 360)), idr=False).payload) < 1000


def test_with_crf_size_and_rate_are_left_alone() -> None:
    codec = X264Codec(params(constants={"crf": 23}))
    codec.set_target(100, 100)
    assert len(codec.encode(picture(text(640, 360)), idr=True).payload) > 10_000


@pytest.mark.parametrize("size", [Size(2, 2), Size(16, 2), Size(4096, 16)])
def test_the_oddest_sizes_can_be_encoded(size: Size) -> None:
    codec = X264Codec(params(size))
    image = av.VideoFrame(size.width, size.height, "yuv420p")
    for plane in image.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    assert codec.encode(image, idr=True).idr


def test_a_codec_that_is_not_there_says_so() -> None:
    codec = dataclasses.replace(X264, implementation="no_such_codec")
    with pytest.raises(CodecError, match="no_such_codec: not in this build"):
        LavCodec(codec, params(), Opening())


def test_a_codec_that_is_closed_says_so_and_can_be_closed_again() -> None:
    codec = X264Codec(params())
    codec.close()
    codec.close()
    with pytest.raises(CodecError, match="libx264: closed"):
        codec.encode(picture(text(640, 360)), idr=True)


def test_what_libav_refuses_is_a_codec_error() -> None:
    wrong = CodecParams(Size(640, 360), 60, "no-such-preset", 1000, 100, 22, 1)
    with pytest.raises(CodecError, match="libx264: Invalid argument"):
        X264Codec(wrong)
