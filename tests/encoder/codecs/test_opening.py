"""What codecs are opened with, from the settings and from the constants of a stream."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs import names
from fanlight_encoder.codecs.base import CodecParams
from fanlight_encoder.codecs.h264_hardware import nvenc_opening, vaapi_opening
from fanlight_encoder.codecs.libav import Opening
from fanlight_encoder.codecs.x264 import opening
from fanlight_encoder.settings import EncoderSettings

SIZE = Size(1920, 1080)


def params(
    settings: EncoderSettings | None = None, rendition: Rendition = Rendition.HIGH, **constants: Any
) -> CodecParams:
    stream = (settings or EncoderSettings()).stream_params(rendition)
    return CodecParams.for_stream(dataclasses.replace(stream, **constants), SIZE)


def test_opened_as_cbr_of_single_units_so_that_each_can_be_told_its_size() -> None:
    told = params(EncoderSettings(bitrate_kbps=8000))
    opened = opening(told)
    assert told.buffer_kbit == 800
    assert opened.options["maxrate"] == "48000k"
    assert opened.bitrate_kbps == 48_000
    assert opened.options["bufsize"] == "1k"


def test_the_write_ups_settings_can_be_had() -> None:
    opened = opening(params(crf=23, gop=30))
    assert opened.options["crf"] == "23"
    assert "maxrate" not in opened.options
    assert opened.bitrate_kbps is opened.qmin is None


def test_the_buffer_holds_two_pictures_at_least() -> None:
    settings = EncoderSettings(bitrate_kbps=1000, max_fps=10)
    assert params(settings, buffer_s=0.02).buffer_kbit == 200


def test_keyframes_have_a_rate_of_their_own_and_a_picture_for_a_buffer() -> None:
    told = params(rendition=Rendition.KEYFRAMES)
    assert (told.fps, told.bitrate_kbps, told.buffer_kbit) == (1, 2000, 2000)
    told = params(rendition=Rendition.KEYFRAMES, kbps=1500)
    assert (told.fps, told.bitrate_kbps, told.buffer_kbit) == (1, 1500, 1500)


@pytest.mark.parametrize("how", [nvenc_opening, vaapi_opening])
def test_hardware_is_held_to_the_rate_and_a_profile_without_reordering(
    how: Callable[[CodecParams], Opening],
) -> None:
    opened = how(params())
    assert opened.options["maxrate"] == "16000k"
    assert opened.bitrate_kbps == 16_000
    assert opened.options["profile"].endswith("baseline")


@pytest.mark.parametrize("wrong", [{"codec": "x265"}, {"qmin": 0}, {"capacity": 0}])
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EncoderSettings.model_validate(wrong)


def test_every_implementation_can_be_set_and_is_told_of() -> None:
    described = EncoderSettings.model_fields["codec"].description
    assert described is not None
    for name in (names.AUTO, *names.IMPLEMENTATIONS):
        assert EncoderSettings(codec=name).codec == name
        assert name in described


def test_each_rendition_has_a_ceiling_and_low_half_the_pictures() -> None:
    settings = EncoderSettings(bitrate_kbps=2500)
    every = {rendition: settings.stream_params(rendition) for rendition in Rendition}
    assert {rendition: params.kbps for rendition, params in every.items()} == {
        Rendition.HIGH: 2500,
        Rendition.HALF: 2500,
        Rendition.LOW: 1000,
        Rendition.KEYFRAMES: 2000,
    }
    assert {rendition: params.fps for rendition, params in every.items()} == {
        Rendition.HIGH: 60,
        Rendition.HALF: 60,
        Rendition.LOW: 30,
        Rendition.KEYFRAMES: 1,
    }


def test_renditions_for_thin_links_get_more_out_of_each_byte() -> None:
    settings = EncoderSettings(preset="faster")
    assert {rendition: settings.stream_params(rendition).preset for rendition in Rendition} == {
        Rendition.HIGH: "faster",
        Rendition.HALF: "superfast",
        Rendition.LOW: "superfast",
        Rendition.KEYFRAMES: "veryfast",
    }
    small = params(rendition=Rendition.HALF)
    assert opening(small).options["preset"] == "superfast"


def test_cabac_is_for_who_wants_it() -> None:
    assert "coder" not in opening(params()).options
    assert opening(params(cabac=True)).options["coder"] == "cabac"
