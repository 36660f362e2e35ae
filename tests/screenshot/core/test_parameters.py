"""What a query may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_screenshot.core.parameters import BadParameterError, Format, Parameters, parse


def test_defaults() -> None:
    assert parse({}) == Parameters(Format.JPEG, 70, 1.0, False)


def test_all_at_once() -> None:
    query = {"format": "webp", "quality": "1", "scale": "0.1", "cursor": "1", "later": "x"}
    assert parse(query) == Parameters(Format.WEBP, 1, 0.1, True)
    assert Format.WEBP.media_type == "image/webp"


def test_png_has_no_quality() -> None:
    assert parse({"format": "png", "quality": "12"}) == parse({"format": "png"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("format", v) for v in ("", "gif", "JPEG")),
        *(("quality", v) for v in ("", "0", "101", "-1", "7.5", "\u0663", "9" * 5000)),
        *(("scale", v) for v in ("", "0", "0.09", "1.1", "nan", "inf", "x", "9" * 5000)),
        *(("cursor", v) for v in ("", "2", "true")),
    ],
)
def test_bad_ones_are_named_with_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(BadParameterError) as caught:
        parse({name: value})
    assert caught.value.parameter == name
    assert caught.value.allowed in str(caught.value)
    assert len(str(caught.value)) < 120


@given(st.dictionaries(st.sampled_from(["format", "quality", "scale", "cursor"]), st.text()))
def test_anything_is_parsed_or_refused(query: dict[str, str]) -> None:
    try:
        parameters = parse(query)
    except BadParameterError:
        return
    assert 0 <= parameters.quality <= 100
    assert 0.1 <= parameters.scale <= 1
