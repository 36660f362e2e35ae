"""Settings and constants: few of the former, and somebody reads each of both."""

import ast
import dataclasses
from pathlib import Path

import pytest

import fanlight_encoder
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.base import CodecParams
from fanlight_encoder.core.renditions import PROFILES, RenditionProfile, StreamParams
from fanlight_encoder.core.unit_kinds import UnitLimits
from fanlight_encoder.service import HandoverTimes
from fanlight_encoder.settings import EncoderSettings


def read_by_code() -> set[str]:
    """Every name that the encoder reads of some object."""
    package = Path(fanlight_encoder.__file__).parent
    return {
        node.attr
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def test_there_are_few_and_each_is_read() -> None:
    assert len(EncoderSettings.model_fields) <= 12
    assert set(EncoderSettings.model_fields) <= read_by_code()


@pytest.mark.parametrize(
    "kind", [StreamParams, CodecParams, RenditionProfile, UnitLimits, HandoverTimes]
)
def test_each_constant_is_read(kind: type) -> None:
    assert {field.name for field in dataclasses.fields(kind)} <= read_by_code()


def test_what_is_set_is_what_streams_are_made_with() -> None:
    settings = EncoderSettings(
        preset="faster",
        threads=3,
        bitrate_kbps=9000,
        half_kbps=800,
        low_kbps=300,
        qmin=30,
        patches=False,
        max_fps=20,
        max_width=640,
        max_height=480,
    )
    high = settings.stream_params(Rendition.HIGH)
    assert high == StreamParams(
        max_size=Size(640, 480),
        fps=20,
        kbps=9000,
        preset="faster",
        qmin=30,
        threads=3,
        patches=False,
    )
    assert settings.stream_params(Rendition.HALF).kbps == 800
    low = settings.stream_params(Rendition.LOW)
    assert (low.kbps, low.fps, low.divisor) == (300, 10, 3)


@pytest.mark.parametrize("rendition", Rendition)
def test_patches_are_where_the_rendition_has_them(rendition: Rendition) -> None:
    params = EncoderSettings().stream_params(rendition)
    assert params.patches == PROFILES[rendition].patches
    assert params.keyframes_only == (rendition is Rendition.KEYFRAMES)
