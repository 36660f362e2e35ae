"""Which codec is taken, what is logged of the others, and which codec takes over."""

import ast
import logging
from collections.abc import Sequence
from pathlib import Path

import av
import pytest

import fanlight_encoder
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs import names
from fanlight_encoder.codecs.base import Codec, Encoded
from fanlight_encoder.codecs.h264_hardware import NVENC, VAAPI
from fanlight_encoder.codecs.registry import CODECS, choose, fallback_of
from fanlight_encoder.codecs.x264 import X264, X264Codec
from fanlight_encoder.settings import EncoderSettings
from tests.encoder.codecs.vp8 import VP8
from tests.encoder.fake_codecs import NO_HARDWARE, flaky, flaky_hardware, missing, opened_by

PARAMS = EncoderSettings().stream_params(Rendition.HIGH)


class EagerCodec(X264Codec):
    """Makes every unit an IDR, as hardware does that does not obey."""

    def encode(self, picture: av.VideoFrame, *, idr: bool) -> Encoded:
        return super().encode(picture, idr=True)


def chosen(codecs: Sequence[Codec], wanted: str = names.AUTO) -> str:
    return choose(wanted, codecs, PARAMS).implementation


def test_auto_takes_what_works_and_says_in_one_line_why_not_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        assert chosen(NO_HARDWARE) == "libx264"
    (record,) = (record for record in caplog.records if record.name.startswith("fanlight"))
    line = record.getMessage()
    assert "took=libx264" in line
    assert "h264_nvenc: not in this test; h264_vaapi: not in this test" in line


def test_auto_prefers_hardware_that_works() -> None:
    assert chosen(flaky_hardware(99)) == "h264_nvenc"


def test_hardware_that_opens_and_then_fails_is_not_taken() -> None:
    assert chosen((flaky(NVENC, 3), flaky(VAAPI, 0), X264)) == "libx264"


def test_a_codec_that_makes_idrs_of_its_own_is_not_taken() -> None:
    assert chosen((opened_by(NVENC, EagerCodec), missing(VAAPI), X264)) == "libx264"


def test_what_is_set_is_taken_or_refused_by_name() -> None:
    assert chosen(NO_HARDWARE, "libx264") == "libx264"
    with pytest.raises(ConfigurationError, match="FANLIGHT_ENCODER_CODEC=h264_nvenc does not work"):
        chosen(NO_HARDWARE, "h264_nvenc")


def test_a_machine_without_any_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match=r"no codec works: .*libx264: not in this test"):
        chosen([missing(codec) for codec in CODECS])


def test_on_this_very_machine_something_is_taken() -> None:
    assert chosen(CODECS) in ("libx264", "h264_nvenc", "h264_vaapi")


def test_what_is_listed_is_what_can_be_set_in_the_same_order() -> None:
    assert tuple(codec.implementation for codec in CODECS) == names.IMPLEMENTATIONS


def test_software_that_the_same_viewers_decode_takes_over() -> None:
    assert fallback_of(NVENC, CODECS) is X264
    assert fallback_of(X264, CODECS) is X264
    assert fallback_of(VP8, (VP8, *CODECS)) is VP8
    assert fallback_of(VP8, CODECS) is VP8


def test_nobody_but_the_codecs_knows_one_by_its_name() -> None:
    package = Path(fanlight_encoder.__file__).parent
    known = {*names.IMPLEMENTATIONS, *(codec.name for codec in CODECS)}
    for path in package.rglob("*.py"):
        if path.parent.name == "codecs":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Constant) and node.value in known), path
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            assert module not in {"fanlight_encoder.codecs.x264", "fanlight_encoder.codecs.h264"}
