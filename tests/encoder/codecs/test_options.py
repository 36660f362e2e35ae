"""What codecs are told, from the settings."""

import pytest
from pydantic import ValidationError

from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.options import (
    ceiling_kbps,
    fps_of,
    opening_kbps,
    options_for,
    params_for,
    preset_of,
)
from fanlight_encoder.core.picture_size import Size
from fanlight_encoder.settings import EncoderSettings

SIZE = Size(1920, 1080)


def test_opened_as_cbr_of_single_units_so_that_each_can_be_told_its_size() -> None:
    params = params_for(EncoderSettings(bitrate_kbps=8000), SIZE, Rendition.HIGH)
    options = options_for("libx264", params)
    assert params.buffer_kbit == 800
    assert options["maxrate"] == "48000k"
    assert opening_kbps("libx264", params) == 48_000
    assert options["bufsize"] == "1k"


def test_the_write_ups_settings_can_be_had() -> None:
    settings = EncoderSettings(crf=23, gop=30)
    options = options_for("libx264", params_for(settings, SIZE, Rendition.HIGH))
    assert options["crf"] == "23"
    assert "maxrate" not in options


def test_the_buffer_holds_two_pictures_at_least() -> None:
    settings = EncoderSettings(bitrate_kbps=1000, buffer_ms=20, max_fps=10)
    assert params_for(settings, SIZE, Rendition.HIGH).buffer_kbit == 200


def test_keyframes_have_a_rate_of_their_own_and_a_picture_for_a_buffer() -> None:
    params = params_for(EncoderSettings(keyframes_kbps=1500), SIZE, Rendition.KEYFRAMES)
    assert (params.fps, params.bitrate_kbps, params.buffer_kbit) == (1, 1500, 1500)


@pytest.mark.parametrize("codec", ["h264_nvenc", "h264_vaapi"])
def test_hardware_is_held_to_the_rate_and_a_profile_without_reordering(codec: str) -> None:
    options = options_for(codec, params_for(EncoderSettings(), SIZE, Rendition.HIGH))
    assert options["maxrate"] == "16000k"
    assert options["profile"].endswith("baseline")


@pytest.mark.parametrize("wrong", [{"codec": "x265"}, {"qmin": 0}, {"capacity": 0}, {"crf": 52}])
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EncoderSettings.model_validate(wrong)


def test_each_rendition_has_a_ceiling_and_low_half_the_pictures() -> None:
    settings = EncoderSettings(bitrate_kbps=2500)
    ceilings = {rendition: ceiling_kbps(settings, rendition) for rendition in Rendition}
    assert ceilings == {
        Rendition.HIGH: 2500,
        Rendition.HALF: 2500,
        Rendition.LOW: 1000,
        Rendition.KEYFRAMES: 2000,
    }
    rates = {rendition: fps_of(settings, rendition) for rendition in Rendition}
    assert rates == {
        Rendition.HIGH: 60,
        Rendition.HALF: 60,
        Rendition.LOW: 30,
        Rendition.KEYFRAMES: 1,
    }


def test_renditions_for_thin_links_get_more_out_of_each_byte() -> None:
    settings = EncoderSettings(preset="veryfast", small_preset="faster")
    presets = {rendition: preset_of(settings, rendition) for rendition in Rendition}
    assert presets == {
        Rendition.HIGH: "veryfast",
        Rendition.HALF: "faster",
        Rendition.LOW: "faster",
        Rendition.KEYFRAMES: "veryfast",
    }
    small = params_for(EncoderSettings(), SIZE, Rendition.HALF)
    assert options_for("libx264", small)["preset"] == "superfast"


def test_cabac_is_for_who_wants_it() -> None:
    assert "coder" not in options_for(
        "libx264", params_for(EncoderSettings(), SIZE, Rendition.HIGH)
    )
    wanted = params_for(EncoderSettings(cabac=True), SIZE, Rendition.HIGH)
    assert options_for("libx264", wanted)["coder"] == "cabac"
