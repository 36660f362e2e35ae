"""Which codec is taken, and what is said of the others."""

import logging

import av
import pytest

from fanlight_common.core.errors import CodecError, ConfigurationError
from fanlight_encoder.codecs.choice import choose
from fanlight_encoder.codecs.h264 import Codec, Encoded, LavCodec
from fanlight_encoder.codecs.options import CodecParams
from fanlight_encoder.settings import EncoderSettings
from tests.encoder.fakes import flaky_hardware, no_hardware


class EagerCodec(LavCodec):
    """Makes an IDR of everything, as hardware does that cannot be told."""

    def encode(self, picture: av.VideoFrame, *, idr: bool) -> Encoded:
        return super().encode(picture, idr=True)


def test_auto_takes_what_works_and_says_in_one_line_why_not_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        assert choose(EncoderSettings(), no_hardware) == "libx264"
    (record,) = (record for record in caplog.records if record.name.startswith("fanlight"))
    line = record.getMessage()
    assert "took=libx264" in line
    assert "h264_nvenc: not in this test; h264_vaapi: not in this test" in line


def test_auto_prefers_hardware_that_works() -> None:
    assert choose(EncoderSettings(), flaky_hardware(99)) == "h264_nvenc"


def test_hardware_that_opens_and_then_fails_is_not_taken() -> None:
    def opener(name: str, params: CodecParams) -> Codec:
        return (
            no_hardware(name, params) if name == "h264_vaapi" else flaky_hardware(3)(name, params)
        )

    assert choose(EncoderSettings(), opener) == "libx264"


def test_a_codec_that_makes_idrs_of_its_own_is_not_taken() -> None:
    def opener(name: str, params: CodecParams) -> Codec:
        if name == "h264_nvenc":
            return EagerCodec("libx264", params)
        return no_hardware(name, params)

    assert choose(EncoderSettings(), opener) == "libx264"


def test_what_is_set_is_taken_or_refused_by_name() -> None:
    assert choose(EncoderSettings(codec="libx264"), no_hardware) == "libx264"
    with pytest.raises(ConfigurationError, match="FANLIGHT_ENCODER_CODEC=h264_nvenc does not work"):
        choose(EncoderSettings(codec="h264_nvenc"), no_hardware)


def test_a_machine_without_any_is_a_clear_error() -> None:
    def nothing(name: str, params: CodecParams) -> Codec:
        raise CodecError(f"{name}: gone")

    with pytest.raises(ConfigurationError, match=r"no H.264 encoder works: .*libx264: gone"):
        choose(EncoderSettings(), nothing)


def test_on_this_very_machine_something_is_taken() -> None:
    assert choose(EncoderSettings(), LavCodec) in ("libx264", "h264_nvenc", "h264_vaapi")
